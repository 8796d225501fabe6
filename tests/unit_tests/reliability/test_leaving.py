"""Whoever leaves a stream early, in whatever way, leaves no connection behind."""

from __future__ import annotations

import asyncio
import gc
import signal
import statistics
import sys
import threading
import time
from collections.abc import Generator
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from langchain_streamkit.testing import (
    FakeServer,
    Gate,
    Hold,
    Reply,
    Send,
    Stall,
    unreachable,
)

from .conftest import make_model
from .running import PROMPT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from langchain_core.outputs import LLMResult

    from langchain_streamkit import ChatStreamKit
    from langchain_streamkit.testing import ReceivedRequest

pytestmark = [pytest.mark.loopback, pytest.mark.usefixtures("nothing_left")]

STALLING = Reply("One two three", faults=[Stall(after_frames=3)])
LATEST_SECONDS = 0.020
TIMES = 9
PROMPT_TEMPLATE = ChatPromptTemplate.from_template("{q}")


@pytest.fixture
def server(loopback: None) -> Iterator[FakeServer]:
    with FakeServer([STALLING], repeat_last=True) as running:
        yield running


@pytest.fixture
def model(server: FakeServer) -> Iterator[ChatStreamKit]:
    made = make_model(server.url)
    yield made
    made.close()


# ── the ways to leave: each gives the moment in which it did ────────────────────


def close_stream(model: ChatStreamKit) -> float:
    stream = model.stream(PROMPT)
    next(stream)
    left = time.monotonic()
    stream.close()
    return left


def break_off(model: ChatStreamKit) -> float:
    for chunk in model.stream(PROMPT):
        if chunk.text == " two":
            left = time.monotonic()
            break
    return left


def leave_in_an_error(model: ChatStreamKit) -> float:
    with suppress(LookupError):
        for _ in model.stream(PROMPT):
            left = time.monotonic()
            raise LookupError
    return left


def close_chain(model: ChatStreamKit) -> float:
    stream = (PROMPT_TEMPLATE | model).stream({"q": PROMPT})
    next(stream)
    left = time.monotonic()
    stream.close()
    return left


def close_v3(model: ChatStreamKit) -> float:
    stream = iter(model.stream_events(PROMPT, version="v3"))
    for event in stream:
        if event["event"] == "content-block-delta":
            break
    left = time.monotonic()
    del stream  # core ties it in a knot, and has no other way to close it
    gc.collect(0)
    return left


async def aclose_stream(model: ChatStreamKit, _: FakeServer) -> float:
    stream = model.astream(PROMPT)
    await anext(stream)
    left = time.monotonic()
    await stream.aclose()
    return left


async def abreak_off(model: ChatStreamKit, _: FakeServer) -> float:
    async for chunk in model.astream(PROMPT):
        if chunk.text == " two":
            break
    return time.monotonic()


async def aclose_chain(model: ChatStreamKit, _: FakeServer) -> float:
    chain = PROMPT_TEMPLATE | model | StrOutputParser()
    stream = chain.astream({"q": PROMPT})
    await anext(stream)
    left = time.monotonic()
    await stream.aclose()
    return left


async def aclose_events_v2(model: ChatStreamKit, _: FakeServer) -> float:
    chain = PROMPT_TEMPLATE | model | StrOutputParser()
    stream = chain.astream_events({"q": PROMPT}, version="v2")
    async for event in stream:
        if event["event"] == "on_chat_model_stream":
            break
    left = time.monotonic()
    await stream.aclose()
    return left


async def aclose_events_v3(model: ChatStreamKit, _: FakeServer) -> float:
    stream = await model.astream_events(PROMPT, version="v3")
    async for event in stream:
        if event["event"] == "content-block-delta":
            break
    left = time.monotonic()
    await stream.aclose()
    return left


async def asked(server: FakeServer) -> None:
    """Wait until the request of a task that was just made has come, and a little."""
    assert await asyncio.to_thread(server.wait_requests, len(server.requests) + 1)
    await asyncio.sleep(0.01)


async def cancelled(work: Awaitable[Any], server: FakeServer) -> float:
    """Cancel a task while its server stalls."""
    task = asyncio.ensure_future(work)
    await asked(server)
    left = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return left


async def read_all(stream: AsyncIterator[Any]) -> None:
    async for _ in stream:
        pass


async def cancel_stream(model: ChatStreamKit, server: FakeServer) -> float:
    return await cancelled(read_all(model.astream(PROMPT)), server)


async def cancel_chain(model: ChatStreamKit, server: FakeServer) -> float:
    chain = PROMPT_TEMPLATE | model | StrOutputParser()
    return await cancelled(read_all(chain.astream({"q": PROMPT})), server)


async def cancel_invoke(model: ChatStreamKit, server: FakeServer) -> float:
    return await cancelled(model.ainvoke(PROMPT, stream=True), server)


async def time_out(model: ChatStreamKit, server: FakeServer) -> float:
    loop = asyncio.get_running_loop()
    reading = loop.create_task(read_all(model.astream(PROMPT)))
    await asked(server)
    ends = loop.time() + 0.02
    with suppress(TimeoutError):
        async with asyncio.timeout_at(ends):
            await reading
    return ends  # of the same clock as time.monotonic


