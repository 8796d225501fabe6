"""Finds the five documents beside the checkout, and reads their blocks of code.

Their text is others' and never part of this repository. They lie in
``../shared/seeds``, or where ``SEED_DOCUMENTS`` says.
"""

from __future__ import annotations

import os
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("SEED_DOCUMENTS") or ROOT.parent / "shared" / "seeds")
ABSENT = "The five documents lie beside the checkout, and here they do not."

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FENCED_IN_ONE_LINE = re.compile(r"```(\w+) (.*?) ```", re.DOTALL)
_DIRECTIVE = re.compile(
    r"^\.\. code-block:: (\w+)\n\n((?:[ \t]+[^\n]*\n|[ \t]*\n)+)", re.MULTILINE
)


@dataclass(frozen=True)
class CodeBlock:
    """A block of a document.

    Attributes:
        language: What the document says it is.
        source: The code.
    """

    language: str
    source: str

    @property
    def words(self) -> str:
        """The code with single spaces, to be known by."""
        return normalized(self.source)


def normalized(text: str) -> str:
    """The text with single spaces between its words."""
    return " ".join(text.split())


def read_document(name: str) -> str:
    """A document's text."""
    return (FOLDER / name).read_text("utf-8")


def blocks_of(name: str) -> list[CodeBlock]:
    """All blocks of a document, in order."""
    return read_blocks(read_document(name))


def read_blocks(text: str) -> list[CodeBlock]:
    """All blocks of a text in Markdown, Markdown in one line, or reStructuredText."""
    if "code-block::" in text:
        pattern = _DIRECTIVE
    else:
        pattern = _FENCED if "\n" in text.strip() else _FENCED_IN_ONE_LINE
    found = pattern.findall(text)
    return [CodeBlock(language, textwrap.dedent(code)) for language, code in found]


def count_marks(text: str) -> int:
    """How many blocks a text has, counted in another way."""
    if "code-block::" in text:
        return len(re.findall(r"::$|code-block::", text, re.MULTILINE))
    if "\n" in text.strip():
        return len(re.findall(r"^ *```", text, re.MULTILINE)) // 2
    return text.count("```") // 2


def with_line_breaks(code: str, breaks: tuple[str, ...]) -> str:
    """Give code that stands in one line its lines again.

    Args:
        code: The code.
        breaks: How each line but the first begins, its indentation included.

    Returns:
        The code in lines; without the spaces, it is the same.
    """
    lines: list[str] = []
    rest, indent = code.strip(), ""
    for start in breaks:
        words = start.lstrip()
        line, found, after = rest.partition(f" {words}")
        if not found:
            raise AssertionError(f"no line begins with {words!r} in {rest!r}")
        lines.append(indent + line.rstrip())
        rest, indent = words + after, start[: len(start) - len(words)]
    lines.append(indent + rest)
    return "\n".join(lines) + "\n"
