"""A schema becomes the ``response_format`` of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from langchain_core.utils.function_calling import convert_to_openai_function

from langchain_streamkit.errors import UnsendableInputError

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
        UnsendableInputError: If it is no schema.

    Example:
        >>> render_response_format({"type": "json_object"})
        {'type': 'json_object'}
    """
    if isinstance(schema, Mapping) and schema.get("type") in _TYPES:
        return dict(schema)
    try:
        function = convert_to_openai_function(cast("Any", schema), strict=strict)
    except (ValueError, TypeError) as error:
        message = (
            "response_format must be a class, a JSON schema with a title, or "
            f"{{'type': ...}}: {type(error).__name__}."
        )
        raise UnsendableInputError(message) from None
    body: dict[str, Any] = {
        "name": function["name"],
        "schema": function.get("parameters", {}),
    }
    if function.get("description"):
        body["description"] = function["description"]
    if strict is not None:
        body["strict"] = strict
    return {"type": "json_schema", "json_schema": body}