WAYS = (close_stream, break_off, leave_in_an_error, close_chain, close_v3)
AWAYS = (
    aclose_stream,
    abreak_off,
    aclose_chain,
    aclose_events_v2,
    aclose_events_v3,
    cancel_stream,
    cancel_chain,
    cancel_invoke,
    time_out,
)


def lateness(request: ReceivedRequest, left: float) -> float:
    assert request.disconnected_at is not None
    return request.disconnected_at - left


@pytest.mark.flaky(reruns=3)  # 20 ms of real time, as often as not
@pytest.mark.parametrize("leave", WAYS, ids=lambda way: way.__name__)
def test_leaving_closes_the_connection_at_once(
    server: FakeServer, model: ChatStreamKit, leave: Callable[[ChatStreamKit], float]
) -> None:
    late: list[float] = []
    for _ in range(TIMES):
        left = leave(model)
        assert server.requests[-1].wait_disconnected(1)
        late.append(lateness(server.requests[-1], left))
    assert server.wait_connections(0)
    # The middle one: a pause of a busy machine is not the package's.
    assert statistics.median(late) < LATEST_SECONDS


@pytest.mark.flaky(reruns=3)  # 20 ms of real time, as often as not
@pytest.mark.parametrize("leave", AWAYS, ids=lambda way: way.__name__)
async def test_leaving_closes_the_connection_at_once_async(
    server: FakeServer,
    model: ChatStreamKit,
    leave: Callable[[ChatStreamKit, FakeServer], Awaitable[float]],
) -> None:
    late: list[float] = []
    for _ in range(TIMES):
        left = await leave(model, server)
        assert await server.requests[-1].await_disconnected(1)
        late.append(lateness(server.requests[-1], left))
    assert await asyncio.to_thread(server.wait_connections, 0)
    assert statistics.median(late) < LATEST_SECONDS


def open_stream(model: ChatStreamKit) -> Generator[Any, None, None]:
    """Core's hint says Iterator; it is a generator, which can be closed."""
    stream = model.stream(PROMPT)
    assert isinstance(stream, Generator)
    return stream


# ── odd moments ─────────────────────────────────────────────────────────────────


async def test_a_stream_that_nobody_begins_sends_nothing(
    server: FakeServer, model: ChatStreamKit
) -> None:
    with closing(open_stream(model)):
        pass
    await model.astream(PROMPT).aclose()
    assert server.requests == []


@pytest.mark.parametrize("place", ["before the headers", "after two words"])
async def test_a_cancelled_task_may_be_cancelled_again(place: str) -> None:
    stall = Stall(after_frames=3, before_headers=place == "before the headers")
    reply = Reply("One two three", faults=[stall])
    with FakeServer([reply], repeat_last=True) as server:
        model = make_model(server.url)
        for turns in range(12):
            task = asyncio.create_task(read_all(model.astream(PROMPT)))
            assert await asyncio.to_thread(server.wait_requests, turns + 1)
            await asyncio.sleep(0.005)
            task.cancel()
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await asyncio.to_thread(server.wait_connections, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse at once")
async def test_cancelling_while_connecting_is_heard() -> None:
    with unreachable() as url:
        task = asyncio.create_task(read_all(make_model(url).astream(PROMPT)))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_cancelling_while_waiting_to_retry_is_heard() -> None:
    with FakeServer([Reply.error(429, retry_after=60)]) as server:
        task = asyncio.create_task(read_all(make_model(server.url).astream(PROMPT)))
        assert await asyncio.to_thread(server.wait_requests, 1)
        assert await asyncio.to_thread(server.wait_idle)
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(server.requests) == 1


async def test_a_cancellation_is_not_taken_for_a_clock(
    server: FakeServer,
) -> None:
    """Both in one turn of the loop: what comes from outside goes on."""
    model = make_model(server.url, stall_timeout=0.05, max_retries=0)
    outcomes = set()
    for number in range(8):
        task = asyncio.create_task(read_all(model.astream(PROMPT)))
        assert await asyncio.to_thread(server.wait_requests, number + 1)
        asyncio.get_running_loop().call_later(0.05, task.cancel)
        try:
            await task
        except (asyncio.CancelledError, TimeoutError) as error:
            outcomes.add(type(error).__name__)
        assert task.cancelled() is (task.cancelling() > 0)
    assert outcomes <= {"CancelledError", "StallTimeoutError"}


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_an_interrupt_ends_a_stalled_stream(
    server: FakeServer, model: ChatStreamKit
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def strike() -> None:
        if server.wait_requests(1):
            time.sleep(0.05)  # the main thread is to be in its read
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupt)
    thread = threading.Thread(target=strike)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            list(model.stream(PROMPT))
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)
    assert server.wait_connections(0)


# ── callbacks ───────────────────────────────────────────────────────────────────


