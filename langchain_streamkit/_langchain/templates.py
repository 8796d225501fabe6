"""Chunks by the thousand: filled from a validated one instead of validated each.

Strategy: nearly every chunk is a piece of text or of a thought, and differs from the
one before it in one value. Validating it finds nothing that the first one has not
shown, and costs more than all else on the way. So one chunk of each kind is
validated when this module is loaded, and the others are its copies, with every list
and dict made anew. A test holds copies equal to validated chunks. Where core's
chunks have other fields than those that are known here, validation is used.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

__all__ = ["filled_generation"]

_set = object.__setattr__
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
    message = AIMessageChunk.__new__(AIMessageChunk)
    fields = {"content"}
    if additional_kwargs is None:
        additional_kwargs = {}
    else:
        fields.add("additional_kwargs")
    values = _MESSAGE.copy()
    values["content"] = content
    values["additional_kwargs"] = additional_kwargs
    values["response_metadata"] = {}
    values["tool_calls"] = []
    values["invalid_tool_calls"] = []
    values["tool_call_chunks"] = []
    _set(message, "__dict__", values)
    _set(message, "__pydantic_fields_set__", fields)
    _set(message, "__pydantic_extra__", {})
    _set(message, "__pydantic_private__", None)
    generation = ChatGenerationChunk.__new__(ChatGenerationChunk)
    outer = _GENERATION.copy()
    outer["text"] = content
    outer["message"] = message
    _set(generation, "__dict__", outer)
    _set(generation, "__pydantic_fields_set__", {"message", "text"})
    _set(generation, "__pydantic_extra__", None)
    _set(generation, "__pydantic_private__", None)
    return generation


def _validated(
    content: str, additional_kwargs: dict[str, Any] | None
) -> ChatGenerationChunk:
    if additional_kwargs is None:
        return ChatGenerationChunk(message=AIMessageChunk(content=content))
    return ChatGenerationChunk(
        message=AIMessageChunk(content=content, additional_kwargs=additional_kwargs)
    )
