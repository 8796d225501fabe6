"""Ask a model in each of LangChain's four ways, and compare what it says."""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import pytest
from langchain_core.tools import BaseTool, tool
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_core.language_models import LanguageModelInput
    from langchain_core.messages import AIMessage, AIMessageChunk
    from langchain_core.runnables import Runnable

    Model = Runnable[LanguageModelInput, AIMessage]

__all__ = [
    "NOTHING_SAID",
    "PARIS",
    "ROME",
    "WAYS",
    "Method",
    "Person",
    "ask",
    "ask_each_way",
    "each_method",
    "each_way",
    "reasoning",
    "said",
    "to_agent",
    "total",
    "weather_tool",
]

WAYS = ("stream", "astream", "invoke", "ainvoke")
Method = Literal["json_schema", "function_calling", "json_mode"]
each_way = pytest.mark.parametrize("way", WAYS)
each_method = pytest.mark.parametrize("method", get_args(Method))

PARIS, ROME = ("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})
NOTHING_SAID = {"text": "", "reasoning": "", "tool_calls": [], "invalid_tool_calls": []}


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


def weather_tool() -> tuple[BaseTool, list[str]]:
    """A tool, and the list of the cities that it was run for."""
    cities: list[str] = []

    @tool
    def get_weather(city: str) -> str:
        """Look up the weather in a city."""
        cities.append(city)
        return f"Sunny in {city}."

    return get_weather, cities


def to_agent(prompt: str) -> Any:
    """The input of an agent that is asked one thing."""
    return {"messages": [("user", prompt)]}


async def ask(model: Model, prompt: LanguageModelInput, way: str) -> AIMessage:
    """The answer by one of ``WAYS``; for a stream, the sum of its chunks."""
    match way:
        case "stream":
            return total(model.stream(prompt))
        case "astream":
            return total([chunk async for chunk in model.astream(prompt)])
        case "invoke":
            return model.invoke(prompt)
        case _:
            return await model.ainvoke(prompt)


async def ask_each_way(model: Model, prompt: LanguageModelInput) -> dict[str, Any]:
    """What the model says by each of ``WAYS``."""
    return {way: said(await ask(model, prompt, way)) for way in WAYS}


def total(chunks: Iterable[AIMessage]) -> AIMessageChunk:
    """The sum of a stream's chunks."""
    parts = cast("Iterable[AIMessageChunk]", chunks)
    return functools.reduce(operator.add, parts)


def reasoning(message: AIMessage) -> str:
    """The reasoning among a message's content blocks."""
    blocks = message.content_blocks
    return "".join(
        block.get("reasoning", "") for block in blocks if block["type"] == "reasoning"
    )


def said(message: AIMessage) -> dict[str, Any]:
    """All of an answer that must not depend on the way of asking.

    Ids differ by request, and so does what the server found in its cache.
    """
    usage = message.usage_metadata
    return {
        "text": message.text,
        "reasoning": reasoning(message),
        "tool_calls": [(call["name"], call["args"]) for call in message.tool_calls],
        "invalid_tool_calls": [call["name"] for call in message.invalid_tool_calls],
        "finish_reason": message.response_metadata["finish_reason"],
        "tokens": usage and (usage["input_tokens"], usage["output_tokens"]),
    }
