"""What a parameter's name says about where its value stands in a prompt."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_streamkit.testing._prompt import words_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_streamkit.testing._prompt import Prompt

__all__ = ["FORMATS", "find_by_meaning"]


def find_by_meaning(key: str, prompt: Prompt) -> str | None:
    """The piece of a prompt that a parameter's name asks for.

    Example:
        >>> from langchain_streamkit.testing._prompt import Prompt
        >>> find_by_meaning("location", Prompt("The weather in Rome, please"))
        'Rome'
    """
    for words, find in _BY_MEANING:
        if not words.isdisjoint(words_of(key)):
            found = find(prompt)
            if found:
                return found
    return None


def _place(prompt: Prompt) -> str | None:
    return prompt.take_name("in|at|for|near|to|from|of") or prompt.take_name()


def _named(prompt: Prompt) -> str | None:
    match = re.search(
        r"\b(?:named|called|titled|name is|i am|i'm)\s+['\"“「«]?",
        prompt.text,
        re.IGNORECASE,
    )
    if match is not None:
        rest = prompt.text[match.end() :]
        end = re.search(r"['\"”」»,.;\n(]|\s+(?:and|with|who|is|in)\b|$", rest)
        named = rest[: end.start()].strip() if end else ""
        if named:
            return named
    return prompt.take_quoted() or prompt.take_name()


def _tail(prompt: Prompt) -> str:
    """What follows a dash or a colon, else all of it."""
    parts = re.split(r"\s[-\u2013\u2014]\s|:\s", prompt.text, maxsplit=1)
    return parts[-1].strip()


def _question(prompt: Prompt) -> str:
    return prompt.take_quoted() or prompt.text.strip()


def _sum(prompt: Prompt) -> str | None:
    found = prompt.matching(r"[(\d][\d\s.+\-*/^()%]*[\d)]")
    return found.strip() if found else None


_BY_MEANING: tuple[tuple[frozenset[str], Callable[[Prompt], str | None]], ...] = (
    (
        frozenset({"location", "city", "place", "country", "region", "address", "town",
                   "destination", "origin", "area"}),
        _place,
    ),
    (frozenset({"name", "customer", "person", "title"}), _named),
    (frozenset({"expression", "equation", "formula"}), _sum),
    (frozenset({"email"}), lambda prompt: prompt.matching(_EMAIL)),
    (frozenset({"url", "link", "uri"}), lambda prompt: prompt.matching(_URL)),
    (frozenset({"date", "day"}), lambda prompt: prompt.matching(_DATE)),
    (frozenset({"topic", "subject"}), lambda prompt: prompt.topic),
    (
        frozenset({"query", "question", "q", "search", "text", "message", "input",
                   "prompt", "content", "request"}),
        _question,
    ),
    (frozenset({"description", "summary", "details", "note", "notes"}), _tail),
)  # fmt: skip

_EMAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_URL = r"https?://[^\s'\"<>)]+"
_DATE = r"\d{4}-\d{2}-\d{2}"
_TIME = r"\d{2}:\d{2}(?::\d{2})?"
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
FORMATS = {
    "date": (_DATE, "2026-01-15"),
    "time": (_TIME, "12:00:00"),
    "date-time": (
        _DATE + "T" + _TIME + r"(?:Z|[+-]\d{2}:\d{2})",
        "2026-01-15T12:00:00Z",
    ),
    "email": (_EMAIL, "ada@example.org"),
    "uri": (_URL, "https://example.org/"),
    "uuid": (_UUID, "12345678-1234-4234-8234-123456789abc"),
    "duration": (r"P(?:T?\d+[A-Z])+", "PT1H"),
    "ipv4": (r"\d+(?:\.\d+){3}", "192.0.2.1"),
}
