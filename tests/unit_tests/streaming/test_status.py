"""What a call is busy with is told while it happens, and is never a chunk."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.callbacks import (
    AsyncCallbackHandler,
    BaseCallbackHandler,
    adispatch_custom_event,
    dispatch_custom_event,
)
from langchain_core.runnables import RunnableLambda, RunnablePassthrough

from langchain_streamkit import (
    ChatStreamKit,
    StreamKitError,
    aiter_events,
    iter_events,
)
from langchain_streamkit._resilience.status import status_listener
from langchain_streamkit.events import StatusEvent
from langchain_streamkit.testing import Cut, FakeServer, Gate, Head, Hold, Reply, Send

if TYPE_CHECKING:
    from langchain_streamkit.events import StreamEvent
    from tests.unit_tests.conftest import MakeModel

    from .conftest import ReadEvents

BUSY = Reply.error(503)


def phases(events: list[StreamEvent]) -> list[tuple[str, int, int]]:
    return [
        (event.phase, event.attempt, event.max_attempts)
        for event in events
        if isinstance(event, StatusEvent)
    ]


@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: RunnablePassthrough() | m])
async def test_retries_are_told_in_place(
    make_model: MakeModel, read: ReadEvents, no_waiting: None, wrap: Any
) -> None:
    events = await read(wrap(make_model(BUSY, BUSY, "Hello")), "Hi")
    assert phases(events) == [
        ("connecting", 1, 3),
        ("retrying", 2, 3),
        ("retrying", 3, 3),
        ("generating", 3, 3),
    ]
    assert [event.type for event in events[:5]] == ["status"] * 4 + ["text"]
    retrying = events[1]
    assert retrying.content.startswith("Retrying 2/3")
    assert retrying.metadata["error"] == "ServerError"


async def test_the_delay_before_a_retry_is_told(
    make_model: MakeModel, read: ReadEvents
) -> None:
    model = make_model(Reply.error(429, retry_after=0.01), "Hello")
    events = await read(model, "Hi")
    assert 0.01 <= events[1].delay_seconds < 1


async def test_a_resumption_is_told_where_the_answer_was_cut(
    make_model: MakeModel, read: ReadEvents, no_waiting: None
) -> None:
    cut = Reply("one two three four", faults=[Cut(after_frames=3)])
    model = make_model(cut, "one two three four", resume="replay")
    events = await read(model, "Hi")
    kinds = [getattr(event, "phase", event.type) for event in events]
    place = kinds.index("resumed")
    assert "text" in kinds[:place]
    assert "text" in kinds[place:]
    text = "".join(event.content for event in events if event.type == "text")
    assert text == "one two three four"


async def test_a_fallback_is_told(make_model: MakeModel, read: ReadEvents) -> None:
    refusal = Reply.error(400, "Streaming is not supported.", param="stream")
    model = make_model(refusal, "Hello", stream_fallback=True)
    assert ("fallback", 1, 3) in phases(await read(model, "Hi"))


async def test_statuses_come_before_an_error(
    make_model: MakeModel, no_waiting: None
) -> None:
    seen: list[StreamEvent] = []
    model = make_model(BUSY, BUSY, max_retries=1)

    async def read() -> None:
        async for event in aiter_events(model, "Hi"):
            seen.append(event)  # noqa: PERF401 - it raises in between

    with pytest.raises(StreamKitError):
        await read()
    assert phases(seen) == [("connecting", 1, 2), ("retrying", 2, 2)]


def held_reply(gate: Gate) -> Reply:
    frame = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n'
    return Reply.script(Hold(gate), Head(), Send(frame + b"data: [DONE]\n\n"))


def test_connecting_is_seen_while_the_server_is_awaited(
    fake_server: FakeServer,
) -> None:
    gate = Gate()
    fake_server.script(held_reply(gate))
    model = ChatStreamKit(model="fake", base_url=fake_server.url)
    events = iter_events(model, "Hello")
    assert next(events).phase == "connecting"
    assert not gate.is_open
    gate.open()
    assert "Hi" in [event.content for event in events]


async def test_connecting_is_seen_while_the_server_is_awaited_async(
    fake_server: FakeServer,
) -> None:
    gate = Gate()
    fake_server.script(held_reply(gate))
    model = ChatStreamKit(model="fake", base_url=fake_server.url)
    nested = RunnableLambda(lambda q: q, afunc=model.ainvoke)
    events = aiter_events(nested, "Hello")
    assert (await anext(events)).phase == "connecting"
    gate.open()
    assert "Hi" in [event.content async for event in events]


async def test_nothing_leaks_into_the_context_of_the_caller(
    make_model: MakeModel,
) -> None:
    mine: ContextVar[str] = ContextVar("mine", default="unset")
    seen: list[str] = []

    def look(text: str) -> str:
        seen.append(mine.get())
        mine.set("changed below")
        return text

    mine.set("the caller's")
    chain = RunnableLambda(look) | make_model("Hello", "Hello")
    for _ in iter_events(chain, "Hi"):
        assert status_listener.get() is None
    async for _ in aiter_events(chain, "Hi"):
        assert status_listener.get() is None
    assert seen == ["the caller's"] * 2
    assert mine.get() == "the caller's"


async def test_streams_that_run_at_once_hear_only_themselves(
    fake_server: FakeServer, no_waiting: None
) -> None:
    fake_server.script("one two three", repeat_last=True)

    async def run(name: str) -> set[str]:
        model = ChatStreamKit(model=name, base_url=fake_server.url)
        return {
            event.metadata["model"]
            async for event in aiter_events(model, "Hi", only={"status"})
        }

    names = [f"model-{number}" for number in range(8)]
    heard = await asyncio.gather(*(run(name) for name in names))
    assert heard == [{name} for name in names]
    threads: dict[str, set[str]] = {}

    def run_in_thread(name: str) -> None:
        model = ChatStreamKit(model=name, base_url=fake_server.url)
        events = iter_events(model, "Hi", only={"status"})
        threads[name] = {event.metadata["model"] for event in events}

    workers = [threading.Thread(target=run_in_thread, args=(name,)) for name in names]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert threads == {name: {name} for name in names}


class Hearing(BaseCallbackHandler):
    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    def on_custom_event(self, name: str, data: Any, **_: Any) -> None:
        self.heard.append((name, data["phase"]))


class AsyncHearing(AsyncCallbackHandler):
    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    async def on_custom_event(self, name: str, data: Any, **_: Any) -> None:
        self.heard.append((name, data["phase"]))


async def test_handlers_of_others_hear_custom_events_below_a_run(
    make_model: MakeModel, no_waiting: None
) -> None:
    expected = [
        ("streamkit.status", "connecting"),
        ("streamkit.status", "retrying"),
        ("streamkit.status", "generating"),
    ]
    for handler in (Hearing(), AsyncHearing()):
        chain: Any = RunnablePassthrough() | make_model(BUSY, "Hello")
        config: Any = {"callbacks": [handler]}
        chunks = [chunk async for chunk in chain.astream("Hi", config)]
        assert handler.heard == expected
        assert "".join(chunk.text for chunk in chunks) == "Hello"
    sync = Hearing()
    chain = RunnablePassthrough() | make_model(BUSY, "Hello")
    list(chain.stream("Hi", {"callbacks": [sync]}))
    assert sync.heard == expected


def test_a_model_alone_sends_no_custom_event(make_model: MakeModel) -> None:
    handler = Hearing()
    assert make_model("Hello").invoke("Hi", {"callbacks": [handler]}).text == "Hello"
    assert handler.heard == []


async def test_custom_events_of_a_chain_are_statuses(
    make_model: MakeModel, read: ReadEvents
) -> None:
    def search(text: str) -> str:
        dispatch_custom_event("search", {"message": "Searching", "pages": 3})
        dispatch_custom_event("ping", 7)
        return text

    async def asearch(text: str) -> str:
        await adispatch_custom_event("search", {"message": "Searching", "pages": 3})
        await adispatch_custom_event("ping", 7)
        return text

    chain = RunnableLambda(search, asearch) | make_model("Hello")
    events = await read(chain, "Hi")
    first, second = events[:2]
    assert (first.phase, first.content) == ("custom", "Searching")
    assert first.metadata == {
        "name": "search",
        "data": {"message": "Searching", "pages": 3},
    }
    assert (second.phase, second.content) == ("custom", "ping")
    assert [event.phase for event in events[2:4]] == ["connecting", "generating"]
