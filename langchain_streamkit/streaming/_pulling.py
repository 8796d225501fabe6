"""Pulls items one by one, and tells on the way what happens before they come.

Strategy: nothing is read ahead. While the first item is awaited (and in async each
item of a chain whose models said much before the last one) the pull runs in a thread
or a task of its own, so that what is told is given while it happens; all other pulls
are inline. Pulls run in a copy of the caller's context, where the listener is
set. Who leaves closes the stream, at once, and ends a read that a thread waits in.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import aclosing, suppress
from contextvars import Context, copy_context
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Literal, Protocol

from langchain_streamkit._resilience.status import StatusListener, status_listener

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Awaitable,
        Callable,
        Generator,
        Iterator,
    )

__all__ = ["Source", "apull", "pull"]

_END: Any = object()
_FEW = 4  # news that come with one item, where a chain gives item by item


class Source(Protocol):
    """What is pulled.

    Attributes:
        waits: Where a pull may take long while there is news: never, before the first
            item only, or before each one.
    """

    waits: Literal["never", "first", "each"]

    def stream(self, tell: Callable[[Any], None]) -> Iterator[Any]:
        """The stream, not begun; ``tell`` takes the news."""
        ...

    def astream(self, tell: Callable[[Any], None]) -> AsyncIterator[Any]:
        """The async twin of ``stream``."""
        ...

    def teller(self, tell: Callable[[Any], None]) -> Callable[[Any], None]:
        """What takes the news, so that they keep their place among the items."""
        ...


def pull(source: Source) -> Generator[Any, None, None]:
    """Give the items of a stream, and what is told meanwhile, in order.

    Args:
        source: What is pulled.

    Yields:
        Items and news.

    Raises:
        Exception: What the stream raised, after the news before it.
    """
    news: SimpleQueue[Any] = SimpleQueue()
    tell = source.teller(news.put)
    listener = StatusListener(tell)
    context = copy_context()
    context.run(status_listener.set, listener)
    stream = context.run(source.stream, tell)
    item = yield from _FirstPull(stream, news, listener, context).wait()
    try:
        while item is not _END:
            yield item
            try:
                item = context.run(next, stream, _END)
            except Exception:
                yield from _rest(news)
                raise
            if not news.empty():
                yield from _rest(news)
    except GeneratorExit:
        listener.leave()  # a chain waits for its threads, and these for their servers
        raise
    finally:
        _close(stream, listener)


def _rest(news: SimpleQueue[Any]) -> Generator[Any, None, None]:
    while not news.empty():
        yield news.get()


class _Pulled:
    """How a pull has ended: with an item, with the end, or with an error."""

    __slots__ = ("error", "item")

    def __init__(self, item: Any, error: BaseException | None) -> None:
        self.item = item
        self.error = error


class _FirstPull:
    """The first pull, in a thread of its own."""

    def __init__(
        self,
        stream: Iterator[Any],
        news: SimpleQueue[Any],
        listener: StatusListener,
        context: Context,
    ) -> None:
        self._stream = stream
        self._news = news
        self._listener = listener
        self._context = context
        self._lock = threading.Lock()

    def wait(self) -> Generator[Any, None, Any]:
        """Give the news until the item is there, and return it."""
        threading.Thread(target=self._pull, name="streamkit-first", daemon=True).start()
        try:
            while not isinstance(told := self._news.get(), _Pulled):
                yield told
        except BaseException:
            self._leave()
            raise
        if told.error is None:
            return told.item
        raise told.error

    def _pull(self) -> None:
        try:
            pulled = _Pulled(self._context.run(next, self._stream, _END), None)
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            pulled = _Pulled(None, error)
        with self._lock:
            if not self._listener.has_left:
                self._news.put(pulled)
                return
        _close(self._stream, self._listener)

    def _leave(self) -> None:
        with self._lock:
            self._listener.leave()
        with suppress(Empty):
            while not isinstance(self._news.get_nowait(), _Pulled):
                pass
            _close(self._stream, self._listener)  # the thread had pulled, and is gone


def _close(stream: Iterator[Any], listener: StatusListener) -> None:
    listener.closer = threading.get_ident()
    close = getattr(stream, "close", None)
    if close is not None:
        close()


async def apull(source: Source) -> AsyncGenerator[Any, None]:
    """The async twin of ``pull``.

    Args:
        source: What is pulled.

    Yields:
        Items and news.

    Raises:
        Exception: What the stream raised, after the news before it.
    """
    is_live = source.waits != "never"
    async with aclosing(_AsyncPulls(source)) as pulls:
        news = pulls.news
        while True:
            told = 0
            if is_live:
                async with aclosing(pulls.told_meanwhile()) as meanwhile:
                    async for item in meanwhile:
                        told += 1
                        yield item
            failure: Exception | None = None
            try:
                item = await pulls.pull()
            except Exception as error:  # noqa: BLE001 - raised below, after the news
                item, failure = _END, error
            while news:
                told += 1
                yield news.take()
            if failure is not None:
                raise failure
            if item is _END:
                return
            yield item
            is_live = source.waits == "each" and told > _FEW


class _AsyncPulls:
    """The pulls of one stream, in a context of their own."""

    def __init__(self, source: Source) -> None:
        self.news = _News(asyncio.get_running_loop())
        tell = source.teller(self.news.put)
        self._context = copy_context()
        self._context.run(status_listener.set, StatusListener(tell))
        self._stream = self._context.run(source.astream, tell)
        self._task: asyncio.Task[Any] | None = None
        self._is_plain = source.waits == "first"

    async def told_meanwhile(self) -> AsyncGenerator[Any, None]:
        """Begin a pull in a task, and give the news until it has ended."""
        task = self._task = self.news.watched(self._stream, self._context)
        await self.news.wait(task)
        while not task.done():
            yield self.news.take()
            await self.news.wait(task)

    def pull(self) -> Awaitable[Any]:
        """What gives the next item, or the end mark."""
        task = self._task
        if task is not None:
            self._task = None
            return task
        pulled = anext(self._stream, _END)
        # a model has looked at its context when it gave its first chunk
        return pulled if self._is_plain else _InContext(self._context, pulled)

    async def aclose(self) -> None:
        """End the pull that is under way, and the stream."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])
        close = getattr(self._stream, "aclose", None)
        if close is not None:
            await close()


async def _next(stream: AsyncIterator[Any]) -> Any:
    return await anext(stream, _END)


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

    def __bool__(self) -> bool:
        return bool(self._told)

    def take(self) -> Any:
        """The oldest news."""
        return self._told.popleft()

    def watched(
        self, stream: AsyncIterator[Any], context: Context
    ) -> asyncio.Task[Any]:
        """Pull in a task of its own, whose end wakes whoever waits."""
        task = self._loop.create_task(_next(stream), context=context)
        task.add_done_callback(self.wake)
        return task

    async def wait(self, task: asyncio.Task[Any]) -> None:
        """Wait until there is news, or the task is done."""
        while not (self._told or task.done()):
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None


class _InContext:
    """An await whose every step runs in a context, in the task of the caller."""

    __slots__ = ("_awaited", "_context")

    def __init__(self, context: Context, awaited: Awaitable[Any]) -> None:
        self._context = context
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        run = self._context.run
        steps: Any = self._awaited.__await__()
        try:
            waited = run(next, steps)
            while True:
                try:
                    sent = yield waited
                except BaseException as error:  # noqa: BLE001 - it is the awaited's
                    waited = run(steps.throw, error)
                else:
                    waited = run(steps.send, sent)
        except StopIteration as end:
            return end.value
