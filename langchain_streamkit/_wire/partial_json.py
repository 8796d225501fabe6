"""JSON that grows in a stream becomes values that only ever grow as well.

Strategy: ``JsonGrammar`` lets through what is certain, each character once. Values are
made by pydantic-core's parser from all that has been let through, which takes time in
proportion to its length; beyond a short beginning that is done only after the text has
grown by one part in 64, so that a character costs the same in a long text as in a short
one. Of a key that comes twice the last value counts.
"""

from __future__ import annotations

from typing import Any, TypeAlias, cast

from pydantic_core import from_json
from typing_extensions import override

from langchain_streamkit._wire.json_grammar import (
    EXPECTED,
    MAX_DEPTH,
    JsonGrammar,
    Opening,
)

__all__ = ["MAX_DEPTH", "BrokenJsonError", "Json", "PartialJson"]

Json: TypeAlias = dict[str, Any] | list[Any]
_FREE_CHARACTERS = 2048
_STEPS = 64


class BrokenJsonError(ValueError):
    """The text holds no whole JSON object or array.

    Attributes:
        position: Where the text stops being JSON, in characters from 0.
        is_cut: True if all of it is right and only the rest is missing.
        partial: The value up to there, or None if it had not begun.
    """

    def __init__(
        self, message: str, position: int, *, is_cut: bool, partial: Json | None
    ) -> None:
        super().__init__(message)
        self.position = position
        self.is_cut = is_cut
        self.partial = partial


class PartialJson(JsonGrammar):
    """Feed it a text, cut anywhere, and get the value so far.

    Each value is the beginning of the next: numbers, words and closed strings stay,
    strings, lists and objects grow. (A key that comes twice is the one exception.)
    No value is changed once it has been given.

    Args:
        opening: The brackets that the value may begin with; ``"{"`` where it must be
            an object, so that a bracket in the prose before it does not mislead.

    Attributes:
        value: The value so far, or None as long as it has not begun.

    Example:
        >>> partial = PartialJson()
        >>> partial.feed('Sure: {"name": "Ad'), partial.feed('a", "age": 3')
        ({'name': 'Ad'}, {'name': 'Ada'})
        >>> partial.feed("6}"), partial.close()
        ({'name': 'Ada', 'age': 36}, {'name': 'Ada', 'age': 36})
    """

    __slots__ = ("_has_news", "_parsed_size", "_parts", "value")

    def __init__(self, opening: Opening = "{[") -> None:
        super().__init__(opening)
        self.value: Json | None = None
        self._parts: list[str] = []
        self._parsed_size: int = 0
        self._has_news = False

    def feed(self, text: str) -> Json | None:
        """Take the next piece.

        Args:
            text: Any number of characters.

        Returns:
            The value so far; the same object as before where the piece adds nothing
            that is certain, or where the next parse is not yet due.
        """
        self._advance(text)
        if self._is_due():
            self.value = self._parse()
            self._parsed_size = self._size
            self._has_news = False
        return self.value

    def close(self) -> Json:
        """Say that no more text will come, and give the whole value.

        Returns:
            The value, made anew.

        Raises:
            BrokenJsonError: If the text holds no whole object or array; it has the
                position, and the value up to there.
        """
        self.feed(self._joiner.flush())
        if self.is_complete:
            return self._parse()
        partial = self._parse() if self._parts else None
        if self._state == "prose":
            message = "There is no JSON in it."
        elif self._reason:
            message = f"It is broken at character {self._position}: {self._reason}."
        else:
            expected = EXPECTED[self._state]
            message = f"It ends at character {self._position}, before {expected}."
        is_cut = self._state != "prose" and not self._reason
        raise BrokenJsonError(message, self._position, is_cut=is_cut, partial=partial)

    @override
    def _begin(self, bracket: str) -> None:
        self._parts = [bracket] if bracket else []
        self._has_news = bool(bracket)

    @override
    def _take(self, text: str, *, is_news: bool) -> None:
        self._parts.append(text)
        self._size += len(text)
        self._has_news = self._has_news or is_news

    def _is_due(self) -> bool:
        if not self._has_news or self._is_tentative():
            return False
        grown = self._size - self._parsed_size
        return grown * _STEPS >= self._size - _FREE_CHARACTERS or self.is_complete

    def _parse(self) -> Json:
        text = "".join(self._parts)
        self._parts = [text]
        if self._state == "string":
            text += '"'
        return cast("Json", from_json(text, allow_partial=True))
