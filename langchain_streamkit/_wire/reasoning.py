"""What a model thinks, by whatever name the server gives it.

Strategy: several fields may carry the same thought in one frame (``reasoning`` and
``reasoning_details`` at OpenRouter), so the first that is not empty counts. The
blocks of ``reasoning_details`` are kept besides, whole and in order, because some
servers want them back that way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_streamkit._wire.shapes import as_mapping, is_mapping, mappings

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "REASONING_FIELDS",
    "ReasoningDetails",
    "is_thinking",
    "parse_reasoning",
    "thinking_text",
]

REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_text")
_THINKING_PARTS = frozenset({"thinking", "reasoning", "reasoning_content"})
_THOUGHTS = ("thinking", "summary", "reasoning", "reasoning_content", "content", "text")
_DETAIL_TEXTS = ("text", "summary")
_JOINED = frozenset({*_DETAIL_TEXTS, "data"})


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
    for name in REASONING_FIELDS:
        value = delta.get(name)
        if value and isinstance(value, str):
            return value
    details = delta.get("reasoning_details")
    return "".join(_detail_text(detail) for detail in mappings(details))


def is_thinking(part: object) -> bool:
    """Whether a part of the content is a thought.

    Args:
        part: An element of list content.

    Returns:
        True for the parts of Mistral (``thinking``) and Databricks (``reasoning``).
    """
    return as_mapping(part).get("type") in _THINKING_PARTS


def thinking_text(part: Mapping[str, Any]) -> str:
    """The text of a content part that is a thought.

    Args:
        part: ``{"type": "thinking", "thinking": ...}`` as Mistral sends it, or
            ``{"type": "reasoning", "summary": ...}`` as Databricks does (docs read
            2026-11); a string, or text parts.

    Returns:
        The text.

    Example:
        >>> thinking_text({"type": "reasoning", "summary": [{"text": "Hm"}]})
        'Hm'
    """
    thought = next((part[name] for name in _THOUGHTS if part.get(name)), "")
    if isinstance(thought, str):
        return thought
    pieces = [thought] if is_mapping(thought) else mappings(thought)
    return "".join(
        text for piece in pieces if isinstance(text := piece.get("text"), str)
    )


@dataclass(slots=True)
class ReasoningDetails:
    """The blocks of ``reasoning_details``, joined from their pieces.

    Pieces of one block (same type and index, following each other) are joined, so
    that what goes back to the server is what it would have sent whole (OpenRouter,
    "Preserving reasoning blocks", 2026-11). Texts are kept in pieces until the
    blocks are asked for, for a long thought comes in very many of them.

    Attributes:
        facts: Of each block, all but its texts.
        texts: Of each block, the pieces of its texts, by name.

    Example:
        >>> details = ReasoningDetails()
        >>> details.add({"type": "reasoning.text", "text": "H"})
        >>> details.add({"type": "reasoning.text", "text": "m"})
        >>> details.blocks
        [{'type': 'reasoning.text', 'text': 'Hm'}]
    """

    facts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    texts: list[dict[str, list[str]]] = field(
        default_factory=list[dict[str, list[str]]]
    )

    def __len__(self) -> int:
        """The number of blocks."""
        return len(self.facts)

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """The blocks so far, whole and in order, as new dicts."""
        return [
            {**facts, **{name: "".join(parts) for name, parts in texts.items()}}
            for facts, texts in zip(self.facts, self.texts, strict=True)
        ]

    def feed(self, delta: Mapping[str, Any]) -> None:
        """Take the pieces in a delta or a message.

        Args:
            delta: The server's object.
        """
        for detail in mappings(delta.get("reasoning_details")):
            self.add(detail)

    def add(self, detail: Mapping[str, Any]) -> None:
        """Take one piece.

        Args:
            detail: An element of ``reasoning_details``.
        """
        if not self.facts or not _continues(self.facts[-1], detail):
            self.facts.append({})
            self.texts.append({})
        facts, texts = self.facts[-1], self.texts[-1]
        for key, value in detail.items():
            if key in _JOINED and isinstance(value, str):
                texts.setdefault(key, []).append(value)
            elif value is not None or key not in facts:
                facts[key] = value


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
