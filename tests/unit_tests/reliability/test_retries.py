"""What is asked again, after how long, with which key, on which connection."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from langchain_streamkit import errors
from langchain_streamkit._http.call import Call, Runtime
from langchain_streamkit._http.clients import Clients
from langchain_streamkit._http.endpoint import CUSTOM, Endpoint
from langchain_streamkit._http.exchange import Exchange
from langchain_streamkit._http.shells import aread_events, read_events
from langchain_streamkit._resilience.clocks import Timeouts
from langchain_streamkit._resilience.retry import RetryPolicy
from langchain_streamkit.testing import Cut, FakeServer, Gate, Hold, Reply, Reset, Send

from .cases import TEXT
from .conftest import make_model
from .running import KEY, PROMPT, Seen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from langchain_core.language_models import BaseChatModel

    ReadStream = Callable[[BaseChatModel], Awaitable[Seen]]

pytestmark = [pytest.mark.loopback, pytest.mark.usefixtures("nothing_left")]

NOW = 1_800_000_000.0
LONGEST_ASKED = 120.0


# ── how long ────────────────────────────────────────────────────────────────────


@dataclass
class Sleeper:
    """A clock that sleeping moves, and chance that says what it is told."""

    now: float = 50.0
    chance: float = 0.0
    sleeps: list[float] = field(default_factory=list)

    def runtime(self) -> Runtime:
        return Runtime(
            monotonic=lambda: self.now,
            wall_clock=lambda: NOW,
            chance=lambda: self.chance,
            sleep=self.sleep,
            asleep=self.asleep,
        )

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)


async def run(
    server: FakeServer, sleeper: Sleeper, *, is_async: bool, **options: Any
) -> None:
    """Make one call with a clock of the test's own."""
    body = {"model": "m", "messages": [{"role": "user", "content": PROMPT}]}
    call = Call(Endpoint(CUSTOM, server.url), "m", {**body, "stream": True}, **options)
    exchange, clients = Exchange(call, sleeper.runtime()), Clients(server.url)
    try:
        if is_async:
            async for _ in aread_events(exchange, clients):
                pass
        else:
            await asyncio.to_thread(lambda: list(read_events(exchange, clients)))
    finally:
        clients.close()
        await clients.aclose()


def in_date(seconds: float) -> str:
    return formatdate(NOW + seconds, usegmt=True)


WAITS: dict[str, tuple[Mapping[str, str], float | None]] = {
    "seconds": ({"retry-after": "2"}, 2.0),
    "a fraction": ({"retry-after": "1.5"}, 1.5),
    "nothing": ({"retry-after": "0"}, 0.0),
    "a date": ({"retry-after": in_date(30)}, 30.0),
    "a date that has passed": ({"retry-after": in_date(-30)}, 0.0),
    "milliseconds": ({"retry-after-ms": "250"}, 0.25),
    "milliseconds first": ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
    "the most": ({"retry-after": "120"}, 120.0),
    "not a number": ({"retry-after": "NaN"}, 0.5),
    "infinity": ({"retry-after": "inf"}, 0.5),
    "negative": ({"retry-after": "-5"}, 0.5),
    "overflow": ({"retry-after": "1e999"}, 0.5),
    "a date that cannot be": ({"retry-after": "Fri, 99 Dec 9999 99:99:99"}, 0.5),
    "words": ({"retry-after": "soon"}, 0.5),
    "none": ({}, 0.5),
    "a reset": ({"x-ratelimit-reset": "3"}, 3.0),
    "a reset in words": ({"x-ratelimit-reset": "1m30s"}, 90.0),
    "a reset as a time": ({"x-ratelimit-reset": str(int(NOW) + 7)}, 7.0),
    "a reset in milliseconds": (
        {"x-ratelimit-reset": str((int(NOW) + 7) * 1000)},
        7.0,
    ),
    "the reset of what is used up": (
        {
            "x-ratelimit-remaining-requests": "9",
            "x-ratelimit-reset-requests": "80s",
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset-tokens": "4s",
        },
        4.0,
    ),
    "too long": ({"retry-after": "121"}, None),
    "an hour": ({"retry-after-ms": "3600000"}, None),
}


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(("headers", "wait"), WAITS.values(), ids=WAITS.keys())
async def test_a_429_is_waited_for_as_it_asks(
    headers: Mapping[str, str], wait: float | None, is_async: bool
) -> None:
    sleeper = Sleeper()
    refusal = Reply.error(429, "slow down", headers=dict(headers))
    with FakeServer([refusal, TEXT]) as server:
        if wait is None:
            with pytest.raises(errors.RateLimitError) as caught:
                await run(server, sleeper, is_async=is_async)
            assert caught.value.retry_after is not None
            assert caught.value.retry_after > LONGEST_ASKED
        else:
            await run(server, sleeper, is_async=is_async)
    assert sleeper.sleeps == ([] if wait is None else [pytest.approx(wait)])


