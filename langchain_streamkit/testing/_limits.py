"""Cuts a reply where the request says so: stop sequences, bounds on tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_streamkit.testing._tokens import split_text
from langchain_streamkit.testing._values import (
    as_list,
    as_number,
    as_text,
    dump_text,
)

if TYPE_CHECKING:
    from langchain_streamkit.testing._values import JsonObject
    from langchain_streamkit.testing.replies import Reply, ToolCall

__all__ = ["limited"]


def limited(reply: Reply, body: JsonObject) -> Reply:
    """A reply with one string of text, cut as the request asks.

    Args:
        reply: The whole answer.
        body: The request.
    """
    stop = body.get("stop")
    stops = [stop] if isinstance(stop, str) else as_list(stop)
    text = as_text(reply.text)
    ends = [text.find(as_text(word)) for word in stops if as_text(word)]
    end = min((place for place in ends if place >= 0), default=len(text))
    if end < len(text):
        reply = reply.replace(text=text[:end], finish_reason="stop")
    bound = as_number(body.get("max_completion_tokens") or body.get("max_tokens"))
    return reply if bound is None else _cut(reply, int(bound))


def _cut(reply: Reply, tokens: int) -> Reply:
    reasoning = split_text(as_text(reply.reasoning), "words")
    text = split_text(as_text(reply.text), "words")
    left = tokens - len(reasoning) - len(text)
    calls: list[ToolCall] = []
    for call in reply.tool_calls:
        pieces = split_text(_text_of_arguments(call), "words")
        left -= 1  # the tool's name
        if left < 0:
            break
        if left < len(pieces):
            calls.append(_shortened(call, "".join(pieces[:left])))
            left = -1
            break
        calls.append(call)
        left -= len(pieces)
    if left >= 0:
        return reply
    kept = max(tokens - len(reasoning), 0)
    return reply.replace(
        reasoning="".join(reasoning[:tokens]),
        text="".join(text[:kept]),
        tool_calls=calls if kept >= len(text) else (),
        finish_reason="length",
    )


def _text_of_arguments(call: ToolCall) -> str:
    if isinstance(call.arguments, str):
        return call.arguments
    return dump_text(dict(call.arguments))


def _shortened(call: ToolCall, text: str) -> ToolCall:
    return type(call)(
        call.name,
        text,
        id=call.id,
        pieces=call.pieces,
        type=call.type,
        extra=call.extra,
    )
