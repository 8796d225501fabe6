"""Parameters become the body of a request, after the facts of the server.

Strategy: a parameter is a name and a value; what is None or empty is not sent, what
a row says that its server refuses is left out, and the two names of the bound on
tokens are exchanged. ``extra_body`` comes last and wins.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import orjson

from langchain_streamkit.errors import UnsendableInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_streamkit.providers import Provider

__all__ = ["encode_body", "render_body"]

_UNSENDABLE = (TypeError, ValueError, RecursionError)
_MAX_TOKENS = ("max_tokens", "max_completion_tokens")
# Fields that mean nothing when they are empty; in others an empty object may be the
# very thing that switches them on (OpenAI's web_search_options, 2026-11).
_IDLE_EMPTY = frozenset(
    {
        *("stop", "tools", "tool_choice", "logit_bias", "response_format"),
        *("reasoning_effort", "verbosity", "service_tier"),
    }
)


def render_body(
    parameters: Mapping[str, Any],
    provider: Provider,
    *,
    is_stream: bool,
    stream_usage: bool,
    extra_body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The body of a request.

    Args:
        parameters: The request's fields by OpenAI's names; messages and tools are
            already in the server's form.
        provider: The facts about the server.
        is_stream: Whether the answer is wanted in pieces.
        stream_usage: Whether usage is wanted at the end of a stream.
        extra_body: The user's own fields.

    Returns:
        A new dict.

    Example:
        >>> from langchain_streamkit.providers import Provider
        >>> row = Provider(name="old", max_tokens_field="max_tokens")
        >>> render_body(
        ...     {"max_tokens": 5, "stop": []}, row, is_stream=False, stream_usage=True
        ... )
        {'max_tokens': 5}
    """
    body: dict[str, Any] = {}
    names = dict(provider.parameter_names)
    for name, value in parameters.items():
        if value is None or (not value and name in _IDLE_EMPTY):
            continue
        if name in _MAX_TOKENS:
            body[provider.max_tokens_field] = value
        elif name not in provider.refused_parameters:
            body[names.get(name, name)] = value
    if not provider.parallel_tool_calls or "tools" not in body:
        body.pop("parallel_tool_calls", None)
    if "tools" not in body:
        body.pop("tool_choice", None)
    if is_stream:
        body["stream"] = True
        if stream_usage and provider.stream_options:
            options = body.get("stream_options")
            given = cast("Mapping[str, Any]", options or {})
            body["stream_options"] = {"include_usage": True, **given}
    else:
        body.pop("stream", None)
        body.pop("stream_options", None)
    body.update(extra_body or {})
    return body


def encode_body(body: Mapping[str, Any]) -> bytes:
    """The body as JSON.

    Args:
        body: What ``render_body`` gave.

    Returns:
        UTF-8 bytes.

    Raises:
        UnsendableInputError: If a field is no JSON; the message names it.
    """
    try:
        return _encode(body)
    except _UNSENDABLE:
        for name, value in body.items():
            try:
                _encode(value)
            except _UNSENDABLE as error:
                message = (
                    f"The request's field {name!r} cannot be written as JSON: "
                    f"{_reason(error)}. Give plain values: text, numbers, lists, "
                    "dicts."
                )
                raise UnsendableInputError(message) from None
        raise


def _encode(value: object) -> bytes:
    """By orjson; what it refuses (an integer of 65 bits), by the standard library."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        return text.encode()


def _reason(error: Exception) -> str:
    words = str(error)
    return (
        "text with half a character (a lone surrogate)" if "surrog" in words else words
    )
