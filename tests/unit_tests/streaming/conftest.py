"""Both ways to read the events of a model."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from langchain_streamkit import aiter_events, iter_events

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from langchain_core.runnables import Runnable

    from langchain_streamkit.events import StreamEvent


class ReadEvents(Protocol):
    """Runs something and gives all its events."""

    def __call__(
        self, runnable: Runnable[Any, Any], given: Any, **keywords: Any
    ) -> Awaitable[list[StreamEvent]]: ...


async def read_in_thread(
    runnable: Runnable[Any, Any], given: Any, **keywords: Any
) -> list[StreamEvent]:
    return await asyncio.to_thread(
        lambda: list(iter_events(runnable, given, **keywords))
    )


async def read_in_loop(
    runnable: Runnable[Any, Any], given: Any, **keywords: Any
) -> list[StreamEvent]:
    return [event async for event in aiter_events(runnable, given, **keywords)]


@pytest.fixture(params=[read_in_thread, read_in_loop], ids=["sync", "async"])
def read(request: pytest.FixtureRequest) -> ReadEvents:
    reader: ReadEvents = request.param
    return reader


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow at once."""
    monkeypatch.setattr("langchain_streamkit._resilience.retry._FIRST_DELAY", 0.0)
