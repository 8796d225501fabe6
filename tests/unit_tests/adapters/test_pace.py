"""Screens are drawn at once, then now and then, and nothing stays hidden."""

from __future__ import annotations

import asyncio
import threading

import pytest

from langchain_streamkit.adapters._batches import batches
from langchain_streamkit.adapters._pace import Pace
from langchain_streamkit.events import TextEvent


class Later:
    """A clock's hands in the hands of the test."""

    def __init__(self):
        self.calls = []

    def __call__(self, seconds, call):
        self.calls.append((seconds, call))
        return self

    def cancel(self):
        self.calls.clear()

    def come(self):
        (_, call), self.calls = self.calls[-1], []
        call()


def test_the_first_change_is_drawn_at_once_and_later_ones_together() -> None:
    drawn, later = [], Later()
    pace = Pace(lambda: drawn.append(len(drawn)), 0.1, later)
    for _ in range(5):
        pace.change()
    assert len(drawn) == 1
    assert later.calls[0][0] >= 0.1
    later.come()
    assert len(drawn) == 2
    later.come()
    assert len(drawn) == 2  # nothing had changed
    pace.change()
    assert len(drawn) == 3


def test_nothing_is_drawn_after_the_stop() -> None:
    drawn, later = [], Later()
    pace = Pace(lambda: drawn.append(1), 0.1, later)
    pace.change()
    pace.change()
    (_, call) = later.calls[0]
    pace.stop()
    call()
    assert drawn == [1]


def test_a_change_before_a_stall_is_drawn_by_a_thread() -> None:
    second = threading.Event()
    drawn = []

    def draw():
        drawn.append(1)
        if len(drawn) == 2:
            second.set()

    pace = Pace(draw, 0.01)
    pace.change()
    pace.change()
    assert second.wait(30)
    pace.stop()


async def gated(gate, log):
    try:
        yield TextEvent("a")
        yield TextEvent("b")
        await gate.wait()
        yield TextEvent("c")
    finally:
        log.append("closed")


async def test_batches_give_what_came_before_a_stall() -> None:
    gate = asyncio.Event()
    log: list[str] = []
    seen = []
    async for batch in batches(gated(gate, log), 0.01):
        seen.append([event.content for event in batch])
        if sum(map(len, seen)) == 2:
            gate.set()
    assert seen[0] == ["a"]
    assert [text for batch in seen for text in batch] == ["a", "b", "c"]
    assert log == ["closed"]


async def test_batches_are_closed_while_the_source_stalls() -> None:
    log: list[str] = []
    some = batches(gated(asyncio.Event(), log), 0.01)
    assert await anext(some)
    assert await anext(some)
    await some.aclose()
    assert log == ["closed"]


async def test_cancelling_the_reader_of_batches_closes_the_source() -> None:
    log: list[str] = []

    async def read():
        async for _ in batches(gated(asyncio.Event(), log), 0.01):
            reading.set()

    reading = asyncio.Event()
    task = asyncio.ensure_future(read())
    await reading.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["closed"]


async def test_a_failure_comes_after_what_came_before_it() -> None:
    async def failing():
        yield TextEvent("a")
        yield TextEvent("b")
        raise LookupError("gone")

    some = batches(failing(), 60)
    seen = [*(await anext(some)), *(await anext(some))]
    assert [event.content for event in seen] == ["a", "b"]
    with pytest.raises(LookupError, match="gone"):
        await anext(some)


async def test_all_of_a_source_runs_in_one_context() -> None:
    from contextvars import ContextVar

    variable = ContextVar("variable", default=0)

    async def counting():
        for _ in range(5):
            variable.set(variable.get() + 1)
            yield TextEvent(str(variable.get()))

    texts = [e.content async for batch in batches(counting(), 0.0) for e in batch]
    assert texts == ["1", "2", "3", "4", "5"]
    assert variable.get() == 0
