"""What ``streamkit probe`` asks: the bodies of its requests, as data.

Strategy: each body is the smallest one to which a server that can do a thing and a
server that cannot must answer differently. Where it is possible the prompt wants one
thing and the parameter another, for a model that merely obliges would look like a
server that enforces. What must fit the model's own words (a stop text, the first
half of an answer) is cut from its answer to ``COUNT``.
"""

from __future__ import annotations

import base64
import re
import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BOUNDS",
    "COLOURS",
    "FEW_TOKENS",
    "FIRST",
    "LATER",
    "MARKER",
    "MAX_TOKENS",
    "PREFILL_FORMS",
    "Fields",
    "Halves",
    "cut",
    "fitted",
    "render",
]

Fields = dict[str, object]

MAX_TOKENS = 512
"""The bound of nearly every answer; a model that reasons needs some of it."""
FEW_TOKENS = 4
"""A bound that the answer to ``COUNT`` must run into."""
MARKER = "Well then:"
"""Words that no answer begins with, unless it repeats them."""
COLOURS = ("teal", "mauve")


def _says(role: str, content: object, **more: object) -> Fields:
    return {"role": role, "content": content, **more}


def _function(name: str, **more: object) -> Fields:
    parameters = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }
    description = f"Look up the {name.removeprefix('get_')} in a city."
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": {**function, **more}}


def _png(red: int, green: int, blue: int, side: int = 64) -> str:
    """A picture of one colour, as a data URL.

    One pixel would do for most servers, but Qwen's vision models refuse a side of
    less than 28 (transformers, ``smart_resize``, 2026-11).
    """

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes((red, green, blue)) * side) * side
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    png += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


_COUNT = "Count from 1 to 9, in one line, with commas, and say nothing else."
_PARIS = [_says("user", "What is the weather in Paris? Use the tool.")]
_BOTH_CITIES = (
    "What is the weather in Paris and Rome? Call the tool once for each city, both "
    "calls at once."
)
_BOTH = [_says("user", _BOTH_CITIES)]
_GREETING = [_says("user", "Hello!")]
_PROSE = [_says("user", "Write one plain sentence about the sea. No JSON.")]
_BOAT = [_says("user", "Invent a name for a boat, and say the name alone.")]
_TEAL = "Whatever you are asked, answer with the one word TEAL."
_WHO = _says("user", "What is your name?")
_WHICH: Fields = {"type": "text", "text": "Which colour has the picture? One word."}
_PICTURE: Fields = {"type": "image_url", "image_url": {"url": _png(255, 0, 0)}}

_TOOLS = [_function("get_weather")]
_TWO_TOOLS = [*_TOOLS, _function("get_time")]
_CALLED = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
_CALL = {"id": "call00001", "type": "function", "function": _CALLED}
_RESULT = _says("tool", "Sunny, 21 degrees", tool_call_id="call00001")
_SCHEMA = {
    "type": "object",
    "properties": {
        "colour": {"type": "string", "enum": list(COLOURS)},
        "count": {"type": "integer"},
    },
    "required": ["colour", "count"],
    "additionalProperties": False,
}
_FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "paint", "strict": True, "schema": _SCHEMA},
}
_STREAM: Fields = {"stream": True}

FIRST: Mapping[str, Fields] = {"whole": {}, "stream": _STREAM}
"""What is asked first of all: if neither is answered, nothing else is asked."""

BOUNDS: Mapping[str, Fields] = {
    "max_completion_tokens": {"max_completion_tokens": FEW_TOKENS},
    "max_tokens": {"max_tokens": FEW_TOKENS},
}
"""What is asked second: all later bodies carry the bound that works."""

