"""Where the frames of a stream are kept for a reader who returns.

``MemoryReplay`` keeps them in this process; ``RedisReplay`` keeps them in Redis
streams, for many workers. ``sse_response(..., replay=store)`` uses either; anything
with the methods of ``ReplayStore`` will do.

Strategy: frames are numbered from 1. A stream has one producer, which begins it,
appends to it and ends it, and any number of readers, each of which starts after the
last number that it has and follows to the end. Old frames go when there are too many;
a reader who would miss one is told so instead.

Example:
    >>> import asyncio
    >>> async def main() -> list[tuple[int, bytes]]:
    ...     store = MemoryReplay()
    ...     await store.begin("a")
    ...     for frame in (b"one", b"two", b"three"):
    ...         await store.append("a", frame)
    ...     await store.end("a")
    ...     return [numbered async for numbered in store.read("a", after=1)]
    >>> asyncio.run(main())
    [(2, b'two'), (3, b'three')]
"""

from __future__ import annotations

from langchain_streamkit.adapters._memory_replay import MemoryReplay
from langchain_streamkit.adapters._redis_replay import RedisReplay
from langchain_streamkit.adapters._replay_store import ReplayState, ReplayStore

__all__ = ["MemoryReplay", "RedisReplay", "ReplayState", "ReplayStore"]
