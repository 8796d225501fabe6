"""How an answer that was cut goes on, without a character twice or missing.

Strategy: the answer is asked for again, either from a point shortly before the cut
(``prefill``: the server gets the beginning as a turn of its own to continue) or from
its first character (``replay``). What comes is held back until it has said again
what the reader has already seen, and only the rest is passed on. Going back by one
word makes the join exact where a server trims spaces or cuts tokens elsewhere; a
server that repeats the whole beginning is noticed, too. What does not say the same
has diverged, and the caller decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Continuation", "DivergedError", "prefill_messages", "refusal_to_resume"]

ResumeMode = Literal["prefill", "replay"]
_LAST_WORD = re.compile(r"\s*\S+\s*\Z")
_OPEN_CHOICES = (None, "auto", "none")


class DivergedError(Exception):
    """The new answer does not begin as the old one went on."""


@dataclass(slots=True)
class _Reading:
    """One way to understand the new answer: what it must say again first."""

    expected: str
    is_trimmed: bool = False


class Continuation:
    """Joins what comes to what was said.

    Args:
        said: The text that the reader has.
        mode: Whether the server continues, or begins anew.
        is_exact: With ``prefill``: send all that was said, to the last character,
            because a word less has led to other words.

    Attributes:
        prefix: The text that the server is to continue.

    Example:
        >>> join = Continuation("Hello wor", "prefill")
        >>> join.prefix
        'Hello'
        >>> join.feed(" wo"), join.feed("rld!")
        ('', 'ld!')
    """

    __slots__ = ("_buffer", "_readings", "is_joined", "prefix")

    def __init__(self, said: str, mode: ResumeMode, *, is_exact: bool = False) -> None:
        if mode == "replay":
            self.prefix = ""
            self._readings = [_Reading(said)]
        else:
            found = _LAST_WORD.search(said)
            kept = said.rstrip() if is_exact else said[: found.start() if found else 0]
            self.prefix = kept
            again = said[len(kept) :]
            self._readings = [
                _Reading(again),
                _Reading(said),
                _Reading(again.lstrip(), is_trimmed=True),
                _Reading(said.lstrip(), is_trimmed=True),
            ]
        self._buffer = ""
        self.is_joined = not said

    def feed(self, text: str) -> str:
        """Take the next piece of the new answer.

        Args:
            text: The piece.

        Returns:
            What is new in it; empty while it still repeats.

        Raises:
            DivergedError: If it says something else.
        """
        if self.is_joined:
            return text
        self._buffer += text
        return self._decide(is_end=False)

    def flush(self) -> str:
        """Say that the new answer has ended.

        Returns:
            What was still held back.

        Raises:
            DivergedError: If it ended before it had repeated what was said.
        """
        return "" if self.is_joined else self._decide(is_end=True)

    def _decide(self, *, is_end: bool) -> str:
        for reading in self._readings:
            text = self._buffer.lstrip() if reading.is_trimmed else self._buffer
            if text.startswith(reading.expected):
                self.is_joined = True
                return text[len(reading.expected) :]
            if not is_end and reading.expected.startswith(text):
                return ""
        raise DivergedError


def prefill_messages(
    messages: list[Any], prefix: str, how: str
) -> tuple[list[Any], dict[str, Any]]:
    """The messages, with the beginning of the answer as the last turn.

    Args:
        messages: The request's.
        prefix: The text to continue.
        how: The fact of the server's row: which mark it wants on that turn.

    Returns:
        The new messages, and further fields of the body.

    Example:
        >>> prefill_messages([], "Hel", "prefix")[0]
        [{'role': 'assistant', 'content': 'Hel', 'prefix': True}]
    """
    turn: dict[str, Any] = {"role": "assistant", "content": prefix}
    more: dict[str, Any] = {}
    if how in {"prefix", "partial"}:
        turn[how] = True
    elif how == "continue_final_message":
        more = {"continue_final_message": True, "add_generation_prompt": False}
    return [*messages, turn], more


def refusal_to_resume(body: Mapping[str, Any]) -> str | None:
    """Why the answer to a request must not be resumed, whatever has come of it.

    Args:
        body: The request's body.

    Returns:
        The reason in words, or None.
    """
    format_of: dict[str, Any] = body.get("response_format") or {}
    reasons: dict[str, bool] = {
        "a schema": format_of.get("type", "text") != "text",
        "a demanded tool": body.get("tool_choice") not in _OPEN_CHOICES,
        "several answers": (body.get("n") or 1) > 1,
        "log probabilities": bool(body.get("logprobs")),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)