async def test_without_a_word_of_the_server_waits_double() -> None:
    sleeper = Sleeper()
    with FakeServer([Reply.error(500)] * 8) as server:
        with pytest.raises(errors.ServerError):
            await run(server, sleeper, is_async=False, max_retries=6)
        assert len(server.requests) == 7
    assert sleeper.sleeps == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]


async def test_limits_that_are_reset_some_day_are_no_wait_for_a_broken_server() -> None:
    sleeper = Sleeper()
    broken = Reply.error(500, headers={"x-ratelimit-reset": "3600"})
    with FakeServer([broken, TEXT]) as server:
        await run(server, sleeper, is_async=True)
    assert sleeper.sleeps == [0.5]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_no_wait_passes_the_deadline(is_async: bool) -> None:
    sleeper = Sleeper()
    timeouts = Timeouts(total=10.0)
    replies = [Reply.error(429, retry_after=4), Reply.error(429, retry_after=6)]
    with FakeServer(replies) as server:
        with pytest.raises(errors.RateLimitError):
            await run(server, sleeper, is_async=is_async, timeouts=timeouts)
        assert len(server.requests) == 2
    assert sleeper.sleeps == [4.0]


@given(
    attempt=st.integers(1, 50),
    jitter=st.floats(0, 1),
    asked=st.none() | st.floats(0, 200),
    left=st.none() | st.floats(0, 200),
)
def test_every_wait_keeps_its_bounds(
    attempt: int, jitter: float, asked: float | None, left: float | None
) -> None:
    error = errors.RateLimitError("slow down", retry_after=asked)
    wait = RetryPolicy(max_retries=60).delay_after(
        error, attempt=attempt, seconds_left=left, jitter=jitter
    )
    if wait is None:
        is_too_long = asked is not None and asked > LONGEST_ASKED
        assert is_too_long or left is not None
        return
    assert left is None or wait < left
    if asked is None:
        assert 0.75 * 0.5 <= wait <= 8.0
    else:
        assert asked <= wait <= asked + 1.0


# ── whether ─────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize(
    ("status", "word", "requests"),
    [
        (500, "false", 1),
        (500, "true", 2),
        (404, "true", 2),
        (429, "false", 1),
        (404, "perhaps", 1),
    ],
)
async def test_the_servers_own_word_counts_more_than_its_status(
    read_stream: ReadStream, status: int, word: str, requests: int
) -> None:
    refusal = Reply.error(status, "no", headers={"x-should-retry": word})
    with FakeServer([refusal, TEXT]) as server:
        await read_stream(make_model(server.url, max_retries=1))
        assert len(server.requests) == requests


@pytest.mark.usefixtures("no_waiting")
async def test_a_word_of_the_first_attempt_does_not_count_for_the_second(
    read_stream: ReadStream,
) -> None:
    replies = [
        Reply.error(
            400,
            "Unsupported parameter: 'seed'",
            param="seed",
            headers={"x-should-retry": "false"},
        ),
        Reply(TEXT, faults=[Cut(before_headers=True)]),
        TEXT,
    ]
    with FakeServer(replies) as server:
        seen = await read_stream(make_model(server.url, seed=1))
        assert len(server.requests) == 3
    assert seen.text == TEXT


@pytest.mark.parametrize("max_retries", [0, 1, 3])
@pytest.mark.usefixtures("no_waiting")
async def test_max_retries_are_what_follows_the_first_attempt(
    read_stream: ReadStream, max_retries: int
) -> None:
    with FakeServer([Reply.error(503)] * 9) as server:
        await read_stream(make_model(server.url, max_retries=max_retries))
        assert len(server.requests) == 1 + max_retries


