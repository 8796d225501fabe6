"""A schema becomes the ``response_format`` of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_streamkit._langchain.output_schema import read_schema

__all__ = ["render_response_format"]

_TYPES = frozenset({"json_schema", "json_object", "text", "grammar", "regex"})


def render_response_format(
    schema: Mapping[str, Any] | type, *, strict: bool | None = None
) -> dict[str, Any]:
    """The ``response_format`` of a schema, or one that is already in that form.

    Args:
        schema: A Pydantic or TypedDict class, a JSON schema, an OpenAI function, or
            a ``response_format`` object, which passes as it is.
        strict: Whether the server must keep to the schema; None leaves it open.

    Returns:
        A new dict.

    Raises:
        ConfigurationError: If it is no schema.

    Example:
        >>> render_response_format({"type": "json_object"})
        {'type': 'json_object'}
    """
    if isinstance(schema, Mapping) and schema.get("type") in _TYPES:
        return dict(schema)
    return read_schema(schema).response_format(strict)
