"""All that a stream of events says, gathered.

Strategy: what the events themselves carry is added up, so that a filtered stream, or
one that broke, still gives what it had; the final event's word comes first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_streamkit.events import (
    FieldEvent,
    FinalEvent,
    ReasoningEvent,
    Source,
    SourceEvent,
    StreamEvent,
    TextEvent,
    ToolCallEvent,
    Usage,
    UsageEvent,
)
from langchain_streamkit.streaming._messages import sum_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

    from langchain_core.messages import AIMessage

__all__ = ["StreamResult", "acollect", "collect"]


@dataclass(slots=True)
class StreamResult:
    """What came of a stream.

    Attributes:
        text: All text, in the order of arrival; of an agent's last turn alone it is
            ``message.text``.
        reasoning: All reasoning.
        tool_calls: Every tool call, the broken ones with their ``error``.
        fields: The fields of a structured answer, in the order in which they were
            complete; the whole object is the last one.
        sources: Every source, once.
        usage: The sum over all model messages.
        message: The last model message, whole.
        finish_reason: Why it ended.
        metadata: The final event's: ``model``, ``provider``, ``tokens``, ``timing``.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: list[ToolCallEvent] = field(default_factory=list[ToolCallEvent])
    fields: list[FieldEvent] = field(default_factory=list[FieldEvent])
    sources: list[Source] = field(default_factory=list[Source])
    usage: Usage | None = None
    message: AIMessage | None = None
    finish_reason: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])


class _Gathering:
    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._usages: list[Usage] = []
        self._result = StreamResult()

    def add(self, event: StreamEvent) -> None:
        result = self._result
        if isinstance(event, TextEvent):
            self._text.append(event.content)
        elif isinstance(event, ReasoningEvent):
            self._reasoning.append(event.content)
        elif isinstance(event, ToolCallEvent):
            result.tool_calls.append(event)
        elif isinstance(event, SourceEvent):
            if event.source not in result.sources:
                result.sources.append(event.source)
        elif isinstance(event, UsageEvent) and event.usage is not None:
            self._usages.append(event.usage)
        elif isinstance(event, FieldEvent):
            result.fields.append(event)
        elif isinstance(event, FinalEvent):
            self._usages.clear()
            result.usage = event.usage
            result.sources = event.sources
            result.message = event.message
            result.finish_reason = event.finish_reason
            result.metadata = event.metadata
        else:
            result.finish_reason = event.finish_reason or result.finish_reason

    def result(self) -> StreamResult:
        self._result.text = "".join(self._text)
        self._result.reasoning = "".join(self._reasoning)
        if self._usages:
            self._result.usage = sum_of(self._usages)
        return self._result


def collect(events: Iterable[StreamEvent]) -> StreamResult:
    """Read events to their end.

    Args:
        events: Of ``iter_events``, ``events_from``, or what was made of them.

    Returns:
        All that they said.

    Raises:
        Exception: What the stream raises.

    Example:
        >>> from langchain_streamkit import events_from
        >>> collect(events_from(["Hello, ", "you."])).text
        'Hello, you.'
    """
    gathering = _Gathering()
    for event in events:
        gathering.add(event)
    return gathering.result()


async def acollect(events: AsyncIterable[StreamEvent]) -> StreamResult:
    """The async twin of ``collect``.

    Args:
        events: Of ``aiter_events``, ``aevents_from``, or what was made of them.

    Returns:
        All that they said.

    Raises:
        Exception: What the stream raises.
    """
    gathering = _Gathering()
    async for event in events:
        gathering.add(event)
    return gathering.result()
