r"""Events as JSON that no screen takes for anything else.

Strategy: orjson writes nearly everything; what it refuses (halves of surrogate pairs,
integers of more than 64 bits, NaN among them) goes once through the standard library
as ASCII. Then the few characters that some reader treats as more than text are
written as ``\u`` escapes: ``<`` and ``>`` for pages, the C1 controls for terminals,
U+2028 and U+0085 for everything that counts lines, the signs that turn writing
around. JSON parsers give them back, so the text arrives whole.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, cast

import orjson
from langchain_core.messages import AIMessage, BaseMessage
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_streamkit.events import StreamEvent

__all__ = ["event_object", "event_stream_frame", "write_json"]

# As UTF-8: < > &, DEL, C1 controls and U+0085, U+200E/F, U+2028 to 202E, U+2066 to 2069
_RISKY = re.compile(
    rb"[<>&\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]"
)
_FIELDS: dict[type, tuple[str, ...]] = {}
_MESSAGE_FIELDS = ("id", "content", "tool_calls", "invalid_tool_calls")


def write_json(value: object) -> bytes:
    r"""Write a value as one line of JSON in UTF-8.

    Args:
        value: Dicts, lists, dataclasses, messages; what JSON cannot say becomes text.

    Returns:
        The JSON, without a line break.

    Example:
        >>> write_json({"content": "</script>"})
        b'{"content":"\\u003c/script\\u003e"}'
    """
    try:
        data = orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        data = json.dumps(_whole(value), separators=(",", ":")).encode("ascii")
    return _RISKY.sub(_escaped, data) if _RISKY.search(data) else data


def event_object(event: StreamEvent) -> dict[str, Any]:
    """The object that stands for an event, wherever events are sent.

    Args:
        event: Any event.

    Returns:
        ``type`` and the event's fields; those that are None or empty are left out,
        but for the ``value`` of a field of the answer.

    Example:
        >>> from langchain_streamkit.events import TextEvent
        >>> event_object(TextEvent("Hello"))
        {'type': 'text', 'content': 'Hello'}
    """
    kind = type(event)
    names = _FIELDS.get(kind)
    if names is None:
        names = _FIELDS[kind] = tuple(field.name for field in fields(cast("Any", kind)))
    found: dict[str, Any] = {"type": event.type}
    for name in names:
        value = getattr(event, name)
        if (value is not None and value != {}) or name == "value":
            found[name] = value
    if "headers" in found.get("metadata", ()):  # of the model's server, for no reader
        found["metadata"] = {k: v for k, v in event.metadata.items() if k != "headers"}
    return found


def event_stream_frame(data: Mapping[str, Any], event: str = "") -> bytes:
    """One frame of a server-sent event stream.

    Args:
        data: What is sent.
        event: The name of the event, or nothing.

    Returns:
        The frame, with the empty line that ends it.
    """
    name = f"event: {event}\n".encode() if event else b""
    return name + b"data: " + write_json(data) + b"\n\n"


def _escaped(match: re.Match[bytes]) -> bytes:
    return f"\\u{ord(match.group().decode()):04x}".encode()


def _plain(value: object) -> object:
    """What JSON has no word for, as something that it has one for."""
    if isinstance(value, BaseMessage):
        kind = "ai" if isinstance(value, AIMessage) else value.type
        found = {name: getattr(value, name, None) for name in _MESSAGE_FIELDS}
        return {"type": kind} | {n: field for n, field in found.items() if field}
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, set | frozenset):
        return list(cast("set[object]", value))
    return str(value)


def _whole(value: object) -> object:
    """The same in types that the standard library writes, and NaN as null."""
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return {str(key): _whole(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [_whole(item) for item in cast("list[object]", value)]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if is_dataclass(value):
        names = (field.name for field in fields(value))
        return {name: _whole(getattr(value, name)) for name in names}
    return _whole(_plain(value))
