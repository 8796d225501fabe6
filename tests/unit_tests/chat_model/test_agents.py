"""An agent of LangChain's runs its loop over this model, however it is streamed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessageChunk, ToolMessage
from langchain_core.tools import tool

from langchain_streamkit.testing import Reply, ToolCall

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from tests.unit_tests.conftest import MakeModel

QUESTION = {"messages": [("user", "What are 2 + 3, and the weather in Paris?")]}
ANSWER = "Five, and it is sunny."


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
async def weather(city: str) -> str:
    """Tell the weather of a city."""
    await asyncio.sleep(0)
    return f"{city}: sunny"


@tool
def weather_now(city: str) -> str:
    """Tell the weather of a city."""
    return f"{city}: sunny"


def script(weather_tool: str) -> list[Reply]:
    return [
        Reply(
            "I will look.",
            reasoning="Two tools are needed.",
            tool_calls=[
                ToolCall("add", {"a": 2, "b": 3}, id="call_a"),
                ToolCall(weather_tool, {"city": "Paris"}, id="call_w"),
            ],
        ),
        Reply(ANSWER),
    ]


def results(messages: list[BaseMessage]) -> dict[str, Any]:
    return {m.tool_call_id: m.content for m in messages if isinstance(m, ToolMessage)}


EXPECTED = {"call_a": "5", "call_w": "Paris: sunny"}


@pytest.mark.parametrize("output_version", ["v0", "v1"])
def test_an_agent_invokes_two_tools(
    make_model: MakeModel, fake_server: Any, output_version: str
) -> None:
    model = make_model(*script("weather_now"), output_version=output_version)
    state = create_agent(model, [add, weather_now]).invoke(QUESTION)
    assert state["messages"][-1].text == ANSWER
    assert results(state["messages"]) == EXPECTED
    roles = [message["role"] for message in fake_server.requests[-1].body["messages"]]
    assert roles == ["user", "assistant", "tool", "tool"]


def test_an_agent_streams_its_tokens(make_model: MakeModel) -> None:
    agent = create_agent(make_model(*script("weather_now")), [add, weather_now])
    chunks = [
        chunk
        for chunk, _ in agent.stream(QUESTION, stream_mode="messages")
        if isinstance(chunk, AIMessageChunk)
    ]
    assert "".join(chunk.text for chunk in chunks) == "I will look." + ANSWER
    assert sum(bool(chunk.tool_call_chunks) for chunk in chunks) > 2


async def test_an_agent_streams_its_tokens_asynchronously(
    make_model: MakeModel,
) -> None:
    agent = create_agent(make_model(*script("weather")), [add, weather])
    text = ""
    async for chunk, _ in agent.astream(QUESTION, stream_mode="messages"):
        if isinstance(chunk, AIMessageChunk):
            text += chunk.text
    assert text == "I will look." + ANSWER


async def test_an_agent_is_followed_by_events_of_version_2(
    make_model: MakeModel,
) -> None:
    agent = create_agent(make_model(*script("weather")), [add, weather])
    kinds = [
        event["event"] async for event in agent.astream_events(QUESTION, version="v2")
    ]
    assert kinds.count("on_chat_model_start") == 2
    assert kinds.count("on_tool_end") == 2
    assert kinds.count("on_chat_model_stream") > 4


def test_an_agent_runs_over_version_3(make_model: MakeModel) -> None:
    agent = create_agent(make_model(*script("weather_now")), [add, weather_now])
    run = agent.stream_events(QUESTION, version="v3")
    texts = [str(message.text) for message in run.messages]
    assert texts == ["I will look.", ANSWER]
    assert results(run.output["messages"]) == EXPECTED
