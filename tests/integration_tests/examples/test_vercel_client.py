"""``useChat`` of the AI SDK, its own transport and reader, against the example."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from langchain_streamkit.testing import Cut, Gate, Reply
from tests.integration_tests.conftest import running
from tests.integration_tests.servers import example as _example
from tests.integration_tests.servers import vercel as _vercel
from tests.integration_tests.servers.example import HOSTILE, Pause
from tests.integration_tests.servers.vercel import VercelChat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from langchain_streamkit.testing import FakeServer

pytestmark = pytest.mark.timeout(120, func_only=True)

WORDS = "one two three four five six seven eight nine ten"
SOURCE = {"title": "The <b>source</b>", "url": "https://example.org/"}


@pytest.fixture(scope="module")
def installed() -> Iterator[Path]:
    yield from running(_vercel.installed())


@pytest.fixture(scope="module")
def app(model_server: FakeServer) -> Iterator[str]:
    module = "examples.fastapi_app.app"
    with _example.serve("fastapi_app", model_server.url, module=module) as url:
        yield url


@pytest.fixture(params=[5, 6, 7])
def chat(
    request: pytest.FixtureRequest, installed: Path, app: str
) -> Iterator[VercelChat]:
    with VercelChat.start(installed, request.param, f"{app}/vercel") as chat:
        yield chat


def is_answered(state: dict[str, Any]) -> bool:
    has_ended: bool = state["status"] == "ready"
    return has_ended and state["messages"][-1]["role"] == "assistant"


def parts(state: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    latest = state["messages"][-1]
    if latest["role"] != "assistant":
        return []
    return [part for part in latest["parts"] if part["type"] == kind]


def text_of(state: dict[str, Any], kind: str = "text") -> str:
    return "".join(part["text"] for part in parts(state, kind))


def test_text_grows_with_reasoning_and_sources(chat: VercelChat, fake: FakeServer):
    gate = Gate()
    cited = [{"type": "url_citation", "url_citation": SOURCE}]
    pause = Pause(gate, after_frames=7)
    reply = Reply(WORDS, reasoning="I count.", annotations=cited, faults=[pause])
    fake.script(reply, "Again.")
    chat.send("Count")
    state = chat.wait_for(lambda state: text_of(state).startswith("one two"))
    assert state["status"] == "streaming"
    assert text_of(state) != WORDS
    gate.open()
    state = chat.wait_for(is_answered)
    assert state["error"] is None
    assert text_of(state) == WORDS
    assert text_of(state, "reasoning") == "I count."
    assert [part["state"] for part in parts(state, "reasoning")] == ["done"]
    (source,) = parts(state, "source-url")
    assert (source["title"], source["url"]) == (SOURCE["title"], SOURCE["url"])
    assert state["messages"][-1]["metadata"]["usage"]["output_tokens"] > 10
    assert any(part["type"] == "data-status" for part in state["transient"])
    chat.send("Again?")
    chat.wait_for(lambda state: is_answered(state) and text_of(state) == "Again.")
    said = [(one["role"], one["content"]) for one in fake.requests[1].messages]
    assert said == [("user", "Count"), ("assistant", WORDS), ("user", "Again?")]


def test_stop_closes_the_connection_of_the_model(chat: VercelChat, fake: FakeServer):
    gate = Gate()
    fake.script(Reply(WORDS, faults=[Pause(gate, after_frames=4)]), "Again.")
    chat.send("Count")
    chat.wait_for(lambda state: text_of(state).startswith("one two three"))
    assert gate.wait_reached()
    pressed = time.monotonic()
    chat.stop()
    assert fake.requests[0].wait_disconnected(5)
    assert (fake.requests[0].disconnected_at or 0) - pressed < 0.5
    state = chat.wait_for(is_answered)
    assert text_of(state).startswith("one two three")
    chat.send("And now?")
    chat.wait_for(lambda state: text_of(state) == "Again.")


def test_hostile_text_arrives_whole(chat: VercelChat, fake: FakeServer):
    fake.script(Reply(HOSTILE, reasoning=HOSTILE, split="characters"))
    chat.send("Go on")
    state = chat.wait_for(is_answered)
    assert text_of(state) == HOSTILE
    assert text_of(state, "reasoning") == HOSTILE


def test_a_cut_answer_is_an_error_with_what_came(chat: VercelChat, fake: FakeServer):
    fake.script(Reply(WORDS, faults=[Cut(after_frames=4, how="end")]))
    chat.send("Count")
    state = chat.wait_for(lambda state: state["status"] == "error" and state["error"])
    assert text_of(state) == "one two three"
    assert [part["state"] for part in parts(state, "text")] == ["done"]
