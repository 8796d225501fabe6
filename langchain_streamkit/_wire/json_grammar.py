r"""The grammar of JSON as a table, for a text that is cut anywhere.

Strategy: every character is read once, by a small table of states that knows what
may come next. It lets through whole lexemes only: a number or a word waits for its
delimiter, an escape for its last digit, a high surrogate for its low one, so what
has been let through never has to be taken back, and the place where a text breaks
the grammar is known to the character. What becomes of it, a subclass says.

Models write more than JSON: what precedes the first bracket (prose, a code fence, a
byte order mark) and what follows the last one is not looked at, raw control
characters in strings are taken as if they were escaped, and half a surrogate pair
becomes U+FFFD.
"""

from __future__ import annotations

import re
from typing import Literal, cast

from langchain_streamkit._wire.surrogates import SurrogateJoiner

__all__ = ["EXPECTED", "MAX_DEPTH", "JsonGrammar", "Opening", "State"]

Opening = Literal["{", "[", "{["]
State = Literal[
    "prose", "first key", "key", "name", "colon", "value", "item", "string", "comma",
    "done",
]  # fmt: skip

MAX_DEPTH = 128
"""The deepest nesting that is read; pydantic-core itself stops at 200."""

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
_NEXT: dict[State, dict[str, State | Literal[""]]] = {
    "value": {"scalar": "comma", "quote": "string", "open": ""},
    "item": {"scalar": "comma", "quote": "string", "open": "", "close": ""},
    "key": {"quote": "name"},
    "first key": {"quote": "name", "close": ""},
    "colon": {"colon": "value"},
    "comma": {"comma": "", "close": ""},
}
_AFTER_OPENING: dict[str, State] = {"{": "first key", "[": "item"}
_AFTER_COMMA: dict[str, State] = {"{": "key", "[": "value"}
_AFTER_STRING: dict[State, State] = {"name": "colon", "string": "comma"}
_VISIBLE = frozenset({"open", "quote", "scalar"})
_PARTNER = {"}": "{", "]": "["}
EXPECTED: dict[State, str] = {
    "value": "a value",
    "item": "a value or ]",
    "key": "a key in double quotes",
    "first key": "a key in double quotes or }",
    "name": "the end of the key",
    "string": "the end of the string",
    "colon": "a colon",
    "comma": "a comma or a closing bracket",
}


class JsonGrammar:
    """Reads a text, piece by piece, and tells a subclass what has been let through.

    Args:
        opening: The brackets that the value may begin with; ``"{"`` where it must be
            an object, so that a bracket in the prose before it does not mislead.
    """

    __slots__ = (
        "_held",
        "_joiner",
        "_opening",
        "_position",
        "_reason",
        "_size",
        "_stack",
        "_state",
    )

    def __init__(self, opening: Opening = "{[") -> None:
        self._opening = re.compile(f"[{re.escape(opening)}]")
        self._joiner = SurrogateJoiner()
        self._state: State = "prose"
        self._stack: list[str] = []
        self._held: str = ""
        self._position: int = 0
        self._size: int = 0
        self._reason = ""

    @property
    def is_complete(self) -> bool:
        """True once the last bracket has come."""
        return self._state == "done"

    @property
    def position(self) -> int:
        """How many characters have been read; none after the last bracket are."""
        return self._position

    def _begin(self, bracket: str) -> None:
        """The value begins with this; with "" what was taken for it was prose."""
        raise NotImplementedError

    def _take(self, text: str, *, is_news: bool) -> None:
        """A lexeme, or a piece of a string, has been let through.

        The state is that before it. A quote that opens or closes a string, and an
        escape, come alone.
        """
        raise NotImplementedError

    def _advance(self, text: str) -> None:
        """Read the next piece, as far as it is certain."""
        text = self._held + self._joiner.feed(text)
        end = self._read(text)
        self._position += end
        self._held = "" if self._is_over() else text[end:]

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
        self._size = 1
        self._begin(found[0])
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
            return self._reject(start, f"{EXPECTED[self._state]} should stand there")
        if kind == "open" and len(self._stack) == MAX_DEPTH:
            return self._reject(start, f"it nests deeper than {MAX_DEPTH} levels")
        self._take(found[kind], is_news=kind in _VISIBLE and after != "name")
        self._state = after or self._state_by_brackets(kind, text[start])
        return end

    def _state_by_brackets(self, kind: str, character: str) -> State:
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
            self._begin("")
        else:
            self._reason = reason
        return at

    def _is_over(self) -> bool:
        return self._state == "done" or bool(self._reason)

    def _is_tentative(self) -> bool:
        return self._size == 1