@pytest.mark.usefixtures("no_waiting")
async def test_what_follows_a_retry_is_silent_to_the_reader(
    read_stream: ReadStream,
) -> None:
    cut = Reply(TEXT, faults=[Cut(after_frames=1)])
    with FakeServer([Reply.error(503), cut, TEXT]) as server:
        seen = await read_stream(make_model(server.url))
    assert seen.pieces == ["One", " two", " three", " four"]


async def test_nobody_waits_for_a_server_that_is_not_there(
    read_stream: ReadStream, no_waiting: None
) -> None:
    with FakeServer() as server:
        url = server.url
    seen = await read_stream(make_model(url, max_retries=3))
    assert type(seen.error) is errors.ConnectionFailedError


async def test_a_server_that_comes_back_is_found(
    read_stream: ReadStream, no_waiting: None
) -> None:
    with FakeServer(on_connect=[Reset()]) as broken:
        port = broken.port
        seen = await read_stream(make_model(broken.url, max_retries=0))
        assert type(seen.error) is errors.ConnectionFailedError
        # A reset that comes between the request's writes is seen as an end.
        assert re.match("connection (reset|closed early)", str(seen.error))
    with FakeServer([TEXT], port=port) as server:
        assert (await read_stream(make_model(server.url))).text == TEXT


# ── on which connection ─────────────────────────────────────────────────────────


@pytest.mark.usefixtures("no_waiting")
async def test_a_retry_meets_no_old_connection() -> None:
    """Idle connections may all lead to the one dead peer; a new one need not."""
    gate = Gate()
    said = {"choices": [{"delta": {"content": "Yes"}, "finish_reason": "stop"}]}
    frames = f"data: {json.dumps(said)}\n\ndata: [DONE]\n\n"
    held = Reply.script(Hold(gate), Send(frames.encode()))
    with FakeServer([held] * 5) as server:
        model = make_model(server.url, max_retries=1)
        calls = [
            asyncio.create_task(model.ainvoke("Hi", stream=True)) for _ in range(5)
        ]
        assert await asyncio.to_thread(server.wait_requests, 5)
        gate.open()
        await asyncio.gather(*calls, return_exceptions=True)
        idle = server.open_connections
        server.script(Reply(TEXT, faults=[Cut(before_headers=True, how="reset")]), TEXT)
        assert (await model.ainvoke(PROMPT)).text == TEXT
        *old, first, second = [request.connection for request in server.requests]
        assert idle > 1
        assert first in old
        assert second > max(old)
        await model.aclose()


async def test_refusals_keep_their_connection(read_stream: ReadStream) -> None:
    with FakeServer([Reply.error(400, "no"), TEXT]) as server:
        model = make_model(server.url)
        for _ in range(2):
            await read_stream(model)
        assert [request.connection for request in server.requests] == [1, 1]


# ── with which key ──────────────────────────────────────────────────────────────


def key_source(*keys: str, is_async: bool) -> tuple[Callable[[], Any], list[str]]:
    """A callable that gives one key after the other, and what it has given."""
    given: list[str] = []

    def next_key() -> str:
        given.append(keys[min(len(given), len(keys) - 1)])
        return given[-1]

    async def anext_key() -> str:
        return next_key()

    return (anext_key if is_async else next_key), given


def ways() -> list[Any]:
    """How a stream is read, and how the key is given: only async ones await."""
    return [
        pytest.param("sync", False, id="sync-callable"),
        pytest.param("async", False, id="async-callable"),
        pytest.param("async", True, id="async-coroutine"),
    ]


async def read_in(way: str, model: Any) -> Seen:
    from .running import aread, read

    return await (aread(model) if way == "async" else asyncio.to_thread(read, model))


@pytest.mark.parametrize(("way", "is_async"), ways())
@pytest.mark.usefixtures("no_waiting")
async def test_a_callable_gives_a_key_for_each_attempt(
    way: str, is_async: bool
) -> None:
    source, given_keys = key_source("first-key", "second-key", is_async=is_async)
    with FakeServer([Reply.error(503), TEXT]) as server:
        seen = await read_in(way, make_model(server.url, api_key=source))
        sent = [request.headers["authorization"] for request in server.requests]
    assert seen.text == TEXT
    assert given_keys == ["first-key", "second-key"]
    assert sent == ["Bearer first-key", "Bearer second-key"]


