"""Asynchronous closing that no cancellation interrupts.

Strategy: a task may be cancelled once more while it cleans up after the first time,
and half a close leaves a connection open that nobody knows any more. So what closes
runs in a task of its own that ignores cancellation: who waits for it may be
cancelled, it goes on, and ``asyncio.run`` waits for it at its end. A request that is
under way is cancelled once, and then left to clean up in peace.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from langchain_streamkit._http.open_responses import raw_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator

    import httpx

__all__ = ["areading", "close_soon", "sent"]

_closing: set[asyncio.Task[None]] = set()
"""Tasks that close; a loop keeps no reference of its own to a task."""


class _ClosingTask(asyncio.Task[None]):
    """A task that ``asyncio.run`` waits for at its end instead of cancelling it."""

    @override
    def cancel(self, msg: object = None) -> bool:
        """Do nothing: closing takes a few turns of the loop only."""
        return False


def close_soon(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]
) -> asyncio.Task[None]:
    """Close something, whoever is cancelled meanwhile.

    Args:
        loop: The running loop.
        work: What closes it.

    Returns:
        The task that does it.
    """
    task = _ClosingTask(work, loop=loop)
    _closing.add(task)
    task.add_done_callback(_closing.discard)
    return task


async def sent(sending: Coroutine[Any, Any, httpx.Response]) -> httpx.Response:
    """Send a request in a task of its own.

    Args:
        sending: What sends it.

    Returns:
        Its response.

    Raises:
        asyncio.CancelledError: If the caller is cancelled; the request is, too, and
            a response that has just come is closed.
    """
    loop = asyncio.get_running_loop()
    task = loop.create_task(sending)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.shield(close_soon(loop, _forget(task)))
        raise


@asynccontextmanager
async def areading(
    response: httpx.Response,
) -> AsyncGenerator[AsyncIterator[bytes], None]:
    """The async twin of ``open_responses.reading``.

    Args:
        response: A streamed response.

    Yields:
        Its bytes as they come, still compressed if the server did that.
    """
    is_whole = False
    try:
        yield _araw_bytes(response)
        is_whole = response.is_closed
    finally:
        if not is_whole:
            loop = asyncio.get_running_loop()
            await asyncio.shield(close_soon(loop, _leave(response)))


async def _forget(task: asyncio.Task[httpx.Response]) -> None:
    await asyncio.wait([task])
    if not task.cancelled() and task.exception() is None:
        await _leave(task.result())


async def _leave(response: httpx.Response) -> None:
    """Close the connection itself: httpcore may be half through its own closing."""
    stream: Any = response.extensions.get("network_stream")
    try:
        if hasattr(stream, "aclose") and response.http_version != "HTTP/2":
            await stream.aclose()
    finally:
        await response.aclose()


def _araw_bytes(response: httpx.Response) -> AsyncIterator[bytes]:
    if not response.is_stream_consumed:
        return response.aiter_raw()
    return _each(raw_bytes(response))


async def _each(reads: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    for data in reads:
        yield data
