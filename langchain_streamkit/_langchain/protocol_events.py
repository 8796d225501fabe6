"""Events become the content-block events of ``stream_events(version="v3")``.

Strategy: no ``AIMessageChunk`` in between. A block of text or reasoning is finished
when another kind begins, a tool call when the next one begins and its arguments are
whole, and whatever is open at the end is finished there, from the settled answer.
Indices are counted from 0 in the order of the blocks' starts.

Rules: the lifecycle that ``langchain_tests.utils.stream_lifecycle`` checks, and what
core's own bridge over chunks does (langchain-core 1.7.2, 2026-11).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from langchain_streamkit._langchain.metadata import (
    MODEL_PROVIDER,
    additional_kwargs_of,
    annotations_of,
    response_metadata_of,
)
from langchain_streamkit._wire.deltas import AnswerEnd, MediaDelta
from langchain_streamkit._wire.tool_calls import ToolCall, parse_arguments
from langchain_streamkit.errors import ProtocolError
from langchain_streamkit.events import (
    ReasoningEvent,
    StreamEvent,
    TextEvent,
    ToolCallDeltaEvent,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_protocol.protocol import MessagesData

    from langchain_streamkit._wire.answer import Answer, AnswerContext

__all__ = ["ProtocolEventBuilder"]

Block = dict[str, Any]


@dataclass(slots=True)
class _OpenCall:
    """A tool call's block while its arguments arrive."""

    block: int
    id: str
    name: str
    parts: list[str] = field(default_factory=list[str])
    is_finished: bool = False


