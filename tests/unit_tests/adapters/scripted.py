"""Streams of events as tests write them, and hostile text."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from langchain_core.messages import AIMessage

from langchain_streamkit.events import (
    FieldEvent,
    FinalEvent,
    MetaEvent,
    ReasoningEvent,
    Source,
    SourceEvent,
    StatusEvent,
    StreamEvent,
    TextEvent,
    ToolCallDeltaEvent,
    ToolCallEvent,
    ToolResultEvent,
    Usage,
    UsageEvent,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

PROTOCOLS = ["sse", "ndjson", "text", "vercel", "agui", "openai"]
EVENT_STREAMS = ["sse", "vercel", "agui", "openai"]

HOSTILE = (
    "<b onclick=alert(1)>bold</b><script>alert('x')</script></script>\n"
    'data: {"type":"final"}\n\nevent: error\r\nid: 7\rretry: 1\n: comment\n\n'
    "\x1b[31mred\x1b]0;title\x07 \x9b2J \u2028\u2029\x85\x0b\x0c\x1c\x00\x7f"
    "\u202eright to left\u2066 \ufeff 👩‍👩‍👧 [DONE] [END] data: [DONE]\n"
)

USAGE = Usage(7, 5, 12, 2, 1, 0.5)

# One run of an agent: it thinks, asks a tool, gets an answer, and speaks.
RUN: list[StreamEvent] = [
    StatusEvent("connecting", "Connecting"),
    StatusEvent("retrying", "Retrying 2/3", attempt=2, max_attempts=3),
    ReasoningEvent("Let me ", message_id="m1"),
    ReasoningEvent("look.", message_id="m1"),
    ToolCallDeltaEvent(0, "c1", "search", '{"q":', message_id="m1"),
    ToolCallDeltaEvent(0, None, None, ' "rain"}', message_id="m1"),
    ToolCallDeltaEvent(1, "c2", "cut", '{"a', message_id="m1"),
    ToolCallEvent("c1", "search", {"q": "rain"}, None, '{"q": "rain"}', "m1"),
    ToolCallEvent("c2", "cut", {}, "it was cut", '{"a', "m1"),
    MetaEvent("tool_calls", {"headers": {"set-cookie": "secret"}}, message_id="m1"),
    UsageEvent(USAGE, message_id="m1"),
    ToolResultEvent("c1", "search", "success", {"hits": 3}, message_id="m1"),
    TextEvent("It ", message_id="m2"),
    TextEvent("rains.", message_id="m2"),
    FieldEvent(("days", 0, "rain"), None, "m2"),
    SourceEvent(Source("Weather", "https://weather.example/")),
    SourceEvent(Source("A trap", "javascript:alert(1)")),
    MetaEvent("stop", message_id="m2"),
    FinalEvent(
        AIMessage("It rains.", id="m2"),
        "stop",
        USAGE,
        [Source("Weather", "https://weather.example/")],
        {"model": "m"},
    ),
]

NEVER = object()


class Scripted:
    """An async iterator of events that counts how often it is closed.

    Args:
        steps: Events to give, exceptions to raise, and NEVER for a stall.
    """

    def __init__(self, steps: Iterable[Any]) -> None:
        self._steps = iter(steps)
        self.pulled = 0
        self.closed = 0
        self.cancelled = 0
        self.stalls = asyncio.Event()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        step = next(self._steps, None)
        if step is None:
            raise StopAsyncIteration
        if step is NEVER:
            self.stalls.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if isinstance(step, BaseException):
            raise step
        self.pulled += 1
        return step

    async def aclose(self) -> None:
        self.closed += 1


class SyncScripted:
    """Its sync twin."""

    def __init__(self, steps: Iterable[Any]) -> None:
        self._steps = iter(steps)
        self.pulled = 0
        self.closed = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        step = next(self._steps)
        if isinstance(step, BaseException):
            raise step
        self.pulled += 1
        return step

    def close(self) -> None:
        self.closed += 1
