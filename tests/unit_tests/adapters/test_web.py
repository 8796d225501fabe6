"""Responses on a real uvicorn: statuses, frames, and readers who leave."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from httpx_sse import connect_sse
from starlette.applications import Starlette
from starlette.routing import Route

from langchain_streamkit import ChatStreamKit, aiter_events, iter_events
from langchain_streamkit.adapters.web import sse_response
from langchain_streamkit.events import StatusEvent, TextEvent
from langchain_streamkit.testing import (
    Cut,
    FakeServer,
    Gate,
    Hold,
    Reply,
    Send,
    Stall,
)

from .scripted import EVENT_STREAMS, HOSTILE, PROTOCOLS
from .serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

FRAME = b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
LIMIT = 20.0  # seconds; a machine under load, not a bug, needs more than one


@pytest.fixture
def model(fake_server: FakeServer) -> ChatStreamKit:
    return ChatStreamKit(model="m", base_url=fake_server.url, max_retries=0)


def app_for(model: ChatStreamKit, **settings: Any) -> FastAPI:
    app = FastAPI()

    @app.get("/ask/{protocol}")
    async def ask(protocol: str):
        return await sse_response(aiter_events(model, "Hello"), protocol, **settings)

    return app


@pytest.fixture
def url(model: ChatStreamKit) -> Iterator[str]:
    with serving(app_for(model)) as address:
        yield f"{address}/ask"


# ── what is sent ────────────────────────────────────────────────────────────────


def test_a_reader_gets_every_event(fake_server: FakeServer, url: str) -> None:
    fake_server.script(Reply(["Hello", " there"], reasoning="Hm."))
    with httpx.Client() as client, connect_sse(client, "GET", f"{url}/sse") as source:
        events = list(source.iter_sse())
        headers = source.response.headers
    text = "".join(e.json()["content"] for e in events if e.event == "text")
    assert text == "Hello there"
    assert events[-1].event == "final"
    assert headers["x-accel-buffering"] == "no"
    assert headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_hostile_text_arrives_under_its_own_type(
    fake_server: FakeServer, url: str, protocol: str
) -> None:
    fake_server.script(Reply(HOSTILE))
    response = httpx.get(f"{url}/{protocol}")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "html" not in response.headers["content-type"]
    if protocol == "text":
        assert response.content.decode() == HOSTILE
    else:
        assert "<script" not in response.text


def test_vercel_and_the_callers_headers_are_sent(model: ChatStreamKit) -> None:
    with serving(app_for(model, headers={"x-mine": "1"})) as address:
        headers = httpx.get(f"{address}/ask/vercel").headers
    assert headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert headers["x-mine"] == "1"


@pytest.mark.parametrize("status", [400, 401, 404, 429, 503])
@pytest.mark.parametrize("protocol", ["sse", "vercel", "text"])
def test_a_failure_before_the_first_event_is_a_real_status(
    fake_server: FakeServer, url: str, status: int, protocol: str
) -> None:
    fake_server.script(Reply.error(status, "no, sk-abcdefgh1234567"))
    response = httpx.get(f"{url}/{protocol}")
    assert response.status_code == status
    body = response.json()
    assert (body["type"], "sk-abcdefgh" in body["message"]) == ("error", False)


def test_a_busy_server_says_when_to_come_back(
    fake_server: FakeServer, url: str
) -> None:
    fake_server.script(Reply.error(429, "slow down", retry_after=30))
    response = httpx.get(f"{url}/openai")
    assert response.headers["retry-after"] == "30"
    assert response.json()["error"]["code"] == "rate_limit"


@pytest.mark.parametrize("protocol", EVENT_STREAMS)
def test_a_later_failure_is_a_frame_and_a_clean_end(
    fake_server: FakeServer, url: str, protocol: str
) -> None:
    fake_server.script(Reply("One two three", faults=[Cut(after_frames=3)]))
    response = httpx.get(f"{url}/{protocol}")  # raises if the body is not whole
    assert response.status_code == 200
    assert "One" in response.text
    assert "connection" in response.text


def test_a_later_failure_cuts_plain_text(fake_server: FakeServer, url: str) -> None:
    fake_server.script(Reply("One two three", faults=[Cut(after_frames=3)]))
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{url}/text")


def test_a_slow_start_opens_the_stream_and_pings(
    fake_server: FakeServer, model: ChatStreamKit
) -> None:
    gate = Gate()
    fake_server.script(Reply.script(Hold(gate), Send(FRAME % b"Hello"), Send(DONE)))
    with (
        serving(app_for(model, first_event_timeout=0.1, ping=0.1)) as address,
        httpx.Client(timeout=LIMIT) as client,
        client.stream("GET", f"{address}/ask/sse") as response,
    ):
        lines = response.iter_lines()
        assert response.status_code == 200
        assert any(line == ": ping" for line in lines)
        gate.open()
        assert any("Hello" in line for line in lines)


async def test_statuses_are_shown_while_nothing_has_begun() -> None:
    begun = asyncio.Event()

    async def events():
        yield StatusEvent("connecting", "Connecting")
        yield StatusEvent("retrying", "Retrying 2/3", attempt=2, max_attempts=3)
        begun.set()
        await asyncio.Event().wait()
        yield TextEvent("never")

    response = await sse_response(events(), first_event_timeout=0.05)
    sent: list[bytes] = []
    both = asyncio.Event()

    async def receive():
        await both.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message.get("body", b""))
        if b"Retrying 2/3" in sent[-1]:
            both.set()

    scope = {"type": "http", "method": "GET", "headers": []}
    await response(scope, receive, send)
    assert begun.is_set()
    assert [b"event: status" in body for body in sent[1:3]] == [True, True]


async def test_sync_events_are_refused(model: ChatStreamKit) -> None:
    with pytest.raises(TypeError, match="aiter_events"):
        await sse_response(iter_events(model, "Hello"))


async def test_naming_a_stream_needs_a_store(model: ChatStreamKit) -> None:
    with pytest.raises(ValueError, match="replay="):
        await sse_response(aiter_events(model, "Hello"), on_leave="continue")


def test_starlette_alone_is_enough_and_head_asks_no_model(
    fake_server: FakeServer, model: ChatStreamKit
) -> None:
    async def ask(request):
        return await sse_response(aiter_events(model, "Hello"))

    with serving(Starlette(routes=[Route("/", ask)])) as address:
        assert httpx.head(address).headers["x-accel-buffering"] == "no"
        assert fake_server.requests == []
        assert "event: final" in httpx.get(address).text


# ── readers who leave ───────────────────────────────────────────────────────────


def leave_after(url: str, wanted: str) -> None:
    """Read until the words have come, and hang up."""
    with httpx.Client(timeout=LIMIT) as client, client.stream("GET", url) as response:
        for text in response.iter_text():
            if wanted in text:
                return


@pytest.mark.parametrize("protocol", ["sse", "text", "vercel"])
def test_leaving_a_live_stream_stops_the_model(
    fake_server: FakeServer, url: str, protocol: str
) -> None:
    fake_server.script(Reply("word " * 5000, frame_delay=0.02))
    leave_after(f"{url}/{protocol}", "word")
    assert fake_server.requests[0].wait_disconnected(LIMIT)


@pytest.mark.parametrize("protocol", ["sse", "text", "vercel"])
def test_leaving_a_stalled_stream_stops_the_model(
    fake_server: FakeServer, url: str, protocol: str
) -> None:
    fake_server.script(Reply("One two three", faults=[Stall(after_frames=3)]))
    leave_after(f"{url}/{protocol}", "One")
    assert fake_server.requests[0].wait_disconnected(LIMIT)


@pytest.mark.parametrize("protocol", ["sse", "text", "vercel"])
def test_leaving_before_the_first_token_stops_the_model_at_once(
    fake_server: FakeServer, model: ChatStreamKit, protocol: str
) -> None:
    gate = Gate()
    fake_server.script(Reply.script(Hold(gate), Send(FRAME % b"late")))
    # the stream itself would open only after the test's end
    with serving(app_for(model, first_event_timeout=600)) as address:
        url = httpx.URL(f"{address}/ask/{protocol}")
        with socket.create_connection((url.host, url.port)) as reader:
            request = f"GET {url.path} HTTP/1.1\r\nHost: {url.host}\r\n\r\n"
            reader.sendall(request.encode())
            assert gate.wait_reached(LIMIT)
        assert fake_server.requests[0].wait_disconnected(LIMIT)


def test_leaving_a_stream_that_opened_without_a_token_stops_the_model(
    fake_server: FakeServer, model: ChatStreamKit
) -> None:
    gate = Gate()
    fake_server.script(Reply.script(Hold(gate), Send(FRAME % b"late")))
    with serving(app_for(model, first_event_timeout=0.05, ping=0.05)) as address:
        leave_after(f"{address}/ask/sse", "ping")
        assert fake_server.requests[0].wait_disconnected(LIMIT)


def test_a_reader_who_stays_but_does_not_read_slows_the_model_down(
    fake_server: FakeServer, url: str
) -> None:
    fake_server.script(Reply(["x" * 20_000] * 2000))
    with (
        httpx.Client(timeout=LIMIT) as client,
        client.stream("GET", f"{url}/ndjson") as response,
    ):
        body = response.iter_raw(1)  # closes the response when it is let go
        next(body)
        request = fake_server.requests[0]
        assert request.wait_blocked(LIMIT)
        assert request.bytes_written < 35_000_000


@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
def test_servers_of_every_asgi_version_hear_the_leaving(
    fake_server: FakeServer, model: ChatStreamKit, spec_version: str
) -> None:
    app = app_for(model)

    async def with_version(scope, receive, send):
        if scope["type"] == "http":
            scope["asgi"] = {**scope["asgi"], "spec_version": spec_version}
        await app(scope, receive, send)

    fake_server.script(Reply("One two three", faults=[Stall(after_frames=3)]))
    with serving(with_version) as address:
        leave_after(f"{address}/ask/sse", "One")
        assert fake_server.requests[0].wait_disconnected(LIMIT)
