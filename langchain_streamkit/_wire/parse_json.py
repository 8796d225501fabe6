"""JSON from strangers becomes Python values.

Strategy: orjson reads nearly everything. What it refuses by right but servers send
all the same (half of a surrogate pair, NaN, 1e999, bytes that are not UTF-8) goes
once through the standard parser; whatever that refuses is broken. Depth is bounded
first, for values from either are copied, compared and written by code that recurses.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from langchain_streamkit._wire.nesting import MAX_DEPTH, is_too_deep

__all__ = ["parse_json", "parse_strict_json"]

_SHALLOW = 4 * MAX_DEPTH
"""Bytes; what is no longer nests twice as deep at the most, which does no harm, and
most frames are no longer."""


def parse_json(data: bytes) -> Any:
    r"""Parse one JSON value.

    Args:
        data: The bytes of the value; bad UTF-8 is replaced by U+FFFD.

    Returns:
        The value. Strings may hold lone surrogates, numbers may be NaN or infinite.

    Raises:
        ValueError: If it is not JSON, nests deeper than ``MAX_DEPTH`` (unless it is
            very short), or holds an integer of more digits than Python converts.

    Example:
        >>> parse_json(b'{"a": NaN}')
        {'a': nan}
    """
    try:
        return parse_strict_json(data)
    except orjson.JSONDecodeError:
        text = data.decode("utf-8", "replace")
    _check_depth(text)
    return json.loads(text)


def parse_strict_json(data: bytes) -> Any:
    """Parse one JSON value that keeps to the standard.

    Args:
        data: The bytes of the value.

    Returns:
        The value; all strings encode to UTF-8, all numbers are finite.

    Raises:
        orjson.JSONDecodeError: If it is not JSON by the standard.
        ValueError: If it nests deeper than ``MAX_DEPTH``, and is not very short.
    """
    if len(data) > _SHALLOW and data.count(b"{") + data.count(b"[") > MAX_DEPTH:
        _check_depth(data.decode("utf-8", "replace"))
    return orjson.loads(data)


def _check_depth(text: str) -> None:
    if is_too_deep(text):
        message = f"JSON nests deeper than {MAX_DEPTH} levels"
        raise ValueError(message)
