"""Asynchronous closing that no cancellation interrupts.

Strategy: a task may be cancelled once more while it cleans up after the first time,
and half a close leaves a connection open that nobody knows any more. So what closes
runs in a task of its own that ignores cancellation: who waits for it may be
cancelled, it goes on, and ``asyncio.run`` waits for it at its end. A request that is
under way is cancelled by a scope of anyio's: httpcore closes a connection that failed
within another one, which only those respect. When a loop ends it closes all async
generators that it knows at once, so of two that are nested it must not know the inner
one, or both would close it at the same time.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio
from typing_extensions import override

from langchain_streamkit._http.open_responses import raw_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator

    import httpx

__all__ = ["AsyncReading", "InnerGenerator", "close_soon", "sent"]

Item = TypeVar("Item")

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


class InnerGenerator(AsyncGenerator[Item, None]):
    """An async generator that its loop does not know: who reads it closes it.

    Args:
        generator: The generator, not begun.
    """

    __slots__ = ("_generator", "_is_begun")

    def __init__(self, generator: AsyncGenerator[Item, None]) -> None:
        self._generator = generator
        self._is_begun = False

    @override
    def __anext__(self) -> Coroutine[Any, Any, Item]:
        if self._is_begun:
            return self._generator.__anext__()
        self._is_begun = True
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(None, _forsake)  # the first step would tell the loop
        try:
            return self._generator.__anext__()
        finally:
            sys.set_asyncgen_hooks(*hooks)

    @override
    async def asend(self, value: None) -> Item:
        """The next item; values that are sent have no meaning here."""
        return await anext(self)

    @override
    async def athrow(self, *error: Any) -> Item:
        """See ``AsyncGenerator``."""
        return await self._generator.athrow(*error)

    @override
    async def aclose(self) -> None:
        """Close the generator, and with it what it reads."""
        if self._is_begun:
            await self._generator.aclose()


def _forsake(generator: AsyncGenerator[Any, None]) -> None:
    """A loop was closed under a stream: there is nobody left to run its end."""


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
    scope = anyio.CancelScope()
    task = loop.create_task(_within(scope, sending))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        scope.cancel()
        await asyncio.shield(close_soon(loop, _forget(task)))
        raise


class AsyncReading:
    """The async twin of ``open_responses.reading``: gives the bytes as they come.

    Args:
        response: A streamed response.
    """

    __slots__ = ("_response",)

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    async def __aenter__(self) -> AsyncIterator[bytes]:
        return _araw_bytes(self._response)

    async def __aexit__(self, error: type[BaseException] | None, *_: object) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # the loop was closed under the stream, and cannot close it any more
        close = self._response.aclose() if error is None else _leave(self._response)
        await asyncio.shield(close_soon(loop, close))


async def _within(
    scope: anyio.CancelScope, sending: Coroutine[Any, Any, httpx.Response]
) -> httpx.Response:
    with scope:
        return await sending
    raise asyncio.CancelledError


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
    """Not by httpx's iterators: they close at the end, and may be cancelled there."""
    if response.is_stream_consumed:
        return _each(raw_bytes(response))
    return aiter(cast("httpx.AsyncByteStream", response.stream))


async def _each(reads: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    for data in reads:
        yield data
