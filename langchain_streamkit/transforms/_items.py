"""What an item of a stream says, and items that say the same in other pieces.

Strategy: an item is a text, an ``AIMessageChunk``, or an event. ``atoms_of`` takes it
apart: pieces of text or reasoning, each with what is needed to make an item of the
same form again, and the rest, which carries all else (tool calls, usage, metadata,
other blocks) and is never changed. What is none of the three is all rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from langchain_core.messages import AIMessageChunk

from langchain_streamkit.events import FinalEvent, ReasoningEvent, TextEvent

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["AMBIENT", "Atom", "Atoms", "Kind", "atoms_of", "message_of"]

Kind: TypeAlias = Literal["text", "reasoning"]

AMBIENT = frozenset({"output_version", "model_provider"})
"""Response metadata that core takes once, however often it comes."""


@dataclass(slots=True)
class Atom:
    """A piece of text or reasoning.

    Attributes:
        kind: Which of the two.
        text: The piece.
        key: Equal for pieces that go on with each other.
        origin: The item that it came in.
        block: The content block that it came in, of a chunk with blocks.
    """

    kind: Kind
    text: str
    key: Hashable
    origin: object
    block: dict[str, Any] | None = None

    def with_text(self, text: str, kind: Kind | None = None, suffix: str = "") -> Any:
        """An item of the same form that carries this text and nothing else.

        Args:
            text: The text.
            kind: What it is, if not what the atom is.
            suffix: What tells its content block from the atom's.
        """
        kind = kind or self.kind
        origin = self.origin
        if isinstance(origin, AIMessageChunk):
            return self._chunk(origin, text, kind, suffix)
        if isinstance(origin, str) and kind == "text":
            return text
        event = TextEvent if kind == "text" else ReasoningEvent
        if isinstance(origin, TextEvent | ReasoningEvent):
            return event(text, origin.message_id, origin.node)
        return event(text)

    def _chunk(
        self, origin: AIMessageChunk, text: str, kind: Kind, suffix: str
    ) -> AIMessageChunk:
        content: str | list[str | dict[str, Any]] = text if kind == "text" else ""
        kwargs = {} if kind == "text" else {"reasoning_content": text}
        if self.block is not None:
            block: dict[str, Any] = {"type": kind, kind: text}
            index = self.block.get("index")
            if index is not None:
                block["index"] = f"{index}{suffix}" if suffix else index
            content = [block]
        return origin.model_copy(
            update={
                **_NOTHING,
                "content": content,
                "additional_kwargs": kwargs,
                "response_metadata": _ambient(origin),
            }
        )


@dataclass(slots=True)
class Atoms:
    """An item, taken apart.

    Attributes:
        atoms: Its pieces of text and reasoning, in order.
        rest: All else, to be given after them, or None.
        is_last: True if the message, or the stream, ends with this item.
    """

    atoms: list[Atom]
    rest: Any = None
    is_last: bool = False


_NOTHING: dict[str, Any] = {
    "tool_call_chunks": [],
    "tool_calls": [],
    "invalid_tool_calls": [],
    "usage_metadata": None,
    "chunk_position": None,
}


def atoms_of(item: object) -> Atoms:
    """Take an item apart.

    Args:
        item: A text, a chunk, an event, or anything else.

    Returns:
        Its pieces; those of texts that are empty are left out.
    """
    if isinstance(item, AIMessageChunk):
        return _atoms_of_chunk(item)
    if isinstance(item, str):
        return Atoms([Atom("text", item, "text", item)] if item else [])
    if type(item) is TextEvent or type(item) is ReasoningEvent:
        key = (item.type, item.message_id, item.node)
        return Atoms([Atom(cast("Kind", item.type), item.content, key, item)])
    return Atoms([], item, is_last=isinstance(item, FinalEvent))


def message_of(item: object) -> Hashable:
    """What tells the message that an item belongs to from others in its stream."""
    if isinstance(item, AIMessageChunk):
        return item.id
    return getattr(item, "message_id", None), getattr(item, "node", None)


def _atoms_of_chunk(chunk: AIMessageChunk) -> Atoms:
    is_last = chunk.chunk_position == "last"
    content: Any = chunk.content
    atoms: list[Atom] = []
    others: list[str | dict[str, Any]] = []
    kwargs = dict(chunk.additional_kwargs)
    if isinstance(content, list):
        for block in cast("list[str | dict[str, Any]]", content):
            atom = _atom_of_block(chunk, block)
            if atom is None:
                others.append(block)
                continue
            atoms.append(atom)
            if isinstance(block, dict) and block.keys() - {"type", atom.kind, "index"}:
                others.append({**block, atom.kind: ""})
    elif content:
        atoms.append(Atom("text", content, ("text", chunk.id), chunk))
    thought = kwargs.get("reasoning_content")
    if isinstance(thought, str) and thought:
        del kwargs["reasoning_content"]
        if not any(atom.kind == "reasoning" for atom in atoms):
            atoms.insert(0, Atom("reasoning", thought, ("reasoning", chunk.id), chunk))
    if not atoms:
        return Atoms([], chunk, is_last=is_last)
    has_rest = bool(
        is_last
        or others
        or kwargs
        or chunk.tool_call_chunks
        or chunk.usage_metadata
        or chunk.response_metadata.keys() - AMBIENT
    )
    if not has_rest:
        return Atoms(atoms)
    rest = chunk.model_copy(
        update={
            "content": others if isinstance(content, list) else "",
            "additional_kwargs": kwargs,
        }
    )
    return Atoms(atoms, rest, is_last=is_last)


def _atom_of_block(chunk: AIMessageChunk, block: str | dict[str, Any]) -> Atom | None:
    """The text or the reasoning in a block."""
    if isinstance(block, str):
        return Atom("text", block, ("text", chunk.id), chunk) if block else None
    kind = block.get("type")
    if kind not in {"text", "reasoning"}:
        return None
    text, index = block.get(kind), block.get("index")
    if not (isinstance(text, str) and text and isinstance(index, str | int | None)):
        return None
    key = (kind, chunk.id, index)
    return Atom(cast("Kind", kind), text, key, chunk, block)


def _ambient(chunk: AIMessageChunk) -> dict[str, Any]:
    metadata: dict[str, Any] = chunk.response_metadata
    return {name: metadata[name] for name in metadata.keys() & AMBIENT}
