"""Streams that a reader can come back to: both stores, both choices."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from httpx_sse import EventSource
from redis.asyncio import Redis

from langchain_streamkit import ChatStreamKit, aiter_events
from langchain_streamkit.adapters._production import _RUNNING
from langchain_streamkit.adapters.replay import (
    MemoryReplay,
    RedisReplay,
    ReplayState,
    ReplayStore,
)
from langchain_streamkit.adapters.web import sse_response
from langchain_streamkit.errors import StreamInterruptedError
from langchain_streamkit.testing import FakeServer, Gate, Hold, Reply, Send

from .scripted import EVENT_STREAMS
from .serving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

LIMIT = 20.0
FRAME = b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n'
DONE = b"data: [DONE]\n\n"

pytestmark = pytest.mark.loopback


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real redis-server on a free port, without anything on disk."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server on the PATH (Debian's package: redis-server)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    folder = tmp_path_factory.mktemp("redis")
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            assert any("Ready to accept" in line for line in server.stdout)
            threading.Thread(target=server.stdout.read, daemon=True).start()
            yield f"redis://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture(params=["memory", "redis"])
def make_store(request) -> Callable[..., Any]:
    """Make a store of either kind; two of Redis share what they keep."""
    if request.param == "memory":
        return MemoryReplay
    url = request.getfixturevalue("redis_url")
    prefix = f"{request.node.name}:"

    def make(**settings: Any) -> RedisReplay:
        return RedisReplay(url, prefix=prefix, **settings)

    return make


@pytest.fixture
async def store(make_store) -> AsyncIterator[ReplayStore]:
    made = make_store()
    yield made
    if isinstance(made, RedisReplay):
        await made.aclose()


# ── the stores themselves ───────────────────────────────────────────────────────


async def test_a_stream_is_begun_once(store: ReplayStore) -> None:
    assert await store.state("a") is None
    assert await store.begin("a")
    assert not await store.begin("a")
    assert await store.state("a") == ReplayState(1, 0, False)
    await store.append("a", b"one")
    assert not await store.begin("a")
    await store.end("a")
    assert not await store.begin("a")
    assert await store.state("a") == ReplayState(1, 1, True)


@pytest.mark.parametrize("after", [0, 1, 2, 3])
async def test_readers_follow_to_the_end(store: ReplayStore, after: int) -> None:
    frames = [b"one\r\n\x00", b"two", b"three"]
    await store.begin("a")

    async def read() -> list[tuple[int, bytes]]:
        return [numbered async for numbered in store.read("a", after)]

    readers = [asyncio.ensure_future(read()) for _ in range(2)]
    for frame in frames:
        await store.append("a", frame)
    readers.append(asyncio.ensure_future(read()))
    await store.end("a")
    expected = list(enumerate(frames, start=1))[after:]
    assert await asyncio.gather(*readers, read()) == [expected] * 4


async def test_a_reader_is_told_what_it_can_no_longer_have(make_store) -> None:
    store = make_store(max_frames=2)
    await store.begin("a")
    for number in range(5):
        await store.append("a", b"%d" % number)
    if isinstance(store, MemoryReplay):
        assert await store.state("a") == ReplayState(4, 5, False)
        with pytest.raises(StreamInterruptedError, match="no longer kept"):
            await anext(store.read("a", 1))
        assert await anext(store.read("a", 3)) == (4, b"3")
    else:  # Redis trims whole blocks of entries
        await store._redis.xtrim(store._keys("a")[0], maxlen=2, approximate=False)
        assert await store.state("a") == ReplayState(4, 5, False)
        with pytest.raises(StreamInterruptedError, match="no longer kept"):
            await anext(store.read("a", 1))
        await store.aclose()


async def test_a_wish_to_stop_reaches_the_producer(store: ReplayStore) -> None:
    await store.begin("a")
    waiting = asyncio.ensure_future(store.wait_for_stop("a"))
    await store.stop("a")
    await asyncio.wait_for(waiting, LIMIT)


async def test_memory_forgets_what_ended_and_keeps_what_runs() -> None:
    store = MemoryReplay(max_streams=2)
    for name in "abc":
        await store.begin(name)
    assert [await store.state(name) is not None for name in "abc"] == [True] * 3
    await store.end("a")
    await store.begin("d")
    assert [await store.state(name) is not None for name in "abcd"] == [
        False,
        True,
        True,
        True,
    ]
    at_once = MemoryReplay(keep_seconds=0)
    await at_once.begin("a")
    await at_once.end("a")
    assert await at_once.state("a") is None


async def test_redis_tells_a_reader_that_the_producer_died(redis_url: str) -> None:
    dying = RedisReplay(redis_url, prefix="died:", owner_seconds=1)
    await dying.begin("a")
    await dying.append("a", b"one")
    reading = dying.read("a")
    assert await anext(reading) == (1, b"one")
    with pytest.raises(StreamInterruptedError, match=r"worker .* is gone"):
        await anext(reading)
    await dying.aclose()


async def test_redis_keeps_nothing_for_ever(redis_url: str) -> None:
    store = RedisReplay(redis_url, prefix="ttl:", keep_seconds=100)
    await store.begin("a")
    await store.append("a", b"one")
    await store.stop("a")
    client = Redis.from_url(redis_url)
    for key in await client.keys("ttl:*"):
        assert 0 < await client.ttl(key) <= 100
    await client.aclose()
    await store.aclose()


async def test_redis_wants_bytes(redis_url: str) -> None:
    client = Redis.from_url(redis_url, decode_responses=True)
    with pytest.raises(ValueError, match="decode_responses"):
        RedisReplay(client)
    await client.aclose()


# ── responses ───────────────────────────────────────────────────────────────────


@pytest.fixture
def model(fake_server: FakeServer) -> ChatStreamKit:
    return ChatStreamKit(model="m", base_url=fake_server.url, max_retries=0)


def app_for(model: ChatStreamKit, store: Any, **settings: Any) -> FastAPI:
    app = FastAPI()

    async def aclose() -> None:
        if _RUNNING:  # what a stream says at its end needs the connection
            await asyncio.wait(set(_RUNNING), timeout=LIMIT)
        await store.aclose()

    if isinstance(store, RedisReplay):
        app.state.aclose = aclose

    @app.get("/ask")
    async def ask(name: str | None = None, protocol: str = "sse"):
        events = aiter_events(model, "Hello")
        kept = {"replay": store, "stream_id": name, **settings}
        return await sse_response(events, protocol, **kept)

    @app.post("/stop")
    async def stop(name: str):
        await store.stop(name)

    return app


def read(response: httpx.Response) -> list[tuple[str, str]]:
    """The id and the data of each event, by a reader that is not ours."""
    return [(event.id, event.data) for event in EventSource(response).iter_sse()]


@pytest.mark.parametrize("protocol", EVENT_STREAMS)
@pytest.mark.parametrize("on_leave", ["stop", "continue"])
def test_a_reader_who_returns_gets_the_rest(
    fake_server: FakeServer,
    model: ChatStreamKit,
    make_store,
    protocol: str,
    on_leave: str,
) -> None:
    with serving(app_for(model, make_store(), on_leave=on_leave)) as address:
        url = f"{address}/ask?protocol={protocol}"
        whole = read(httpx.get(url))
        for place in (0, len(whole) // 2, len(whole) - 2):
            headers = {"Last-Event-ID": whole[place][0]}
            assert read(httpx.get(url, headers=headers)) == whole[place + 1 :]
        at_end = httpx.get(url, headers={"Last-Event-ID": whole[-1][0]})
    assert at_end.status_code == 204
    assert len(fake_server.requests) == 1


def test_a_name_of_ones_own_finds_the_stream_again(
    fake_server: FakeServer, model: ChatStreamKit, make_store
) -> None:
    with serving(app_for(model, make_store())) as address:
        first, second = (httpx.get(f"{address}/ask?name=chat-1") for _ in range(2))
        other = httpx.get(
            f"{address}/ask?name=chat-2", headers={"Last-Event-ID": "chat-1/3"}
        )
    assert first.content == second.content
    assert first.headers["x-stream-id"] == "chat-1"
    assert read(other)[0][0] == "chat-2/1"
    assert len(fake_server.requests) == 2


def test_a_stream_that_is_gone_is_not_asked_for_again(
    fake_server: FakeServer, model: ChatStreamKit, make_store
) -> None:
    with serving(app_for(model, make_store())) as address:
        lost = httpx.get(f"{address}/ask", headers={"Last-Event-ID": "no-such/3"})
    assert (lost.status_code, lost.json()["code"]) == (410, "stream_expired")
    assert fake_server.requests == []


@pytest.mark.parametrize("value", ["", "/", "7", "a/b", "a b/1", "x/²", "\x7f/1"])
def test_ids_that_are_not_ours_start_a_new_stream(
    model: ChatStreamKit, value: str
) -> None:
    with serving(app_for(model, MemoryReplay())) as address:
        headers = {b"Last-Event-ID": value.encode("latin-1")}
        assert httpx.get(f"{address}/ask", headers=headers).status_code == 200


def leave_after_the_first_word(url: str) -> str:
    """Hang up after the first piece of text, and give its id."""
    with httpx.Client(timeout=LIMIT) as client, client.stream("GET", url) as response:
        seen = ""
        for text in response.iter_text():
            seen += text
            if found := re.search(r"id: (\S+)\nevent: text\n.*\n\n", seen):
                return found[1]
    raise AssertionError(seen)


def test_stop_stops_the_model_when_the_reader_leaves(
    fake_server: FakeServer, model: ChatStreamKit, make_store
) -> None:
    gate = Gate()
    fake_server.script(
        Reply.script(Send(FRAME % b"One"), Hold(gate), Send(FRAME % b"Two"), Send(DONE))
    )
    with serving(app_for(model, make_store(), on_leave="stop")) as address:
        last = leave_after_the_first_word(f"{address}/ask")
        assert fake_server.requests[0].wait_disconnected(LIMIT)
        rest = read(httpx.get(f"{address}/ask", headers={"Last-Event-ID": last}))
    assert '"finish_reason":"stopped"' in rest[-1][1]
    assert len(fake_server.requests) == 1


def test_continue_keeps_going_for_a_reader_who_returns(
    fake_server: FakeServer, model: ChatStreamKit, make_store
) -> None:
    gate = Gate()
    fake_server.script(
        Reply.script(
            Send(FRAME % b"One"), Hold(gate), Send(FRAME % b" two"), Send(DONE)
        )
    )
    with serving(app_for(model, make_store(), on_leave="continue")) as address:
        last = leave_after_the_first_word(f"{address}/ask")
        gate.open()
        assert fake_server.requests[0].wait_finished(LIMIT)
        rest = read(httpx.get(f"{address}/ask", headers={"Last-Event-ID": last}))
    assert '" two"' in rest[0][1]
    assert '"One two"' in rest[-1][1]
    assert len(fake_server.requests) == 1


@pytest.mark.parametrize("on_leave", ["stop", "continue"])
def test_a_stop_button_ends_the_answer_for_all_readers(
    fake_server: FakeServer, model: ChatStreamKit, make_store, on_leave: str
) -> None:
    gate = Gate()
    fake_server.script(Reply.script(Send(FRAME % b"One"), Hold(gate), Send(DONE)))
    with (
        serving(app_for(model, make_store(), on_leave=on_leave)) as address,
        httpx.Client(timeout=LIMIT) as client,
        client.stream("GET", f"{address}/ask?name=chat") as response,
    ):
        events = EventSource(response).iter_sse()
        assert any("One" in event.data for event in events)
        httpx.post(f"{address}/stop?name=chat")
        *_, last = events
        assert last.json()["finish_reason"] == "stopped"
        assert fake_server.requests[0].wait_disconnected(LIMIT)


@pytest.mark.parametrize("on_leave", ["stop", "continue"])
def test_a_failure_before_the_first_event_is_still_a_status(
    fake_server: FakeServer, model: ChatStreamKit, make_store, on_leave: str
) -> None:
    fake_server.script(Reply.error(401, "no"))
    with serving(app_for(model, make_store(), on_leave=on_leave)) as address:
        assert httpx.get(f"{address}/ask").status_code == 401


def test_another_worker_replays_and_stops_what_one_began(
    fake_server: FakeServer, model: ChatStreamKit, redis_url: str
) -> None:
    gate = Gate()
    fake_server.script(Reply.script(Send(FRAME % b"One"), Hold(gate), Send(DONE)))

    def worker() -> FastAPI:
        store = RedisReplay(redis_url, prefix="workers:")
        return app_for(model, store, on_leave="continue")

    with serving(worker()) as first, serving(worker()) as second:
        last = leave_after_the_first_word(f"{first}/ask?name=chat")
        with (
            httpx.Client(timeout=LIMIT) as client,
            client.stream("GET", f"{second}/ask?name=chat") as response,
        ):
            events = EventSource(response).iter_sse()
            assert any(event.id == last for event in events)
            httpx.post(f"{second}/stop?name=chat")
            assert [event.event for event in events][-1] == "final"
        assert fake_server.requests[0].wait_disconnected(LIMIT)
    assert len(fake_server.requests) == 1


def test_a_store_that_fails_ends_the_answer_with_an_error(
    fake_server: FakeServer, model: ChatStreamKit, caplog
) -> None:
    class Full(MemoryReplay):
        async def append(self, stream_id: str, frame: bytes) -> None:
            state = await self.state(stream_id)
            if state is not None and state.last == 2:
                raise OSError("disk full")
            await super().append(stream_id, frame)

    fake_server.script(Reply("word " * 5000, frame_delay=0.02))
    with serving(app_for(model, Full())) as address:
        text = httpx.get(f"{address}/ask", timeout=LIMIT).text
        assert fake_server.requests[0].wait_disconnected(LIMIT)
    assert "event: error" in text
    assert "disk full" not in text
    assert "disk full" in caplog.text


async def test_names_that_would_break_a_frame_are_refused(
    model: ChatStreamKit,
) -> None:
    for name in ("", "a\nb", "a/b", "x" * 129):
        with pytest.raises(ValueError, match="stream_id"):
            await sse_response(
                aiter_events(model, "x"), replay=MemoryReplay(), stream_id=name
            )
    with pytest.raises(ValueError, match="'text' has no event ids"):
        await sse_response(aiter_events(model, "x"), "text", replay=MemoryReplay())
