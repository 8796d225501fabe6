"""Events in batches, for screens that cost much to draw.

Strategy: the first event is given at once; what follows within the interval is given
together, when the interval is over, and not only when the next event comes. One event
is awaited at a time, in a task that is kept: a time limit around it would cancel it.
All pulls run in one context, and closing cancels the one that is under way.
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from langchain_streamkit.events import StreamEvent

__all__ = ["batches"]


async def batches(
    events: AsyncGenerator[StreamEvent, None], interval: float
) -> AsyncGenerator[list[StreamEvent], None]:
    """Give events together that come soon after one another.

    Args:
        events: The events; they are closed with the batches.
        interval: Seconds between two batches, at the least; where the reader takes
            long, four times as long as it took.

    Yields:
        Batches, none of them empty.

    Raises:
        Exception: What the events raise, after the batch before it.
    """
    loop, context = asyncio.get_running_loop(), copy_context()
    pull: asyncio.Task[StreamEvent | None] | None = None
    held: list[StreamEvent] = []
    failure: Exception | None = None
    is_over = False
    due = 0.0
    try:
        while not is_over:
            pull = pull or loop.create_task(_next(events), context=context)
            rest = max(0.0, due - loop.time()) if held else None
            await asyncio.wait({pull}, timeout=rest)
            if pull.done():
                done, pull = pull, None
                try:
                    event = done.result()
                except Exception as error:  # noqa: BLE001 - raised below
                    event, failure = None, error
                if event is None:
                    is_over = True
                else:
                    held.append(event)
            if held and (is_over or loop.time() >= due):
                batch, held, begun = held, [], loop.time()
                yield batch
                due = loop.time() + max(interval, 4 * (loop.time() - begun))
        if failure is not None:
            raise failure
    finally:
        if pull is not None:
            pull.cancel()
            await asyncio.wait({pull})
            if not pull.cancelled():
                pull.exception()  # nobody is left to be told
        await events.aclose()


async def _next(events: AsyncGenerator[StreamEvent, None]) -> StreamEvent | None:
    return await anext(events, None)
