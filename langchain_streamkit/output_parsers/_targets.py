"""What a parsed value is to become, and how a model is told of it.

Strategy: Pydantic validates and describes; here is what TOON adds. Its rows hold
digits without quotes, so a whole number is taken for a text where the class wants
one. A model follows an example better than rules, so the format instructions show
one: the schema filled with values, written by the encoder itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pydantic
from pydantic_core import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["list_problems", "sample_of", "validated"]

_SHOWN_ERRORS = 5

_MAX_DEPTH = 6

_SAMPLES: dict[str, Any] = {
    "string": "text",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "null": None,
}
_TEXT_SAMPLES = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00",
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
    "email": "ada@example.org",
    "uri": "https://example.org/",
}


def validated(target: Any, value: Any) -> Any:
    """The value as the target wants it.

    Args:
        target: A type that Pydantic knows, or None for the value as it is.
        value: A value of plain JSON types.

    Raises:
        pydantic.ValidationError: If it does not fit.

    Example:
        >>> validated(list[str], ["a", 7])
        ['a', '7']
    """
    if target is None:
        return value
    adapter: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(target)
    try:
        return _validate(adapter, value)
    except pydantic.ValidationError as error:
        places = [
            problem["loc"]
            for problem in error.errors()
            if problem["type"] == "string_type" and type(problem["input"]) is int
        ]
        if not places:
            raise
    for place in places:
        value = _with_text_at(value, place)
    return _validate(adapter, value)


def _validate(adapter: pydantic.TypeAdapter[Any], value: Any) -> Any:
    """Validated as JSON, so that a strict class takes dates in their JSON form."""
    return adapter.validate_json(to_json(value, inf_nan_mode="constants"))


def _with_text_at(value: Any, place: tuple[int | str, ...]) -> Any:
    """A copy in which the number at a place is text; other places stay."""
    if not place:
        return str(value) if type(value) is int else value
    first, *rest = place
    if isinstance(value, dict) and first in value:
        fields = cast("dict[Any, Any]", value)
        return {**fields, first: _with_text_at(fields[first], tuple(rest))}
    if isinstance(value, list) and isinstance(first, int):
        items = cast("list[Any]", value)
        return [
            _with_text_at(item, tuple(rest)) if number == first else item
            for number, item in enumerate(items)
        ]
    return _with_text_at(value, tuple(rest))  # a union's or a validator's own name


def sample_of(target: Any) -> Any:
    """An example of a type, in plain values.

    Example:
        >>> sample_of(dict[str, int] | None)
        {'key': 1}
    """
    schema = pydantic.TypeAdapter(target).json_schema()
    return _sample(schema, schema.get("$defs", {}), 0)


def _sample(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], depth: int
) -> Any:
    if depth > _MAX_DEPTH:
        return None
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return _sample(definitions[name], definitions, depth + 1)
    if choices := _first_of(schema, "anyOf", "oneOf", "allOf"):
        chosen = next(kind for kind in choices if kind.get("type") != "null")
        return _sample(chosen, definitions, depth)
    if (fixed := _first_of(schema, "const", "default")) is not None:
        return fixed
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("type") == "array":
        item: Any = _sample(schema.get("items", {}), definitions, depth + 1)
        return [item, item] if item is not None else []
    if schema.get("type") == "object":
        return _sample_object(schema, definitions, depth)
    if schema.get("format") in _TEXT_SAMPLES:
        return _TEXT_SAMPLES[schema["format"]]
    return _SAMPLES.get(str(schema.get("type")), "text")


def _first_of(schema: Mapping[str, Any], *names: str) -> Any:
    """The first of these that the schema has, and that is not None."""
    return next((schema[name] for name in names if schema.get(name) is not None), None)


def _sample_object(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], depth: int
) -> dict[str, Any]:
    if "properties" in schema:
        return {
            name: _sample(field, definitions, depth + 1)
            for name, field in schema["properties"].items()
        }
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        fields = cast("dict[str, Any]", values)
        return {"key": _sample(fields, definitions, depth + 1)}
    return {}


def list_problems(error: pydantic.ValidationError) -> str:
    """The first problems, by place, without the values that are wrong."""
    problems = error.errors()
    lines = [
        ".".join(map(str, problem["loc"])) + f": {problem['msg']}."
        for problem in problems[:_SHOWN_ERRORS]
    ]
    more = len(problems) - len(lines)
    return " ".join(lines) + (f" And {more} more." if more > 0 else "")
