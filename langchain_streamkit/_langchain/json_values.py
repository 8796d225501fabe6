r"""Values that a request body can hold: text that is UTF-8, and plain JSON.

Strategy: what comes in is the caller's own and stays untouched, so everything is
copied on its way out. A model's answer may hold half of a surrogate pair, which no
JSON encoder of a request takes: halves are joined, and lone ones become U+FFFD.
What has no JSON form is refused here, with the place where it stands, and not by
the encoder later, which would not know the place. Errors name kinds and keys, never
contents: a prompt is a secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import orjson

from langchain_streamkit.errors import UnsendableInputError

__all__ = ["as_mapping", "clean_text", "json_text", "plain_json", "unsendable"]

_MAX_DEPTH = 100
_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**64 - 1


def unsendable(place: str, why: str) -> UnsendableInputError:
    """The error for something that cannot be sent.

    Args:
        place: Where it stands: ``"messages[3] (HumanMessage)"``.
        why: What is wrong and what to do, without the content itself.

    Returns:
        The error, to be raised.
    """
    return UnsendableInputError(f"{place}: {why} No request was made.")


def as_mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value)
    return {}


def clean_text(text: str) -> str:
    r"""The text with surrogate halves joined, or replaced where they are alone.

    Args:
        text: Any string.

    Returns:
        The same string if it encodes to UTF-8, else one that does.

    Example:
        >>> clean_text("ok"), clean_text("\ud83d\udc4b \ud83d")
        ('ok', '👋 �')
    """
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def plain_json(value: object, place: str, depth: int = 0) -> Any:
    """A copy that shares nothing with the original and that any encoder takes.

    Args:
        value: Mappings, lists, tuples, strings, numbers, booleans and None.
        place: Where it stands, for the error.
        depth: How deep it stands already.

    Returns:
        The copy, made of dicts, lists and scalars.

    Raises:
        UnsendableInputError: If it holds anything else, or nests too deeply.

    Example:
        >>> plain_json({"a": (1, None)}, "here")
        {'a': [1, None]}
    """
    if isinstance(value, str):
        return clean_text(value)
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return _plain_integer(value, place)
    if depth >= _MAX_DEPTH:
        raise unsendable(place, f"it nests deeper than {_MAX_DEPTH} levels.")
    if isinstance(value, Mapping):
        mapping = cast("Mapping[object, object]", value)
        return {
            clean_text(str(key)): plain_json(item, place, depth + 1)
            for key, item in mapping.items()
        }
    if isinstance(value, list | tuple):
        items = cast("list[object]", value)
        return [plain_json(item, place, depth + 1) for item in items]
    kind = type(value).__name__
    raise unsendable(place, f"it holds a {kind}, for which JSON has no form.")


def _plain_integer(value: int, place: str) -> int | float:
    if _MIN_INTEGER <= value <= _MAX_INTEGER:
        return value
    try:
        return float(value)
    except OverflowError:
        raise unsendable(place, "it holds an integer too large to send.") from None


def json_text(value: object, place: str) -> str:
    """The JSON text of a value, for places where the API wants JSON in a string.

    Args:
        value: Anything; dates, UUIDs and the like become their text.
        place: Where it stands, for the error.

    Returns:
        Compact JSON, in the order of the value's own keys.

    Raises:
        UnsendableInputError: If it contains itself, or nests too deeply.

    Example:
        >>> json_text({"city": "Zürich"}, "here")
        '{"city":"Zürich"}'
    """
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        pass  # integers of more than 64 bits, lone surrogates, other key types
    try:
        text = json.dumps(value, ensure_ascii=False, default=str, skipkeys=True)
    except (ValueError, RecursionError):
        raise unsendable(place, "it contains itself, or nests too deeply.") from None
    return clean_text(text)
