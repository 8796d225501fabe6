r"""JSON that grows in a stream becomes values that only ever grow as well.

Strategy: every character is read once, by a small table of states that knows what
may come next. It lets through whole lexemes only: a number or a word waits for its
delimiter, an escape for its last digit, a high surrogate for its low one, so what
has been let through never has to be taken back, and the place where a text breaks
the grammar is known to the character. Values are made by pydantic-core's parser
from all that has been let through, which takes time in proportion to its length;
beyond a short beginning that is done only after the text has grown by one part in
64, so that a character costs the same in a long text as in a short one.

Models write more than JSON: what precedes the first bracket (prose, a code fence, a
byte order mark) and what follows the last one is not looked at, raw control
characters in strings are taken as if they were escaped, half a surrogate pair
becomes U+FFFD, and of a key that comes twice the last value counts.
"""

from __future__ import annotations

import re
from typing import Any, Literal, TypeAlias, cast

from pydantic_core import from_json

from langchain_streamkit._wire.surrogates import SurrogateJoiner

__all__ = ["MAX_DEPTH", "BrokenJsonError", "Json", "PartialJson"]

Json: TypeAlias = dict[str, Any] | list[Any]
_State = Literal[
    "prose", "first key", "key", "name", "colon", "value", "item", "string", "comma",
    "done",
]  # fmt: skip

MAX_DEPTH = 128
"""The deepest nesting that is read; pydantic-core itself stops at 200."""

_FREE_CHARACTERS = 2048
_STEPS = 64
_MAX_SCALAR = 4300  # digits; Python converts no longer integer by default