LATER: Mapping[str, Fields] = {
    "stream_options": {**_STREAM, "stream_options": {"include_usage": True}},
    # Qwen3 goes by the last word, others by the first.
    "reasoning": {
        **_STREAM,
        "messages": [
            _says("user", "Think first, and then say what 17 + 26 is. /think")
        ],
    },
    "reasoning_effort": {
        "messages": [_says("user", "What is 17 + 26?")],
        "reasoning_effort": "low",
    },
    "tools": {**_STREAM, "messages": _PARIS, "tools": _TOOLS},
    "tools_required": {
        "messages": _GREETING,
        "tools": _TOOLS,
        "tool_choice": "required",
    },
    "tools_any": {"messages": _GREETING, "tools": _TOOLS, "tool_choice": "any"},
    "tools_named": {
        "messages": _PARIS,
        "tools": _TWO_TOOLS,
        "tool_choice": {"type": "function", "function": {"name": "get_time"}},
    },
    "tools_parallel": {**_STREAM, "messages": _BOTH, "tools": _TOOLS},
    "parallel_tool_calls": {
        "messages": _BOTH,
        "tools": _TOOLS,
        "parallel_tool_calls": False,
    },
    "strict": {"messages": _PARIS, "tools": [_function("get_weather", strict=True)]},
    "tool_results": {
        "messages": [*_PARIS, _says("assistant", "", tool_calls=[_CALL]), _RESULT],
        "tools": _TOOLS,
    },
    "tool_results_null": {
        "messages": [*_PARIS, _says("assistant", None, tool_calls=[_CALL]), _RESULT],
        "tools": _TOOLS,
    },
    "json_schema": {
        "messages": [_says("user", "Give me a colour and a count, as JSON.")],
        "response_format": _FORMAT,
    },
    "json_schema_enforced": {"messages": _PROSE, "response_format": _FORMAT},
    "json_mode": {"messages": _PROSE, "response_format": {"type": "json_object"}},
    "logprobs": {"logprobs": True, "top_logprobs": 2},
    "n": {"n": 2},
    "image": {"messages": [_says("user", [_WHICH, _PICTURE])]},
    "image_without": {"messages": [_says("user", [_WHICH])]},
    "seed": {"messages": _BOAT, "seed": 1},
    "seed_again": {"messages": _BOAT, "seed": 1},
    "seed_other": {"messages": _BOAT, "seed": 2},
    "developer_role": {"messages": [_says("developer", _TEAL), _WHO]},
    "system_role": {"messages": [_says("system", _TEAL), _WHO]},
    "message_names": {"messages": [_says("user", _COUNT, name="ada")]},
    "unknown_fields": {"streamkit_probe": True},
    "unknown_model": {"model": "streamkit-no-such-model"},
    "error_details": {"messages": "streamkit"},
}
"""What is asked then, in no order."""

PREFILL_FORMS: Mapping[str, tuple[Fields, Fields]] = {
    "trailing": ({}, {}),
    "prefix": ({"prefix": True}, {}),
    "partial": ({"partial": True}, {}),
    "continue_final_message": (
        {},
        {"continue_final_message": True, "add_generation_prompt": False},
    ),
}
"""How a cut answer is continued: more fields of its message, and of the body."""


class Halves(NamedTuple):
    """An answer, cut between two words.

    Attributes:
        first: The first half, without white space at its end.
        rest: What follows it.
    """

    first: str
    rest: str

    @property
    def stop(self) -> str:
        """The first word of the rest, as a text to stop at."""
        found = re.search(r"\w+", self.rest)
        return found[0] if found is not None else ""


def cut(text: str) -> Halves | None:
    """Cut an answer in the middle.

    Args:
        text: The answer to ``COUNT``.

    Returns:
        Its halves, or None if it is too short.

    Example:
        >>> cut("1, 2, 3, 4")
        Halves(first='1, 2,', rest=' 3, 4')
        >>> cut("No.")
    """
    words = [match.end() for match in re.finditer(r"\S+", text)]
    if len(words) < FEW_TOKENS:
        return None
    end = words[len(words) // 2 - 1]
    return Halves(text[:end], text[end:])


def fitted(halves: Halves | None) -> dict[str, Fields]:
    """The questions that must fit the model's own words.

    Args:
        halves: Its answer to ``COUNT``.

    Returns:
        Fields by name; none if the answer was too short.
    """
    if halves is None:
        return {}
    asks: dict[str, Fields] = {"stop": {"stop": [halves.stop]}}
    for form, (message, body) in PREFILL_FORMS.items():
        for name, start in (
            (f"prefill_{form}", halves.first),
            (f"prefill_{form}_marked", f"{MARKER} {halves.first}"),
        ):
            turn = _says("assistant", start, **message)
            messages = [_says("user", _COUNT), turn]
            asks[name] = {**_STREAM, "messages": messages, **body}
    return asks


def render(fields: Fields, model: str, bound: str | None = None) -> Fields:
    """The whole body of a request.

    Args:
        fields: What is special about it.
        model: The model's name.
        bound: The name of the bound on tokens, if a bound is known to work.

    Returns:
        A new dict.

    Example:
        >>> sorted(render({"n": 2}, "qwen3:8b", "max_tokens"))
        ['max_tokens', 'messages', 'model', 'n']
    """
    body: Fields = {"model": model, "messages": [_says("user", _COUNT)], **fields}
    return body if bound is None else {**body, bound: MAX_TOKENS}
