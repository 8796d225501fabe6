"""Questions over a WebSocket, on a real uvicorn."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI, WebSocket
from langchain_core.runnables import RunnableLambda
from websockets.sync.client import ClientConnection, connect

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.adapters.web import serve_websocket
from langchain_streamkit.testing import (
    Cut,
    FakeServer,
    Gate,
    Hold,
    Reply,
    Send,
    Stall,
)

from .scripted import HOSTILE
from .serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 20.0
FRAME = b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n'


@contextmanager
def talking(server: FakeServer, **settings: Any) -> Iterator[ClientConnection]:
    """A connection to an endpoint whose model is on the server."""
    model = ChatStreamKit(model="m", base_url=server.url, max_retries=0)
    app = FastAPI()

    @app.websocket("/chat")
    async def chat(websocket: WebSocket) -> None:
        await serve_websocket(websocket, model, **settings)

    with serving(app) as address:
        url = address.replace("http", "ws") + "/chat"
        with connect(url, max_size=None, proxy=None) as connection:
            yield connection


def ask(connection: ClientConnection, question: Any) -> None:
    connection.send(json.dumps({"input": question}))


def receive(connection: ClientConnection) -> dict[str, Any]:
    message = connection.recv(LIMIT)
    assert isinstance(message, str)
    event: dict[str, Any] = json.loads(message)
    return event


def until_end(connection: ClientConnection) -> list[dict[str, Any]]:
    """The events of one answer."""
    events = [receive(connection)]
    while events[-1]["type"] not in {"final", "error"}:
        events.append(receive(connection))
    return events


def text(events: list[dict[str, Any]]) -> str:
    return "".join(e["content"] for e in events if e["type"] == "text")


def test_several_questions_are_answered_in_order(fake_server: FakeServer) -> None:
    fake_server.script("One.", HOSTILE, "Three.")
    with talking(fake_server) as connection:
        for question in ("first", "second", "third"):
            ask(connection, question)
        answers = [until_end(connection) for _ in range(3)]
    assert [text(events) for events in answers] == ["One.", HOSTILE, "Three."]
    assert [events[-1]["finish_reason"] for events in answers] == ["stop"] * 3


def test_a_stop_ends_a_stalled_answer_and_the_next_one_comes(
    fake_server: FakeServer,
) -> None:
    fake_server.script(Reply("One two", faults=[Stall(after_frames=2)]), "Next.")
    with talking(fake_server) as connection:
        ask(connection, "first")
        while receive(connection)["type"] != "text":
            pass
        connection.send('{"type": "stop"}')
        assert until_end(connection)[-1] == {
            "type": "final",
            "finish_reason": "stopped",
            "sources": [],
        }
        assert fake_server.requests[0].wait_disconnected(LIMIT)
        ask(connection, "second")
        assert text(until_end(connection)) == "Next."


async def test_a_stop_that_is_there_with_its_question_ends_it() -> None:
    said = [{"input": "first"}, {"type": "stop"}, {"input": "second"}]
    messages: list[Any] = [{"type": "websocket.connect"}]
    messages += [{"type": "websocket.receive", "text": json.dumps(one)} for one in said]
    sent: list[dict[str, Any]] = []
    has_ended = asyncio.Event()

    async def receive() -> Any:
        if not messages:
            await has_ended.wait()
            return {"type": "websocket.disconnect", "code": 1000}
        return messages.pop(0)  # without a turn of the loop, as servers do

    async def send(message: Any) -> None:
        if "text" in message:
            sent.append(json.loads(message["text"]))
        if [one["type"] for one in sent].count("final") == 2:
            has_ended.set()

    scope = {"type": "websocket", "path": "/", "headers": []}
    model: RunnableLambda[str, str] = RunnableLambda(
        lambda question: f"An answer to the {question}."
    )
    await serve_websocket(WebSocket(scope, receive, send), model)
    assert [(one["type"], one.get("finish_reason")) for one in sent] == [
        ("final", "stopped"),
        ("text", None),
        ("final", None),
    ]
    assert sent[1]["content"] == "An answer to the second."


def test_a_stop_without_an_answer_is_nothing(fake_server: FakeServer) -> None:
    fake_server.script("One.")
    with talking(fake_server) as connection:
        connection.send('{"type": "stop"}')
        ask(connection, "first")
        assert text(until_end(connection)) == "One."


@pytest.mark.parametrize("when", ["live", "stalled", "before the first token"])
def test_leaving_stops_the_model(fake_server: FakeServer, when: str) -> None:
    gate = Gate()
    fake_server.script(
        {
            "live": Reply("word " * 5000, frame_delay=0.02),
            "stalled": Reply("One two", faults=[Stall(after_frames=2)]),
            "before the first token": Reply.script(Hold(gate), Send(FRAME % b"late")),
        }[when]
    )
    with talking(fake_server) as connection:
        ask(connection, "first")
        if when == "before the first token":
            assert gate.wait_reached(LIMIT)
        else:
            while receive(connection)["type"] != "text":
                pass
        connection.close()
        assert fake_server.requests[0].wait_disconnected(LIMIT)


def test_a_failure_ends_the_answer_and_not_the_connection(
    fake_server: FakeServer,
) -> None:
    cut = Reply("One two three", faults=[Cut(after_frames=3)])
    fake_server.script(cut, Reply.error(401, "no, sk-abcdefgh12345678"), "Three.")
    with talking(fake_server) as connection:
        ask(connection, "first")
        events = until_end(connection)
        assert text(events).startswith("One")
        assert (events[-1]["code"], events[-1]["retryable"]) == (
            "stream_interrupted",
            True,
        )
        ask(connection, "second")
        error = until_end(connection)[-1]
        assert error["code"] == "authentication"
        assert "sk-abcdefgh" not in error["message"]
        ask(connection, "third")
        assert text(until_end(connection)) == "Three."


@pytest.mark.parametrize("message", ["hello", "[]", "{}", '{"type": "x"}', "[" * 9999])
def test_a_message_that_says_nothing_is_answered_with_an_error(
    fake_server: FakeServer, message: str
) -> None:
    with talking(fake_server) as connection:
        connection.send(message)
        assert receive(connection)["code"] == "invalid_message"
        ask(connection, "first")
        assert until_end(connection)[-1]["type"] == "final"
    assert len(fake_server.requests) == 1


def test_questions_that_wait_are_bounded(fake_server: FakeServer) -> None:
    gate = Gate()
    fake_server.script(Reply.script(Hold(gate), Send(b"data: [DONE]\n\n")))
    with talking(fake_server, max_waiting=2) as connection:
        ask(connection, "first")
        assert gate.wait_reached(LIMIT)
        for question in ("second", "third", "fourth"):
            ask(connection, question)
        while (event := receive(connection))["type"] == "status":
            pass
        assert event["code"] == "too_many_questions"
        gate.open()


def test_a_client_that_does_not_read_slows_the_model_down(
    fake_server: FakeServer,
) -> None:
    fake_server.script(Reply(["x" * 20_000] * 2000))
    with talking(fake_server) as connection:
        ask(connection, "first")
        while receive(connection)["type"] != "text":
            pass
        request = fake_server.requests[0]
        assert request.wait_blocked(LIMIT)
        assert request.bytes_written < 35_000_000
        assert until_end(connection)[-1]["type"] == "final"


def test_only_and_to_input_are_the_callers_choice(fake_server: FakeServer) -> None:
    settings: dict[str, Any] = {
        "only": {"text", "final"},
        "to_input": lambda given: given["question"].upper(),
    }
    with talking(fake_server, **settings) as connection:
        ask(connection, {"question": "why?"})
        assert {event["type"] for event in until_end(connection)} == {"text", "final"}
        ask(connection, "no object")
        assert until_end(connection)[-1]["code"] == "internal_error"
    assert fake_server.requests[0].last_user_text == "WHY?"
