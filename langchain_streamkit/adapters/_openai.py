"""Chat completion chunks, as OpenAI's API streams them.

Strategy: what a client of that API cannot know (status, sources, fields) is left out
or said in a comment; reasoning goes where most servers put it, into
``delta.reasoning_content``. Tool calls get an index of their own over the whole
stream, for a client adds pieces up by index.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from typing_extensions import override

from langchain_streamkit.adapters._encoder import Encoder
from langchain_streamkit.adapters._json import event_stream_frame, write_json
from langchain_streamkit.adapters._tool_parts import ToolCalls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_streamkit.adapters._failure import ErrorFrame
    from langchain_streamkit.events import (
        FinalEvent,
        ReasoningEvent,
        StatusEvent,
        TextEvent,
        ToolCallDeltaEvent,
        ToolCallEvent,
        Usage,
    )

__all__ = ["ChatCompletionChunks", "completion_usage", "error_body", "finish_reason"]

_DONE = b"data: [DONE]\n\n"
_FINISH_REASONS = {"stop", "length", "tool_calls", "content_filter", "function_call"}
_SILENT = {"connecting", "generating"}


class ChatCompletionChunks(Encoder):
    """Events as the chunks of one completion.

    Args:
        model: The model's name in each chunk.
        id: The completion's id; a new one if not given.
        include_usage: True for a chunk with the usage before the end, as
            ``stream_options.include_usage`` asks.
        tool_calls: False if calls are the server's own affair, as an agent's are.
    """

    def __init__(
        self,
        *,
        model: str = "",
        id: str | None = None,  # noqa: A002 - the field's name
        include_usage: bool = False,
        tool_calls: bool = True,
    ) -> None:
        self._head = {
            "id": id or f"chatcmpl-{uuid4().hex}",
            "object": "chat.completion.chunk",
            "created": int(datetime.now(UTC).timestamp()),
            "model": model,
        }
        self._include_usage = include_usage
        self._tells_calls = tool_calls
        self._calls = ToolCalls()
        self._has_role = False

    @override
    def failed(self, error: ErrorFrame) -> Iterator[bytes]:
        yield event_stream_frame(error_body(error))
        yield _DONE

    @override
    def refused(self, error: ErrorFrame) -> dict[str, Any]:
        return error_body(error)

    @override
    def stopped(self) -> Iterator[bytes]:
        yield self._chunk({}, "stop")
        yield _DONE

    @override
    def finished(self) -> Iterator[bytes]:
        yield _DONE

    def on_text(self, event: TextEvent) -> Iterator[bytes]:
        """A piece of the content."""
        if event.content:
            yield self._chunk({"content": event.content})

    def on_reasoning(self, event: ReasoningEvent) -> Iterator[bytes]:
        """A piece of the reasoning."""
        if event.content:
            yield self._chunk({"reasoning_content": event.content})

    def on_status(self, event: StatusEvent) -> Iterator[bytes]:
        """A comment, where a reader may wonder why nothing comes."""
        if event.phase not in _SILENT:
            attempt = f" {event.attempt}/{event.max_attempts}"
            yield f": {event.phase}{attempt}\n\n".encode()

    def on_tool_call_delta(self, event: ToolCallDeltaEvent) -> Iterator[bytes]:
        """A piece of a call: with its id and name the first time."""
        if not self._tells_calls:
            return
        call, is_new = self._calls.piece(event)
        function = {"arguments": event.args}
        piece: dict[str, Any] = {"index": call.index, "function": function}
        if is_new:
            function["name"] = call.name
            piece |= {"id": call.id, "type": "function"}
        if is_new or event.args:
            yield self._chunk({"tool_calls": [piece]})

    def on_tool_call(self, event: ToolCallEvent) -> Iterator[bytes]:
        """All of a call that came in no pieces."""
        if not self._tells_calls:
            return
        call, is_new = self._calls.whole(event)
        if is_new:
            args = event.raw_args or write_json(event.args).decode()
            piece = {
                "index": call.index,
                "id": call.id,
                "type": "function",
                "function": {"name": event.name, "arguments": args},
            }
            yield self._chunk({"tool_calls": [piece]})

    def on_final(self, event: FinalEvent) -> Iterator[bytes]:
        """The finish reason, and then the usage if it was asked for."""
        yield self._chunk({}, finish_reason(event.finish_reason))
        if self._include_usage:
            usage = completion_usage(event.usage)
            yield event_stream_frame({**self._head, "choices": [], "usage": usage})

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        if not self._has_role:
            self._has_role = True
            delta = {"role": "assistant", **delta}
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        chunk: dict[str, Any] = {**self._head, "choices": [choice]}
        if self._include_usage:
            chunk["usage"] = None
        return event_stream_frame(chunk)


def finish_reason(reason: str | None) -> str:
    """The reason in OpenAI's words.

    Args:
        reason: The model's own.

    Returns:
        One of those that the API knows; ``"stop"`` for any other.
    """
    return reason if reason in _FINISH_REASONS else "stop"


def completion_usage(usage: Usage | None) -> dict[str, Any] | None:
    """The usage in OpenAI's words.

    Args:
        usage: Tokens, or None where they are not known.

    Returns:
        The usage object, or None.
    """
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def error_body(error: ErrorFrame, *, param: str | None = None) -> dict[str, Any]:
    """An error in OpenAI's shape.

    Args:
        error: What may be told.
        param: The field of the request that is wrong.

    Returns:
        The body of an error response, which is an error frame as well.
    """
    is_ours = error["retryable"] or error["code"] == "internal_error"
    kind = "server_error" if is_ours else f"{error['code']}_error"
    told = {"message": error["message"], "type": kind, "param": param}
    return {"error": {**told, "code": error["code"]}}
