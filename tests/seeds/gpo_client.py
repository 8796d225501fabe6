"""The GPO client's page: sessions, sources, web endpoints, errors and backpressure.

Its client's names are given a few lines each over LangChain's own: a conversation is a
thread of an agent with a checkpointer, and ``chat_stream`` is ``aiter_events``.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from io import StringIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from fastapi.testclient import TestClient
from langchain.agents import create_agent
from langgraph.checkpoint.memory import InMemorySaver
from starlette.websockets import WebSocketDisconnect

from langchain_streamkit import aiter_events
from langchain_streamkit.events import FinalEvent, SourceEvent, TextEvent
from langchain_streamkit.testing import Cut, ErrorFrame, Reply, Stall
from langchain_streamkit.transforms import buffered, coalesce, segments

from .maritaca import ORIGIN, WS
from .rows import SHOWN, Row, Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from langchain_streamkit.events import StreamEvent

IMPORTS = (r"from app\.core\.gpo_client\.[^\n(]*(\([^)]*\)|[^\n]*)\n", "")

ANSWER = "Companies pay the income tax."
LAW = {
    "title": "Income tax law",
    "url": "https://law.example/isr",
    "score": 0.92,
    "snippet": "Article 9",
}
DECREE = {"title": "Decree", "url": "https://law.example/decree", "score": 0.5}
TAXES = Reply(ANSWER, extra={"search_results": [LAW, DECREE]})


class Request(SimpleNamespace):
    """The requests and the contexts: what they are given."""


@dataclass
class Client:
    """The page's client, over an agent that remembers its threads."""

    agent: Any

    async def session(self, context: Request) -> Request:
        """A session of a user."""
        return Request(session_id=str(uuid.uuid4()), token="a-token", user=context)

    async def start_conversation(self, context: Request, request: Any) -> Request:
        """A conversation is a thread."""
        return Request(conversation_id=f"{context.session_id}/{request['title']}")

    def chat_stream(
        self, context: Request, request: Request
    ) -> AsyncIterator[StreamEvent]:
        """The answer's events."""
        config = {"configurable": {"thread_id": context.conversation_id}}
        question = {"messages": request.query}
        return aiter_events(self.agent, question, config, only=SHOWN)

    async def chat(self, context: Request, request: Request) -> Request:
        """The whole answer."""
        config = {"configurable": {"thread_id": context.conversation_id}}
        result = await self.agent.ainvoke({"messages": request.query}, config)
        return Request(message_content=result["messages"][-1].text)


def _names(stage: Stage, **parameters: Any) -> dict[str, Any]:
    agent = create_agent(stage.model(**parameters), checkpointer=InMemorySaver())
    return {
        "GPOCoreClient": lambda: Client(agent),
        "client": Client(agent),
        "SessionContext": Request,
        "ChatContext": Request,
        "StreamingChatRequest": Request,
        "ChatRequest": Request,
        "context": Request(conversation_id="one"),
        "request": Request(query="Which taxes?", use_openai=True),
    }


def _impatient(stage: Stage) -> dict[str, Any]:
    return _names(stage, stall_timeout=1, max_retries=0)


async def _remembers(stage: Stage) -> None:
    """The next question of the conversation brings the first one along."""
    client = stage["GPOCoreClient"]()
    context = Request(conversation_id="another")
    stage.server.script("It is 30 %.", "Of the profit.")
    for query in ("How much?", "Of what?"):
        async for _ in client.chat_stream(context, Request(query=query)):
            pass
    said = [m["content"] for m in stage.server.requests[-1].messages]
    assert said == ["How much?", "It is 30 %.", "Of what?"]


def _answers_to_streaming_chunk(stage: Stage) -> None:
    for name in ("content", "sources", "is_complete", "metadata"):
        assert f"    {name}: " in stage.block.source
    text, final = TextEvent("Taxes"), FinalEvent(sources=[SourceEvent().source])
    assert (text.content, text.sources, text.is_complete) == ("Taxes", [], False)
    assert (final.content, len(final.sources), final.is_complete) == ("", 1, True)
    assert text.metadata == {}


