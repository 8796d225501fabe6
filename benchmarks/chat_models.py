"""LangChain chat models as clients."""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from benchmarks.client import KEY, Client
from benchmarks.replay import expected_characters
from langchain_streamkit import aiter_events, iter_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_core.language_models import BaseChatModel

    from benchmarks.workloads import Workload

__all__ = ["ChatModelClient", "model_maker"]


def text_of(chunk: Any) -> int:
    """Characters of text."""
    return len(chunk.content)


def arguments_of(chunk: Any) -> int:
    """Characters of tool-call arguments."""
    return sum(len(piece["args"] or "") for piece in chunk.tool_call_chunks)


def thought_of(chunk: Any) -> int:
    """Characters of reasoning."""
    return len(chunk.additional_kwargs.get("reasoning_content", ""))


COUNTS: dict[str, Callable[[Any], int]] = {
    "text": text_of,
    "tool": arguments_of,
    "reasoning": thought_of,
}


class ChatModelClient(Client):
    """A LangChain chat model.

    Args:
        make: Makes the model for an address and a workload.
    """

    def __init__(self, make: Callable[[str, Workload], BaseChatModel]) -> None:
        super().__init__()
        self.make_now = make
        self.make = lru_cache(maxsize=8)(make)

    def stream(self, url: str, workload: Workload) -> int:
        count = COUNTS[workload.kind]
        return sum(count(chunk) for chunk in self.make(url, workload).stream("x"))

    async def read(self, url: str, workload: Workload) -> int:
        count, clock, characters = COUNTS[workload.kind], self.clock, 0
        async for chunk in self.make(url, workload).astream("x"):
            clock.chunk()
            characters += count(chunk)
        return characters

    def events(self, url: str, workload: Workload) -> int:
        events = iter_events(self.make(url, workload), "x", only={"text"})
        return sum(len(event.content) for event in events)

    def aevents(self, url: str, workload: Workload) -> int:
        async def read() -> int:
            events = aiter_events(self.make(url, workload), "x", only={"text"})
            return sum([len(event.content) async for event in events])

        return self.runner.run(read())

    def v2(self, url: str, workload: Workload) -> int:
        async def read() -> int:
            characters = 0
            model = self.make(url, workload)
            async for event in model.astream_events("x", version="v2"):
                if event["event"] == "on_chat_model_stream":
                    characters += len(event["data"]["chunk"].content)
            return characters

        return self.runner.run(read())

    def v3(self, url: str, workload: Workload) -> int:
        events: Any = self.make(url, workload).stream_events("x", version="v3")
        return sum(map(v3_characters, events))

    def av3(self, url: str, workload: Workload) -> int:
        async def read() -> int:
            characters = 0
            model: Any = self.make(url, workload)
            async for event in await model.astream_events("x", version="v3"):
                characters += v3_characters(event)
            return characters

        return self.runner.run(read())

    def chain(self, url: str, workload: Workload) -> int:
        prompt = ChatPromptTemplate.from_messages([("user", "{x}")])
        chain = prompt | self.make(url, workload) | StrOutputParser()
        return sum(len(text) for text in chain.stream({"x": "x"}))

    def invoke(self, url: str, workload: Workload) -> int:
        return len(self.make(url, workload).invoke("x").content)

    def construct(self, url: str, workload: Workload) -> int:
        self.make_now(url, workload)
        return expected_characters(workload.kind, workload.chunks)

    def first(self, url: str, workload: Workload) -> int:
        for chunk in self.make(url, workload).stream("x"):
            if chunk.content:
                break
        return expected_characters(workload.kind, workload.chunks)


def v3_characters(event: Any) -> int:
    """Characters of text in one event of version 3."""
    delta = event.get("delta")
    return len(delta.get("text", "")) if delta else 0


def model_maker(
    module: str, name: str, address: str
) -> Callable[[str, Workload], BaseChatModel]:
    """Makes models of a class; its module is imported now."""
    kind: Any = getattr(importlib.import_module(module), name)

    def make(url: str, workload: Workload) -> BaseChatModel:
        del workload
        made: BaseChatModel = kind(**{"model": "m", "api_key": KEY, address: url})
        return made

    return make
