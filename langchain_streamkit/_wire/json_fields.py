"""JSON that grows in a stream, value by value: each one once, as soon as it is closed.

Strategy: ``JsonGrammar`` lets through what is certain, each character once; here it is
put together bottom up, so that nothing is parsed twice however long the text becomes. A
value is told when it is closed, and its parts before it. What lies deeper than
``MAX_PATH`` is told with what it lies in: a value is told once for each level above it,
which a text of brackets must not multiply without end.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from pydantic_core import from_json
from typing_extensions import override

from langchain_streamkit._wire.json_grammar import JsonGrammar, Opening

__all__ = ["MAX_PATH", "JsonFields", "Path"]

Path: TypeAlias = tuple[str | int, ...]

MAX_PATH = 16
"""The longest path that is told."""


class _Open:
    """A list or an object that nothing has closed.

    Attributes:
        value: What it holds so far.
        key: Where the next value goes, in an object.
        is_silent: Whether it stands under a key that had come before.
    """

    __slots__ = ("is_silent", "key", "value")

    def __init__(self, value: dict[str, Any] | list[Any], *, is_silent: bool) -> None:
        self.value = value
        self.key = ""
        self.is_silent = is_silent

    @property
    def place(self) -> str | int:
        """Where the next value goes."""
        return len(self.value) if isinstance(self.value, list) else self.key

    @property
    def is_repeated(self) -> bool:
        """Whether something stands there already: a key has come twice."""
        return isinstance(self.value, dict) and self.key in self.value

    def add(self, value: object) -> None:
        """Put the next value in."""
        if isinstance(self.value, list):
            self.value.append(value)
        else:
            self.value[self.key] = value


class JsonFields(JsonGrammar):
    """Feed it a text, cut anywhere, and get the values that it has closed.

    Of a key that comes twice the first value is told and the last one stays.

    Args:
        opening: The brackets that the value may begin with.

    Example:
        >>> fields = JsonFields()
        >>> fields.feed('{"name": "Ada", "scores": [3, 4')
        [(('name',), 'Ada'), (('scores', 0), 3)]
        >>> fields.feed("2]}")
        [(('scores', 1), 42), (('scores',), [3, 42]), ((), {'name': 'Ada', 'scores': [3, 42]})]
    """  # noqa: E501 - the output is one line

    __slots__ = ("_closed", "_open", "_path", "_string")

    def __init__(self, opening: Opening = "{[") -> None:
        super().__init__(opening)
        self._open: list[_Open] = []
        self._path: list[str | int] = []  # of the innermost that is open
        self._string: list[str] = []
        self._closed: list[tuple[Path, Any]] = []

    def feed(self, text: str) -> list[tuple[Path, Any]]:
        """Take the next piece.

        Args:
            text: Any number of characters.

        Returns:
            The paths and the values that it has closed, in order; ``()`` is the path
            of the whole. A value is not changed once it has been given.
        """
        self._closed = []
        self._advance(text)
        return self._closed

    @override
    def _begin(self, bracket: str) -> None:
        self._path = []
        self._open = [_Open(_EMPTY[bracket](), is_silent=False)] if bracket else []

    @override
    def _take(self, text: str, *, is_news: bool) -> None:
        self._size += len(text)
        if self._state in {"string", "name"}:
            self._string.append(text)
            if text == '"':
                self._end_string()
        elif text == '"':
            self._string = ['"']
        elif text in _EMPTY:
            self._begin_part(text)
        elif text in {"}", "]"}:
            self._end_part()
        elif text not in {",", ":"}:
            self._add(from_json(text))

    def _end_string(self) -> None:
        string = from_json("".join(self._string))
        if self._state == "name":
            self._open[-1].key = string
        else:
            self._add(string)

    def _begin_part(self, bracket: str) -> None:
        outer = self._open[-1]
        self._path.append(outer.place)
        is_silent = outer.is_silent or outer.is_repeated
        self._open.append(_Open(_EMPTY[bracket](), is_silent=is_silent))

    def _end_part(self) -> None:
        value = self._open.pop().value
        if self._open:
            self._path.pop()
            self._add(value)
        else:
            self._closed.append(((), value))

    def _add(self, value: object) -> None:
        """A value is closed: tell it, and put it where it belongs."""
        outer = self._open[-1]
        is_told = not (outer.is_silent or outer.is_repeated)
        if is_told and len(self._path) < MAX_PATH:
            self._closed.append(((*self._path, outer.place), value))
        outer.add(value)


_EMPTY: dict[str, type[dict[str, Any] | list[Any]]] = {"{": dict, "[": list}
