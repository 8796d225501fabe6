"""The first event of a stream, awaited without losing or cancelling anything.

Strategy: what a request is answered with depends on the first event that is more
than a status: if there is a failure instead, the response can still be one. Each
pull is a task, so that the wait can end (the time is up, the reader has left) while
the pull goes on. What was pulled is given again, in order, to whoever iterates next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Self

from langchain_streamkit.events import StatusEvent, StreamEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable

__all__ = ["Opening"]


class Opening:
    """Events whose beginning can be awaited before they are read.

    Args:
        events: The events; ``aclose`` closes them.
    """

    def __init__(self, events: AsyncIterable[StreamEvent]) -> None:
        self._events = aiter(events)
        self._held: deque[StreamEvent] = deque()
        self._pull: asyncio.Task[StreamEvent | None] | None = None
        self._is_closed = False

    async def begin(self, seconds: float, leaving: asyncio.Future[None]) -> bool:
        """Wait for the first event that is more than a status.

        Args:
            seconds: How long to wait at the most; the pull goes on after that.
            leaving: Done when nobody waits for the answer any more.

        Returns:
            False if the reader has left.

        Raises:
            Exception: What the events raise before the first of them.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            pull = self._pull = self._pull or asyncio.ensure_future(self._next())
            awaited: set[asyncio.Future[Any]] = {pull, leaving}
            done, _ = await asyncio.wait(
                awaited,
                timeout=max(0.0, deadline - loop.time()),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if leaving in done:
                return False
            if pull not in done:
                return True
            event = pull.result()  # raises here; the pull is kept for no one
            if event is None:
                return True
            self._pull = None
            self._held.append(event)
            if not isinstance(event, StatusEvent):
                return True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent:
        if self._held:
            return self._held.popleft()
        pull, self._pull = self._pull, None
        # a cancelled wait for a task cancels the task, too
        event = await (pull if pull is not None else self._next())
        if event is None:
            raise StopAsyncIteration
        return event

    async def aclose(self) -> None:
        """Cancel what is being pulled, and close the events."""
        pull, self._pull = self._pull, None
        if pull is not None and not pull.done():
            pull.cancel()
            await asyncio.wait({pull})
        if pull is not None and not pull.cancelled():
            pull.exception()  # it is told elsewhere, or nobody is there to be told
        if not self._is_closed:
            self._is_closed = True
            aclose: Callable[[], Awaitable[Any]] | None
            aclose = getattr(self._events, "aclose", None)
            if aclose is not None:
                await aclose()

    async def _next(self) -> StreamEvent | None:
        return await anext(self._events, None)
