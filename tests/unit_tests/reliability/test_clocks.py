"""Connect, first token, stall, total: alike in sync and async, for content only."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from langchain_streamkit import errors
from langchain_streamkit._http.call import Call, Runtime
from langchain_streamkit._http.endpoint import CUSTOM, Endpoint
from langchain_streamkit._http.exchange import Exchange
from langchain_streamkit._resilience.clocks import Timeouts
from langchain_streamkit.testing import (
    Drip,
    FakeServer,
    Hang,
    Head,
    Raw,
    Reply,
    Send,
    Stall,
    Wait,
    unreachable,
)

from .cases import TEXT
from .conftest import make_model
from .running import PROMPT, Seen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from langchain_core.language_models import BaseChatModel

    from langchain_streamkit import ChatStreamKit

    ReadStream = Callable[[BaseChatModel], Awaitable[Seen]]

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.usefixtures("nothing_left"),
    # Real clocks of a fifth of a second: a machine may well stand still for so long.
    pytest.mark.flaky(reruns=3),
]

SHORT = 0.2
LONG = 30.0
PAUSE = 0.4
DEADLINE = 3.0  # far below LONG, and roomy for a busy machine


@pytest.fixture(params=["sync", "async"])
def invoke(
    request: pytest.FixtureRequest,
) -> Callable[[ChatStreamKit], Awaitable[Any]]:
    """Asks for a whole answer, in the one way or the other."""

    async def invoke_in_thread(model: ChatStreamKit) -> Any:
        return await asyncio.to_thread(model.invoke, PROMPT)

    async def ainvoke(model: ChatStreamKit) -> Any:
        return await model.ainvoke(PROMPT)

    return ainvoke if request.param == "async" else invoke_in_thread


def frame(delta: str) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":%b}]}\n\n' % delta.encode()


# ── each clock is its own ───────────────────────────────────────────────────────


async def test_a_short_first_token_clock_does_not_shorten_stalls(
    read_stream: ReadStream,
) -> None:
    paused = Reply.script(
        Send(frame('{"content":"One"}')),
        Wait(PAUSE),
        Send(frame('{"content":" two"}')),
        Send(b"data: [DONE]\n\n"),
    )
    with FakeServer([paused]) as server:
        model = make_model(
            server.url, first_token_timeout=SHORT, stall_timeout=LONG, max_retries=0
        )
        seen = await read_stream(model)
    assert (seen.error, seen.text) == (None, "One two")


async def test_a_short_stall_clock_does_not_shorten_the_first_token(
    read_stream: ReadStream,
) -> None:
    with FakeServer([Reply(TEXT, head_delay=PAUSE, first_delay=PAUSE)]) as server:
        model = make_model(
            server.url, first_token_timeout=LONG, stall_timeout=SHORT, max_retries=0
        )
        seen = await read_stream(model)
    assert (seen.error, seen.text) == (None, TEXT)


@pytest.mark.parametrize(
    "bound", [SHORT, httpx.Timeout(None, read=SHORT), {"read": SHORT}]
)
async def test_timeout_bounds_each_read_of_a_stream(
    read_stream: ReadStream, bound: Any
) -> None:
    with FakeServer([Reply(TEXT, faults=[Stall(after_frames=2)])]) as server:
        model = make_model(server.url, timeout=bound, max_retries=0)
        seen = await read_stream(model)
    assert type(seen.error) is errors.StallTimeoutError
    assert "timeout=" in str(seen.error)
    assert seen.text == "One"
    assert seen.seconds < DEADLINE


async def test_comments_reset_the_bound_on_a_read_but_no_clock(
    read_stream: ReadStream,
) -> None:
    drip = Drip(every=SHORT / 4, times=8, after_frames=2)
    with FakeServer([Reply(TEXT, faults=[drip])] * 2) as server:
        model = make_model(server.url, timeout=SHORT, max_retries=0)
        assert (await read_stream(model)).text == TEXT
        model = make_model(
            server.url, timeout=SHORT, stall_timeout=SHORT, max_retries=0
        )
        assert type((await read_stream(model)).error) is errors.StallTimeoutError


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse at once")
async def test_connecting_has_a_clock_of_its_own(read_stream: ReadStream) -> None:
    with unreachable() as url:
        model = make_model(
            url, timeout=httpx.Timeout(LONG, connect=SHORT), max_retries=0
        )
        seen = await read_stream(model)
    assert type(seen.error) is errors.ConnectTimeoutError
    assert "connect" in str(seen.error)
    assert seen.seconds < DEADLINE


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse at once")
async def test_the_first_token_clock_runs_while_connecting(
    read_stream: ReadStream,
) -> None:
    with unreachable() as url:
        model = make_model(url, first_token_timeout=SHORT, max_retries=0)
        seen = await read_stream(model)
    assert type(seen.error) is errors.FirstTokenTimeoutError
    assert "first_token_timeout" in str(seen.error)
    assert seen.seconds < DEADLINE


async def test_the_first_token_clock_runs_while_the_prompt_is_sent(
    read_stream: ReadStream,
) -> None:
    with FakeServer(on_connect=[Hang()]) as server:
        model = make_model(
            server.url,
            first_token_timeout=SHORT,
            max_retries=0,
            extra_body={"padding": "x" * 8_000_000},
        )
        seen = await read_stream(model)
    assert type(seen.error) is errors.FirstTokenTimeoutError
    assert seen.seconds < DEADLINE


@pytest.mark.parametrize("is_reused", [False, True], ids=["new", "reused"])
async def test_a_head_that_drips_is_no_progress(
    read_stream: ReadStream, is_reused: bool
) -> None:
    early = [Raw(b"HTTP/1.1 103 Early Hints\r\n\r\n"), Wait(SHORT / 4)] * 16
    with FakeServer() as server:
        model = make_model(server.url, first_token_timeout=SHORT, max_retries=0)
        if is_reused:
            server.script("Hello")
            assert (await read_stream(model)).text == "Hello"
        server.script(Reply.script(*early, Head(), Send(b"data: [DONE]\n\n")))
        seen = await read_stream(model)
        assert type(seen.error) is errors.FirstTokenTimeoutError
        assert seen.seconds < DEADLINE
        connections = {request.connection for request in server.requests}
        assert len(connections) == 1


@pytest.mark.parametrize("drips", [False, True], ids=["stalls", "drips"])
async def test_a_refusal_is_told_even_if_its_body_never_ends(
    read_stream: ReadStream, drips: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("langchain_streamkit._http.shells._REFUSAL_SECONDS", SHORT)
    rest = [Wait(SHORT / 4), Send(b" ")] * 40 if drips else [Hang()]
    body = b'{"error": {"message": "go away"}}'
    with FakeServer([Reply.script(Send(body), *rest, status=403)]) as server:
        seen = await read_stream(make_model(server.url))
    assert type(seen.error) is errors.PermissionDeniedError
    assert "go away" in str(seen.error)
    assert seen.seconds < DEADLINE


# ── the reader's own time ───────────────────────────────────────────────────────


class SlowReader:
    """Holds each chunk for longer than the server's clocks allow."""

    def __init__(self, model: ChatStreamKit) -> None:
        self.model = model

    def read(self) -> str:
        text = ""
        for chunk in self.model.stream(PROMPT):
            text += chunk.text
            time.sleep(SHORT * 1.3)
        return text

    async def aread(self) -> str:
        text = ""
        async for chunk in self.model.astream(PROMPT):
            text += chunk.text
            await asyncio.sleep(SHORT * 1.3)
        return text


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_a_slow_reader_is_no_stall(is_async: bool) -> None:
    with FakeServer([Reply("One two")]) as server:
        reader = SlowReader(
            make_model(server.url, first_token_timeout=SHORT, stall_timeout=SHORT)
        )
        text = await (reader.aread() if is_async else asyncio.to_thread(reader.read))
    assert text == "One two"


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_the_total_runs_on_while_the_reader_holds_a_chunk(
    is_async: bool,
) -> None:
    with FakeServer([Reply(TEXT, frame_delay=0.01)]) as server:
        reader = SlowReader(make_model(server.url, total_timeout=SHORT))
        with pytest.raises(errors.TotalTimeoutError) as caught:
            await (reader.aread() if is_async else asyncio.to_thread(reader.read))
        assert server.wait_idle(1)
    assert caught.value.partial is not None
    assert TEXT.startswith(caught.value.partial.text)