def _with_sources(stage: Stage) -> None:
    result: list[Any] = []

    async def call() -> None:
        result.append(await stage["process_streaming_with_sources"]())

    printed = stage.printed(call)
    assert printed == (
        f"{ANSWER}\n\nResponse complete. Processing sources...\n"
        "\nSource: Income tax law\nRelevance: 0.92\nExcerpt: Article 9\n"
        "\nSource: Decree\nRelevance: 0.5\n"
    )
    assert result == [
        {
            "content": ANSWER,
            "sources": [
                {"title": "Income tax law", "relevance": 0.92},
                {"title": "Decree", "relevance": 0.5},
            ],
        }
    ]


CODE = ["Income t", "ax:\n`", "``py", "\nif a < 1:", "\n``", "`\nDone"]


async def _custom(stage: Stage) -> None:
    """By chunks, words and fences that are cut are missed; by words and lines, none."""
    stage.server.script(Reply(["Income ", "tax", " is <b>"]))
    printed = await _print_async(stage["custom_stream_processing"])
    assert printed == (
        "<strong>Income</strong> <strong>tax</strong> is <b>\n<end of response>\n"
    )
    stage.server.script(*[Reply(CODE)] * 2)
    model = stage.model()
    words = [
        event.content
        async for event in coalesce(
            aiter_events(model, "?", only={"text"}), by="words", max_chars=64
        )
    ]
    assert words[:2] == ["Income", " tax:"]
    found = [segment async for segment in segments(model.astream("?"))]
    code = [(s.language, s.content) for s in found if s.kind == "code" and s.content]
    assert "".join(content for _, content in code) == "if a < 1:\n"
    assert {language for language, _ in code} == {"py"}


async def _print_async(function: Any) -> str:
    out = StringIO()
    with redirect_stdout(out):
        await function()
    return out.getvalue()


def _web(stage: Stage) -> None:
    client = TestClient(stage["app"], base_url=ORIGIN)
    asked = {
        "query": "Which taxes?",
        "session_id": "session-1",
        "conversation_id": "conv-1",
        "token": "a-token",
    }
    cited = [
        {"title": "Income tax law", "relevance": 0.92},
        {"title": "Decree", "relevance": 0.5},
    ]
    failing = Reply("Compa", faults=[ErrorFrame("out of memory", after_frames=2)])

    def frames() -> list[dict[str, Any]]:
        with client.websocket_connect(f"{WS}/api/chat/stream") as socket:
            socket.send_text(json.dumps(asked))
            return list(_messages(socket))

    received = frames()
    assert "".join(frame.get("content", "") for frame in received) == ANSWER
    assert [frame["is_complete"] for frame in received].count(True) == 1
    assert received[-1] == {"sources": cited, "is_complete": True}
    stage.server.script(failing)
    assert "out of memory" in frames()[-1]["error"]

    stage.server.script(TAXES, failing)
    response = client.get("/api/chat/stream-http", params=asked)
    assert response.headers["content-type"].startswith("text/event-stream")
    sent = _data_of(response.text)
    assert "".join(frame.get("content", "") for frame in sent) == ANSWER
    assert sent[-1] == {"is_complete": True, "sources": cited}
    sent = _data_of(client.get("/api/chat/stream-http", params=asked).text)
    assert "out of memory" in sent[-1]["error"]


def _messages(socket: Any) -> Iterator[dict[str, Any]]:
    with suppress(WebSocketDisconnect):
        while True:
            yield json.loads(socket.receive_text())


def _data_of(text: str) -> list[dict[str, Any]]:
    return [
        json.loads(frame.removeprefix("data: ")) for frame in text.split("\n\n")[:-1]
    ]


def _errors(stage: Stage) -> None:
    call = stage["streaming_with_error_handling"]
    for fault, said, meant in (
        (
            Cut(after_frames=3, how="reset"),
            "connection reset: ",
            "Connection was reset",
        ),
        (Stall(after_frames=3), "timeout: ", "Stream timed out."),
    ):
        stage.server.script(Reply(ANSWER, faults=[fault]), ANSWER)
        lines = stage.printed(call).splitlines()
        assert lines[0] == "Companies pay"
        assert lines[1].startswith(f"Error during streaming: {said}")
        assert lines[2].startswith(meant)
        assert lines[-1] == f"Fallback response: {ANSWER}"
    _falls_back_by_itself(stage)


