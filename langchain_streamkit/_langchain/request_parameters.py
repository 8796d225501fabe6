"""A model's parameters and one call's keywords become the fields of a request.

Strategy: a keyword of a call is a parameter of this model under any of its names
(then it counts for this call), one of the few that only calls have, or a field of
the request that goes into the body as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_streamkit._langchain.parameters import ALIASES
from langchain_streamkit._langchain.response_format import render_response_format
from langchain_streamkit._langchain.tools import render_tool_choice, render_tools

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_streamkit.providers import Provider

__all__ = ["CALL_OPTIONS", "REQUEST_FIELDS", "request_parameters", "split_call"]

REQUEST_FIELDS = (
    "model",
    "temperature",
    "top_p",
    "max_tokens",
    "stop",
    "seed",
    "n",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "reasoning_effort",
    "verbosity",
    "service_tier",
    "store",
)
"""Parameters that are fields of the request."""

CALL_OPTIONS = frozenset(
    {
        *("timeout", "max_retries", "stream_usage", "include_response_headers"),
        *("first_token_timeout", "stall_timeout", "total_timeout"),
        *("resume", "stream_fallback", "send_reasoning", "reasoning_tags"),
        *("max_event_bytes", "max_response_bytes", "extra_body"),
        *("extra_headers", "extra_query", "record"),
        *("max_repetitions", "max_reasoning_tokens", "max_cost"),
    }
)
"""Keywords of a call that are not fields of the request."""

_DROPPED = frozenset({"stream", "streaming"})


def split_call(kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Sort the keywords of one call.

    Args:
        kwargs: Bound keywords and those of the call.

    Returns:
        The fields of the request, and the options of the call.

    Example:
        >>> split_call({"max_completion_tokens": 5, "timeout": 2.0, "custom": 1})
        ({'max_tokens': 5, 'custom': 1}, {'timeout': 2.0})
    """
    request: dict[str, Any] = {}
    options: dict[str, Any] = {}
    for given, value in kwargs.items():
        name = ALIASES.get(given, given)
        if name in CALL_OPTIONS:
            options[name] = value
        elif name not in _DROPPED:
            request[name] = value
    return request, options


def request_parameters(
    settings: Mapping[str, Any],
    request: Mapping[str, Any],
    *,
    messages: Sequence[Mapping[str, Any]],
    stop: Sequence[str] | None,
    provider: Provider,
) -> dict[str, Any]:
    """The fields of one request, before the facts of the server.

    Args:
        settings: The model's parameters.
        request: The call's fields, which win.
        messages: The messages as they go over the wire.
        stop: LangChain's own argument of a call; it wins over ``stop`` of the model.
        provider: The facts about the server, for tools.

    Returns:
        A new dict.

    Raises:
        UnsendableInputError: If a tool or a schema cannot be sent.
    """
    fields: dict[str, Any] = {"model": settings["model"], "messages": list(messages)}
    fields.update({name: settings[name] for name in REQUEST_FIELDS})
    fields.update(settings["model_kwargs"])
    fields.update({key: value for key, value in request.items() if value is not None})
    if stop:
        fields["stop"] = list(stop)
    if fields.get("tools"):
        fields["tools"] = render_tools(fields["tools"], provider)
        fields["tool_choice"] = render_tool_choice(
            fields.get("tool_choice"), fields["tools"], provider
        )
    if fields.get("response_format") is not None:
        fields["response_format"] = render_response_format(fields["response_format"])
    return fields