# ── whole answers ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "fault",
    [
        Stall(before_headers=True),
        Stall(),
        Drip(b" ", every=SHORT / 4, times=40),
    ],
    ids=["before the headers", "after the headers", "drip"],
)
@pytest.mark.parametrize("bound", [SHORT, httpx.Timeout(LONG, read=SHORT)])
async def test_timeout_bounds_a_whole_answer(
    invoke: Callable[[ChatStreamKit], Awaitable[Any]], fault: Any, bound: Any
) -> None:
    with FakeServer([Reply(TEXT, faults=[fault])]) as server:
        model = make_model(server.url, timeout=bound, max_retries=0)
        started = time.monotonic()
        with pytest.raises(errors.StreamTimeoutError, match="timeout") as caught:
            await invoke(model)
        assert time.monotonic() - started < DEADLINE
        assert "timeout=" in str(caught.value)
        assert server.wait_idle(1)


async def test_the_clocks_of_streams_do_not_bound_a_whole_answer(
    invoke: Callable[[ChatStreamKit], Awaitable[Any]],
) -> None:
    with FakeServer([Reply(TEXT, head_delay=PAUSE)]) as server:
        model = make_model(
            server.url, first_token_timeout=SHORT, stall_timeout=SHORT, max_retries=0
        )
        assert (await invoke(model)).text == TEXT