_SPACE = r" \t\n\r"
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_LEXEME = re.compile(
    rf"""[{_SPACE}]*+(?:
        (?P<open>[{{[]) | (?P<close>[}}\]]) | (?P<colon>:) | (?P<comma>,) | (?P<quote>")
      | (?P<scalar>(?:true|false|null|NaN|-?Infinity|{_NUMBER})(?=[{_SPACE},:\]}}[{{"]))
      | (?P<other>[^{_SPACE},:\]}}[{{"]+) | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_CHARACTERS = re.compile(
    r"""(?:
        [^"\\\x00-\x1f]++
      | \\["\\/bfnrt]
      | \\u(?![dD][89a-fA-F])[0-9a-fA-F]{4}
      | \\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}
    )*+""",
    re.VERBOSE,
)
_UNFINISHED_ESCAPE = re.compile(
    r"""\\(?:u(?:
        [0-9a-fA-F]{0,3}
      | [dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?
    ))?\Z""",
    re.VERBOSE,
)
_ANY_ESCAPE = re.compile(r"\\u[0-9a-fA-F]{4}")

# What may come in a state, and the state that follows; "" where brackets decide.
_NEXT: dict[_State, dict[str, _State | Literal[""]]] = {
    "value": {"scalar": "comma", "quote": "string", "open": ""},
    "item": {"scalar": "comma", "quote": "string", "open": "", "close": ""},
    "key": {"quote": "name"},
    "first key": {"quote": "name", "close": ""},
    "colon": {"colon": "value"},
    "comma": {"comma": "", "close": ""},
}
_AFTER_OPENING: dict[str, _State] = {"{": "first key", "[": "item"}
_AFTER_COMMA: dict[str, _State] = {"{": "key", "[": "value"}
_AFTER_STRING: dict[_State, _State] = {"name": "colon", "string": "comma"}
_VISIBLE = frozenset({"open", "quote", "scalar"})
_PARTNER = {"}": "{", "]": "["}
_EXPECTED: dict[_State, str] = {
    "value": "a value",
    "item": "a value or ]",
    "key": "a key in double quotes",
    "first key": "a key in double quotes or }",
    "name": "the end of the key",
    "string": "the end of the string",
    "colon": "a colon",
    "comma": "a comma or a closing bracket",
}


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


class PartialJson:
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

    __slots__ = (
        "_has_news",
        "_held",
        "_joiner",
        "_opening",
        "_parsed_size",
        "_parts",
        "_position",
        "_reason",
        "_size",
        "_stack",
        "_state",
        "value",
    )

    def __init__(self, opening: Literal["{", "[", "{["] = "{[") -> None:
        self.value: Json | None = None
        self._opening = re.compile(f"[{re.escape(opening)}]")
        self._joiner = SurrogateJoiner()
        self._state: _State = "prose"
        self._stack: list[str] = []
        self._held: str = ""
        self._position: int = 0
        self._parts: list[str] = []
        self._size = self._parsed_size = 0
        self._has_news = False
        self._reason = ""

    @property
    def is_complete(self) -> bool:
        """True once the last bracket has come."""
        return self._state == "done"

    @property
    def position(self) -> int:
        """How many characters have been read; none after the last bracket are."""
        return self._position

    def feed(self, text: str) -> Json | None:
        """Take the next piece.

        Args:
            text: Any number of characters.

        Returns:
            The value so far; the same object as before where the piece adds nothing
            that is certain, or where the next parse is not yet due.
        """
        text = self._held + self._joiner.feed(text)
        end = self._read(text)
        self._position += end
        self._held = "" if self._is_over() else text[end:]
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
            expected = _EXPECTED[self._state]
            message = f"It ends at character {self._position}, before {expected}."
        is_cut = self._state != "prose" and not self._reason
        raise BrokenJsonError(message, self._position, is_cut=is_cut, partial=partial)

    def _read(self, text: str) -> int:
        """Read all that is certain, and give where the rest begins."""
        end = 0
        while end < len(text) and not self._is_over():
            begin, state = end, self._state
            if state == "prose":
                end = self._find_opening(text, begin)
            elif state in _AFTER_STRING:
                end = self._read_characters(text, begin)
            else:
                end = self._read_lexeme(text, begin)
            if end == begin and self._state == state:
                break
        return end

    def _find_opening(self, text: str, at: int) -> int:
        found = self._opening.search(text, at)
        if found is None:
            return len(text)
        self._state = _AFTER_OPENING[found[0]]
        self._stack = [found[0]]
        self._parts = [found[0]]
        self._size = 1
        self._has_news = True
        return found.end()

    def _read_lexeme(self, text: str, at: int) -> int:
        """Read one lexeme, and give where it ends, or begins if it must wait."""
        found = cast("re.Match[str]", _LEXEME.match(text, at))
        kind = cast("str", found.lastgroup)
        start, end = found.span(kind)
        if kind == "end" or (
            kind == "other" and end == len(text) <= start + _MAX_SCALAR
        ):
            return start
        after = _NEXT[self._state].get(kind)
        is_odd = kind == "close" and self._stack[-1] != _PARTNER[text[start]]
        if after is None or is_odd:
            return self._reject(start, f"{_EXPECTED[self._state]} should stand there")
        if kind == "open" and len(self._stack) == MAX_DEPTH:
            return self._reject(start, f"it nests deeper than {MAX_DEPTH} levels")
        self._take(found[kind], is_news=kind in _VISIBLE and after != "name")
        self._state = after or self._state_by_brackets(kind, text[start])
        return end

    def _state_by_brackets(self, kind: str, character: str) -> _State:
        if kind == "open":
            self._stack.append(character)
            return _AFTER_OPENING[character]
        if kind == "close":
            self._stack.pop()
            return "comma" if self._stack else "done"
        return _AFTER_COMMA[self._stack[-1]]

    def _read_characters(self, text: str, at: int) -> int:
        """Read what is certain of a string, and give where that ends."""
        end = cast("re.Match[str]", _CHARACTERS.match(text, at)).end()
        is_news = self._state == "string"
        if end > at:
            self._take(text[at:end], is_news=is_news)
        if end == len(text) or _UNFINISHED_ESCAPE.match(text, end):
            return end
        if text[end] == '"':
            self._take('"', is_news=False)
            self._state = _AFTER_STRING[self._state]
            return end + 1
        if text[end] != "\\":
            self._take(f"\\u{ord(text[end]):04x}", is_news=is_news)
            return end + 1
        if half := _ANY_ESCAPE.match(text, end):
            self._take("\\ufffd", is_news=is_news)
            return half.end()
        return self._reject(end, "there is no such escape")

    def _reject(self, at: int, reason: str) -> int:
        """Give up here; a bracket that nothing has followed was prose, though."""
        if self._is_tentative():
            self._state = "prose"
            self._parts = []
            self._has_news = False
        else:
            self._reason = reason
        return at

    def _take(self, text: str, *, is_news: bool) -> None:
        self._parts.append(text)
        self._size += len(text)
        self._has_news = self._has_news or is_news

    def _is_over(self) -> bool:
        return self._state == "done" or bool(self._reason)

    def _is_tentative(self) -> bool:
        return self._size == 1

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
