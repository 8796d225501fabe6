"""A stream that is made into a store, whoever reads it there.

Strategy: one task copies frames into the store, beside it two wait for a wish to
stop: from here (the reader has left) and from the store (somebody pressed a button,
perhaps in another worker). Whatever ends first, the source is closed, the protocol's
last frames are kept, and the stream is marked as ended, so that no reader waits for
more.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Self

from langchain_streamkit.adapters._frames import AsyncFrames
from langchain_streamkit.events import StatusEvent, StreamEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable

    from langchain_streamkit.adapters._encoder import Encoder
    from langchain_streamkit.adapters._failure import ErrorFrame
    from langchain_streamkit.adapters._replay_store import ReplayStore

__all__ = ["Production"]

logger = logging.getLogger(__name__)

_RUNNING: set[asyncio.Task[None]] = set()  # the loop itself keeps no task alive


class Production:
    """Makes one stream; must be made inside a running event loop.

    Args:
        events: The events.
        encoder: The protocol's encoder.
        on_error: What to tell of an exception.
        store: Where the frames go.
        stream_id: The stream's name there; it was begun.

    Attributes:
        opened: Done with the first event that is more than a status (None), or with
            the error that came instead of it.
        has_failed: True if the store did not take everything.
    """

    def __init__(
        self,
        events: AsyncIterable[StreamEvent],
        encoder: Encoder,
        on_error: Callable[[Exception], ErrorFrame],
        store: ReplayStore,
        stream_id: str,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[Exception | None] = loop.create_future()
        self._frames = AsyncFrames(_Noticing(events, self.opened), encoder, on_error)
        self.has_failed = False
        self._store = store
        self._stream_id = stream_id
        self._is_left = asyncio.Event()
        self._task = asyncio.ensure_future(self._produce())
        _RUNNING.add(self._task)
        self._task.add_done_callback(_RUNNING.discard)

    async def stop(self) -> None:
        """Stop, and return when all is closed; nothing happens after the end."""
        self._is_left.set()
        await asyncio.wait({self._task})

    async def _produce(self) -> None:
        tasks = {
            asyncio.ensure_future(self._is_left.wait()),
            asyncio.ensure_future(self._copy()),
            asyncio.ensure_future(self._store.wait_for_stop(self._stream_id)),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for task in tasks:
                if not task.cancelled() and (error := task.exception()) is not None:
                    self._fail(error)
            await self._end()

    async def _copy(self) -> None:
        async for frame in self._frames:
            await self._store.append(self._stream_id, frame)

    async def _end(self) -> None:
        for step in (self._frames.stop, self._copy, self._mark_ended):
            try:
                await step()
            except Exception as error:  # noqa: BLE001 - the next step counts all the same
                self._fail(error)
        if not self.opened.done():
            self.opened.set_result(None)

    async def _mark_ended(self) -> None:
        await self._store.end(self._stream_id)

    def _fail(self, error: BaseException) -> None:
        logger.error("The replay store failed", exc_info=error)
        self.has_failed = True


class _Noticing:
    """Events that tell when they really begin."""

    def __init__(
        self,
        events: AsyncIterable[StreamEvent],
        opened: asyncio.Future[Exception | None],
    ) -> None:
        self._events = aiter(events)
        self._opened = opened

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent:
        try:
            event = await anext(self._events)
        except StopAsyncIteration:
            self._notice(None)
            raise
        except Exception as error:
            self._notice(error)
            raise
        if not isinstance(event, StatusEvent):
            self._notice(None)
        return event

    def _notice(self, error: Exception | None) -> None:
        if not self._opened.done():
            self._opened.set_result(error)

    async def aclose(self) -> None:
        """Close the events."""
        aclose: Callable[[], Awaitable[Any]] | None
        aclose = getattr(self._events, "aclose", None)
        if aclose is not None:
            await aclose()
