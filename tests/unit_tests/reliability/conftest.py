"""A model on a server that misbehaves, and nothing left behind by either."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.testing import FakeServer

from .running import HEADERS, KEY, Seen, aread, read

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from langchain_core.language_models import BaseChatModel

_TURNS = 20


def make_model(url: str, **parameters: Any) -> ChatStreamKit:
    """A model that carries a key and a header which nobody else may see."""
    given = {"api_key": KEY, "default_headers": HEADERS, **parameters}
    return ChatStreamKit(model="fake", base_url=url, **given)


@pytest.fixture(scope="session", autouse=True)
def _warm_up() -> None:
    """The first request imports much; no clock of a test should have to wait for it."""
    with FakeServer(["Hello"], repeat_last=True) as server:
        model = make_model(server.url)
        asyncio.run(model.ainvoke("Hello"))
        model.invoke("Hello")
        model.close()


@pytest.fixture(params=["sync", "async"])
def read_stream(
    request: pytest.FixtureRequest,
) -> Callable[[BaseChatModel], Awaitable[Seen]]:
    """Reads a model's stream to its end, in the one way or the other."""

    async def read_in_thread(model: BaseChatModel) -> Seen:
        return await asyncio.to_thread(read, model)

    return aread if request.param == "async" else read_in_thread


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow at once."""
    monkeypatch.setattr("langchain_streamkit._resilience.retry._FIRST_DELAY", 0.0)


@pytest_asyncio.fixture
async def nothing_left() -> AsyncIterator[None]:
    """No task, no garbage that warns, is left when the test is over."""
    yield
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    gc.collect(1)  # the youngest: what the test has made
