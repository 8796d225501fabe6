"""Streams for tests: they count how often they are read and closed."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk

from langchain_streamkit.events import TextEvent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

FORMS: dict[str, Callable[[str], Any]] = {
    "str": lambda text: text,
    "chunk": lambda text: AIMessageChunk(content=text),
    "v1": lambda text: AIMessageChunk(
        content=[{"type": "text", "text": text, "index": "lc_txt_0"}],
        response_metadata={"output_version": "v1"},
    ),
    "event": TextEvent,
}
"""The forms that text comes in."""


def text_of(item: object) -> str:
    if isinstance(item, AIMessageChunk):
        return str(item.text)
    return item if isinstance(item, str) else getattr(item, "content", "")


class Source:
    """A sync stream; it fails with an error, if it is given one."""

    def __init__(self, items: Iterable[Any], error: BaseException | None = None):
        self._items = iter(items)
        self._error = error
        self.read = 0
        self.closed = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        for item in self._items:
            self.read += 1
            return item
        raise self._error or StopIteration

    def close(self) -> None:
        self.closed += 1


class AsyncSource:
    """An async stream; a coroutine function among the items is awaited, not given."""

    def __init__(self, items: Iterable[Any], error: BaseException | None = None):
        self._items = iter(items)
        self._error = error
        self.read = 0
        self.closed = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        for item in self._items:
            if callable(item):
                wait: Callable[[], Awaitable[None]] = item
                await wait()
                continue
            await asyncio.sleep(0)
            self.read += 1
            return item
        raise self._error or StopAsyncIteration

    async def aclose(self) -> None:
        await asyncio.sleep(0)
        self.closed += 1


async def forever() -> None:
    await asyncio.Event().wait()


async def agather(stream: Any, into: list[Any] | None = None) -> list[Any]:
    """All items; given a list, it holds what came before an error as well."""
    items = [] if into is None else into
    async for item in stream:
        items.append(item)
    return items


def cuts(text: str) -> st.SearchStrategy[list[str]]:
    """The text, cut into pieces in any way."""

    def cut(places: list[int]) -> list[str]:
        edges = [0, *sorted(places), len(text)]
        return [text[a:b] for a, b in pairwise(edges) if a < b]

    return st.lists(st.integers(0, len(text)), max_size=12).map(cut)
