"""Pulls items one by one, and tells on the way what happens before they come.

Strategy: nothing is read ahead. While the first item is awaited (and in async each
item of a chain, whose models may speak long before it gives one) the pull runs in a
thread or a task of its own, so that what it tells is told while it happens; all other
pulls are inline. Pulls run in a copy of the caller's context, where the listener is
set. Who leaves closes the stream, at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from langchain_streamkit._resilience.status import status_listener

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Callable,
        Generator,
        Iterator,
    )

__all__ = ["apull", "pull"]

_END: Any = object()


class _Pulled:
    """How a pull has ended: with an item, with the end, or with an error."""

    __slots__ = ("error", "item")

    def __init__(self, item: Any, error: BaseException | None) -> None:
        self.item = item
        self.error = error


def pull(
    open_stream: Callable[[Callable[[Any], None]], Iterator[Any]],
) -> Generator[Any, None, None]:
    """Give the items of a stream, and what is told meanwhile, in order.

    Args:
        open_stream: Takes what is to be called with news; gives the stream, not begun.

    Yields:
        Items and news.

    Raises:
        Exception: What the stream raised, after the news before it.
    """
    news: SimpleQueue[Any] = SimpleQueue()
    context = copy_context()
    context.run(status_listener.set, news.put)
    stream = context.run(open_stream, news.put)
    first = _FirstPull(stream, news, lambda: context.run(next, stream, _END))
    item = yield from first.wait()
    try:
        while item is not _END:
            while not news.empty():
                yield news.get()
            yield item
            item = context.run(next, stream, _END)
        while not news.empty():
            yield news.get()
    finally:
        _close(stream)


class _FirstPull:
    """The first pull, in a thread of its own."""

    def __init__(
        self, stream: Iterator[Any], news: SimpleQueue[Any], take: Callable[[], Any]
    ) -> None:
        self._stream = stream
        self._news = news
        self._take = take
        self._lock = threading.Lock()
        self._is_left = False

    def wait(self) -> Generator[Any, None, Any]:
        """Give the news until the item is there, and return it."""
        threading.Thread(target=self._pull, name="streamkit-first", daemon=True).start()
        try:
            while not isinstance(told := self._news.get(), _Pulled):
                yield told
        except BaseException:
            self._leave()
            raise
        if told.error is not None:
            raise told.error
        return told.item

    def _pull(self) -> None:
        try:
            pulled = _Pulled(self._take(), None)
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            pulled = _Pulled(None, error)
        with self._lock:
            if not self._is_left:
                self._news.put(pulled)
                return
        _close(self._stream)

    def _leave(self) -> None:
        with self._lock:
            self._is_left = True
        if not self._news.empty() and isinstance(self._news.get(), _Pulled):
            _close(self._stream)


def _close(stream: Iterator[Any]) -> None:
    close = getattr(stream, "close", None)
    if close is not None:
        close()


class _News:
    """What is told to an event loop, from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = threading.get_ident()
        self._told: deque[Any] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def put(self, told: Any) -> None:
        """Take something; whoever waits is woken."""
        self._told.append(told)
        if threading.get_ident() == self._thread:
            self.wake()
        else:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                self._loop.call_soon_threadsafe(self.wake)

    def wake(self, _: object = None) -> None:
        """Wake whoever waits."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def take(self) -> Any:
        """The oldest news, or the end mark if there is none."""
        return self._told.popleft() if self._told else _END

    async def wait(self, task: asyncio.Task[Any]) -> None:
        """Wait until there is news, or the task is done."""
        if self._told or task.done():
            return
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None


async def apull(
    open_stream: Callable[[Callable[[Any], None]], AsyncIterator[Any]],
    *,
    is_live: bool,
) -> AsyncGenerator[Any, None]:
    """The async twin of ``pull``.

    Args:
        open_stream: Takes what is to be called with news; gives the stream, not begun.
        is_live: Whether news are told while later items are awaited, too.

    Yields:
        Items and news.

    Raises:
        Exception: What the stream raised, after the news before it.
    """
    loop = asyncio.get_running_loop()
    news = _News(loop)
    context = copy_context()
    context.run(status_listener.set, news.put)
    stream = context.run(open_stream, news.put)
    is_first = True
    task: asyncio.Task[Any] | None = None
    try:
        while True:
            if is_first or is_live:
                is_first = False
                task = loop.create_task(_next(stream), context=context)
                task.add_done_callback(news.wake)
                while not task.done():
                    await news.wait(task)
                    while (told := news.take()) is not _END:
                        yield told
            while (told := news.take()) is not _END:
                yield told
            item = task.result() if task is not None else await anext(stream, _END)
            task = None
            if item is _END:
                return
            yield item
    finally:
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()


async def _next(stream: AsyncIterator[Any]) -> Any:
    return await anext(stream, _END)
