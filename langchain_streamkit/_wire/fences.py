r"""Follows the code fences of Markdown through a text that is cut anywhere.

Strategy: only the beginning of a line can be a fence, so only that waits, and only
as long as it may still become one; all other characters pass at once. The rules are
those of CommonMark 0.31 (section 4.5): three or more backticks or tildes, indented by
three spaces at the most; an info string, in which no backtick stands if the fence is
of backticks; closed by at least as many of the same, with nothing after them; the
indentation of the opening fence is taken off the lines of code. Fences are looked for
at the root of the document: one that is indented further, as in a list, is text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import groupby

__all__ = ["Fence", "FenceTracker", "Piece", "parse_opening"]

_MAX_FENCE = 1000  # characters; a longer line is no fence

_OPENING = re.compile(
    r"(?P<indent>\ {0,3})"
    r"(?:(?P<ticks>`{3,})(?P<info>[^`\n]*)|(?P<tildes>~{3,})(?P<words>[^\n]*))"
)
_OPENING_SO_FAR = re.compile(r"\ {0,3}(?:`{0,2}|~{0,2}|`{3,}[^`\n]*|~{3,}[^\n]*)")


@dataclass(frozen=True, slots=True)
class Fence:
    """A fence that opens a block of code.

    Attributes:
        marker: Its backticks or tildes.
        indent: The spaces before it.
        language: The first word of its info string; may be empty.
    """

    marker: str
    indent: int
    language: str

    def is_closed_by(self, line: str) -> bool:
        """Whether a line, without its end, closes the block."""
        if len(line) > _MAX_FENCE:
            return False
        marks = line.strip(" \t\r")
        indent = len(line) - len(line.lstrip(" "))
        is_long_enough = len(marks) >= len(self.marker)
        return indent <= 3 and is_long_enough and set(marks) == {self.marker[0]}

    def without_indent(self, line: str) -> str:
        """A line of the block, without the indentation of the fence."""
        return line[min(self.indent, len(line) - len(line.lstrip(" "))) :]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a document.

    Attributes:
        is_code: Whether it belongs to a block of code.
        content: What it says, without fences and the indentation of code.
        raw: The characters of the document that it stands for.
        language: The block's language.
        block: The number of the block of text or code, from 0.
    """

    is_code: bool
    content: str
    raw: str
    language: str
    block: int


def parse_opening(line: str) -> Fence | None:
    """The fence that a line is, if it is one.

    Args:
        line: A line without its end.

    Example:
        >>> parse_opening("~~~ python").language
        'python'
    """
    if len(line) > _MAX_FENCE:
        return None
    found = _OPENING.fullmatch(line.removesuffix("\r"))
    if found is None:
        return None
    info = (found["info"] or found["words"] or "").split()
    marker = found["ticks"] or found["tildes"]
    return Fence(marker, len(found["indent"]), info[0] if info else "")


class FenceTracker:
    r"""Tells text from code.

    Example:
        >>> tracker = FenceTracker()
        >>> pieces = tracker.feed("So:\n``") + tracker.feed("`py\nx = 1\n```")
        >>> pieces += tracker.finish()
        >>> [(piece.is_code, piece.language, piece.content) for piece in pieces]
        [(False, '', 'So:\n'), (True, 'py', ''), (True, 'py', 'x = 1\n'), (True, 'py', '')]
    """  # noqa: E501 - the output is one line

    def __init__(self) -> None:
        self.fence: Fence | None = None
        """The fence of the block of code that is open."""
        self._closing_so_far = _OPENING  # set with each fence
        self._held = ""
        self._is_line_start = True
        self._block = 0
        self._has_text = False  # whether the current block of text has begun

    def feed(self, text: str) -> list[Piece]:
        """Take the next characters, and give what is certain."""
        out: list[Piece] = []
        text = self._held + text
        place = 0
        while place < len(text):
            end = text.find("\n", place) + 1
            line = text[place : end or None]
            if self._is_line_start and not end and self._may_be_fence(line):
                break
            self._take(line, out, is_line=self._is_line_start and bool(end))
            self._is_line_start = bool(end)
            place += len(line)
        self._held = text[place:]
        return _joined(out)

    def finish(self) -> list[Piece]:
        """Give what waits; the end of the document ends its last line."""
        out: list[Piece] = []
        held, self._held = self._held, ""
        if held:
            self._take(held, out, is_line=True)
        return _joined(out)

    def _may_be_fence(self, line: str) -> bool:
        if len(line) > _MAX_FENCE:
            return False
        so_far = _OPENING_SO_FAR if self.fence is None else self._closing_so_far
        return so_far.fullmatch(line) is not None

    def _take(self, line: str, out: list[Piece], *, is_line: bool) -> None:
        """Take a line, or the beginning or the rest of one."""
        if self.fence is None:
            fence = parse_opening(line.removesuffix("\n")) if is_line else None
            if fence is None:
                self._has_text = True
                out.append(Piece(False, line, line, "", self._block))
            else:
                self._open(fence)
                out.append(Piece(True, "", line, fence.language, self._block))
            return
        language, block = self.fence.language, self._block
        if is_line and self.fence.is_closed_by(line.removesuffix("\n")):
            out.append(Piece(True, "", line, language, block))
            self.fence = None
            self._block += 1
            self._has_text = False
            return
        content = self.fence.without_indent(line) if self._is_line_start else line
        out.append(Piece(True, content, line, language, block))

    def _open(self, fence: Fence) -> None:
        self.fence = fence
        self._block += self._has_text
        character, size = re.escape(fence.marker[0]), len(fence.marker)
        self._closing_so_far = re.compile(
            rf"\ {{0,3}}(?:{character}*|{character}{{{size},}}[ \t]*\r?)"
        )


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbours of one block, as one; a fence stands alone."""
    groups = groupby(pieces, key=lambda piece: (piece.block, bool(piece.content)))
    return [_join(list(group)) for _, group in groups]


def _join(pieces: list[Piece]) -> Piece:
    return replace(
        pieces[0],
        content="".join(piece.content for piece in pieces),
        raw="".join(piece.raw for piece in pieces),
    )
