"""Events become ``AIMessageChunk``s.

Strategy: a chunk carries one kind. Text is a string (``output_version="v1"``: a list
of one standard block with a string index, for integer ones collide with those of
tool calls in core's merging). Reasoning is in ``additional_kwargs``, where other
LangChain packages put it and from where core makes a reasoning block. Everything
that is known only at the end sits on the last chunk, once. A tool call that was cut
gets a closing delta there that core cannot repair into a call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import (
    ToolCallChunk,
    invalid_tool_call,
    tool_call,
    tool_call_chunk,
)
from langchain_core.outputs import ChatGenerationChunk

from langchain_streamkit._langchain.metadata import (
    additional_kwargs_of,
    annotations_of,
    response_metadata_of,
)
from langchain_streamkit._langchain.templates import filled_arguments, filled_generation
from langchain_streamkit._wire.closing_delta import closing_delta
from langchain_streamkit._wire.deltas import (
    AnswerEnd,
    MediaDelta,
    RefusalDelta,
    ScoredTextEvent,
)
from langchain_streamkit.events import (
    ReasoningEvent,
    StreamEvent,
    TextEvent,
    ToolCallDeltaEvent,
)

if TYPE_CHECKING:
    from langchain_core.messages.ai import UsageMetadata

    from langchain_streamkit._wire.answer import Answer, AnswerContext
    from langchain_streamkit._wire.tool_calls import ToolCall

__all__ = ["ChunkBuilder", "message_of", "partial_of"]

_V1 = {"output_version": "v1"}


class ChunkBuilder:
    """Makes the chunks of one answer.

    Args:
        output_version: ``"v1"`` for content as standard blocks, else text.
        context: What is known beside the answer; read when it ends.
    """

    __slots__ = ("_blocks", "_context", "_is_v1", "_kind")

    def __init__(self, output_version: str | None, context: AnswerContext) -> None:
        self._is_v1 = output_version == "v1"
        self._context = context
        self._kind = ""
        self._blocks = {"txt": -1, "rs": -1}

    def chunks(self, event: StreamEvent) -> tuple[ChatGenerationChunk, ...]:
        """The chunk of an event.

        Args:
            event: Any event of a decoder.

        Returns:
            One chunk, or none for an event that no chunk carries.
        """
        if not self._is_v1:
            filled = _filled(event)
            if filled is not None:
                return (filled,)
        if isinstance(event, TextEvent):
            message = self._text(event)
        elif isinstance(event, ReasoningEvent):
            message = self._reasoning(event.content)
        elif isinstance(event, ToolCallDeltaEvent):
            message = self._tool_call(event)
        elif isinstance(event, AnswerEnd):
            message = self._last(event.answer)
        elif isinstance(event, RefusalDelta):
            message = AIMessageChunk(
                content=[] if self._is_v1 else "",
                additional_kwargs={"refusal": event.refusal},
            )
        elif isinstance(event, MediaDelta):
            message = AIMessageChunk(content=[_media_block(event.block)])
        else:
            return ()
        return (ChatGenerationChunk(message=message),)

    def _text(self, event: TextEvent) -> AIMessageChunk:
        metadata: dict[str, Any] = (
            {"logprobs": event.logprobs} if isinstance(event, ScoredTextEvent) else {}
        )
        if not self._is_v1:
            return AIMessageChunk(content=event.content, response_metadata=metadata)
        block = {"type": "text", "text": event.content, "index": self._index("txt")}
        return AIMessageChunk(content=[block], response_metadata={**_V1, **metadata})

    def _reasoning(self, thought: str) -> AIMessageChunk:
        kwargs = {"reasoning_content": thought}
        block = {"type": "reasoning", "reasoning": thought, "index": self._index("rs")}
        return AIMessageChunk(
            content=[block], additional_kwargs=kwargs, response_metadata=dict(_V1)
        )

    def _tool_call(self, event: ToolCallDeltaEvent) -> AIMessageChunk:
        self._kind = "tc"
        piece = _tool_piece(event.index, event.id, event.name, event.args)
        return AIMessageChunk(
            content=[] if self._is_v1 else "", tool_call_chunks=[piece]
        )

    def _last(self, answer: Answer) -> AIMessageChunk:
        closings = [
            _tool_piece(call.index, None, None, closing_delta(call.args))
            for call in answer.tool_calls
            if call.error is not None
        ]
        usage = cast("UsageMetadata | None", answer.usage_metadata)
        return AIMessageChunk(
            content=self._last_content(answer),
            additional_kwargs=additional_kwargs_of(answer),
            response_metadata=response_metadata_of(answer, self._context),
            tool_call_chunks=closings,
            usage_metadata=usage,
            chunk_position="last",
        )

    def _last_content(self, answer: Answer) -> str | list[str | dict[str, Any]]:
        if not self._is_v1:
            return ""
        if not answer.sources:
            return []
        index = f"lc_txt_{max(self._blocks['txt'], 0)}"
        notes = annotations_of(answer.sources)
        return [{"type": "text", "text": "", "annotations": notes, "index": index}]

    def _index(self, kind: str) -> str:
        """The index of the open block; a change of kind opens the next one."""
        if self._kind != kind:
            self._kind = kind
            self._blocks[kind] += 1
        return f"lc_{kind}_{self._blocks[kind]}"


def _filled(event: StreamEvent) -> ChatGenerationChunk | None:
    """The chunk of an event of a kind that comes by the thousand."""
    if type(event) is TextEvent:
        return filled_generation(event.content)
    if type(event) is ReasoningEvent:
        return filled_generation("", {"reasoning_content": event.content})
    if type(event) is ToolCallDeltaEvent and event.id is event.name is None:
        return filled_arguments(event.index, event.args)
    return None


def message_of(answer: Answer, context: AnswerContext) -> AIMessage:
    """The whole message of a whole answer.

    Args:
        answer: The answer, settled.
        context: What is known beside it.

    Returns:
        The same message that the chunks of the same answer add up to.
    """
    kwargs = additional_kwargs_of(answer)
    if answer.reasoning:
        kwargs["reasoning_content"] = answer.reasoning
    if answer.refusal:
        kwargs["refusal"] = answer.refusal
    metadata = response_metadata_of(answer, context)
    if answer.logprobs:
        metadata["logprobs"] = answer.logprobs
    return AIMessage(
        content=_content_of(answer),
        additional_kwargs=kwargs,
        response_metadata=metadata,
        tool_calls=[
            tool_call(id=call.id, name=call.name, args=call.arguments)
            for call in answer.tool_calls
            if call.arguments is not None
        ],
        invalid_tool_calls=[
            invalid_tool_call(
                id=call.id, name=call.name, args=call.args, error=call.error
            )
            for call in answer.tool_calls
            if call.error is not None
        ],
        usage_metadata=cast("UsageMetadata | None", answer.usage_metadata),
    )


def partial_of(answer: Answer, context: AnswerContext) -> AIMessageChunk | None:
    """All that had come of an answer that broke, as one chunk.

    Args:
        answer: The answer so far; its tool calls count as cut.
        context: What is known beside it.

    Returns:
        The chunk, or None if nothing had come.
    """
    if not answer.has_content:
        return None
    kwargs: dict[str, Any] = {}
    if answer.reasoning:
        kwargs["reasoning_content"] = answer.reasoning
    if answer.refusal:
        kwargs["refusal"] = answer.refusal
    return AIMessageChunk(
        content=_content_of(answer),
        additional_kwargs=kwargs,
        response_metadata=response_metadata_of(answer, context),
        tool_call_chunks=[
            _tool_piece(
                call.index, call.id, call.name, _cut_args(call, is_last=is_last)
            )
            for call, is_last in _with_last(answer.tool_calls)
        ],
        usage_metadata=cast("UsageMetadata | None", answer.usage_metadata),
    )


def _content_of(answer: Answer) -> str | list[str | dict[str, Any]]:
    if not answer.media:
        return answer.text
    text: list[str | dict[str, Any]] = [answer.text] if answer.text else []
    return [*text, *(_media_block(block) for block in answer.media)]


def _with_last(calls: list[ToolCall]) -> list[tuple[ToolCall, bool]]:
    return [(call, place == len(calls)) for place, call in enumerate(calls, 1)]


def _cut_args(call: ToolCall, *, is_last: bool) -> str:
    """Arguments in a partial: the last call's are cut, whatever they look like."""
    is_whole = not is_last and call.is_whole()
    return call.args if is_whole else call.args + closing_delta(call.args)


def _media_block(block: dict[str, Any]) -> str | dict[str, Any]:
    """A piece of audio has an index, so that core joins its data."""
    return {**block, "index": "lc_au_0"} if block["type"] == "audio" else dict(block)


def _tool_piece(
    index: int, call_id: str | None, name: str | None, args: str
) -> ToolCallChunk:
    return tool_call_chunk(index=index, id=call_id, name=name, args=args)
