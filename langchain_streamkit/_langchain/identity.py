"""What may be told of a model: to caches, traces, logs and serialized copies.

Strategy: a header, a query value or a field of the user's own body may be a secret,
and nobody but the server needs it. Whoever must tell two models apart gets the name
and a digest of the value: the same value gives the same digest, in every process.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from langchain_streamkit.providers import Provider

__all__ = [
    "HIDDEN_FIELDS",
    "cache_string",
    "hide_call",
    "hide_values",
    "provider_reference",
    "snapshot",
    "without_hidden",
]

HIDDEN_FIELDS = ("default_headers", "default_query", "extra_body")
"""Fields whose values are hidden; their names are not."""

_HIDDEN_CALL = (*HIDDEN_FIELDS, "extra_headers", "extra_query")
_MARK = re.compile(r"\[hidden sha256:[0-9a-f]{12}\]")


def hide_values(values: Mapping[str, Any]) -> dict[str, str]:
    """Names and digests of a mapping.

    Args:
        values: The names and their values.

    Returns:
        The same names, each with a digest of its value.

    Example:
        >>> hide_values({"x-tenant": "a"})
        {'x-tenant': '[hidden sha256:ac8d8342bbb2]'}
    """
    return {str(name): _digest(value) for name, value in values.items()}


def hide_call(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of one call, with what may be secret hidden.

    Args:
        kwargs: Keywords of ``invoke`` or ``stream``, or bound ones.

    Returns:
        A copy.
    """
    return {
        name: hide_values(cast("Mapping[str, Any]", value))
        if name in _HIDDEN_CALL and isinstance(value, Mapping)
        else value
        for name, value in kwargs.items()
    }


def without_hidden(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that were restored from a serialized copy, without the hidden ones.

    Args:
        name: The field, for the warning.
        values: What the constructor got.

    Returns:
        The values that are real; a warning names the others.
    """
    lost = sorted(
        key
        for key, value in values.items()
        if isinstance(value, str) and _MARK.fullmatch(value)
    )
    if lost:
        warnings.warn(
            f"{name} of a serialized ChatStreamKit holds no values, for they may be "
            f"secret. Set again: {', '.join(lost)}.",
            stacklevel=4,
        )
    return {key: value for key, value in values.items() if key not in lost}


def snapshot(value: Any) -> Any:
    """A copy by which a later change can be told, also one inside a dict or a list.

    Args:
        value: Parameters; what is no dict or list is taken as it is.

    Returns:
        What equals them as long as nothing changes.

    Example:
        >>> parameters = {"stop": ["."]}
        >>> before = snapshot(parameters)
        >>> parameters["stop"].append("!")
        >>> before == parameters
        False
    """
    if isinstance(value, dict):
        given = cast("dict[Any, Any]", value)
        return {name: snapshot(one) for name, one in given.items()}
    if isinstance(value, list):
        return [snapshot(one) for one in cast("list[Any]", value)]
    return value


def provider_reference(provider: Provider) -> str | dict[str, Any]:
    """A row of the table, in a form that the constructor takes back.

    Args:
        provider: The row.

    Returns:
        Its name if the table holds the same row, else its facts that are not
        defaults, without their evidence.
    """
    from langchain_streamkit.providers import get_provider, provider_names

    if provider.name in provider_names() and get_provider(provider.name) == provider:
        return provider.name
    return {
        field.name: value
        for field in dataclasses.fields(provider)
        if field.name != "evidence"
        and (value := getattr(provider, field.name)) != field.default
    }


def cache_string(parameters: Mapping[str, Any], kwargs: Mapping[str, Any]) -> str:
    """The part of a cache's key that stands for the model and the call.

    Args:
        parameters: The model's, already hidden where needed.
        kwargs: The call's.

    Returns:
        A text that is equal for equal models and calls only.
    """
    return json.dumps(
        {"model": parameters, "call": hide_call(kwargs)},
        sort_keys=True,
        default=_stable,
        ensure_ascii=False,
    )


def _stable(value: object) -> str:
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    schema = getattr(value, "model_json_schema", None)
    if isinstance(value, type):
        shape = json.dumps(schema(), sort_keys=True) if callable(schema) else ""
        return f"{value.__module__}.{value.__qualname__}{shape}"
    return f"{name}:{_digest(repr(value))}"


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, default=repr, ensure_ascii=False)
    return f"[hidden sha256:{hashlib.sha256(text.encode()).hexdigest()[:12]}]"