def _falls_back_by_itself(stage: Stage) -> None:
    """With ours no loop is needed, and no text comes twice."""
    whole = stage.model(stream_fallback=True, max_retries=0)
    cut = Reply(ANSWER, faults=[Cut(before_headers=True)])
    stage.server.script(cut, ANSWER)
    assert "".join(chunk.text for chunk in whole.stream("Which taxes?")) == ANSWER
    assert [request.stream for request in stage.server.requests[-2:]] == [True, False]
    again = stage.model(resume="replay")
    stage.server.script(Reply(ANSWER, faults=[Cut(after_frames=3)]), ANSWER)
    assert "".join(chunk.text for chunk in again.stream("Which taxes?")) == ANSWER


COUNT = " ".join(str(number) for number in range(25))


async def _backpressure(stage: Stage) -> None:
    """The page's loop says that it pauses the stream; `buffered` does pause it."""
    stage.server.script(Reply(COUNT))
    printed = await _print_async(stage["stream_with_backpressure"])
    lines = printed.splitlines()
    assert "[Applying backpressure - pausing stream]" in lines
    assert "[Releasing backpressure - resuming stream]" in lines
    shown = "".join(line for line in lines[:-1] if not line.startswith("["))
    assert shown.split() == COUNT.split()
    assert lines[-1] == "Stream complete!"

    produced: list[int] = []

    async def source() -> AsyncIterator[int]:
        for number in range(100):
            produced.append(number)
            yield number
            await asyncio.sleep(0)

    taken = 0
    stream = buffered(source(), max_items=10)
    async for number in stream:
        assert number == taken
        taken += 1
        for _ in range(20):  # a slow reader
            await asyncio.sleep(0)
        assert len(produced) <= taken + 11
        if taken == 1:
            assert len(produced) >= 10
    assert taken == 100


ROWS = (
    Row(
        "import asyncio from app.core.gpo_client.client import GPOCoreClient",
        "runs",
        (IMPORTS,),
        says=(TAXES,),
        names=_names,
        prints=(
            f"Streaming response:\n{ANSWER}\n\nStream complete!\n"
            "\nSources:\n- Income tax law\n- Decree\n"
        ),
        then=_remembers,
    ),
    Row(
        "class StreamingChunk(BaseModel):", "declares", then=_answers_to_streaming_chunk
    ),
    Row(
        "async def process_streaming_with_sources():",
        "filled",
        says=(TAXES,),
        names=_names,
        prints="",
        then=_with_sources,
    ),
    Row(
        "import re from html import escape",
        "filled",
        names=_names,
        prints="",
        then=_custom,
    ),
    Row(
        "from fastapi import FastAPI, WebSocket, Depends, HTTPException",
        "filled",
        says=(TAXES,),
        names=_names,
        prints="",
        then=_web,
    ),
    Row(
        "// Establish WebSocket connection",
        "elsewhere",
        tests=(
            (
                "tests/integration_tests/examples/test_fastapi_app.py"
                "::test_text_grows_and_the_reasoning_opens"
            ),
            (
                "tests/integration_tests/examples/test_fastapi_app.py"
                "::test_a_failure_is_told_before_and_in_the_middle_of_an_answer"
            ),
            (
                "tests/integration_tests/examples/test_fastapi_app.py"
                "::test_a_lost_connection_is_made_again"
            ),
            (
                "tests/integration_tests/examples/test_fastapi_app.py"
                "::test_a_websocket_carries_hostile_text_whole"
            ),
        ),
    ),
    Row(
        "async def streaming_with_error_handling():",
        "filled",
        names=_impatient,
        prints="",
        then=_errors,
    ),
    Row(
        "import asyncio import time async def stream_with_backpressure():",
        "bad",
        ((r"processing_delay = 0\.1", "processing_delay = 0"),),
        names=_names,
        prints="",
        then=_backpressure,
    ),
)
