"""What a model thinks, by whatever name the server gives it.

Strategy: several fields may carry the same thought in one frame (``reasoning`` and
``reasoning_details`` at OpenRouter), so the first that is not empty counts. The
blocks of ``reasoning_details`` are kept besides, whole and in order, because some
servers want them back that way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

__all__ = ["gather_reasoning_details", "parse_reasoning", "thinking_text"]

_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_text")
_DETAIL_TEXTS = ("text", "summary")


def parse_reasoning(delta: Mapping[str, Any]) -> str:
    """The thought in a delta or a message.

    Args:
        delta: The server's object.

    Returns:
        The first of the known fields that is not empty, or the texts of
        ``reasoning_details``; content parts are the caller's.

    Example:
        >>> parse_reasoning({"reasoning_content": None, "reasoning": "Hm"})
        'Hm'
    """
    for name in _FIELDS:
        value = delta.get(name)
        if value and isinstance(value, str):
            return value
    details = delta.get("reasoning_details")
    return "".join(_detail_text(detail) for detail in _mappings(details))


def thinking_text(part: Mapping[str, Any]) -> str:
    """The text of a content part of type ``thinking``, as Mistral sends them.

    Args:
        part: ``{"type": "thinking", "thinking": ...}``, a string or text parts.

    Returns:
        The text.
    """
    thinking = part.get("thinking")
    if isinstance(thinking, str):
        return thinking
    return "".join(
        text
        for piece in _mappings(thinking)
        if isinstance(text := piece.get("text"), str)
    )


def gather_reasoning_details(kept: list[dict[str, Any]], delta: Mapping[str, Any]) -> None:
    """Add a delta's ``reasoning_details`` to those kept so far.

    Pieces of one block (same type and index, following each other) are joined, so
    that what goes back to the server is what it would have sent whole (OpenRouter,
    "Preserving reasoning blocks", 2026-11).

    Args:
        kept: The blocks so far; changed in place.
        delta: The server's object.
    """
    for detail in _mappings(delta.get("reasoning_details")):
        last = kept[-1] if kept else None
        if last is None or not _continues(last, detail):
            kept.append(dict(detail))
            continue
        for key, value in detail.items():
            if key in {*_DETAIL_TEXTS, "data"} and isinstance(value, str):
                last[key] = (last.get(key) or "") + value
            elif value is not None:
                last[key] = value


def _continues(last: Mapping[str, Any], detail: Mapping[str, Any]) -> bool:
    if last.get("type") != detail.get("type"):
        return False
    if last.get("index") != detail.get("index"):
        return False
    ids = (last.get("id"), detail.get("id"))
    is_same = ids[0] == ids[1] or None in ids
    return is_same and detail.get("type") != "reasoning.encrypted"


def _detail_text(detail: Mapping[str, Any]) -> str:
    for key in _DETAIL_TEXTS:
        value = detail.get(key)
        if isinstance(value, str):
            return value
    return ""


def _mappings(value: object) -> list[Mapping[str, Any]]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    items = cast("Sequence[Any]", value)
    return [item for item in items if isinstance(item, Mapping)]
