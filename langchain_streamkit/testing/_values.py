"""JSON in and out, and reading values whose shape nobody has checked yet."""

from __future__ import annotations

import json
from typing import TypeAlias, TypeGuard, cast

import orjson

__all__ = [
    "JsonObject",
    "as_list",
    "as_number",
    "as_object",
    "as_text",
    "dump_json",
    "dump_text",
    "is_object",
    "load_json",
]

JsonObject: TypeAlias = dict[str, object]


def is_object(value: object) -> TypeGuard[JsonObject]:
    """True for a JSON object."""
    return isinstance(value, dict)


def as_object(value: object) -> JsonObject:
    """The value if it is a JSON object, else an empty one."""
    return value if is_object(value) else {}


def as_list(value: object) -> list[object]:
    """The value if it is a JSON array, else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(value: object) -> str:
    """The value if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def as_number(value: object) -> int | float | None:
    """The value if it is a number (a boolean is none), else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value


def dump_json(value: object) -> bytes:
    """The value as compact JSON; lone surrogates become escapes, as servers do."""
    try:
        return orjson.dumps(value)
    except TypeError:
        text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
        return text.encode("ascii")


def dump_text(value: object) -> str:
    """The value as JSON text with a blank after each comma and colon."""
    return json.dumps(value, ensure_ascii=False)


def load_json(data: bytes) -> object:
    """The value of a JSON text.

    Raises:
        ValueError: If it is not JSON.
    """
    try:
        return cast("object", orjson.loads(data))
    except orjson.JSONDecodeError:
        # The standard parser also takes NaN and lone surrogates, as many servers do.
        return cast("object", json.loads(data.decode("utf-8", "replace")))
