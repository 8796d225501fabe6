"""The brackets of a JSON text, followed while it grows.

Strategy: only brackets, quotes and backslashes matter, so the text between them is
skipped by regular expressions, each character once, wherever the text was cut. That
is enough to bound the depth before a parser recurses, to know when an object may be
whole, and to say what a text that was cut has left open.
"""

from __future__ import annotations

import re

__all__ = ["MAX_DEPTH", "JsonNesting", "is_too_deep"]

MAX_DEPTH = 128
"""Levels that are read. Copying, comparing and writing a value recurse as well, some
with two frames of Python's thousand a level, on top of those of the caller."""

_MARK = re.compile(r'["\[\]{}]')
_CHARACTERS = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)


class JsonNesting:
    """Feed it a text, cut anywhere, and ask what is open.

    Attributes:
        is_in_string: Whether the text has stopped inside a string.
        stack: The opening brackets that nothing has closed.
        deepest: The most that were open at once.
        was_closed: Whether all brackets were closed once.

    Example:
        >>> nesting = JsonNesting()
        >>> nesting.feed('{"a": ["[')
        >>> nesting.stack, nesting.is_in_string
        (['{', '['], True)
    """

    __slots__ = ("_is_escaped", "deepest", "is_in_string", "stack", "was_closed")

    def __init__(self) -> None:
        self.is_in_string = False
        self.stack: list[str] = []
        self.deepest = 0
        self.was_closed = False
        self._is_escaped = False

    def feed(self, text: str) -> None:
        """Take the next piece.

        Args:
            text: Any number of characters.
        """
        place = 0
        while place < len(text):
            if self.is_in_string:
                place = self._skip_characters(text, place)
                continue
            found = _MARK.search(text, place)
            if found is None:
                return
            place = found.end()
            self._take(found[0])

    def _take(self, mark: str) -> None:
        if mark == '"':
            self.is_in_string = True
        elif mark in "[{":
            self.stack.append(mark)
            self.deepest = max(self.deepest, len(self.stack))
        elif self.stack:
            self.stack.pop()
            self.was_closed = self.was_closed or not self.stack

    def _skip_characters(self, text: str, at: int) -> int:
        """Go to the end of the string, or of the text."""
        if self._is_escaped:
            self._is_escaped = False
            at += 1
        found = _CHARACTERS.match(text, at)
        end = found.end() if found is not None else at
        if end == len(text):
            return end
        if text[end] == '"':
            self.is_in_string = False
        else:  # a backslash, and nothing after it
            self._is_escaped = True
        return end + 1


def is_too_deep(text: str) -> bool:
    """Whether a text nests deeper than ``MAX_DEPTH``; brackets in strings are text.

    Args:
        text: A JSON text, broken or not.

    Returns:
        True if a parser would go deeper before it ends or fails.
    """
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    nesting = JsonNesting()
    nesting.feed(text)
    return nesting.deepest > MAX_DEPTH
