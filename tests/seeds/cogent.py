"""cogent's page: agents that stream, with their loops read as events.

``run_stream`` becomes ``aiter_events`` of an agent of LangChain's.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import fields
from inspect import signature
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from langchain.agents import create_agent
from langchain.tools import ToolRuntime  # noqa: TC002 - the tool's signature is read
from langchain_core.tools import tool
from typing_extensions import TypedDict

from langchain_streamkit import ChatStreamKit, aiter_events
from langchain_streamkit.events import FinalEvent, MetaEvent, TextEvent
from langchain_streamkit.testing import Cut, Gate, Hold, Reply, Send, ToolCall

from .maritaca import ORIGIN
from .rows import SHOWN, Row, Stage


class User(TypedDict):
    """Who asks."""

    user: str


@tool
def whoami(runtime: ToolRuntime[User]) -> str:
    """Who asks?"""
    return str((runtime.context or runtime.config["configurable"])["user"])


POEM = "Bits in a row,\nall in the know."

IMPORT = (
    r"from cogent import Agent(, tool)?",
    (
        "from langchain.agents import create_agent\n"
        "from langchain_core.tools import tool\n"
        "from langchain_streamkit import ChatStreamKit, aiter_events"
    ),
)
AGENT = (r"\bAgent\(", "create_agent(")
MODEL = (r'model="gpt-4o"', 'model=ChatStreamKit(model="gpt-4o")')
NO_FLAG = (r"\n    stream=True,[^\n]*", "")  # every agent streams
STREAM = (
    r"agent\.run_stream\(([^)]+)\):",
    r'aiter_events(agent, {"messages": \1}, only=SHOWN):',
)
RUN = (r"agent\.run\(([^)]+)\)", r'agent.ainvoke({"messages": \1})')


def _names(stage: Stage) -> dict[str, Any]:
    """What the page's blocks take from the blocks before them."""
    return {
        "ChatStreamKit": ChatStreamKit,
        "create_agent": create_agent,
        "agent": create_agent(stage.model()),
        "aiter_events": aiter_events,
        "app": FastAPI(),
        "SHOWN": SHOWN,
    }


def _names_with(**names: Any) -> Any:
    return lambda stage: {**_names(stage), **names}


def _answers_to_stream_chunk(stage: Stage) -> None:
    for name in ("content", "delta", "is_final", "finish_reason", "metadata"):
        assert f"    {name}: " in stage.block.source
    events = (
        TextEvent("Bits"),
        MetaEvent(finish_reason="tool_calls", metadata={"model": "m"}),
        FinalEvent(finish_reason="stop", metadata={"model": "m", "tokens": 7}),
    )
    assert [(e.content, e.delta) for e in events] == [("Bits", "Bits"), *[("", "")] * 2]
    assert [e.is_final for e in events] == [False, False, True]
    assert [e.finish_reason for e in events] == [None, "tool_calls", "stop"]
    assert [e.metadata.get("model") for e in events] == [None, "m", "m"]


async def _answers_to_run_stream(stage: Stage) -> None:
    """The message is the input; the context stays one, or is in the config."""
    assert "message: str" in stage.block.source
    assert "context: dict | None = None" in stage.block.source
    parameters = signature(aiter_events).parameters
    assert list(parameters)[:3] == ["runnable", "input", "config"]
    assert parameters["config"].default is None
    call = Reply(tool_calls=[ToolCall("whoami")])
    stage.server.script(call, "You are Ada.", call, "You are Ada.")
    agent = create_agent(stage.model(), [whoami], context_schema=User)
    question = {"messages": "Who am I?"}
    for given in (
        {"context": {"user": "Ada"}},
        {"config": {"configurable": {"user": "Ada"}}},
    ):
        events = [event async for event in aiter_events(agent, question, **given)]
        [result] = [event for event in events if event.type == "tool_result"]
        assert result.result == "Ada"
        assert events[-1].message.text == "You are Ada."


def _result_as_well(stage: Stage) -> None:
    """`run` of an agent that streams still gives all of it."""
    assert stage["result"]["messages"][-1].text == "A whole answer."
    assert stage.server.requests[0].stream is False


def _collected(stage: Stage) -> None:
    assert stage["final_text"] == POEM


def _errors(stage: Stage) -> None:
    cut = Reply(POEM, faults=[Cut(after_frames=4, how="reset")])
    printed = stage.run(cut)
    assert printed.startswith("Bits in a\n❌ Streaming error: connection reset: ")


async def _tools(stage: Stage) -> None:
    """The tool ran, and its pause was told while it lasted."""
    last = stage.server.requests[-1].messages[-1]
    assert (last["role"], last["content"]) == ("tool", "Results for: AI news")
    gate = threading.Event()

    @tool
    def search(query: str) -> str:
        """Search for information."""
        assert gate.wait(30)
        return f"Results for: {query}"

    stage.server.script(*stage.row.says)
    agent = create_agent(stage.model(), [search])
    seen: list[str] = []
    async for event in aiter_events(agent, {"messages": "Search for AI news"}):
        seen.append(event.content if event.type == "status" else event.type)
        if event.type == "status" and event.content == "Running search":
            gate.set()  # it is told before the tool has ended
    kinds = [kind for kind in seen if kind not in {"tool_call_delta", "status"}]
    pause = kinds.index("Running search")
    assert kinds[pause - 3 : pause] == ["tool_call", "meta", "usage"]
    assert kinds[pause + 1] == "tool_result"
    assert kinds[-3:] == ["meta", "usage", "final"]