async def test_the_total_bounds_a_whole_answer_and_its_retries(
    invoke: Callable[[ChatStreamKit], Awaitable[Any]],
) -> None:
    stalls = Reply(TEXT, faults=[Stall(before_headers=True)])
    replies = [Reply.error(503, "busy", retry_after=0.01), stalls]
    with FakeServer(replies) as server:
        model = make_model(server.url, total_timeout=2 * SHORT)
        started = time.monotonic()
        with pytest.raises(errors.TotalTimeoutError, match="total_timeout"):
            await invoke(model)
        assert time.monotonic() - started < DEADLINE
        assert len(server.requests) == 2


# ── without a server: a clock of the test's own ─────────────────────────────────


class Clock:
    """Seconds that pass when the test says so, and a wall clock that jumps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.wall = 1_700_000_000.0

    def runtime(self) -> Runtime:
        return Runtime(monotonic=lambda: self.now, wall_clock=lambda: self.wall)


def new_exchange(clock: Clock, **timeouts: float) -> Exchange:
    endpoint = Endpoint(CUSTOM, "http://127.0.0.1/v1")
    call = Call(endpoint, "m", {"messages": []}, timeouts=Timeouts(**timeouts))
    exchange = Exchange(call, clock.runtime())
    exchange.begin(None)
    exchange.head(200, {})
    return exchange


@pytest.mark.parametrize(
    "data",
    [b": ping\n\n", frame("{}"), frame('{"role":"assistant","content":""}'), b"data:"],
)
def test_what_is_no_content_does_not_move_the_deadline(data: bytes) -> None:
    clock = Clock()
    exchange = new_exchange(clock, first_token=10, stall=5)
    clock.now += 9
    assert list(exchange.feed(data)) == []
    assert exchange.read_seconds() == 1
    clock.now += 1
    with pytest.raises(errors.FirstTokenTimeoutError):
        list(exchange.feed(data))


def test_content_starts_the_stall_clock_and_the_reader_stops_it() -> None:
    clock = Clock()
    exchange = new_exchange(clock, first_token=10, stall=5, total=1000)
    clock.now += 9
    for batch in exchange.feed(frame('{"content":"Hi"}')):
        assert [event.content for event in batch] == ["Hi"]
        clock.now += 500  # the reader thinks
    assert exchange.read_seconds() == 5
    clock.now += 5
    with pytest.raises(errors.StallTimeoutError):
        exchange.check_clocks()
    clock.now += 600
    with pytest.raises(errors.TotalTimeoutError):
        exchange.check_clocks()


def test_a_jump_of_the_wall_clock_moves_nothing() -> None:
    clock = Clock()
    exchange = new_exchange(clock, first_token=10, stall=5)
    before = exchange.read_seconds()
    clock.wall += 86_400
    exchange.check_clocks()
    assert exchange.read_seconds() == before


def test_the_clocks_of_the_package_are_monotonic() -> None:
    assert Runtime().monotonic is time.monotonic
