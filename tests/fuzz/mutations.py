"""Real frames made hostile, and what the decoder may make of them.

Strategy: bytes alone seldom get past the JSON parser, so values inside real frames are
exchanged as well: for other types, huge numbers, deep nests, lone surrogates, pieces of
other frames. Whatever comes, the decoder gives events, an end or a typed error, and the
same ones for every split.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from langchain_streamkit._langchain.chunks import ChunkBuilder, partial_of
from langchain_streamkit._wire.answer import AnswerContext
from langchain_streamkit._wire.stream_decoder import StreamDecoder
from langchain_streamkit.errors import StreamKitError

if TYPE_CHECKING:
    import random

__all__ = ["check_decoder", "mutated"]

_FRAME_END = b"\n\n"
_DATA = b"data: "
_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    10**400,
    1e308,
    math.nan,
    math.inf,
    "",
    "\ud800",
    "\x00",
    "{",
    '{"a": [',
    [],
    {},
    [None],
    [[]],
    {"": {}},
    [{"index": -1}],
    [{"index": 10**9, "delta": {"content": "x"}}],
)
_KEYS = (
    "content",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "tool_calls",
    "function_call",
    "usage",
    "error",
    "index",
    "id",
    "finish_reason",
    "annotations",
    "logprobs",
    "audio",
    "images",
    "refusal",
    "type",
)
_DEEP = 300


def mutated(stream: bytes, numbers: random.Random) -> bytes:
    """A stream with a few changes in it.

    Args:
        stream: Frames as a server sends them.
        numbers: Says which.
    """
    frames = stream.split(_FRAME_END)
    for _ in range(numbers.randrange(1, 5)):
        place = numbers.randrange(len(frames))
        frames[place] = _mutate_frame(frames[place], numbers)
        if numbers.random() < 0.2:
            other = numbers.randrange(len(frames))
            frames[place], frames[other] = frames[other], frames[place]
    ends = (b"\n\n", b"\n\n", b"\r\n\r\n", b"\r\r")
    return numbers.choice(ends).join(frames)


def _mutate_frame(frame: bytes, numbers: random.Random) -> bytes:
    if numbers.random() < 0.25:
        return _mutate_bytes(frame, numbers)
    try:
        value = json.loads(frame.removeprefix(_DATA))
    except ValueError:
        return _mutate_bytes(frame, numbers)
    text = json.dumps(_mutate_value(value, numbers))
    return _DATA + text.encode("utf-8", "surrogatepass")


def _mutate_bytes(data: bytes, numbers: random.Random) -> bytes:
    start = numbers.randrange(len(data) + 1)
    end = min(len(data), start + numbers.randrange(4))
    return data[:start] + numbers.randbytes(numbers.randrange(4)) + data[end:]


def _mutate_value(value: Any, numbers: random.Random) -> Any:
    """Exchange a value somewhere inside."""
    if isinstance(value, dict) and value and numbers.random() < 0.85:
        key = numbers.choice(sorted(value))
        changed = {**value, key: _mutate_value(value[key], numbers)}
        if numbers.random() < 0.3:
            changed[numbers.choice(_KEYS)] = _hostile(numbers)
        return changed
    if isinstance(value, list) and value and numbers.random() < 0.85:
        place = numbers.randrange(len(value))
        changed_item = _mutate_value(value[place], numbers)
        return [*value[:place], changed_item, *value[place + 1 :]]
    return _hostile(numbers)


def _hostile(numbers: random.Random) -> Any:
    if numbers.random() < 0.05:
        deep: Any = 1
        for _ in range(_DEEP):
            deep = [deep] if numbers.random() < 0.5 else {"a": deep}
        return deep
    value = numbers.choice(_VALUES)
    return {numbers.choice(_KEYS): value} if numbers.random() < 0.4 else value


def check_decoder(data: bytes, size: int) -> None:
    """Let the decoder and the chunks read something, whatever it is.

    Args:
        data: The bytes.
        size: How many come at once.

    Raises:
        AssertionError: If it ends in anything but an answer or a typed error, or if
            reading all at once ends otherwise.
    """
    assert _read(data, size) == _read(data, max(len(data), 1))


def _read(data: bytes, size: int) -> tuple[str, str, str]:
    context = AnswerContext()
    decoder, builder = StreamDecoder(), ChunkBuilder(None, context)
    text = ""
    for place in range(0, len(data), size):
        for event in decoder.feed(data[place : place + size]):
            text += "".join(str(chunk.text) for chunk in builder.chunks(event))
    for event in decoder.close():
        text += "".join(str(chunk.text) for chunk in builder.chunks(event))
    failure = decoder.failure
    assert decoder.is_done != (failure is not None)
    assert failure is None or isinstance(failure, StreamKitError)
    partial = partial_of(decoder.answer, context)
    said = "" if partial is None else str(partial.text)
    assert failure is None or said == text, (said, text)
    return text, said, type(failure).__name__
