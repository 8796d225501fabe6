"""Frames kept in Redis, for many workers.

Strategy: a stream is one Redis stream whose entries' ids are the frames' numbers, so
that a gap shows. Its producer refreshes a key that expires: a reader who hears
nothing looks whether somebody is still there to say something. A list carries the
wish to stop to whichever worker has the producer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langchain_streamkit._langchain.extras import missing_extra
from langchain_streamkit.adapters._replay_store import GONE, ReplayState
from langchain_streamkit.errors import StreamInterruptedError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from redis.asyncio import Redis

__all__ = ["RedisReplay"]


class RedisReplay:
    """Keeps frames in Redis streams, for readers and producers in many workers.

    A stream is one key, a Redis stream whose entries bear the frames' numbers; beside
    it a key says that its producer lives. Each reader and each producer holds a
    connection of the client's pool while it waits.

    Args:
        client: A client of ``redis.asyncio``, or the server's URL.
        prefix: What the keys' names begin with.
        keep_seconds: How long a stream is kept after its last frame.
        max_frames: How many frames are kept of one stream, about.
        owner_seconds: How long after a worker's death its streams count as cut.

    Raises:
        ImportError: If a URL is given and ``redis`` is not installed.
        ValueError: If the client decodes what it reads.
    """

    def __init__(
        self,
        client: Redis | str,
        *,
        prefix: str = "streamkit:",
        keep_seconds: int = 300,
        max_frames: int = 20_000,
        owner_seconds: int = 15,
    ) -> None:
        # Its own types are wrong for what this class asks (redis 8.1).
        given: object = _connect(client) if isinstance(client, str) else client
        self._redis = cast("Any", given)
        if self._redis.get_encoder().decode_responses:
            raise ValueError("The client must give bytes: decode_responses=False.")
        self._prefix = prefix
        self._keep_seconds = keep_seconds
        self._max_frames = max_frames
        self._owner_seconds = owner_seconds
        self._numbers: dict[str, int] = {}  # of the streams that are made here

    async def aclose(self) -> None:
        """Close the connections of the client."""
        await self._redis.aclose()

    async def begin(self, stream_id: str) -> bool:
        """Claim a stream for its producer; False if it exists already."""
        frames, owner, _ = self._keys(stream_id)
        if await self._redis.exists(frames):
            return False
        mine = await self._redis.set(owner, 1, nx=True, ex=self._owner_seconds)
        if mine:
            self._numbers[stream_id] = 0
        return bool(mine)

    async def append(self, stream_id: str, frame: bytes) -> None:
        """Keep the next frame."""
        await self._add(stream_id, {"frame": frame})

    async def end(self, stream_id: str) -> None:
        """Say that nothing more will come."""
        await self._add(stream_id, {"end": b"1"})
        self._numbers.pop(stream_id, None)
        await self._redis.delete(self._keys(stream_id)[1])

    async def state(self, stream_id: str) -> ReplayState | None:
        """What is kept of a stream, or None."""
        frames, owner, _ = self._keys(stream_id)
        oldest = await self._redis.xrange(frames, count=1)
        newest = await self._redis.xrevrange(frames, count=1)
        if not oldest or not newest:
            return ReplayState(1, 0, False) if await self._redis.exists(owner) else None
        has_ended = b"end" in _fields(newest[0])
        last = _number(newest[0]) - has_ended
        return ReplayState(_number(oldest[0]), last, has_ended)

    async def read(
        self, stream_id: str, after: int = 0
    ) -> AsyncGenerator[tuple[int, bytes], None]:
        """Follow a stream to its end; see ``ReplayStore.read``."""
        frames, owner, _ = self._keys(stream_id)
        wait = max(1, self._owner_seconds * 1000 // 3)
        while True:
            for entry in await self._redis.xrange(frames, min=f"({after}-0"):
                if _number(entry) != after + 1:
                    raise StreamInterruptedError(GONE)
                if b"end" in _fields(entry):
                    return
                after += 1
                yield after, _fields(entry)[b"frame"]
            news = await self._redis.xread({frames: f"{after}-0"}, block=wait)
            if not news and not await self._redis.exists(owner):
                await self._check_cut(frames, after)

    async def stop(self, stream_id: str) -> None:
        """Ask the producer to stop, in whatever worker it runs."""
        key = self._keys(stream_id)[2]
        async with self._redis.pipeline() as pipe:
            pipe.rpush(key, b"1").expire(key, self._keep_seconds)
            await pipe.execute()

    async def wait_for_stop(self, stream_id: str) -> None:
        """Return when somebody asks the producer to stop; says that it lives, too."""
        _, owner, stop = self._keys(stream_id)
        while True:
            await self._redis.set(owner, 1, ex=self._owner_seconds)
            wait = max(1, self._owner_seconds // 3)
            if await self._redis.blpop([stop], timeout=wait):
                return

    def _keys(self, stream_id: str) -> tuple[str, str, str]:
        name = f"{self._prefix}{{{stream_id}}}"  # braces: one slot of a cluster
        return name, f"{name}:owner", f"{name}:stop"

    async def _add(self, stream_id: str, fields: dict[str, bytes]) -> None:
        key = self._keys(stream_id)[0]
        number = self._numbers[stream_id] = self._numbers[stream_id] + 1
        async with self._redis.pipeline() as pipe:
            pipe.xadd(key, fields, id=f"{number}-0", maxlen=self._max_frames)
            pipe.expire(key, self._keep_seconds)
            await pipe.execute()

    async def _check_cut(self, frames: str, after: int) -> None:
        """Raise unless something came between the last look and this one."""
        if not await self._redis.xread({frames: f"{after}-0"}):
            raise StreamInterruptedError(
                "The worker that made this answer is gone.", code="producer_gone"
            )


def _connect(url: str) -> Redis:
    try:
        from redis.asyncio import from_url  # noqa: PLC0415 - an extra's library
    except ModuleNotFoundError as error:
        raise missing_extra(error, "redis") from error
    client: Redis = from_url(url)
    return client


def _number(entry: tuple[bytes, dict[bytes, bytes]]) -> int:
    return int(entry[0].partition(b"-")[0])


def _fields(entry: tuple[bytes, dict[bytes, bytes]]) -> dict[bytes, bytes]:
    return entry[1]
