"""Chunks and messages of any model become events, and add up to the final one.

Strategy: pieces become events as they come, each under its message's id, so that two
models that speak at once stay apart. What can only be known at a message's end (whole
tool calls, sources, the reason, the usage) follows its last chunk. Whether a call is
whole is judged on the text that the model sent, never on what langchain-core repairs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ToolMessage,
)
from langchain_core.messages.ai import add_ai_message_chunks

from langchain_streamkit.events import (
    FinalEvent,
    MetaEvent,
    Source,
    SourceEvent,
    StreamEvent,
    TextEvent,
    ToolCallDeltaEvent,
    ToolResultEvent,
    Usage,
    UsageEvent,
)
from langchain_streamkit.streaming._messages import (
    calls_of,
    is_closing,
    sources_of,
    sum_of,
    take_out_broken,
    texts_of,
    usage_of,
)
from langchain_streamkit.streaming._timing import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from langchain_core.messages.tool import ToolCallChunk

__all__ = ["Reader"]


@dataclass(slots=True)
class _Message:
    """One model message that is being said."""

    id: str | None
    node: str | None
    chunks: list[AIMessageChunk] = field(default_factory=list[AIMessageChunk])
    texts: list[str] = field(default_factory=list[str])
    calls: dict[object, ToolCallDeltaEvent] = field(
        default_factory=dict[object, ToolCallDeltaEvent]
    )

    def add(self, chunk: AIMessageChunk) -> None:
        """Take a chunk that is more than plain text."""
        self.join_texts()
        self.chunks.append(chunk)

    def join_texts(self) -> None:
        """Make one chunk of the plain texts, which core would add up one by one."""
        if self.texts:
            self.chunks.append(AIMessageChunk(content="".join(self.texts), id=self.id))
            self.texts.clear()

    def whole(self) -> AIMessageChunk:
        """All that was said."""
        self.join_texts()
        return add_ai_message_chunks(*self.chunks)


class Reader:
    """Reads one stream, of one model or of many.

    Args:
        clock: Seconds of a clock that only goes forward.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._stopwatch = Stopwatch(clock)
        self._mark = self._stopwatch.mark
        self._open: dict[str | None, _Message] = {}
        self._latest: _Message | None = None
        self._closed: set[str | None] = set()
        self._results: set[str | None] = set()
        self._texts: list[str] = []
        self._message: AIMessage | None = None
        self._usages: list[Usage] = []
        self._sources: list[Source] = []
        self._facts: dict[str, Any] = {}
        self._reason: str | None = None

    @property
    def has_messages(self) -> bool:
        """Whether a model has said anything."""
        return bool(self._open or self._closed)

    def knows(self, message_id: str | None) -> bool:
        """Whether a message has been read, or begun."""
        return message_id in self._open or message_id in self._closed

    def text(self, text: str, node: str | None = None) -> list[StreamEvent]:
        """The events of text that no model said.

        Args:
            text: The text.
            node: Where it came from.

        Returns:
            One event, or none for an empty text.
        """
        if not text:
            return []
        self._mark()
        self._texts.append(text)
        return [TextEvent(text, None, node)]

    def message(
        self, message: BaseMessage, node: str | None = None
    ) -> list[StreamEvent]:
        """The events of a chunk, or of a whole message.

        Args:
            message: A chunk, an answer or a tool's result; others mean nothing here.
            node: Where it came from.

        Returns:
            Its events.
        """
        if isinstance(message, AIMessageChunk):
            return self.chunk(message, node)
        if isinstance(message, AIMessage):
            if self.knows(message.id) and message.id is not None:
                return []
            return self._whole(message, node)
        if isinstance(message, ToolMessage):
            return self._result(message, node)
        return []

    def end(self, message_id: str | None) -> list[StreamEvent]:
        """The events of the end of a message, if it has not ended before.

        Args:
            message_id: Its id.

        Returns:
            Its calls, sources, meta and usage.
        """
        open_message = self._open.pop(message_id, None)
        if open_message is None:
            return []
        self._closed.add(message_id)
        if self._latest is open_message:
            self._latest = None
        whole = open_message.whole()
        return list(self._ending(whole, message_id, open_message.node))

    def finish(self) -> list[StreamEvent]:
        """The last events of the stream.

        Returns:
            The ends of messages that nobody ended, and the final event.
        """
        events = [event for key in list(self._open) for event in self.end(key)]
        message = self._message or AIMessage("".join(self._texts))
        usage = sum_of(self._usages)
        timing = self._stopwatch.timing(usage.output_tokens if usage else None)
        final = FinalEvent(
            message=message,
            finish_reason=self._reason,
            usage=usage,
            sources=self._sources,
            metadata={
                "model": self._facts.get("model_name") or self._facts.get("model"),
                "provider": self._facts.get("provider")
                or self._facts.get("model_provider"),
                "tokens": usage.total_tokens if usage else None,
                "timing": timing,
            },
            message_id=message.id,
        )
        return [*events, final]

    def chunk(
        self, chunk: AIMessageChunk, node: str | None = None
    ) -> list[StreamEvent]:
        """The events of a chunk; the shortest way for the most frequent item.

        Args:
            chunk: A chunk.
            node: Where it came from.

        Returns:
            Its events.
        """
        current = self._latest
        key = chunk.id
        if current is None or current.id != key:
            current = self._begin(key, node)
        content = chunk.content
        if (
            content
            and content.__class__ is str
            and not chunk.additional_kwargs
            and not chunk.tool_call_chunks
            and not chunk.response_metadata
            and chunk.usage_metadata is None
            and chunk.chunk_position is None
        ):
            self._mark()
            text = cast("str", content)
            current.texts.append(text)
            return [TextEvent(text, key, node)]
        current.add(chunk)
        events = self._pieces(chunk, node)
        is_last = chunk.chunk_position == "last"
        if chunk.tool_call_chunks and not (is_last and is_closing(chunk)):
            self._mark()
            events += [
                self._call_piece(current, piece) for piece in chunk.tool_call_chunks
            ]
        if is_last:
            events += self.end(key)
        return events

    def _begin(self, key: str | None, node: str | None) -> _Message:
        current = self._open.get(key)
        if current is None:
            current = self._open[key] = _Message(key, node)
        self._latest = current
        return current

    def _pieces(self, message: AIMessage, node: str | None) -> list[StreamEvent]:
        """The text and the reasoning of a chunk or a message."""
        events: list[StreamEvent] = []
        for kind, text in texts_of(message):
            if text:
                self._mark()
                events.append(kind(text, message.id, node))
        return events

    def _call_piece(
        self, message: _Message, piece: ToolCallChunk
    ) -> ToolCallDeltaEvent:
        index = piece.get("index")
        place = index if isinstance(index, int) else len(message.calls)
        event = ToolCallDeltaEvent(
            place,
            piece.get("id"),
            piece.get("name"),
            piece.get("args") or "",
            message.id,
            message.node,
        )
        first = message.calls.setdefault(place, event)
        event.id = event.id or first.id
        event.name = event.name or first.name
        return event

    def _whole(self, message: AIMessage, node: str | None) -> list[StreamEvent]:
        self._closed.add(message.id)
        events = self._pieces(message, node)
        if not events:
            self._mark()
        return [*events, *self._ending(message, message.id, node)]

    def _result(self, message: ToolMessage, node: str | None) -> list[StreamEvent]:
        if message.tool_call_id in self._results:
            return []
        self._results.add(message.tool_call_id)
        return [
            ToolResultEvent(
                id=message.tool_call_id,
                name=message.name,
                status=message.status,
                result=message.content,
                message_id=message.id,
                node=node,
            )
        ]

    def _ending(
        self, message: AIMessage, message_id: str | None, node: str | None
    ) -> Iterator[StreamEvent]:
        self._message = message
        facts = self._facts = dict(message.response_metadata)
        reason = facts.get("finish_reason") or facts.get("stop_reason")
        self._reason = reason if isinstance(reason, str) else None
        calls = list(calls_of(message))
        take_out_broken(message, calls)
        for call in calls:
            call.message_id, call.node = message_id, node
            yield call
        for source in sources_of(facts):
            if source not in self._sources:
                self._sources.append(source)
                yield SourceEvent(source, message_id, node)
        yield MetaEvent(self._reason, facts, message_id, node)
        usage = usage_of(message)
        if usage is not None:
            self._usages.append(usage)
            yield UsageEvent(usage, message_id, node)
