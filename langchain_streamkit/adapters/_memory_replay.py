"""Frames kept in this process.

Strategy: a bounded queue of frames a stream, and an event that every change sets and
replaces, so that any number of readers wait without a task of their own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from langchain_streamkit.adapters._replay_store import GONE, ReplayState
from langchain_streamkit.errors import StreamInterruptedError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["MemoryReplay"]


@dataclass(slots=True)
class _Kept:
    """One stream in memory."""

    frames: deque[bytes]
    last: int = 0
    ended_at: float | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def first(self) -> int:
        return self.last - len(self.frames) + 1

    def tell(self) -> None:
        """Wake the readers; whoever comes later waits for the next change."""
        self.changed.set()
        self.changed = asyncio.Event()


class MemoryReplay:
    """Keeps frames in this process, for one worker with one event loop.

    Args:
        keep_seconds: How long a stream is kept after its end.
        max_streams: How many streams are kept; those that ended first go first, and
            a stream that has not ended stays.
        max_frames: How many frames are kept of one stream.
    """

    def __init__(
        self,
        *,
        keep_seconds: float = 300.0,
        max_streams: int = 1000,
        max_frames: int = 20_000,
    ) -> None:
        self._keep_seconds = keep_seconds
        self._max_streams = max_streams
        self._max_frames = max_frames
        self._kept: dict[str, _Kept] = {}

    async def begin(self, stream_id: str) -> bool:
        """Claim a stream for its producer; False if it exists already."""
        self._forget()
        if stream_id in self._kept:
            return False
        self._kept[stream_id] = _Kept(deque(maxlen=self._max_frames))
        return True

    async def append(self, stream_id: str, frame: bytes) -> None:
        """Keep the next frame."""
        kept = self._kept[stream_id]
        kept.frames.append(frame)
        kept.last += 1
        kept.tell()

    async def end(self, stream_id: str) -> None:
        """Say that nothing more will come."""
        kept = self._kept[stream_id]
        kept.ended_at = _now()
        kept.tell()

    async def state(self, stream_id: str) -> ReplayState | None:
        """What is kept of a stream, or None."""
        self._forget()
        kept = self._kept.get(stream_id)
        if kept is None:
            return None
        return ReplayState(kept.first, kept.last, kept.ended_at is not None)

    async def read(
        self, stream_id: str, after: int = 0
    ) -> AsyncGenerator[tuple[int, bytes], None]:
        """Follow a stream to its end; see ``ReplayStore.read``."""
        kept = self._kept.get(stream_id)
        if kept is None:
            raise StreamInterruptedError(GONE)
        while True:
            while after < kept.last:
                if after + 1 < kept.first:
                    raise StreamInterruptedError(GONE)
                after += 1
                yield after, kept.frames[after - kept.first]
            if kept.ended_at is not None:
                return
            await kept.changed.wait()

    async def stop(self, stream_id: str) -> None:
        """Ask the producer to stop."""
        if stream_id in self._kept:
            self._kept[stream_id].stopped.set()

    async def wait_for_stop(self, stream_id: str) -> None:
        """Return when somebody asks the producer to stop."""
        await self._kept[stream_id].stopped.wait()

    def _forget(self) -> None:
        """Let go of what was kept long enough, and of what is too much."""
        limit = _now() - self._keep_seconds
        ended = sorted(
            (kept.ended_at, name)
            for name, kept in self._kept.items()
            if kept.ended_at is not None
        )
        too_many = len(self._kept) - self._max_streams + 1
        for place, (ended_at, name) in enumerate(ended):
            if ended_at <= limit or place < too_many:
                del self._kept[name]


def _now() -> float:
    return asyncio.get_running_loop().time()
