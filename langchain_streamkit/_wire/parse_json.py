"""JSON from strangers becomes Python values.

Strategy: orjson reads nearly everything. What it refuses by right but servers send
all the same (half of a surrogate pair, NaN, 1e999, bytes that are not UTF-8) goes
once through the standard parser, whose depth and digits are bounded; whatever that
refuses is broken.
"""

from __future__ import annotations

import json
from typing import Any, cast

import orjson

__all__ = ["MAX_DEPTH", "nesting_depth", "parse_json"]

MAX_DEPTH = 512
_OPENING = frozenset("[{")
_CLOSING = frozenset("]}")


def parse_json(data: bytes) -> Any:
    r"""Parse one JSON value.

    Args:
        data: The bytes of the value; bad UTF-8 is replaced by U+FFFD.

    Returns:
        The value. Strings may hold lone surrogates, numbers may be NaN or infinite.

    Raises:
        ValueError: If it is not JSON, nests deeper than ``MAX_DEPTH``, or holds an
            integer of more digits than Python converts.

    Example:
        >>> parse_json(b'{"a": NaN}')
        {'a': nan}
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        text = data.decode("utf-8", "replace")
    if nesting_depth(text) > MAX_DEPTH:
        message = f"JSON nests deeper than {MAX_DEPTH} levels"
        raise ValueError(message)
    return cast("Any", json.loads(text))


def nesting_depth(text: str) -> int:
    """The deepest nesting of brackets; those inside strings count as well.

    Args:
        text: Any text.

    Returns:
        The number of brackets open at once.
    """
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return 0
    depth = deepest = 0
    for character in text:
        if character in _OPENING:
            depth += 1
            deepest = max(deepest, depth)
        elif character in _CLOSING:
            depth -= 1
    return deepest