class ProtocolEventBuilder:
    """Makes the protocol events of one answer.

    Args:
        context: What is known beside the answer; read when it starts and ends.
    """

    __slots__ = (
        "_calls",
        "_context",
        "_is_started",
        "_kind",
        "_media",
        "_next",
        "_open",
        "_parts",
    )

    def __init__(self, context: AnswerContext) -> None:
        self._context = context
        self._is_started = False
        self._next = 0
        self._kind = ""
        self._open = 0
        self._parts: list[str] = []
        self._calls: dict[int, _OpenCall] = {}
        self._media: list[Block] = []

    def events(self, event: StreamEvent) -> Iterator[MessagesData]:
        """The protocol events of one event.

        Args:
            event: Any event of a decoder.

        Yields:
            Dicts as core's ``ChatModelStream`` takes them.

        Raises:
            ProtocolError: If the server goes on with a call that was whole.
        """
        if not self._is_started:
            self._is_started = True
            yield cast("MessagesData", self._start())
        if isinstance(event, TextEvent):
            if event.content:
                yield from self._delta("text", event.content)
        elif isinstance(event, ReasoningEvent):
            yield from self._delta("reasoning", event.content)
        elif isinstance(event, ToolCallDeltaEvent):
            yield from self._tool_call(event)
        elif isinstance(event, MediaDelta):
            self._media.append(event.block)
        elif isinstance(event, AnswerEnd):
            yield from self._end(event.answer)

    def _start(self) -> Block:
        metadata = {"provider": MODEL_PROVIDER, "model": self._context.requested_model}
        return {"event": "message-start", "role": "ai", "id": "", "metadata": metadata}

    def _delta(self, kind: str, text: str) -> Iterator[MessagesData]:
        if self._kind != kind:
            yield from self._close_open()
            yield from self._close_whole_calls()
            self._kind, self._open = kind, self._take_index()
            yield _event("start", self._open, {"type": kind, kind: ""})
        self._parts.append(text)
        delta = {"type": f"{kind}-delta", kind: text}
        yield cast(
            "MessagesData",
            {"event": "content-block-delta", "index": self._open, "delta": delta},
        )

    def _tool_call(self, event: ToolCallDeltaEvent) -> Iterator[MessagesData]:
        call = self._calls.get(event.index)
        if call is None:
            yield from self._close_open()
            yield from self._close_whole_calls()
            call = _OpenCall(self._take_index(), event.id or "", event.name or "")
            self._calls[event.index] = call
            head = {"type": "tool_call_chunk", "id": event.id, "name": event.name}
            yield _event(
                "start", call.block, {**head, "args": "", "index": event.index}
            )
        if not event.args or (call.is_finished and not event.args.strip()):
            return
        if call.is_finished:
            message = (
                f"The server went on with the arguments of tool call {call.id!r} "
                "after they were one whole JSON object."
            )
            raise ProtocolError(message)
        call.parts.append(event.args)
        delta = {"type": "tool-call-delta", "args": event.args}
        yield cast(
            "MessagesData",
            {"event": "content-block-delta", "index": call.block, "delta": delta},
        )

    def _close_open(self, annotations: list[Block] | None = None) -> Iterator[Any]:
        if not self._kind:
            return
        kind, self._kind = self._kind, ""
        block: Block = {"type": kind, kind: "".join(self._parts)}
        self._parts.clear()
        if annotations and kind == "text":
            block["annotations"] = annotations
        yield _event("finish", self._open, block)

    def _close_whole_calls(self) -> Iterator[Any]:
        for call in self._calls.values():
            if call.is_finished:
                continue
            arguments = parse_arguments("".join(call.parts))
            if arguments is not None:
                call.is_finished = True
                block = _tool_block(call.id, call.name, arguments)
                yield _event("finish", call.block, block)

    def _end(self, answer: Answer) -> Iterator[MessagesData]:
        yield from self._close_open(annotations_of(answer.sources))
        for settled in answer.tool_calls:
            call = self._calls.get(settled.index)
            if call is not None and not call.is_finished:
                yield _event("finish", call.block, _settled_block(settled))
        for block in _join_audio(self._media):
            index = self._take_index()
            heavy = {"base64", "transcript"}
            yield _event(
                "start", index, {k: v for k, v in block.items() if k not in heavy}
            )
            yield _event("finish", index, block)
        yield cast("MessagesData", self._finish(answer))

    def _finish(self, answer: Answer) -> Block:
        finish: Block = {
            "event": "message-finish",
            "metadata": response_metadata_of(answer, self._context),
        }
        if answer.logprobs:
            finish["metadata"]["logprobs"] = answer.logprobs
        if answer.usage_metadata is not None:
            finish["usage"] = answer.usage_metadata
        kwargs = additional_kwargs_of(answer)
        if answer.reasoning:
            kwargs["reasoning_content"] = answer.reasoning
        if answer.refusal:
            kwargs["refusal"] = answer.refusal
        if kwargs:
            finish["additional_kwargs"] = kwargs
        return finish

    def _take_index(self) -> int:
        index, self._next = self._next, self._next + 1
        return index


def _event(phase: str, index: int, block: Block) -> MessagesData:
    event = {"event": f"content-block-{phase}", "index": index, "content": block}
    return cast("MessagesData", event)


def _tool_block(call_id: str, name: str, arguments: dict[str, Any]) -> Block:
    return {"type": "tool_call", "id": call_id, "name": name, "args": arguments}


def _settled_block(call: ToolCall) -> Block:
    if call.arguments is not None:
        return _tool_block(call.id, call.name, call.arguments)
    return {
        "type": "invalid_tool_call",
        "id": call.id,
        "name": call.name,
        "args": call.args,
        "error": call.error,
    }


def _join_audio(blocks: list[Block]) -> list[Block]:
    """Images as they are, and the pieces of audio as one block."""
    joined: list[Block] = []
    audio: Block | None = None
    for block in blocks:
        if block["type"] != "audio":
            joined.append(dict(block))
        elif audio is None:
            audio = dict(block)
            joined.append(audio)
        else:
            for key in ("base64", "transcript"):
                if key in block:
                    audio[key] = audio.get(key, "") + block[key]
    return joined
