"""``buffered``: the source may be a few items ahead of its reader, and no more.

Strategy: two thin generators over the two producers.
"""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, TypeVar, overload

from langchain_streamkit.transforms._producers import Producer, ThreadProducer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterable

__all__ = ["buffered"]

Item = TypeVar("Item")


@overload
def buffered(
    stream: AsyncIterable[Item], max_items: int
) -> AsyncGenerator[Item, None]: ...
@overload
def buffered(stream: Iterable[Item], max_items: int) -> Generator[Item, None, None]: ...
def buffered(
    stream: Iterable[Item] | AsyncIterable[Item], max_items: int
) -> Generator[Item, None, None] | AsyncGenerator[Item, None]:
    """Read ahead of a slow reader, and pause the producer when it is too far ahead.

    A stream needs no buffer to be held back: what is not read does not flow. This is
    for readers that are slow now and then, so that the model goes on meanwhile.

    Args:
        stream: Any iterable, sync or async.
        max_items: How many items may wait for the reader. Nothing more is read from
            the stream until one of them is taken.

    Returns:
        The same items. A sync stream is read in a thread, an async one in a task.
        Both end with the reader; a thread whose source is waiting for its server
        gets a second, and then ends when that has answered.

    Raises:
        ValueError: If ``max_items`` is less than 1.

    Example:
        >>> list(buffered(["a", "b", "c"], max_items=2))
        ['a', 'b', 'c']
    """
    if max_items < 1:
        raise ValueError(f"max_items is {max_items}; it must be 1 or more")
    if isinstance(stream, AsyncIterable):
        return _abuffer(stream, max_items)
    return _buffer(stream, max_items)


def _buffer(stream: Iterable[Item], max_items: int) -> Generator[Item, None, None]:
    producer = ThreadProducer(stream, max_items)
    try:
        yield from producer
    finally:
        producer.close()


async def _abuffer(
    stream: AsyncIterable[Item], max_items: int
) -> AsyncGenerator[Item, None]:
    producer = Producer(stream, max_items)
    try:
        while True:
            await producer.wait()
            if not producer.items:
                break
            yield producer.take_and_ask()
        if producer.failure is not None:
            raise producer.failure
    finally:
        await producer.close()
