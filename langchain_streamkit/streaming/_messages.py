"""What a message says, whoever's it is: its words, calls, sources and tokens.

Strategy: small readings of LangChain's messages, without state. Whether a call is
whole is judged on the text that the model sent, never on what langchain-core repairs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import invalid_tool_call, tool_call

from langchain_streamkit._wire.closing_delta import (
    is_closing_delta,
    strip_closing_delta,
)
from langchain_streamkit._wire.tool_calls import parse_arguments
from langchain_streamkit.events import (
    ReasoningEvent,
    Source,
    TextEvent,
    ToolCallEvent,
    Usage,
)
from langchain_streamkit.pricing import cost_of_message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "calls_of",
    "is_closing",
    "sources_of",
    "sum_of",
    "take_out_broken",
    "texts_of",
    "usage_of",
]


def is_closing(chunk: AIMessageChunk) -> bool:
    """Whether a last chunk's pieces are those that spoil calls that were cut."""
    return all(
        is_closing_delta(piece["args"] or "") for piece in chunk.tool_call_chunks
    )


def texts_of(
    message: AIMessage,
) -> Iterator[tuple[type[TextEvent | ReasoningEvent], str]]:
    """The pieces of reasoning and of text, and the kind of event of each."""
    content = message.content
    if isinstance(content, str):
        thought = message.additional_kwargs.get("reasoning_content")
        if isinstance(thought, str):
            yield ReasoningEvent, thought
        yield TextEvent, content
        return
    for block in message.content_blocks:
        if block["type"] == "text":
            yield TextEvent, block.get("text", "")
        elif block["type"] == "reasoning":
            yield ReasoningEvent, block.get("reasoning", "")


def calls_of(message: AIMessage) -> Iterator[ToolCallEvent]:
    """The tool calls, the broken ones with their error."""
    if isinstance(message, AIMessageChunk):
        for piece in message.tool_call_chunks:
            given = piece["args"] or ""
            raw = strip_closing_delta(given)
            is_empty = not raw.strip() and raw == given
            args = {} if is_empty else parse_arguments(raw)
            yield ToolCallEvent(
                id=piece.get("id"),
                name=piece.get("name") or "",
                args=args or {},
                error=None if args is not None else _NOT_WHOLE,
                raw_args=raw,
            )
        return
    for call in message.tool_calls:
        yield ToolCallEvent(call["id"], call["name"], call["args"])
    for bad in message.invalid_tool_calls:
        yield ToolCallEvent(
            id=bad.get("id"),
            name=bad.get("name") or "",
            error=bad.get("error") or _NOT_WHOLE,
            raw_args=strip_closing_delta(bad.get("args") or ""),
        )


_NOT_WHOLE = "The arguments are not one JSON object: the call was cut or is broken."


def take_out_broken(message: AIMessage, calls: list[ToolCallEvent]) -> None:
    """Make invalid what langchain-core mended: nobody may run a call that was cut.

    Args:
        message: Changed in place; its pieces stay as they came.
        calls: Its calls, the broken ones with their error.
    """
    if not isinstance(message, AIMessageChunk) or not message.tool_calls:
        return
    broken = [call for call in calls if call.error is not None]
    if not broken:
        return
    message.tool_calls = [
        tool_call(id=call.id, name=call.name, args=call.args)
        for call in calls
        if call.error is None
    ]
    message.invalid_tool_calls = [
        invalid_tool_call(
            id=call.id, name=call.name, args=call.raw_args, error=call.error
        )
        for call in broken
    ]


def sources_of(facts: Mapping[str, Any]) -> Iterator[Source]:
    """The sources in a message's ``response_metadata``."""
    found = facts.get("sources")
    for source in cast("list[object]", found) if isinstance(found, list) else []:
        if isinstance(source, dict):
            known = cast("dict[str, Any]", source)
            yield Source(**{k: v for k, v in known.items() if k in _SOURCE_FIELDS})


_SOURCE_FIELDS = frozenset(Source.__slots__)


def usage_of(message: AIMessage) -> Usage | None:
    """The tokens and the cost, if anybody counted."""
    counted = message.usage_metadata
    if counted is None:
        return None
    return Usage(
        input_tokens=counted["input_tokens"],
        output_tokens=counted["output_tokens"],
        total_tokens=counted["total_tokens"],
        cached_tokens=counted.get("input_token_details", {}).get("cache_read") or 0,
        reasoning_tokens=counted.get("output_token_details", {}).get("reasoning") or 0,
        cost=cost_of_message(message),
    )


def sum_of(usages: list[Usage]) -> Usage | None:
    """The sum; its cost is known only if that of every message is."""
    if not usages:
        return None
    costs = [usage.cost for usage in usages]
    known = [cost for cost in costs if cost is not None]
    return Usage(
        input_tokens=sum(usage.input_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        total_tokens=sum(usage.total_tokens for usage in usages),
        cached_tokens=sum(usage.cached_tokens for usage in usages),
        reasoning_tokens=sum(usage.reasoning_tokens for usage in usages),
        cost=sum(known) if len(known) == len(costs) else None,
    )
