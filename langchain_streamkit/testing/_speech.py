"""What the assistant says where nothing but words is asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_streamkit.testing._content import Attachment

__all__ = ["speech"]

_GREETINGS = (
    "Hello there! How can I help you today?",
    "Hi! What would you like to talk about?",
    "Good day to you! What can I do for you?",
)
_GREETING = re.compile(
    r"\W*(?:hello|hi|hey|good (?:morning|day|evening|afternoon)|greetings)\b"
    r"(?:\W+\w+)?\W*",
    re.IGNORECASE,
)
_HOW_ARE_YOU = re.compile(r"\bhow are you\b", re.IGNORECASE)
_COUNT = re.compile(
    r"\bcount\s+(?:from\s+(\d+)\s+)?(?:up\s+)?to\s+(\d+)\b", re.IGNORECASE
)
_SAY = re.compile(
    r"\b(?:say|repeat|echo|write exactly|reply with)\b[^\"“'`:]*"
    r"(?:\"([^\"]+)\"|“([^”]+)”|'([^']+)'|`([^`]+)`|:\s*(.+))",
    re.IGNORECASE | re.DOTALL,
)
_MAX_COUNT = 100_000
_MAX_EXCERPT = 80


def speech(prompt: str, attachments: Sequence[Attachment], seed: float | None) -> str:
    """A short answer to a prompt.

    Args:
        prompt: What the user said.
        attachments: What else the user sent.
        seed: Chooses among greetings.

    Example:
        >>> speech("Count to 5", [], None)
        '1 2 3 4 5'
        >>> speech("Please say 'cheese'", [], None)
        'cheese'
    """
    given = [f"I was given {attachment}." for attachment in attachments]
    return " ".join([*given, _words(prompt, seed)]) if given else _words(prompt, seed)


def _words(prompt: str, seed: float | None) -> str:
    if _GREETING.fullmatch(prompt):
        return _GREETINGS[int(seed or 0) % len(_GREETINGS)]
    if _HOW_ARE_YOU.search(prompt):
        return "I am fine, thank you. What can I do for you?"
    counting = _COUNT.search(prompt)
    if counting is not None:
        first, last = int(counting[1] or 1), int(counting[2][:6])
        return " ".join(map(str, range(first, min(last, first + _MAX_COUNT) + 1)))
    saying = _SAY.search(prompt)
    if saying is not None:
        return next(group for group in saying.groups() if group).strip()
    words = prompt.split()
    if not words:
        return "You sent no words."
    said = " ".join(words)
    excerpt = said if len(said) <= _MAX_EXCERPT else f"{said[:_MAX_EXCERPT]}..."
    count = f"{len(words)} words" if len(words) > 1 else "one word"
    return f"You wrote {count}: {excerpt}"
