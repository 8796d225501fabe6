"""``coalesce``: many small items become fewer and bigger ones, in time.

Strategy: two cores. ``_ByTime`` gathers neighbours of one kind until their deadline,
which is counted from the last item it gave, so nothing waits longer than it says and
a slow stream is not delayed at all. Chunks are added up by langchain-core's own
addition, so that the sum of what comes out is the sum of what went in. ``_ByPattern``
cuts text where words or lines end, and depends on the text alone: however the text
is cut on its way in, the same pieces come out.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast, overload

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import add_ai_message_chunks

from langchain_streamkit.events import ReasoningEvent, TextEvent, ToolCallDeltaEvent
from langchain_streamkit.transforms._items import AMBIENT, Atom, atoms_of
from langchain_streamkit.transforms._shells import transform

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        Callable,
        Generator,
        Hashable,
        Iterable,
    )

__all__ = ["coalesce"]

Item = TypeVar("Item")

_MAX_CHARACTERS = {"time": 512, "words": 64, "lines": 512}

# Scripts that put no spaces between words: Han, Kana and their full-width signs.
_UNSPACED = "\u2e80-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
_PATTERNS = {
    # A word is sure of its end when something follows; the spaces before it are its.
    "words": re.compile(
        rf"\s*+(?:[{_UNSPACED}]|[^\s{_UNSPACED}]++(?=[\s{_UNSPACED}]))"
    ),
    "lines": re.compile(r"[^\n]*+\n"),
}


@overload
def coalesce(
    stream: AsyncIterable[Item],
    *,
    by: Literal["time", "words", "lines"] = "time",
    interval: float = 0.03,
    max_chars: int | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[Item, None]: ...
@overload
def coalesce(
    stream: Iterable[Item],
    *,
    by: Literal["time", "words", "lines"] = "time",
    interval: float = 0.03,
    max_chars: int | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Generator[Item, None, None]: ...
def coalesce(
    stream: Iterable[Item] | AsyncIterable[Item],
    *,
    by: Literal["time", "words", "lines"] = "time",
    interval: float = 0.03,
    max_chars: int | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Generator[Item, None, None] | AsyncGenerator[Item, None]:
    r"""Give fewer and bigger items, for readers that work for each of them.

    By time, the first item of a kind comes at once, and what follows is gathered
    until ``interval`` seconds after the last item that was given. By words and by
    lines, an item is one word (with the spaces before it) or one line. Text,
    reasoning and the arguments of a tool call are never merged with each other;
    whatever else comes (usage, status, a finish reason) passes at once and unchanged,
    after all that was held. At the end nothing waits.

    Args:
        stream: Texts, ``AIMessageChunk``s or events, sync or async.
        by: What makes a piece complete.
        interval: Seconds that a piece waits at the most, with ``by="time"``. In
            async code it is kept while the stream is silent; a sync generator can
            only look at the clock when an item comes.
        max_chars: How many characters are held at the most; 512, and 64 by words.
        clock: Seconds that never go back.

    Returns:
        Items of the same type. Their sum is that of the stream.

    Raises:
        ValueError: If ``interval`` or ``max_chars`` is not positive, or ``by`` is
            unknown.

    Example:
        >>> list(coalesce(["One\ntw", "o\n", "three"], by="lines"))
        ['One\n', 'two\n', 'three']
    """
    if by not in _MAX_CHARACTERS:
        raise ValueError(f'by is {by!r}; it must be "time", "words" or "lines"')
    limit = _MAX_CHARACTERS[by] if max_chars is None else max_chars
    if limit < 1 or interval <= 0:
        raise ValueError("interval and max_chars must be more than 0")
    if by == "time":
        return transform(stream, _ByTime[Item](interval, limit, clock))
    return transform(stream, _ByPattern[Item](_PATTERNS[by], limit))


class _ByTime(Generic[Item]):
    """Gathers neighbours of one kind until their deadline."""

    def __init__(
        self, interval: float, max_chars: int, clock: Callable[[], float]
    ) -> None:
        self._interval = interval
        self._max_chars = max_chars
        self._clock = clock
        self._held: list[Item] = []
        self._size = 0
        self._key: Hashable = None
        self._deadline = 0.0

    @property
    def seconds_left(self) -> float | None:
        return self._deadline - self._clock() if self._held else None

    def feed(self, item: Item) -> list[Item]:
        key, size = _key_and_size(item)
        if key is None:
            self._key = None
            return [*self.finish(), item]
        out: list[Item] = []
        if key != self._key:
            out = self.finish()
            self._key = key
            self._deadline = self._clock() + self._interval
            return [*out, item]
        self._held.append(item)
        self._size += size
        if self._size >= self._max_chars:
            return self._flush()
        return self.expire()

    def expire(self) -> list[Item]:
        is_due = self._clock() >= self._deadline
        return self._flush() if self._held and is_due else []

    def finish(self) -> list[Item]:
        return self._flush() if self._held else []

    def _flush(self) -> list[Item]:
        held, self._held = self._held, []
        self._size = 0
        self._deadline = self._clock() + self._interval
        return [_merge(held)]


class _ByPattern(Generic[Item]):
    """Cuts text and reasoning where the pattern says."""

    def __init__(self, pattern: re.Pattern[str], max_chars: int) -> None:
        self._pattern = pattern
        self._max_chars = max_chars
        self._held = ""
        self._atom: Atom | None = None

    def feed(self, item: Item) -> list[Item]:
        parts = atoms_of(item)
        out: list[Item] = []
        for atom in parts.atoms:
            if self._atom is None or atom.key != self._atom.key:
                out += self.finish()
                self._atom = atom
            out += self._cut(atom)
        if parts.rest is not None:
            out += [*self.finish(), cast("Item", parts.rest)]
        return out

    def finish(self) -> list[Item]:
        atom, held = self._atom, self._held
        self._atom, self._held = None, ""
        return [atom.with_text(held)] if atom is not None and held else []

    def _cut(self, atom: Atom) -> Iterable[Item]:
        text = self._held + atom.text
        place = 0
        while True:
            window = text[place : place + self._max_chars + 1]
            found = self._pattern.match(window)
            size = found.end() if found else 0
            if not size and len(window) > self._max_chars:
                size = self._max_chars
            if not size:
                break
            yield atom.with_text(text[place : place + min(size, self._max_chars)])
            place += min(size, self._max_chars)
        self._held = text[place:]


def _key_and_size(item: object) -> tuple[Hashable, int]:
    """What an item may be merged with, or None; and how many characters it has."""
    if isinstance(item, str):
        return ("text" if item else None), len(item)
    if isinstance(item, AIMessageChunk):
        return _key_and_size_of_chunk(item)
    if type(item) is ToolCallDeltaEvent:
        key = ("tool", item.index, item.id, item.message_id, item.node)
        return key, len(item.args)
    if type(item) is TextEvent or type(item) is ReasoningEvent:
        return (item.type, item.message_id, item.node), len(item.content)
    return None, 0


def _key_and_size_of_chunk(chunk: AIMessageChunk) -> tuple[Hashable, int]:
    is_more = (
        chunk.usage_metadata
        or chunk.chunk_position
        or chunk.response_metadata.keys() - AMBIENT - {"logprobs"}
        or chunk.additional_kwargs.keys() - {"reasoning_content"}
    )
    if is_more:
        return None, 0
    parts = atoms_of(chunk)
    pieces = chunk.tool_call_chunks
    if pieces and not parts.atoms and not chunk.content:
        ids = tuple((piece["index"], piece["id"]) for piece in pieces)
        has_indices = all(index is not None for index, _ in ids)
        size = sum(len(piece["args"] or "") for piece in pieces)
        return (("tool", chunk.id, ids) if has_indices else None), size
    if len(parts.atoms) != 1 or pieces:
        return None, 0
    [atom] = parts.atoms
    has_other_blocks = parts.rest is not None and bool(parts.rest.content)
    return (None if has_other_blocks else atom.key), len(atom.text)


def _merge(items: list[Item]) -> Item:
    """One item that says what these say; their keys are equal."""
    first = cast("Any", items[0])
    if len(items) == 1:
        return items[0]
    if isinstance(first, AIMessageChunk):
        chunks = cast("list[AIMessageChunk]", items)
        merged: Any = add_ai_message_chunks(*chunks)
    elif isinstance(first, str):
        merged = "".join(cast("list[str]", items))
    elif isinstance(first, ToolCallDeltaEvent):
        deltas = cast("list[ToolCallDeltaEvent]", items)
        merged = replace(first, args="".join(delta.args for delta in deltas))
    else:
        texts = cast("list[TextEvent]", items)
        merged = replace(first, content="".join(text.content for text in texts))
    return cast("Item", merged)
