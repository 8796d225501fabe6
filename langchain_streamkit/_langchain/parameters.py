"""The names that the constructor takes, and what it says to those it does not.

Strategy: every name is in one of three tables (a field, another name for a field, a
name that belongs elsewhere) or it is a mistake, and then the nearest name is
offered. Nothing that a user wrote is dropped in silence.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from langchain_streamkit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["ALIASES", "ELSEWHERE", "normalize_parameters"]

ALIASES: dict[str, str] = {
    "model_name": "model",
    "openai_api_key": "api_key",
    "openai_api_base": "base_url",
    "openai_organization": "organization",
    "openai_proxy": "proxy",
    "request_timeout": "timeout",
    "max_completion_tokens": "max_tokens",
    "stop_sequences": "stop",
    "deployment_name": "azure_deployment",
    "openai_api_version": "api_version",
}
"""Other names of fields, most of them ChatOpenAI's."""

_RESPONSES = (
    "belongs to OpenAI's Responses API, and this model speaks chat completions. "
    "Leave it out, or use ChatOpenAI for it"
)
ELSEWHERE: dict[str, str] = {
    "use_responses_api": _RESPONSES,
    "use_previous_response_id": _RESPONSES,
    "truncation": _RESPONSES,
    "include": _RESPONSES,
    "context_management": _RESPONSES,
    "reasoning": "is the Responses API's form; write reasoning_effort='low', or "
    "extra_body={'reasoning': {...}} for a server that takes such an object",
    "prompt_cache_options": "is written extra_body={'prompt_cache_key': ...}",
    "disabled_params": "is a fact of the server: provider=get_provider(...)"
    ".replace(refused_parameters=(...))",
    "tiktoken_model_name": "is not used: counts are estimated offline, or by your own "
    "custom_get_token_ids",
    "stream_chunk_timeout": "is called stall_timeout",
    "http_socket_options": "is set on an http client of your own: "
    "http_client=httpx.Client(transport=...)",
    "client": "is called http_client, and is an httpx.Client",
    "async_client": "is called http_async_client, and is an httpx.AsyncClient",
    "root_client": "is called http_client, and is an httpx.Client",
    "root_async_client": "is called http_async_client, and is an httpx.AsyncClient",
    "azure_ad_token": "is given as api_key, with provider='azure' and "
    "default_headers={'Authorization': ...}, or as a token callable",
    "azure_ad_token_provider": "is given as api_key, which takes a callable",
    "azure_ad_async_token_provider": "is given as api_key, which takes an async "
    "callable",
    "model_version": "is not used: the server's own name of the model is reported",
    "openai_api_type": "is not needed: provider= says what the server is",
    "validate_base_url": "is not needed: base_url is always checked",
    "functions": "came before tools: use bind_tools",
    "messages": "is given to invoke and stream, not to the constructor",
    "tools": "is given with bind_tools",
    "stream": "is not set here: call stream() for pieces, invoke() for the whole; "
    "streaming=True makes invoke stream underneath",
}
"""Names that mean something, but not here, and what to write instead."""


def normalize_parameters(
    values: Mapping[str, Any], fields: Collection[str]
) -> dict[str, Any]:
    """The constructor's keywords, by the names of the fields.

    Args:
        values: What the user wrote.
        fields: The names of all fields.

    Returns:
        The same values under the names of fields.

    Raises:
        ConfigurationError: If a name is unknown, belongs elsewhere, or if two names
            of one field have different values.

    Example:
        >>> normalize_parameters({"model_name": "m"}, {"model"})
        {'model': 'm'}
    """
    result: dict[str, Any] = {}
    for given, value in values.items():
        name = given if given in fields else ALIASES.get(given, given)
        if name not in fields:
            raise ConfigurationError(_refusal(given, fields))
        if name in result and result[name] != value:
            message = f"{given} and {name} are one parameter; two values were given."
            raise ConfigurationError(message)
        result[name] = value
    return result


def _refusal(given: str, fields: Collection[str]) -> str:
    elsewhere = ELSEWHERE.get(given)
    if elsewhere is not None:
        return f"{given!r} {elsewhere}."
    near = difflib.get_close_matches(given, [*fields, *ALIASES], n=1, cutoff=0.6)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return (
        f"{given!r} is no parameter of ChatStreamKit. {hint}A field of the request "
        "that it does not know goes into extra_body={...} or model_kwargs={...}."
    )
