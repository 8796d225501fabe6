"""One model for many event loops, threads and streams; users' own clients; copies."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import resource
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from langchain_core.messages import HumanMessage

from langchain_streamkit import errors
from langchain_streamkit._http.open_responses import bury_abandoned, reading
from langchain_streamkit.testing import FakeServer, Gate, Hold, Reply, Send, Stall

from .cases import TEXT
from .conftest import make_model
from .running import PROMPT, Seen, aread, read

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from langchain_core.language_models import BaseChatModel

    from langchain_streamkit.testing import ReceivedRequest

    ReadStream = Callable[[BaseChatModel], Awaitable[Seen]]

pytestmark = pytest.mark.loopback

THREADS = 64
STREAMS = 1000
FRAME = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'
DONE = b"data: [DONE]\n\n"


@pytest.fixture
def server(loopback: None) -> Iterator[FakeServer]:
    def echo(request: ReceivedRequest) -> Reply:
        return Reply(request.last_user_text, frame_delay=0.001)

    with FakeServer(handler=echo) as running:
        yield running


# ── event loops ─────────────────────────────────────────────────────────────────


def test_one_model_serves_one_loop_after_the_other(server: FakeServer) -> None:
    model = make_model(server.url)

    async def twice() -> list[str]:
        return [(await aread(model, f"a {n}")).text for n in range(2)]

    for _ in range(4):
        assert asyncio.run(twice()) == ["a 0", "a 1"]
        assert server.wait_connections(0)  # the loop's end has closed them
    assert len({request.connection for request in server.requests}) == 4


def test_one_model_serves_many_loops_at_once(server: FakeServer) -> None:
    model = make_model(server.url)

    async def several(number: int) -> list[str]:
        words = [f"{number} {n}" for n in range(4)]
        return [s.text for s in await asyncio.gather(*(aread(model, w) for w in words))]

    with ThreadPoolExecutor(16) as pool:
        texts = list(pool.map(lambda n: asyncio.run(several(n)), range(16)))
    assert texts == [[f"{number} {n}" for n in range(4)] for number in range(16)]
    assert server.wait_connections(0)


def test_a_loop_that_was_closed_by_hand_does_not_stand_in_the_way(
    server: FakeServer,
) -> None:
    model = make_model(server.url)
    for word in ("one", "two", "three"):
        loop = asyncio.new_event_loop()
        try:
            assert loop.run_until_complete(aread(model, word)).text == word
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()
    assert server.wait_connections(0)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # asyncio's, rightly
def test_a_loop_that_was_closed_under_a_stream_raises_nothing() -> None:
    reply = Reply("One two three", faults=[Stall(after_frames=3)])
    with FakeServer([reply, TEXT], repeat_last=True) as server:
        model = make_model(server.url)
        loop = asyncio.new_event_loop()
        stream = model._astream([HumanMessage(PROMPT)])  # core's part would complain
        assert loop.run_until_complete(anext(stream)).text == "One"
        loop.close()
        del stream
        gc.collect()
        assert asyncio.run(aread(model)).text == TEXT
        del model, loop
        gc.collect()
        assert server.wait_connections(0)


def test_a_stream_that_a_loop_leaves_open_is_closed_with_the_loop() -> None:
    reply = Reply("One two three", faults=[Stall(after_frames=3)])
    with FakeServer([reply], repeat_last=True) as server:
        model = make_model(server.url)
        kept: list[Any] = []

        async def leave(*, keep: bool) -> None:
            stream = model.astream(PROMPT)
            await anext(stream)
            if keep:
                kept.append(stream)

        for keep in (False, True):
            asyncio.run(leave(keep=keep))
            assert server.wait_connections(0)
        kept.clear()
        gc.collect(1)


def test_a_loop_that_is_cancelled_at_its_end_leaves_nothing() -> None:
    reply = Reply("One two three", faults=[Stall(after_frames=3)])
    with FakeServer([reply], repeat_last=True) as server:
        model = make_model(server.url)

        async def start_and_return() -> None:
            tasks = [asyncio.create_task(aread(model)) for _ in range(5)]
            assert await asyncio.to_thread(server.wait_requests, len(tasks))

        asyncio.run(start_and_return())  # which cancels what still runs
        assert server.wait_connections(0)


# ── threads and many streams ────────────────────────────────────────────────────


def test_threads_share_a_model(server: FakeServer) -> None:
    model = make_model(server.url)
    barrier = threading.Barrier(THREADS)

    def several(number: int) -> list[str]:
        barrier.wait()
        return [read(model, f"{number} {n}").text for n in range(3)]

    with ThreadPoolExecutor(THREADS) as pool:
        texts = list(pool.map(several, range(THREADS)))
    assert texts == [[f"{number} {n}" for n in range(3)] for number in range(THREADS)]
    model.close()
    assert server.wait_connections(0)


def test_streams_may_be_left_in_another_thread() -> None:
    reply = Reply("One two three", faults=[Stall(after_frames=3)])
    with FakeServer([reply], repeat_last=True) as server:
        model = make_model(server.url)
        streams = [model.stream(PROMPT) for _ in range(8)]
        for stream in streams:
            next(stream)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda stream: stream.close(), streams))
        assert server.wait_connections(0)
        model.close()


async def test_a_thousand_streams_at_once_need_no_setting() -> None:
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * STREAMS + 200  # both ends of each connection are in this process
    if most != resource.RLIM_INFINITY and most < needed:
        pytest.skip(f"this system allows {most} open files, both ends need {needed}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(files, needed), most))
    gate = Gate()
    reply = Reply.script(Send(FRAME), Hold(gate), Send(FRAME + DONE))
    try:
        with FakeServer([reply], repeat_last=True) as server:
            model = make_model(server.url, max_retries=0)
            reading = asyncio.gather(*(aread(model) for _ in range(STREAMS)))
            assert await asyncio.to_thread(server.wait_requests, STREAMS, 30)
            assert server.open_connections == STREAMS
            gate.open()
            seen = await reading
            await model.aclose()
            assert await asyncio.to_thread(server.wait_connections, 0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    assert {(one.text, one.error) for one in seen} == {("xx", None)}


def test_two_streams_of_one_thread_keep_their_own_clocks() -> None:
    stalling = Reply("One two", faults=[Stall(after_frames=2)])
    with FakeServer([TEXT, stalling], repeat_last=True) as server:
        model = make_model(server.url, max_retries=0)
        first = model.stream(PROMPT)
        texts = [next(first).text]
        second = read(model.model_copy(update={"stall_timeout": 0.1}))
        assert type(second.error) is errors.StallTimeoutError
        texts += [chunk.text for chunk in first]
        assert "".join(texts) == TEXT
        model.close()


# ── clients of the user's ───────────────────────────────────────────────────────


async def test_own_clients_are_used_and_left_open(server: FakeServer) -> None:
    headers = {"x-mine": "yes"}
    with httpx.Client(headers=headers) as client:
        async with httpx.AsyncClient(headers=headers) as async_client:
            model = make_model(
                server.url, http_client=client, http_async_client=async_client
            )
            assert read(model, "one").text == "one"
            assert (await aread(model, "two")).text == "two"
            model.close()
            await model.aclose()
            del model
            gc.collect(1)
            assert not client.is_closed
            assert not async_client.is_closed
            assert [r.headers["x-mine"] for r in server.requests] == ["yes"] * 2


async def test_own_clients_may_be_left_early_too() -> None:
    reply = Reply("One two three", faults=[Stall(after_frames=3)])
    with FakeServer([reply], repeat_last=True) as server, httpx.Client() as client:
        async with httpx.AsyncClient() as async_client:
            model = make_model(
                server.url, http_client=client, http_async_client=async_client
            )
            for _ in model.stream(PROMPT):
                break
            async for _ in model.astream(PROMPT):
                break
            for request in server.requests:
                assert await request.await_disconnected(1)


async def test_the_limit_of_an_own_client_is_named(read_stream: ReadStream) -> None:
    limits, timeout = httpx.Limits(max_connections=1), httpx.Timeout(None, pool=0.1)
    reply = Reply("One two", faults=[Stall(after_frames=2)])
    async with httpx.AsyncClient(limits=limits) as async_client:
        with (
            FakeServer([reply], repeat_last=True) as server,
            httpx.Client(limits=limits) as client,
        ):
            model = make_model(
                server.url,
                http_client=client,
                http_async_client=async_client,
                timeout=timeout,
                max_retries=0,
            )
            held, aheld = model.stream(PROMPT), model.astream(PROMPT)
            next(held)
            await anext(aheld)
            seen = await read_stream(model)
            held.close()
            await aheld.aclose()
    assert type(seen.error) is errors.ConnectTimeoutError
    assert "max_connections" in str(seen.error)


def answer(_: httpx.Request) -> httpx.Response:
    """What a transport without a network gives."""
    return httpx.Response(200, content=FRAME + FRAME + DONE)


async def test_a_transport_without_a_network_will_do(read_stream: ReadStream) -> None:
    transport = httpx.MockTransport(answer)
    model = make_model(
        "http://127.0.0.1:9/v1",
        http_client=httpx.Client(transport=transport),
        http_async_client=httpx.AsyncClient(transport=transport),
    )
    seen = await read_stream(model)
    assert (seen.error, seen.text) == (None, "xx")


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
async def test_a_hook_may_read_the_answer_first(
    read_stream: ReadStream, packed: bool
) -> None:
    from langchain_streamkit.testing import Compress

    async def aread_it(response: httpx.Response) -> None:
        await response.aread()

    reply = Reply(TEXT, faults=[Compress()] if packed else [])
    with FakeServer([reply]) as server:
        model = make_model(
            server.url,
            http_client=httpx.Client(event_hooks={"response": [httpx.Response.read]}),
            http_async_client=httpx.AsyncClient(event_hooks={"response": [aread_it]}),
        )
        assert (await read_stream(model)).text == TEXT
        assert model.http_client is not None
        assert model.http_async_client is not None
        model.http_client.close()
        await model.http_async_client.aclose()


NO_NAME = "[Errno -2] Name or service not known"
TRY_AGAIN = "[Errno -3] Temporary failure in name resolution"


@pytest.mark.parametrize("words", [NO_NAME, TRY_AGAIN])
async def test_a_host_without_an_address_is_named(
    read_stream: ReadStream, no_waiting: None, words: str
) -> None:
    """By a transport: a real look-up would ask servers outside of this machine."""
    asked: list[httpx.Request] = []

    def fail(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ConnectError(words)

    transport = httpx.MockTransport(fail)
    model = make_model(
        "http://nowhere.example/v1",
        http_client=httpx.Client(transport=transport),
        http_async_client=httpx.AsyncClient(transport=transport),
        max_retries=1,
    )
    seen = await read_stream(model)
    assert type(seen.error) is errors.ConnectionFailedError
    for part in ("unknown host", "nowhere.example", "base_url"):
        assert part in str(seen.error)
    assert len(asked) == 2


class SharedStream:
    """The connection of HTTP/2, which belongs to other streams as well."""

    def __init__(self) -> None:
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


def test_leaving_a_stream_of_http2_leaves_the_connection_to_the_others() -> None:
    """By hand: the fake server speaks HTTP/1.1."""
    closed = threading.Event()

    class Body(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield b"x"

        def close(self) -> None:
            closed.set()

    connection = SharedStream()
    extensions = {"http_version": b"HTTP/2", "network_stream": connection}
    response = httpx.Response(200, stream=Body(), extensions=extensions)
    with pytest.raises(StopIteration), reading(response, None) as reads:
        assert [next(reads), next(reads)]  # the second is missing
    assert closed.wait(5)
    assert not connection.is_closed
    bury_abandoned()


# ── copies ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))],
    ids=["copy", "deepcopy", "pickle"],
)
async def test_a_copy_that_is_made_while_a_stream_is_open_works(
    server: FakeServer, duplicate: Callable[[Any], Any]
) -> None:
    model = make_model(server.url)
    stream, astream = model.stream("one two"), model.astream("one two")
    texts = [next(stream).text, (await anext(astream)).text]
    twin = duplicate(model)
    assert read(twin, "three").text == "three"
    assert (await aread(twin, "four")).text == "four"
    texts += [chunk.text for chunk in stream if chunk.text]
    texts += [chunk.text async for chunk in astream if chunk.text]
    assert texts == ["one", "one", " two", " two"]
    for each in (model, twin):
        each.close()
        await each.aclose()
