"""Requests as they are written, and answers as they came."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from langchain_streamkit._http.connection import Connection, ConnectionSettings
from langchain_streamkit._http.raw import RawClient, RawRequest
from langchain_streamkit.errors import (
    ConnectionFailedError,
    ProtocolError,
    StreamLimitError,
    StreamTimeoutError,
)
from langchain_streamkit.testing import (
    Drip,
    FakeServer,
    Gate,
    Hang,
    Hold,
    Reply,
    Reset,
    Send,
)

if TYPE_CHECKING:
    from langchain_streamkit._http.raw import RawAnswer

pytestmark = pytest.mark.loopback

HELLO = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
STREAM = RawRequest({**HELLO, "stream": True})


def client(server: FakeServer, key: str = "", **options: Any) -> RawClient:
    secret = SecretStr(key) if key else None
    settings = ConnectionSettings(base_url=server.url, api_key=secret)
    return RawClient(Connection(settings), **options)


def ask(server: FakeServer, request: RawRequest, **options: Any) -> RawAnswer:
    with client(server, **options) as asking:
        [answer] = asking.ask([request])
    return answer


def test_a_stream_comes_as_events_with_their_times() -> None:
    with FakeServer([Reply("a b c", frame_delay=0.02)]) as server:
        answer = ask(server, STREAM)
    assert (answer.status, answer.failure) == (200, None)
    assert answer.events[-1].data == b"[DONE]"
    times = [event.seconds for event in answer.events]
    assert times == sorted(times)
    assert times[-1] - times[0] > 0.05
    assert answer.body.startswith(b"data: {")


def test_a_body_comes_as_it_is() -> None:
    with FakeServer([Reply.body(b'{"a": "\xff"}')]) as server:
        answer = ask(server, RawRequest(HELLO))
    assert (answer.body, answer.events) == (b'{"a": "\xff"}', [])
    assert answer.headers["content-type"] == "application/json"


def test_answers_come_in_the_order_of_the_requests() -> None:
    with FakeServer(handler=lambda r: str((r.body or {})["seed"])) as server:
        requests = [RawRequest({**HELLO, "seed": seed}) for seed in range(9)]
        counted: list[None] = []
        with client(server, at_once=3) as asking:
            answers = asking.ask(requests, lambda: counted.append(None))
    assert [b'"content":"%d"' % n in a.body for n, a in enumerate(answers)] == [
        True
    ] * 9
    assert len(counted) == 9


def test_an_event_without_its_blank_line_is_kept() -> None:
    cut = Reply.script(Send(b'data: {"a": 1}\n\ndata: {"b": 2}'))
    with FakeServer([cut]) as server:
        answer = ask(server, STREAM)
    assert [event.data for event in answer.events] == [b'{"a": 1}', b'{"b": 2}']


def test_nothing_is_waited_for_after_done() -> None:
    open_end = Reply.script(Send(b"data: 1\n\ndata: [DONE]\n\n"), Hang())
    with FakeServer([open_end]) as server:
        started = time.monotonic()
        answer = ask(server, STREAM, seconds=10)
        assert time.monotonic() - started < 5
    assert answer.failure is None


def test_a_drip_ends_with_the_clock() -> None:
    with FakeServer([Reply("a", faults=[Drip(every=0.02)])]) as server:
        answer = ask(server, STREAM, seconds=0.2)
    assert isinstance(answer.failure, StreamTimeoutError)
    assert "did not finish its answer within 0.2 seconds" in str(answer.failure)
    assert answer.body.startswith(b": ping")


def test_no_time_left_is_said() -> None:
    with FakeServer() as server:
        answer = ask(server, STREAM, total_seconds=0.0)
    assert isinstance(answer.failure, StreamTimeoutError)
    assert "no time was left" in str(answer.failure)


def test_what_had_come_before_a_reset_is_kept() -> None:
    gate = Gate()
    reply = Reply.script(Send(b"data: 1\n\n"), Hold(gate), Reset())
    with FakeServer([reply]) as server, client(server) as asking:
        gate.open()
        [answer] = asking.ask([STREAM])
    assert isinstance(answer.failure, ConnectionFailedError)
    assert "connection reset" in str(answer.failure)


def test_a_flood_is_cut() -> None:
    with FakeServer([Reply.body(b"x" * 3_000_000)]) as server:
        answer = ask(server, RawRequest(HELLO))
    assert isinstance(answer.failure, StreamLimitError)
    assert len(answer.body) == 1024 * 1024


def test_a_compressed_answer_is_not_read() -> None:
    with FakeServer([Reply.bomb(10**7)]) as server:
        answer = ask(server, STREAM)
    assert isinstance(answer.failure, ProtocolError)
    assert len(answer.body) < 100_000
    assert server.requests[0].headers["accept-encoding"] == "identity"


def test_a_redirect_is_not_followed() -> None:
    with FakeServer(["no"]) as other, FakeServer([Reply.redirect(other.url)]) as server:
        answer = ask(server, STREAM)
        assert other.requests == []
    assert (answer.status, answer.failure) == (307, None)


@pytest.mark.parametrize(
    ("first", "asked"),
    [
        (Reply.error(503, retry_after=0), 2),
        (Reply.error(500), 2),
        (Reply.error(429, retry_after=0.01), 2),
        (Reply.error(429, retry_after=3600), 1),
        (Reply.error(400), 1),
    ],
)
def test_what_may_pass_is_asked_for_again(first: Reply, asked: int) -> None:
    with FakeServer([first, "Hello."]) as server:
        answer = ask(server, RawRequest(HELLO))
        assert len(server.requests) == asked
    assert (answer.status == 200) == (asked == 2)


def test_the_key_goes_out_and_is_hidden() -> None:
    with FakeServer(api_key="a-secret-key") as server:
        asking = client(server, "a-secret-key")
        with asking:
            listed, answer = asking.ask([RawRequest(), RawRequest(HELLO)])
        assert (listed.status, answer.status) == (200, 200)
        assert asking.hide("Bearer a-secret-key!") == "Bearer [hidden]!"
        assert "a-secret-key" not in repr((asking, listed, answer))
        assert "Hello" not in repr(RawRequest(HELLO))


@pytest.mark.parametrize("written", ['a"b/c\\d', r"a\"b/c\\d", r"a\"b\/c\\d"])
def test_a_key_is_hidden_however_it_is_written(written: str) -> None:
    with FakeServer() as server, client(server, 'a"b/c\\d') as asking:
        assert asking.hide(f"<{written}>") == "<[hidden]>"


def test_connections_end_with_the_context() -> None:
    with FakeServer() as server:
        ask(server, STREAM)
        assert server.wait_connections(0)


def test_the_time_that_is_left_grows_shorter() -> None:
    with FakeServer() as server, client(server, total_seconds=5.0) as asking:
        before = asking.seconds_left
        asking.ask([STREAM])
        assert 0 < asking.seconds_left < before <= 5.0
