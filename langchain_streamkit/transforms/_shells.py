"""The two shells that make a generator of a core.

Strategy: a core is fed one item at a time and never waits, so all waiting is here.
An error of the source is raised after what the core still held, for a reader is to
see all that came. The source is closed in one place, however the stream ends. A
core with a deadline needs somebody who waits for the next item and for the clock at
once; in async code that is ``Producer``, which keeps the source in one task.
"""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, Protocol, TypeVar, overload, runtime_checkable

from langchain_streamkit.transforms._closing import aclose, close
from langchain_streamkit.transforms._producers import Producer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterable

__all__ = ["Core", "TimedCore", "transform"]

In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)
In = TypeVar("In")
Out = TypeVar("Out")


class Core(Protocol[In_contra, Out_co]):
    """What a transform does, without any waiting.

    Example:
        >>> class Shout:
        ...     def feed(self, item: str) -> list[str]:
        ...         return [item.upper()]
        ...
        ...     def finish(self) -> list[str]:
        ...         return ["!"]
        >>> list(transform(["hel", "lo"], Shout()))
        ['HEL', 'LO', '!']
    """

    def feed(self, item: In_contra) -> Iterable[Out_co]:
        """Take the next item, and give what is certain by now."""
        ...

    def finish(self) -> Iterable[Out_co]:
        """Give what was held, once: no more items will come."""
        ...


@runtime_checkable
class TimedCore(Protocol[Out_co]):
    """A core that gives what it holds when a time has come."""

    @property
    def seconds_left(self) -> float | None:
        """How long what is held may wait, or None if nothing is held."""
        ...

    def expire(self) -> Iterable[Out_co]:
        """Give what is held, if its time has come."""
        ...


@overload
def transform(
    stream: AsyncIterable[In], core: Core[In, Out]
) -> AsyncGenerator[Out, None]: ...
@overload
def transform(
    stream: Iterable[In], core: Core[In, Out]
) -> Generator[Out, None, None]: ...
def transform(
    stream: Iterable[In] | AsyncIterable[In], core: Core[In, Out]
) -> Generator[Out, None, None] | AsyncGenerator[Out, None]:
    """Run a stream through a core.

    Args:
        stream: Any iterable, sync or async.
        core: The work; see ``Core``. It serves one stream.

    Returns:
        A generator over a sync iterable, an async generator over an async one. It
        closes the stream when it ends and when it is closed. An error of the
        stream is raised after all that the core held.

    Example:
        >>> from langchain_streamkit.transforms import Core
        >>> class Numbered:
        ...     count = 0
        ...
        ...     def feed(self, item: str) -> list[str]:
        ...         self.count += 1
        ...         return [f"{self.count}: {item}"]
        ...
        ...     def finish(self) -> list[str]:
        ...         return []
        >>> list(transform(["one", "two"], Numbered()))
        ['1: one', '2: two']
    """
    if not isinstance(stream, AsyncIterable):
        return _run(stream, core)
    if isinstance(core, TimedCore):
        return _arun_timed(stream, core, core)
    return _arun(stream, core)


def _run(stream: Iterable[In], core: Core[In, Out]) -> Generator[Out, None, None]:
    items = iter(stream)
    failure: Exception | None = None
    try:
        while True:
            try:
                item = next(items)
            except StopIteration:
                break
            except Exception as error:  # noqa: BLE001 - raised below
                failure = error
                break
            yield from core.feed(item)
        yield from core.finish()
        if failure is not None:
            raise failure
    finally:
        close(items)


async def _arun(
    stream: AsyncIterable[In], core: Core[In, Out]
) -> AsyncGenerator[Out, None]:
    items = aiter(stream)
    failure: Exception | None = None
    try:
        while True:
            try:
                item = await anext(items)
            except StopAsyncIteration:
                break
            except Exception as error:  # noqa: BLE001 - raised below
                failure = error
                break
            for out in core.feed(item):
                yield out
        for out in core.finish():
            yield out
        if failure is not None:
            raise failure
    finally:
        await aclose(items)


async def _arun_timed(
    stream: AsyncIterable[In], core: Core[In, Out], clock: TimedCore[Out]
) -> AsyncGenerator[Out, None]:
    producer = Producer(stream, room=0)
    try:
        while True:
            producer.ask()
            await producer.wait(clock.seconds_left)
            if producer.items:
                outs = core.feed(producer.take())
            elif producer.is_over:
                break
            else:
                outs = clock.expire()
            for out in outs:
                yield out
        for out in core.finish():
            yield out
        if producer.failure is not None:
            raise producer.failure
    finally:
        await producer.close()