@pytest.mark.parametrize("max_retries", [0, 2])
@pytest.mark.parametrize(("way", "is_async"), ways())
async def test_a_refused_key_of_a_callable_is_asked_for_once_more(
    way: str, is_async: bool, max_retries: int
) -> None:
    source, given_keys = key_source("old-key", "new-key", is_async=is_async)
    with FakeServer([TEXT], api_key="new-key") as server:
        model = make_model(server.url, api_key=source, max_retries=max_retries)
        assert (await read_in(way, model)).text == TEXT
    assert given_keys == ["old-key", "new-key"]


@pytest.mark.parametrize(("way", "is_async"), ways())
async def test_a_key_that_stays_wrong_is_an_error(way: str, is_async: bool) -> None:
    source, given_keys = key_source("wrong-key", is_async=is_async)
    with FakeServer([TEXT], api_key="right-key") as server:
        seen = await read_in(way, make_model(server.url, api_key=source))
        assert len(server.requests) == 2
    assert type(seen.error) is errors.AuthenticationError
    assert len(given_keys) == 2


@pytest.mark.parametrize("key", ["wrong-key", SecretStr("wrong-key")])
async def test_a_fixed_key_is_not_tried_twice(
    read_stream: ReadStream, key: Any
) -> None:
    with FakeServer([TEXT], api_key="right-key") as server:
        seen = await read_stream(make_model(server.url, api_key=key))
        assert len(server.requests) == 1
    assert type(seen.error) is errors.AuthenticationError


async def test_an_async_key_cannot_be_had_in_sync() -> None:
    source, _ = key_source("key", is_async=True)
    with FakeServer([TEXT]) as server:
        model = make_model(server.url, api_key=source)
        with pytest.raises(errors.ConfigurationError, match="async"):
            model.invoke(PROMPT)
        assert server.requests == []


class NoTokenError(Exception):
    """The user's own."""


@pytest.mark.parametrize("error", [NoTokenError("no token"), ConnectionRefusedError()])
async def test_what_a_key_callable_raises_is_the_users(
    read_stream: ReadStream, error: Exception
) -> None:
    def source() -> str:
        raise error

    with FakeServer([TEXT]) as server:
        seen = await read_stream(make_model(server.url, api_key=source))
        assert server.requests == []
    assert seen.error is error


@pytest.mark.parametrize("value", [KEY.encode(), None, 7])
async def test_a_key_that_is_no_text_is_named_but_not_shown(
    read_stream: ReadStream, value: object
) -> None:
    with FakeServer([TEXT]) as server:
        seen = await read_stream(make_model(server.url, api_key=lambda: value))
    assert type(seen.error) is errors.ConfigurationError
    assert type(value).__name__ in str(seen.error)
    assert KEY not in repr(seen.error)


@pytest.mark.parametrize("key", ["two\nlines", "tab\t", "umlaut-ü", "\r\nx: y"])
async def test_a_key_that_cannot_be_sent_is_refused(
    read_stream: ReadStream, key: str
) -> None:
    with pytest.raises(errors.ConfigurationError, match="api_key"):
        make_model("http://127.0.0.1:9/v1", api_key=key)
    with FakeServer([TEXT]) as server:
        seen = await read_stream(make_model(server.url, api_key=lambda: key))
        assert server.requests == []
    assert type(seen.error) is errors.ConfigurationError
    assert "api_key" in str(seen.error)
    assert key not in str(seen.error)


@pytest.mark.parametrize("where", ["default_headers", "extra_headers"])
@pytest.mark.parametrize("header", [("x-a", "1\r\nx-b: 2"), ("x\n-a", "1")])
async def test_a_header_that_cannot_be_sent_is_refused(
    where: str, header: tuple[str, str]
) -> None:
    name, value = header
    url = "http://127.0.0.1:9/v1"
    send = {
        "default_headers": lambda: make_model(url, default_headers={name: value}),
        "extra_headers": lambda: make_model(url).invoke(
            PROMPT, extra_headers={name: value}
        ),
    }
    with pytest.raises(errors.ConfigurationError, match=where) as caught:
        send[where]()
    assert value not in str(caught.value)
