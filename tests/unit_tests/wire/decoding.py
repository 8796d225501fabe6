"""Makes streams of frames, and reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_streamkit._wire.deltas import AnswerEnd
from langchain_streamkit._wire.stream_decoder import StreamDecoder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_streamkit.events import StreamEvent

DONE = b"data: [DONE]\n\n"


def chunk(
    delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any
) -> dict[str, Any]:
    """A frame as most servers send it."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return {"id": "c1", "model": "m", "choices": [choice], **more}


def text(content: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return chunk({"content": content}, finish, **more)


def calls(*pieces: Any, finish: str | None = None) -> dict[str, Any]:
    return chunk({"tool_calls": list(pieces)}, finish)


def sse(*frames: Any, end: bytes = DONE) -> bytes:
    """Frames as an event stream; a string or bytes are data as they are."""
    return b"".join(b"data: " + _data(frame) + b"\n\n" for frame in frames) + end


def feed(decoder: StreamDecoder, chunks: Iterable[bytes]) -> list[StreamEvent]:
    """All events, those of the end included, but for the ``AnswerEnd``."""
    events = [event for data in chunks for event in decoder.feed(data)]
    events += decoder.close()
    return [event for event in events if not isinstance(event, AnswerEnd)]


def read(data: bytes, size: int = 0, **options: Any) -> StreamDecoder:
    """A decoder that has read all of a stream, in reads of a size."""
    decoder = StreamDecoder(**options)
    feed(decoder, cut(data, size or max(len(data), 1)))
    return decoder


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[place : place + size] for place in range(0, len(data), size)]


def _data(frame: Any) -> bytes:
    if isinstance(frame, bytes):
        return frame
    return frame.encode() if isinstance(frame, str) else json.dumps(frame).encode()
