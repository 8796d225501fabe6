"""Finds the TOON document in an answer, line by line.

Strategy: models write prose and fences around what they are asked for, and TOON
itself takes nearly everything: a sentence is a text, "Sure:" is a key, one-line JSON
is an object with odd names (toon-format 1.2, 2026-11). So a document is a fenced
block, or begins at the first line that looks like one of TOON's (a name without
spaces, perhaps a header, a colon) and ends where such lines end. Only whole lines
count; half a line may mean another value.
"""

from __future__ import annotations

import re
from typing import Literal

from langchain_streamkit._wire.fences import Fence, parse_opening

__all__ = ["ToonDocument"]

_LANGUAGES = frozenset({"", "plaintext", "text", "toon", "yaml"})
"""What models write after the fence of a TOON document."""

_ROOT_LINE = re.compile(
    r"""(?:"(?:[^"\\]|\\.)*+"|[^\s:"\[\]{}\#`*<>|-][^\s:"\[\]{}]*+)?  # a name
    (?:\[[^\]\n]*\])?(?:\{.*\})?                                  # a header
    :(?:\s|\Z)""",
    re.VERBOSE,
)
_ARRAY = re.compile(r'[^\s:]*\[\d|"(?:[^"\\]|\\.)*+"\[\d')
_JSON = re.compile(r'\s*(?:\{\s*(?:"|\Z)|\[\s*(?:[\["{\d-]|\Z))')
_SENTENCE = re.compile(r'[^\s\[\]{}:]+:\s+[^"\s]+\s+\S')
_LABEL = re.compile(r"[^\s\[\]{}][^\[\]{}]*:\s*\Z")

_State = Literal["prose", "json", "bare", "fenced", "other fence", "done"]


class ToonDocument:
    r"""The lines of a document, as they come.

    Attributes:
        lines: The whole lines of the document so far.
        size: How many characters they have.
        first_line: The number of its first line in the answer, from 1.

    Example:
        >>> document = ToonDocument()
        >>> document.feed("Here it is:\n\nids[2]: 1,2\nname: A")
        >>> document.lines, document.first_line
        (['ids[2]: 1,2'], 3)
        >>> document.finish()
        >>> document.lines
        ['ids[2]: 1,2', 'name: A']
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.size = 0
        self.first_line = 1
        self._count = 0
        self._held = ""
        self._state: _State = "prose"
        self._fence: Fence | None = None
        self._is_fenced = False
        # Whether all there is are words with a colon, and nothing under them.
        self._is_label = True

    @property
    def looks_like_json(self) -> bool:
        """Whether there is JSON where TOON should be."""
        if not self.lines:
            return self._state == "json"
        first = self.lines[0]
        return bool(_JSON.match(first)) and not _ROOT_LINE.match(first)

    @property
    def is_sentence(self) -> bool:
        """Whether it is one line that a person may have meant ("Answer: the cat")."""
        if self._is_fenced or len(self.lines) - self.lines.count("") != 1:
            return False
        return _SENTENCE.match(self.lines[0]) is not None

    @property
    def is_sure(self) -> bool:
        """Whether the lines are TOON: no JSON, and no label before it ("Data:")."""
        return not self._is_label and not self.looks_like_json

    @property
    def text(self) -> str:
        """The document, if there is one."""
        return "\n".join(self.lines).rstrip() if self.is_sure else ""

    def feed(self, text: str) -> None:
        """Take the next characters of the answer."""
        if "\n" not in text:
            self._held += text
            return
        *lines, self._held = (self._held + text).split("\n")
        for line in lines:
            self._take(line)

    def finish(self) -> None:
        """Say that no more will come: the last line is whole."""
        held, self._held = self._held, ""
        if held:
            self._take(held)

    def _take(self, line: str) -> None:
        line = line.removesuffix("\r")
        self._count += 1
        if self._fence is not None:
            self._take_in_fence(self._fence, line)
        elif self._state == "done":
            return
        elif fence := parse_opening(line):
            self._open(fence)
        elif self._state == "bare":
            self._take_bare(line)
        else:
            self._take_prose(line)

    def _take_prose(self, line: str) -> None:
        if self._state == "prose" and _ROOT_LINE.match(line):
            self._begin("bare", self._count)
            self._append(line)
        elif _JSON.match(line):
            self._state = "json"

    def _take_bare(self, line: str) -> None:
        if self._is_label and line[:1] not in {" ", "\t"}:
            self._begin("prose", 1)  # "Here it is:" was prose
            self._take_prose(line)
        elif not line.strip() or line[0] in " \t#" or _ROOT_LINE.match(line):
            self._append(line)
        else:
            self._state = "done"

    def _take_in_fence(self, fence: Fence, line: str) -> None:
        if not fence.is_closed_by(line):
            if self._state == "fenced":
                self._append(fence.without_indent(line))
            return
        self._fence = None
        is_whole = self._state == "fenced" and any(self.lines)
        self._state = "done" if is_whole else "prose"

    def _open(self, fence: Fence) -> None:
        """A fence opens the document, unless a better one has begun."""
        language = fence.language.lower()
        has_array = any(map(_ARRAY.match, self.lines))
        if self._state == "bare" and (
            language not in _LANGUAGES or (has_array and language != "toon")
        ):
            self._state = "done"
            return
        self._fence = fence
        if language in _LANGUAGES:
            self._begin("fenced", self._count + 1)
        else:
            self._state = "other fence"

    def _append(self, line: str) -> None:
        self._is_label = self._is_label and _LABEL.match(line) is not None
        self.lines.append(line)
        self.size += len(line) + 1

    def _begin(self, state: _State, first_line: int) -> None:
        self._state = state
        self._is_fenced = state == "fenced"
        self._is_label = not self._is_fenced
        self.first_line = first_line
        self.lines = []
        self.size = 0
