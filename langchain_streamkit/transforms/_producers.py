"""Reading ahead of a reader, by a number of items that is never passed.

Strategy: a producer reads an item only when there is room for it, so a source whose
reader is slow is not read at all, and a server's socket fills and stops. All of a
source runs in one task (or thread), its closing too: a generator may then hold
context variables and cancel scopes as if nobody stood between. A waiting reader is
woken by a future and, where a time is set, by a timer; nothing ever waits on
``anext`` with a timeout, for that cancels the source.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from langchain_streamkit.transforms._closing import aclose, close

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable
    from typing import Self

__all__ = ["Producer", "ThreadProducer"]

Item = TypeVar("Item")

_LEAVING_SECONDS = 1.0


class Producer(Generic[Item]):
    """Reads an async source in a task of its own.

    Args:
        stream: The source.
        room: How many items it may read before the first one is taken.

    Attributes:
        items: What was read and not taken.
        is_over: True once the source has ended, failed or been closed.
        failure: The error that ended it.
    """

    def __init__(self, stream: AsyncIterable[Item], room: int) -> None:
        self.items: deque[Item] = deque()
        self.is_over = False
        self.failure: BaseException | None = None
        self._source = aiter(stream)
        self._room = room
        self._task: asyncio.Task[None] | None = None
        self._has_begun = self._is_reading = self._is_closing = False
        self._reader: asyncio.Future[None] | None = None
        self._reading: asyncio.Future[None] | None = None

    def ask(self) -> None:
        """Make room for one item, unless one is there or on its way."""
        if not (self.items or self._room or self._is_reading):
            self._make_room()

    def take(self) -> Item:
        """The oldest item."""
        return self.items.popleft()

    def take_and_ask(self) -> Item:
        """The oldest item; another one may be read in its place."""
        self._make_room()
        return self.items.popleft()

    async def wait(self, seconds: float | None = None) -> None:
        """Wait until there are items, or the source is over.

        Args:
            seconds: For how long at the most, or None.
        """
        if self._task is None:
            self._task = asyncio.create_task(self._produce())
        if self.items or self.is_over:
            return
        loop = asyncio.get_running_loop()
        self._reader = reader = loop.create_future()
        timer = (
            None
            if seconds is None
            else loop.call_later(max(seconds, 0.0), _wake, reader)
        )
        try:
            await reader
        finally:
            self._reader = None
            if timer is not None:
                timer.cancel()

    async def close(self) -> None:
        """End the task, and with it the source."""
        self._is_closing = True
        had_failed = self.failure is not None
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        if not self._has_begun:
            await aclose(self._source)
        if self.failure is not None and not had_failed:
            raise self.failure

    async def _produce(self) -> None:
        self._has_begun = True
        try:
            try:
                while not self._is_closing:
                    await self._wait_for_room()
                    self._is_reading = True
                    self.items.append(await anext(self._source))
                    self._is_reading = False
                    _wake(self._reader)
            except StopAsyncIteration:
                pass
            finally:
                await aclose(self._source)
        except asyncio.CancelledError as error:
            self.failure = None if self._is_closing else error
        except BaseException as error:  # noqa: BLE001 - the reader raises it
            self.failure = error
        finally:
            self.is_over = True
            _wake(self._reader)

    async def _wait_for_room(self) -> None:
        while not self._room:
            self._reading = asyncio.get_running_loop().create_future()
            await self._reading
        self._room -= 1

    def _make_room(self) -> None:
        self._room += 1
        _wake(self._reading)


class ThreadProducer(Generic[Item]):
    """Reads a sync source in a thread of its own.

    Args:
        stream: The source.
        room: How many items it may read before the first one is taken.
    """

    def __init__(self, stream: Iterable[Item], room: int) -> None:
        self._source = iter(stream)
        self._room = room
        self._items: deque[Item] = deque()
        self._failure: BaseException | None = None
        self._is_over = self._is_closing = False
        self._change = threading.Condition()
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run,
            args=(self._produce,),
            name="streamkit-buffered",
            daemon=True,
        )
        self._thread.start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        """Wait for the next item, and make room for another."""
        with self._change:
            self._change.wait_for(lambda: self._items or self._is_over)
            if self._items:
                self._room += 1
                self._change.notify_all()
                return self._items.popleft()
        failure, self._failure = self._failure, None
        raise failure or StopIteration

    def close(self) -> None:
        """End the thread, and with it the source.

        A source that waits for its server cannot be interrupted by another thread.
        It gets a second; then the reader goes on, and the thread closes the source
        as soon as that has given its item, or has run into its timeout.
        """
        with self._change:
            had_failed = self._is_over
            self._is_closing = True
            self._change.notify_all()
        self._thread.join(_LEAVING_SECONDS)
        if self._failure is not None and not had_failed:
            raise self._failure

    def _produce(self) -> None:
        try:
            try:
                while self._wait_for_room():
                    item = next(self._source)
                    with self._change:
                        self._items.append(item)
                        self._change.notify_all()
            except StopIteration:
                pass
            finally:
                close(self._source)
        except BaseException as error:  # noqa: BLE001 - the reader raises it
            self._failure = error
        finally:
            with self._change:
                self._is_over = True
                self._change.notify_all()

    def _wait_for_room(self) -> bool:
        with self._change:
            self._change.wait_for(lambda: self._room or self._is_closing)
            self._room -= 1
            return not self._is_closing


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
