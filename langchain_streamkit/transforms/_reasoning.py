"""``split_reasoning``: text with tags in it becomes reasoning and text.

Strategy: the splitter of the wire format does the work, one for each message; what
may be the beginning of a tag waits, and nothing else does. Content blocks of one
kind that the other kind has come between get indices of their own, for core would
merge them otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, overload

from langchain_streamkit._wire.text_channel import TagSplitter
from langchain_streamkit.events import ReasoningEvent, TextEvent
from langchain_streamkit.transforms._items import Atom, Kind, atoms_of, message_of
from langchain_streamkit.transforms._shells import transform

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        Generator,
        Hashable,
        Iterable,
    )

__all__ = ["split_reasoning"]

Item = TypeVar("Item")
_TAGS = ("<think>", "</think>")


@overload
def split_reasoning(
    stream: AsyncIterable[str],
    tags: tuple[str, str] = _TAGS,
    *,
    start_inside: bool = False,
) -> AsyncGenerator[TextEvent | ReasoningEvent, None]: ...
@overload
def split_reasoning(
    stream: AsyncIterable[Item],
    tags: tuple[str, str] = _TAGS,
    *,
    start_inside: bool = False,
) -> AsyncGenerator[Item, None]: ...
@overload
def split_reasoning(
    stream: Iterable[str],
    tags: tuple[str, str] = _TAGS,
    *,
    start_inside: bool = False,
) -> Generator[TextEvent | ReasoningEvent, None, None]: ...
@overload
def split_reasoning(
    stream: Iterable[Item],
    tags: tuple[str, str] = _TAGS,
    *,
    start_inside: bool = False,
) -> Generator[Item, None, None]: ...
def split_reasoning(
    stream: Iterable[Any] | AsyncIterable[Any],
    tags: tuple[str, str] = _TAGS,
    *,
    start_inside: bool = False,
) -> Generator[Any, None, None] | AsyncGenerator[Any, None]:
    """Tell reasoning from text by the tags that a model writes around it.

    ``ChatStreamKit(reasoning_tags=...)`` does this in the model; this function is for
    other models, and for streams that you have already.

    Args:
        stream: Texts, ``AIMessageChunk``s or events, sync or async.
        tags: What opens and what closes reasoning, to the letter.
        start_inside: True where the model's template has opened the reasoning, so
            that only the closing tag comes.

    Returns:
        Items of the same type; of texts, ``TextEvent``s and ``ReasoningEvent``s. The
        tags are left out; all else passes unchanged.

    Raises:
        ValueError: If a tag is empty.

    Example:
        >>> for event in split_reasoning(["<thi", "nk>Rain?</think>", "Yes."]):
        ...     print(event.type, event.content)
        reasoning Rain?
        text Yes.
    """
    if not all(tags):
        raise ValueError("both tags are needed; start_inside=True drops the first")
    return transform(stream, _Splitting(tags, start_inside=start_inside))


@dataclass
class _Message:
    """One message on its way."""

    splitter: TagSplitter
    atom: Atom | None = None
    kind: Kind = "text"
    switches: int = 0
    spans: dict[Kind, int] = field(default_factory=dict[Kind, int])


class _Splitting:
    """The core: a splitter for each message."""

    def __init__(self, tags: tuple[str, str], *, start_inside: bool) -> None:
        self._tags = ("", tags[1]) if start_inside else tags
        self._messages: dict[Hashable, _Message] = {}

    def feed(self, item: object) -> list[Any]:
        if item == "":
            return []
        parts = atoms_of(item)
        key = message_of(item)
        out: list[Any] = []
        for atom in parts.atoms:
            if atom.kind == "reasoning":
                out.append(atom.with_text(atom.text))
                continue
            message = self._messages.get(key)
            if message is None:
                message = self._messages[key] = _Message(TagSplitter(*self._tags))
            message.atom = atom
            out += _items(message, message.splitter.feed(atom.text))
        if parts.is_last:
            out += self.finish()
        if parts.rest is not None:
            out.append(parts.rest)
        return out

    def finish(self) -> list[Any]:
        messages, self._messages = self._messages, {}
        return [
            item
            for message in messages.values()
            for item in _items(message, message.splitter.flush())
        ]


def _items(message: _Message, pieces: list[tuple[bool, str]]) -> list[Any]:
    """The pieces, as items of the form that they came in."""
    out: list[Any] = []
    for is_reasoning, text in pieces:
        kind: Kind = "reasoning" if is_reasoning else "text"
        if kind != message.kind or not message.spans:
            message.kind = kind
            message.spans[kind] = message.spans.get(kind, -1) + 1
        if message.atom is not None:
            out.append(_item(message.atom, text, kind, message.spans[kind]))
    return out


def _item(atom: Atom, text: str, kind: Kind, span: int) -> Any:
    if isinstance(atom.origin, str):
        return TextEvent(text) if kind == "text" else ReasoningEvent(text)
    index = atom.block.get("index") if atom.block else None
    if not isinstance(index, str):
        return atom.with_text(text, kind)
    suffix = f"_{kind}_{span}" if kind == "reasoning" or span else ""
    return atom.with_text(text, kind, suffix)