async def _cancelled(stage: Stage) -> None:
    """What is in flight is cancelled with the task that reads it."""
    gate = Gate()
    frame = b'data: {"choices":[{"index":0,"delta":{"content":"Bits"}}]}\n\n'
    stage.server.script(Reply.script(Send(frame), Hold(gate)))
    begun = asyncio.Event()

    async def read() -> None:
        agent = create_agent(stage.model())
        async for _ in aiter_events(agent, {"messages": "Hello"}, only={"text"}):
            begun.set()

    task = asyncio.create_task(read())
    assert await gate.await_reached()
    await asyncio.wait_for(begun.wait(), 30)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert await asyncio.to_thread(stage.server.wait_idle)
    gate.open()


def _endpoint(stage: Stage) -> None:
    with TestClient(stage["app"], base_url=ORIGIN) as client:
        response = client.post("/chat/stream", params={"message": "A poem?"})
    assert response.text == POEM
    assert response.headers["content-type"].startswith("text/plain")


def _server_sent_events(stage: Stage) -> None:
    with TestClient(stage["app"], base_url=ORIGIN) as client:
        response = client.post("/chat/sse", params={"message": "A poem?"})
    frames = response.text.replace("\r\n", "\n").strip().split("\n\n")
    assert response.headers["content-type"].startswith("text/event-stream")
    assert frames[0] == "event: token\ndata: Bits"
    assert frames[-1] == "event: done\ndata:"
    assert {frame.partition("\n")[0] for frame in frames[:-1]} == {"event: token"}


def _fields_of_final(stage: Stage) -> None:
    _answers_to_stream_chunk(stage)
    assert {"finish_reason", "metadata"} <= {item.name for item in fields(FinalEvent)}


SEARCH = Reply(tool_calls=[ToolCall("search", {"query": "AI news"})])

ROWS = (
    Row(
        "from cogent import Agent agent = Agent( name=",
        "runs",
        (IMPORT, AGENT, MODEL, NO_FLAG, STREAM),
        says=(POEM,),
        names=_names,
        prints=POEM,
        then=_cancelled,
    ),
    Row(
        "# Option 1: Set on agent creation",
        "runs",
        (AGENT, MODEL, NO_FLAG, STREAM, RUN),
        says=("A whole answer.", POEM, POEM),
        names=_names,
        prints=POEM + POEM,
        then=_result_as_well,
    ),
    Row("@dataclass class StreamChunk:", "declares", then=_answers_to_stream_chunk),
    Row(
        'async for chunk in agent.run_stream("Analyze data"):',
        "filled",
        (STREAM,),
        says=(
            Reply(
                "Done.",
                model="gpt-4o-2024",
                usage={"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
            ),
        ),
        names=_names,
        prints="Done.\nModel: gpt-4o-2024\nTokens: 7\n",
    ),
    Row(
        'from cogent import Agent agent = Agent(name="assistant"',
        "runs",
        (IMPORT, AGENT, MODEL, STREAM),
        says=(POEM,),
        names=_names,
        prints=f"{POEM}\n",
    ),
    Row(
        "full_response = []",
        "filled",
        (STREAM,),
        says=(POEM,),
        names=_names,
        prints=POEM,
        then=_collected,
    ),
    Row(
        'async for chunk in agent.run_stream("Long analysis task"):',
        "filled",
        (STREAM,),
        says=(POEM,),
        names=_names,
        prints=f"{POEM}\n✅ Complete!\n",
    ),
    Row(
        'try: async for chunk in agent.run_stream("Query"):',
        "filled",
        (STREAM,),
        says=(Reply("Bits in", finish_reason="length"),),
        # The reason is on the meta event and on the final one; one of them will do.
        names=_names_with(SHOWN={"text", "final"}),
        prints="Bits in\n⚠️ Response truncated (max tokens reached)\n",
        then=_errors,
    ),
    Row(
        "from cogent import Agent, tool",
        "runs",
        (IMPORT, AGENT, MODEL, STREAM),
        says=(SEARCH, "All quiet."),
        names=_names,
        prints="\n[Tool calling...]\nAll quiet.",
        then=_tools,
    ),
    Row(
        "from fastapi import FastAPI from fastapi.responses",
        "filled",
        (STREAM,),
        says=(POEM,),
        names=_names_with(SHOWN={"text"}),
        prints="",
        then=_endpoint,
    ),
    Row(
        "from fastapi import FastAPI from sse_starlette.sse",
        "filled",
        (STREAM,),
        says=(POEM,),
        names=_names_with(SHOWN={"text"}),
        prints="",
        then=_server_sent_events,
    ),
    Row("async def run_stream(", "declares", then=_answers_to_run_stream),
    Row("@dataclass class StreamChunk:", "declares", then=_fields_of_final),
)
