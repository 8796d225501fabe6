"""langchain-maritaca's page: plain LangChain, with another class."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from langchain_streamkit import StreamInterruptedError
from langchain_streamkit.testing import Cut, Reply

from .rows import Row, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ORIGIN = "http://127.0.0.1"  # an app in this process; the tests readdress other hosts
WS = "ws://127.0.0.1"

IMPORT = (
    "from langchain_maritaca import ChatMaritaca",
    "from langchain_streamkit import ChatStreamKit",
)
MODEL = (
    r"ChatMaritaca\(\)",
    'ChatStreamKit(model="sabia-3.1", provider="maritaca")',
)
CLASS = (IMPORT, MODEL)
STORY = "There was a toucan, once."


def _asked(*messages: tuple[str, str]) -> Callable[[Stage], None]:
    """A look at what the server was asked."""

    def then(stage: Stage) -> None:
        [request] = stage.server.requests
        assert request.headers["authorization"] == "Bearer a-key"
        assert request.body is not None
        assert request.body["model"] == "sabia-3.1"
        assert request.body["stream"] is True
        assert [(m["role"], m["content"]) for m in request.messages] == [*messages]

    return then


def _http(stage: Stage) -> None:
    with TestClient(stage["app"], base_url=ORIGIN) as client:
        response = client.get("/stream", params={"question": "A story?"})
    assert response.text == STORY
    assert response.headers["content-type"].startswith("text/plain")


def _websocket(stage: Stage) -> None:
    received: list[str] = []

    def talk() -> None:
        client = TestClient(stage["app"], base_url=ORIGIN)
        with client.websocket_connect(f"{WS}/ws") as socket:
            for question in ("A story?", "Another?"):
                socket.send_text(question)
                received.extend(iter(socket.receive_text, "[END]"))

    # The document's loop does not expect its reader to leave; `serve_websocket` does.
    with pytest.raises(WebSocketDisconnect):
        talk()
    assert "".join(received) == STORY + "And a capybara."


class ChatInterface:
    """Asks its function as Gradio's does, with the message and the history."""

    shown: list[str]

    def __init__(self, function: Callable[[str, list[Any]], Iterator[str]]) -> None:
        self._function = function

    def launch(self) -> None:
        """Ask one question."""
        ChatInterface.shown = list(self._function("A story?", []))


def _gradio(stage: Stage) -> None:
    shown = ChatInterface.shown
    assert shown[0] == "There"
    assert shown[-1] == STORY
    assert all(one in another for one, another in pairwise(shown))


def _metadata(stage: Stage) -> None:
    """The server's own name, once, whatever was asked for."""
    assert (
        stage.run(Reply("Hi", model="sabia-3.1-2025")) == "Hi\nModel: sabia-3.1-2025\n"
    )


async def _generator(stage: Stage) -> None:
    pieces = [piece async for piece in stage["stream_response"]("A story?")]
    assert "".join(pieces) == STORY
    assert len(pieces) > 3
    stage.server.script(Reply(STORY, faults=[Cut(after_frames=3)]))
    with pytest.raises(StreamInterruptedError):
        [piece async for piece in stage["stream_response"]("A story?")]


def _model(stage: Stage) -> dict[str, Any]:
    return {"model": stage.model()}


ROWS = (
    Row(
        "from langchain_maritaca import ChatMaritaca model = ChatMaritaca() for chunk",
        "runs",
        CLASS,
        says=(STORY,),
        prints=STORY,
        then=_asked(("user", "Tell me a story about Brazil.")),
    ),
    Row(
        "import asyncio",
        "runs",
        CLASS,
        says=(STORY,),
        prints=STORY,
        then=_asked(("user", "Tell me a story.")),
    ),
    Row(
        "from langchain_maritaca import ChatMaritaca from langchain_core.messages",
        "runs",
        CLASS,
        says=(STORY,),
        prints=STORY,
        then=_asked(
            ("system", "You are a storyteller."), ("user", "Tell a short story.")
        ),
    ),
    Row(
        "from langchain_maritaca import ChatMaritaca model = ChatMaritaca() complete",
        "runs",
        CLASS,
        says=(STORY,),
        prints=f"{STORY}\n\nComplete: {STORY}\n",
    ),
    Row(
        "from fastapi import FastAPI from fastapi.responses",
        "runs",
        CLASS,
        says=(STORY,),
        then=_http,
    ),
    Row(
        "from fastapi import FastAPI, WebSocket",
        "runs",
        CLASS,
        says=(STORY, "And a capybara."),
        then=_websocket,
    ),
    Row(
        "import gradio as gr",
        "runs",
        (("import gradio as gr\n", ""), *CLASS),
        says=(STORY,),
        # Gradio brings a hundred packages; its contract is this one class.
        names=lambda stage: {"gr": SimpleNamespace(ChatInterface=ChatInterface)},
        prints="",
        then=_gradio,
    ),
    Row(
        "from langchain_maritaca import ChatMaritaca model = ChatMaritaca() async",
        "runs",
        CLASS,
        says=(STORY,),
        prints=STORY,
    ),
    Row(
        "from langchain_maritaca import ChatMaritaca from langchain_core.prompts",
        "runs",
        CLASS,
        says=(STORY,),
        prints=STORY,
        then=_asked(("user", "Tell about: Brazil")),
    ),
    Row(
        "# Ensures immediate printing",
        "filled",
        says=(STORY,),
        names=lambda stage: {"chunk": next(stage.model().stream("A story?"))},
        prints="There",
    ),
    Row(
        'for chunk in model.stream("Hello"): if chunk.content: # Some',
        "filled",
        says=("Hi there",),
        names=_model,
        prints="Hi there\nModel: fake\n",
        then=_metadata,
    ),
    Row(
        "async def stream_response(question: str):",
        "filled",
        says=(STORY,),
        names=_model,
        prints="",
        then=_generator,
    ),
)