class Recorder(BaseCallbackHandler):
    """Writes down how a run ends, and with what."""

    def __init__(self) -> None:
        self.ends: list[str] = []
        self.partials: list[str] = []

    def on_llm_end(self, response: LLMResult, **_: Any) -> None:
        self.ends.append("end")

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self.ends.append(type(error).__name__)
        self.partials += [
            generation.text
            for generations in kwargs["response"].generations
            for generation in generations
        ]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_callbacks_hear_of_an_end_once_and_get_what_came(
    server: FakeServer, model: ChatStreamKit, is_async: bool
) -> None:
    recorder = Recorder()
    config: Any = {"callbacks": [recorder]}
    if is_async:
        stream = model.astream(PROMPT, config)
        await anext(stream)
        await anext(stream)
        await stream.aclose()
    else:
        sync_stream = model.stream(PROMPT, config)
        next(sync_stream)
        next(sync_stream)
        sync_stream.close()
    assert recorder.ends == ["GeneratorExit"]
    assert recorder.partials == ["One two"]
    assert await server.requests[-1].await_disconnected(1)


class Careless(BaseCallbackHandler):
    """Fails at every token."""

    def on_llm_new_token(self, token: Any, **_: Any) -> None:
        raise LookupError(token)


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_a_callback_that_fails_does_not_end_the_stream(is_async: bool) -> None:
    config: Any = {"callbacks": [Careless()]}
    with FakeServer(["One two three"]) as server:
        model = make_model(server.url)
        chunks = (
            [chunk async for chunk in model.astream(PROMPT, config)]
            if is_async
            else list(model.stream(PROMPT, config))
        )
        await model.aclose()
        model.close()
    assert "".join(chunk.text for chunk in chunks) == "One two three"


# ── readers who do not read ─────────────────────────────────────────────────────


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_a_stream_that_nobody_reads_does_not_flow(is_async: bool) -> None:
    frame = b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % (
        b"x" * 900
    )
    reply = Reply.script(*[Send(frame)] * 20_000)
    with FakeServer([reply], send_buffer=4096) as server:
        model = make_model(server.url)
        if is_async:
            stream = model.astream(PROMPT)
            await anext(stream)
            assert await server.requests[0].await_blocked(5)
            await stream.aclose()
        else:
            with closing(open_stream(model)) as sync_stream:
                next(sync_stream)
                assert server.requests[0].wait_blocked(5)
        assert server.requests[0].bytes_written < 10_000_000
        assert await server.requests[0].await_disconnected(1)


# ── the garbage collector ───────────────────────────────────────────────────────


class Knot:
    """A reference cycle, which only the collector unties."""

    def __init__(self, *held: object) -> None:
        self.held, self.knot = held, self


def pool_lock(model: ChatStreamKit) -> Any:
    """The lock of httpcore's pool, which a collection may find taken."""
    client: Any = model._connect().clients.get()
    return client._transport._pool._optional_thread_lock


def finishes(work: Callable[[], object]) -> bool:
    """Whether the work ends; in a thread, so that a deadlock fails and not hangs."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(5)
    return not thread.is_alive()


def test_a_collection_while_the_pool_is_locked_waits_for_nothing(
    server: FakeServer, model: ChatStreamKit
) -> None:
    lock = pool_lock(model)

    def work() -> None:
        stream = model.stream(PROMPT)
        next(stream)
        Knot(stream)
        del stream
        with lock:
            gc.collect()

    gc.disable()
    try:
        assert finishes(work)
        assert server.requests[-1].wait_disconnected(1)
    finally:
        gc.enable()


def test_a_collected_model_does_not_lock_a_pool_that_is_in_use(
    server: FakeServer,
) -> None:
    """Its client is closed, with the lock, only after all of its streams are."""
    other = make_model(server.url)
    dropped = make_model(server.url)
    lock = pool_lock(dropped)
    stream = dropped.stream(PROMPT)
    next(stream)
    Knot(dropped, stream)
    del dropped, stream

    def work() -> None:
        with lock:
            gc.collect()
        other.close()  # the next use of any client tells the pools

    gc.disable()
    try:
        assert finishes(work)
    finally:
        gc.enable()
    assert server.wait_connections(0)


async def test_dropping_a_model_closes_its_idle_connections() -> None:
    with FakeServer(["Hello"], repeat_last=True) as server:
        model = make_model(server.url)
        model.invoke(PROMPT)
        await model.ainvoke(PROMPT)
        assert server.open_connections == 2
        del model
        gc.collect(1)
        assert await asyncio.to_thread(server.wait_connections, 0)


async def test_a_stream_outlives_the_name_of_its_model() -> None:
    gate = Gate()
    frame = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'
    reply = Reply.script(
        Send(frame), Hold(gate), Send(frame), Send(b"data: [DONE]\n\n")
    )
    with FakeServer([reply], repeat_last=True) as server:
        stream = make_model(server.url).stream(PROMPT)
        astream = make_model(server.url).astream(PROMPT)
        texts = [next(stream).text, (await anext(astream)).text]
        gc.collect()
        gate.open()
        texts += [chunk.text for chunk in stream if chunk.text]
        texts += [chunk.text async for chunk in astream if chunk.text]
        del stream, astream
        gc.collect()
    assert texts == ["x"] * 4
