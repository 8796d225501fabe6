"""Chunks by the thousand: filled from a validated one instead of validated each.

Strategy: nearly every chunk is a piece of text, of a thought or of a tool call's
arguments, and differs from the one before it in one value. Validating it finds nothing
that the first one has not shown, and costs more than all else on the way. So one chunk
of each kind is validated when this module is loaded, and the others are its copies,
with every list and dict made anew. A test holds copies equal to validated chunks.
Where core's chunks have other fields than those that are known here, validation is
used.

Core's validation also tries to repair the piece of a tool call's arguments into an
object, character by character. Only a piece that begins with a bracket can become
one; for any other the outcome is known without trying: an invalid call.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk
from pydantic import BaseModel

__all__ = ["filled_arguments", "filled_generation"]

_new = object.__new__
# A pydantic model is these four slots. Their descriptors take half the time of
# ``object.__setattr__``, eight times a chunk.
_set_values, _set_fields, _set_extra, _set_private = (
    vars(BaseModel)[name].__set__
    for name in (
        "__dict__",
        "__pydantic_fields_set__",
        "__pydantic_extra__",
        "__pydantic_private__",
    )
)
_MESSAGE: dict[str, Any] = dict(vars(AIMessageChunk(content="")))
_GENERATION: dict[str, Any] = dict(
    vars(ChatGenerationChunk(message=AIMessageChunk(content="")))
)
_FRESH = {
    "additional_kwargs": dict,
    "response_metadata": dict,
    "tool_calls": list,
    "invalid_tool_calls": list,
    "tool_call_chunks": list,
}
_PLAIN: tuple[object, ...] = ("", None, "AIMessageChunk", [], {})
_EMPTY: dict[str, type[object]] = {
    name: type(value) for name, value in _MESSAGE.items() if value in _PLAIN[3:]
}
_NAMELESS = {"name": None, "args": "x", "id": None}
_IS_KNOWN = (
    _EMPTY == _FRESH
    and all(value in _PLAIN for value in _MESSAGE.values())
    and _GENERATION.keys() == {"text", "generation_info", "type", "message"}
)


def filled_generation(
    content: str, additional_kwargs: dict[str, Any] | None = None
) -> ChatGenerationChunk:
    """A chunk of text, or of what stands in ``additional_kwargs``.

    Args:
        content: The text; empty for a chunk of another kind.
        additional_kwargs: A new dict, or None.

    Returns:
        What validation would have made of the same values.
    """
    if not _IS_KNOWN:
        return _validated(content, additional_kwargs)
    fields = {"content"}
    if additional_kwargs is None:
        additional_kwargs = {}
    else:
        fields.add("additional_kwargs")
    values: dict[str, Any] = {
        **_MESSAGE,
        "content": content,
        "additional_kwargs": additional_kwargs,
        "response_metadata": {},
        "tool_calls": [],
        "invalid_tool_calls": [],
        "tool_call_chunks": [],
    }
    return _generation(content, values, fields)


def filled_arguments(index: int, args: str) -> ChatGenerationChunk:
    """A chunk of a tool call's arguments, after the one that names the call.

    Args:
        index: The call's place among the calls of the answer.
        args: The piece of the arguments' text, not empty.

    Returns:
        What validation would have made of the same values.
    """
    if not _IS_ARGUMENTS_KNOWN or not args or args.lstrip()[:1] in {"{", ""}:
        return _validated_arguments(index, args)
    piece, broken = _PIECE.copy(), _BROKEN.copy()
    piece["index"] = index
    piece["args"] = broken["args"] = args
    values: dict[str, Any] = {
        **_ARGUMENTS,
        "additional_kwargs": {},
        "response_metadata": {},
        "tool_calls": [],
        "invalid_tool_calls": [broken],
        "tool_call_chunks": [piece],
    }
    return _generation("", values, _ARGUMENTS_SET.copy())


def _generation(
    text: str, values: dict[str, Any], fields: set[str]
) -> ChatGenerationChunk:
    """Both models around their values, as pydantic itself fills them."""
    message = _new(AIMessageChunk)
    _set_values(message, values)
    _set_fields(message, fields)
    _set_extra(message, {})
    _set_private(message, None)
    generation = _new(ChatGenerationChunk)
    _set_values(generation, {**_GENERATION, "text": text, "message": message})
    _set_fields(generation, {"message", "text"})
    _set_extra(generation, None)
    _set_private(generation, None)
    return generation


def _validated(
    content: str, additional_kwargs: dict[str, Any] | None
) -> ChatGenerationChunk:
    if additional_kwargs is None:
        return ChatGenerationChunk(message=AIMessageChunk(content=content))
    return ChatGenerationChunk(
        message=AIMessageChunk(content=content, additional_kwargs=additional_kwargs)
    )


def _validated_arguments(index: int, args: str) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=_arguments_message(index, args))


def _arguments_message(index: int, args: str) -> AIMessageChunk:
    piece = tool_call_chunk(index=index, id=None, name=None, args=args)
    return AIMessageChunk(content="", tool_call_chunks=[piece])


_SAMPLE = _arguments_message(0, "x")
_ARGUMENTS: dict[str, Any] = dict(vars(_SAMPLE))
_ARGUMENTS_SET: set[str] = set(_SAMPLE.model_fields_set)
_PIECE: dict[str, Any] = dict(*_ARGUMENTS["tool_call_chunks"])
_BROKEN: dict[str, Any] = dict(*_ARGUMENTS["invalid_tool_calls"])
_LISTS = {"tool_call_chunks": [_PIECE], "invalid_tool_calls": [_BROKEN]}
_IS_ARGUMENTS_KNOWN = (
    _IS_KNOWN
    and {**_MESSAGE, **_LISTS} == _ARGUMENTS
    and _PIECE == {**_NAMELESS, "index": 0, "type": "tool_call_chunk"}
    and _BROKEN == {**_NAMELESS, "error": None, "type": "invalid_tool_call"}
)
