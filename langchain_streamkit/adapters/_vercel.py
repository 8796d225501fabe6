"""The UI message stream, version 1, of the AI SDK (npm ``ai`` 5, 6 and 7).

Strategy: a part that a client does not know makes it drop the whole message, so only
parts that all three versions know are sent, and a field that came later is kept from
older clients. Parts are closed before anything ends: a part that stays open is
"streaming" for ever in the reader's history. Tools are dynamic: the client needs no
types of them. Checked with the schemas of ai 5.0.277, 6.0.326 and 7.0.173, 2026-11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import override

from langchain_streamkit.adapters._encoder import Encoder
from langchain_streamkit.adapters._json import event_object, event_stream_frame
from langchain_streamkit.adapters._parts import Kind, OpenParts, Part
from langchain_streamkit.adapters._tool_parts import ToolCalls
from langchain_streamkit.events import ToolCallEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from langchain_streamkit.adapters._failure import ErrorFrame
    from langchain_streamkit.events import (
        FieldEvent,
        FinalEvent,
        MetaEvent,
        ReasoningEvent,
        SourceEvent,
        StatusEvent,
        StreamEvent,
        TextEvent,
        ToolCallDeltaEvent,
        ToolResultEvent,
        UsageEvent,
    )

__all__ = ["VercelStream"]

_DONE = b"data: [DONE]\n\n"
_OF_STEPS = {"text", "reasoning", "tool_call_delta", "tool_call"}
_FINISH_REASONS = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_calls": "tool-calls",
}


class VercelStream(Encoder):
    """Events as the parts of one UI message.

    Args:
        version: The major version of the client's ``ai`` package.
    """

    def __init__(self, *, version: Literal[5, 6, 7] = 5) -> None:
        if version not in {5, 6, 7}:
            raise ValueError(f"version is the client's: 5, 6 or 7, not {version!r}.")
        self._version = version
        self._started = self._in_step = False
        self._parts = OpenParts()
        self._calls = ToolCalls()
        self._sources = 0

    @override
    def event(self, event: StreamEvent) -> Iterator[bytes]:
        if not self._started:
            self._started = True
            named = {"messageId": event.message_id} if event.message_id else {}
            yield _part("start", **named)
        if not self._in_step and event.type in _OF_STEPS:
            self._in_step = True
            yield _part("start-step")
        yield from super().event(event)

    @override
    def failed(self, error: ErrorFrame) -> Iterator[bytes]:
        yield from _ends(self._parts.close_all())
        yield _part("error", errorText=error["message"])
        yield _DONE

    @override
    def stopped(self) -> Iterator[bytes]:
        yield from _ends(self._parts.close_all())
        yield _part("abort")
        yield _DONE

    @override
    def finished(self) -> Iterator[bytes]:
        yield from _ends(self._parts.close_all())
        yield _DONE

    def on_text(self, event: TextEvent) -> Iterator[bytes]:
        """A piece of a text part."""
        return self._piece(event, "text")

    def on_reasoning(self, event: ReasoningEvent) -> Iterator[bytes]:
        """A piece of a reasoning part."""
        return self._piece(event, "reasoning")

    def _piece(self, event: StreamEvent, kind: Kind) -> Iterator[bytes]:
        if not event.content:
            return
        part, ended, is_new = self._parts.switch(event, kind)
        yield from _ends([ended] if ended else [])
        if is_new:
            yield _part(f"{kind}-start", id=part.id)
        yield _part(f"{kind}-delta", id=part.id, delta=event.content)

    def on_status(self, event: StatusEvent) -> Iterator[bytes]:
        """Shown while it lasts, and kept in no history: a transient data part."""
        data = {k: v for k, v in event_object(event).items() if k != "type"}
        yield _part("data-status", id="status", data=data, transient=True)

    def on_field(self, event: FieldEvent) -> Iterator[bytes]:
        """A data part that stays in the message: a page is drawn from it."""
        data = {"path": event.path, "value": event.value}
        yield _part("data-field", data=data)

    def on_tool_call_delta(self, event: ToolCallDeltaEvent) -> Iterator[bytes]:
        """A piece of a call's arguments."""
        call, is_new = self._calls.piece(event)
        if is_new:
            yield from _ends(self._parts.close(event))
            named = {"toolCallId": call.id, "toolName": call.name}
            yield _part("tool-input-start", **named, dynamic=True)
        if event.args:
            piece = {"toolCallId": call.id, "inputTextDelta": event.args}
            yield _part("tool-input-delta", **piece)

    def on_tool_call(self, event: ToolCallEvent) -> Iterator[bytes]:
        """A whole call, or one that is broken."""
        yield from _ends(self._parts.close(event))
        call, _ = self._calls.whole(event)
        named = {"toolCallId": call.id, "toolName": event.name, "dynamic": True}
        if event.error is None:
            yield _part("tool-input-available", **named, input=event.args)
        else:
            broken = {"input": event.raw_args, "errorText": event.error}
            yield _part("tool-input-error", **named, **broken)

    def on_tool_result(self, event: ToolResultEvent) -> Iterator[bytes]:
        """A tool's answer; a client refuses one whose call it has not seen."""
        call = self._calls.answered(event)
        if call is None:
            yield from self.on_tool_call(ToolCallEvent(event.id, event.name or ""))
            call = self._calls.answered(event)
        named = {"toolCallId": call.id if call else "", "dynamic": True}
        if event.status == "success":
            yield _part("tool-output-available", **named, output=event.result)
        else:
            yield _part("tool-output-error", **named, errorText=str(event.result))

    def on_source(self, event: SourceEvent) -> Iterator[bytes]:
        """A link where there is an address that a page may link to."""
        self._sources += 1
        source, named = event.source, {"sourceId": f"source-{self._sources}"}
        url = source.url or ""
        if url.lower().startswith(("http://", "https://")):
            title = {"title": source.title} if source.title else {}
            yield _part("source-url", **named, url=url, **title)
        else:
            title = {"title": source.title or source.content_excerpt or url}
            yield _part("source-document", **named, mediaType="text/plain", **title)

    def on_usage(self, event: UsageEvent) -> Iterator[bytes]:
        """Tokens of one model message, beside the message."""
        yield _part("message-metadata", messageMetadata={"usage": event.usage})

    def on_meta(self, event: MetaEvent) -> Iterator[bytes]:
        """The end of one model message."""
        yield from _ends(self._parts.close(event))
        yield from self._end_step()

    def on_final(self, event: FinalEvent) -> Iterator[bytes]:
        """The end of the UI message."""
        yield from _ends(self._parts.close_all())
        yield from self._end_step()
        about = {**event.metadata, "usage": event.usage}
        about["finishReason"] = reason = event.finish_reason
        told = {name: value for name, value in about.items() if value is not None}
        later: dict[str, Any] = {}
        if self._version >= 6 and reason:
            later["finishReason"] = _FINISH_REASONS.get(reason, "other")
        yield _part("finish", **later, messageMetadata=told)

    def _end_step(self) -> Iterator[bytes]:
        if self._in_step:
            self._in_step = False
            yield _part("finish-step")


def _part(type: str, **fields: Any) -> bytes:  # noqa: A002 - the field's name
    return event_stream_frame({"type": type, **fields})


def _ends(parts: Iterable[Part]) -> Iterator[bytes]:
    for part in parts:
        yield _part(f"{part.kind}-end", id=part.id)
