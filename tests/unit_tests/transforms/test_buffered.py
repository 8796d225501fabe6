"""Reading ahead, and no further: down to the server's socket."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from typing import Any

import pytest

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.testing import FakeServer, Reply, Send
from langchain_streamkit.transforms import buffered

from .sources import AsyncSource, Source, forever

FRAME = b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % (b"x" * 900)


def buffer_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "streamkit-buffered"]


@pytest.mark.loopback
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_the_servers_socket_stops_when_the_buffer_is_full(
    is_async: bool,
) -> None:
    reply = Reply.script(*[Send(FRAME)] * 20_000)
    with FakeServer([reply], send_buffer=4096) as server:
        model = ChatStreamKit(model="any", base_url=server.url)
        if is_async:
            stream = buffered(model.astream("Go"), 8)
            await anext(stream)
            assert await server.requests[0].await_blocked(5)
            await stream.aclose()
        else:
            with closing(buffered(model.stream("Go"), 8)) as sync_stream:
                next(sync_stream)
                assert server.requests[0].wait_blocked(5)
        assert server.requests[0].bytes_written < 10_000_000
        assert await server.requests[0].await_disconnected(5)
    assert buffer_threads() == []


async def test_the_async_producer_is_as_far_ahead_as_it_may_be() -> None:
    source = AsyncSource(str(number) for number in range(100))
    stream = buffered(source, 3)
    for taken in range(1, 5):
        assert await anext(stream) == str(taken - 1)
        for _ in range(30):
            await asyncio.sleep(0)
        assert source.read == taken + 3
    await stream.aclose()
    assert source.closed == 1


def test_the_sync_producer_is_as_far_ahead_as_it_may_be() -> None:
    has_read = threading.Semaphore(0)

    class Told(Source):
        def __next__(self) -> Any:
            item = super().__next__()
            has_read.release()
            return item

    source = Told(range(100))
    stream = buffered(source, 3)
    next(stream)
    for _ in range(4):
        assert has_read.acquire(timeout=5)
    assert not has_read.acquire(timeout=0.05)
    assert source.read == 4
    stream.close()
    assert (source.closed, buffer_threads()) == (1, [])


def test_a_source_that_waits_does_not_hold_a_reader_that_leaves() -> None:
    gate = threading.Event()
    closed = threading.Event()

    def source() -> Any:
        try:
            yield "a"
            gate.wait(30)
            yield "b"
        finally:
            closed.set()

    stream = buffered(source(), 2)
    assert next(stream) == "a"
    stream.close()
    assert not closed.is_set()
    gate.set()
    assert closed.wait(5)
    for thread in buffer_threads():
        thread.join(5)
    assert buffer_threads() == []


async def test_a_reader_that_leaves_cancels_an_async_source_at_once() -> None:
    source = AsyncSource(["a", forever])
    stream = buffered(source, 4)
    await anext(stream)
    await stream.aclose()
    assert source.closed == 1
    assert len(asyncio.all_tasks()) == 1


def test_what_was_read_comes_before_the_error() -> None:
    stream = buffered(Source(["a", "b"], error=RuntimeError("cut")), 5)
    assert [next(stream), next(stream)] == ["a", "b"]
    with pytest.raises(RuntimeError, match="cut"):
        next(stream)


async def test_an_error_in_closing_is_not_hidden() -> None:
    class Sticky(AsyncSource):
        async def aclose(self) -> None:
            raise RuntimeError("it will not close")

    stream = buffered(Sticky(["a", forever]), 1)
    await anext(stream)
    with pytest.raises(RuntimeError, match="will not close"):
        await stream.aclose()


def test_a_buffer_has_room() -> None:
    with pytest.raises(ValueError, match="must be 1 or more"):
        buffered([], 0)
