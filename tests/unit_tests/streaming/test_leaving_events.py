"""Who leaves a stream of events closes the model's connection, at once."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda, RunnableParallel

from langchain_streamkit import aevents_from, aiter_events, events_from, iter_events
from langchain_streamkit.testing import FakeServer, Hang, Reply, Stall

if TYPE_CHECKING:
    from tests.unit_tests.conftest import MakeModel

STALLING = Reply("One two three", faults=[Stall(after_frames=3)])
SILENT = Reply.script(Hang())


def make_chains(model: Any) -> dict[str, Any]:
    return {
        "model": model,
        "chain": model | StrOutputParser(),
        "nested": RunnableLambda(model.invoke, model.ainvoke),
    }


KINDS = ["model", "chain", "nested"]


@pytest.mark.parametrize("kind", KINDS)
async def test_closing_closes_the_connection(
    fake_server: FakeServer, make_model: MakeModel, kind: str
) -> None:
    chain = make_chains(make_model(STALLING))[kind]
    async with aclosing(aiter_events(chain, "Hello", only={"text"})) as events:
        assert (await anext(events)).content == "One"
    assert await fake_server.requests[0].await_disconnected()


@pytest.mark.parametrize("kind", KINDS)
async def test_cancelling_closes_the_connection(
    fake_server: FakeServer, make_model: MakeModel, kind: str
) -> None:
    chain = make_chains(make_model(STALLING))[kind]
    has_begun = asyncio.Event()

    async def read() -> None:
        async for _ in aiter_events(chain, "Hello", only={"text"}):
            has_begun.set()

    task = asyncio.create_task(read())
    await has_begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await fake_server.requests[0].await_disconnected()


@pytest.mark.parametrize("kind", KINDS)
async def test_leaving_while_the_server_is_awaited_closes_the_connection(
    fake_server: FakeServer, make_model: MakeModel, kind: str
) -> None:
    chain = make_chains(make_model(SILENT))[kind]
    async with aclosing(aiter_events(chain, "Hello")) as events:
        assert (await anext(events)).phase == "connecting"
        await asyncio.to_thread(fake_server.wait_requests)
    assert await fake_server.requests[0].await_disconnected()


@pytest.mark.parametrize("kind", ["model", "chain"])
def test_closing_closes_the_connection_sync(
    fake_server: FakeServer, make_model: MakeModel, kind: str
) -> None:
    chain = make_chains(make_model(STALLING))[kind]
    with closing(iter_events(chain, "Hello", only={"text"})) as events:
        assert next(events).content == "One"
    assert fake_server.requests[0].wait_disconnected()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reply", [SILENT, Reply("Hi", faults=[Stall()])])
def test_leaving_while_a_thread_waits_ends_its_wait(
    fake_server: FakeServer, make_model: MakeModel, kind: str, reply: Reply
) -> None:
    chain = make_chains(make_model(reply))[kind]
    with closing(iter_events(chain, "Hello")) as events:
        assert next(events).phase == "connecting"
        assert fake_server.wait_requests()
    assert fake_server.requests[0].wait_disconnected()
    assert len(fake_server.requests) == 1


def closes_soon(events: Any) -> bool:
    """Whether closing waits for no server; its thread ends with the test's server."""
    thread = threading.Thread(target=events.close, daemon=True)
    thread.start()
    thread.join(15)
    return not thread.is_alive()


def test_leaving_ends_what_a_graphs_threads_wait_for(
    fake_server: FakeServer, make_model: MakeModel
) -> None:
    agent = create_agent(make_model(STALLING, "never asked for"), [])
    events = iter_events(agent, {"messages": "Hello"}, only={"text"})
    assert next(events).content == "One"
    assert closes_soon(events)
    assert fake_server.requests[0].wait_disconnected()
    assert len(fake_server.requests) == 1


def test_leaving_ends_the_wait_of_every_thread(
    fake_server: FakeServer, make_model: MakeModel
) -> None:
    model = make_model(STALLING, STALLING)
    events = iter_events(RunnableParallel(a=model, b=model), "Hello", only={"text"})
    assert [next(events).content for _ in range(2)]
    assert fake_server.wait_requests(2)
    assert closes_soon(events)
    assert all(request.wait_disconnected() for request in fake_server.requests)


def test_leaving_ends_the_wait_for_another_attempt_of_a_graph(
    fake_server: FakeServer, make_model: MakeModel
) -> None:
    agent = create_agent(make_model(Reply.error(503, retry_after=60)), [])
    events = iter_events(agent, {"messages": "Hello"})
    assert [next(events).phase for _ in range(2)] == ["connecting", "retrying"]
    assert closes_soon(events)


def test_what_follows_a_model_never_gets_the_beginning_of_an_answer(
    fake_server: FakeServer, make_model: MakeModel
) -> None:
    given: list[Any] = []
    model = make_model(STALLING)
    has_ended = threading.Event()

    def ask(question: str) -> None:
        try:
            given.append(model.invoke(question))
        finally:
            has_ended.set()

    with closing(iter_events(RunnableLambda(ask), "Hello", only={"text"})) as events:
        assert next(events).content == "One"
    assert has_ended.wait(15)
    assert given == []


@pytest.mark.flaky(reruns=3)  # a late end of the body costs the first its connection
def test_leaving_leaves_the_connections_of_others_alone(
    fake_server: FakeServer, make_model: MakeModel
) -> None:
    model = make_model("First.", Reply("Second, and more", faults=[Stall(2)]), "Third.")
    chain = model | RunnableLambda(lambda _: iter(["a", "b"]))
    with closing(iter_events(chain, "Hello")) as events:
        while next(events).type != "usage":
            pass
        stream = model.stream("Hello")  # on the connection that the first one had
        assert next(stream).text == "Second,"
        first, second = fake_server.requests
        assert first.connection == second.connection
    assert not second.wait_disconnected(0.3)
    stream.close()


def test_leaving_before_a_retry_sends_nothing_more(
    fake_server: FakeServer, make_model: MakeModel
) -> None:
    model = make_model(Reply.error(503, retry_after=0.05), "never asked for")
    with closing(iter_events(model, "Hello")) as events:
        assert [next(events).phase for _ in range(2)] == ["connecting", "retrying"]
    assert not fake_server.wait_requests(2, timeout=0.3)


async def test_a_stream_of_the_user_is_closed_with_its_events(
    fake_server: FakeServer, make_model: MakeModel
) -> None:
    model = make_model(STALLING, STALLING)
    async with aclosing(aevents_from(model.astream("Hello"))) as events:
        await anext(events)
    assert await fake_server.requests[0].await_disconnected()
    with closing(events_from(model.stream("Hello"))) as sync_events:
        next(sync_events)
    assert await fake_server.requests[1].await_disconnected()


def test_events_that_were_never_begun_cost_nothing(
    fake_server: FakeServer, make_model: MakeModel
) -> None:
    iter_events(make_model("Hello"), "Hi").close()
    assert fake_server.requests == []


async def test_nothing_is_read_ahead(make_model: MakeModel) -> None:
    taken: list[int] = []

    async def numbers(_: Any) -> Any:
        for number in range(10):
            taken.append(number)
            yield str(number)

    async with aclosing(aiter_events(RunnableLambda(numbers), "Hi")) as events:
        for expected in range(3):
            assert (await anext(events)).content == str(expected)
            assert taken == list(range(expected + 1))
