"""What ``streamkit probe`` finds out, one thing at a time."""

from __future__ import annotations

from typing import Literal, NamedTuple

from langchain_streamkit._wire.failures import clean_text

__all__ = ["Finding", "no", "quote", "refused", "unclear", "yes"]

_EXCERPT = 60


class Finding(NamedTuple):
    """What is known about one thing.

    Attributes:
        answer: Whether the server does it; ``"refused"`` where it says no aloud,
            ``"unclear"`` where what came back proves nothing.
        evidence: What was seen, in a few words.
    """

    answer: Literal["yes", "no", "refused", "unclear"]
    evidence: str


def yes(evidence: str) -> Finding:
    """The server does it."""
    return Finding("yes", evidence)


def no(evidence: str) -> Finding:
    """The server does not, and says nothing about it."""
    return Finding("no", evidence)


def refused(evidence: str) -> Finding:
    """The server says that it does not."""
    return Finding("refused", evidence)


def unclear(evidence: str) -> Finding:
    """Nobody can tell."""
    return Finding("unclear", evidence)


def quote(text: str, limit: int = _EXCERPT) -> str:
    r"""A stranger's text as evidence: one line, short, in quotation marks.

    Args:
        text: Any text.
        limit: The most characters to keep.

    Returns:
        The text, fit for a terminal.

    Example:
        >>> quote("Hello\n  there")
        '"Hello there"'
    """
    return f'"{clean_text(text, limit)}"'
