"""Recorded exchanges become replies.

Strategy: the file says what came and when; a replay sends the same bytes, waits until
the same moments, and ends the same way. What the client had decompressed is compressed
again, and lengths are worked out anew, for a scrubbed body is longer or shorter than
it was.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_streamkit._wire.recordings import SUFFIX, Ending, parse_recording
from langchain_streamkit._wire.scrubbing import HIDDEN
from langchain_streamkit.testing.replies import Reply
from langchain_streamkit.testing.steps import (
    Close,
    Hang,
    Head,
    Raw,
    Reset,
    Send,
    Step,
    WaitUntil,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from langchain_streamkit._wire.recordings import Recording

__all__ = ["load_replies"]

_ENDS: dict[Ending, tuple[Step, ...]] = {
    "complete": (),
    "stopped": (),
    "left": (Close(),),
    "cut": (Close(),),
    "reset": (Reset(),),
    "broken": (Raw(b"\xff\xff no HTTP\r\n\r\n"), Close()),
    "garbled": (Send(b"\xff" * 32), Close()),
    "stalled": (Hang(),),
    "unreachable": (Reset(),),
}
_OF_THE_CONNECTION = frozenset(
    {"connection", "content-length", "keep-alive", "transfer-encoding"}
)
_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def load_replies(path: str | os.PathLike[str], speed: float | None) -> list[Reply]:
    """The replies of one recording, or of a folder of them.

    Args:
        path: A file, or a folder; its files are taken in the order of their names,
            which is that of the requests.
        speed: How many times faster than it was; 0 or None for at once.

    Returns:
        One reply an exchange.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If a file is no recording (the message names the line), if the
            folder has none, or if the speed is no number of 0 or more.
    """
    if speed is not None and not (math.isfinite(speed) and speed >= 0):
        message = f"speed must be 0 or more, or None for at once, not {speed}."
        raise ValueError(message)
    place = Path(path)
    files = sorted(place.glob(f"*{SUFFIX}")) if place.is_dir() else [place]
    if not files:
        message = f"{place} has no recordings (*{SUFFIX})."
        raise ValueError(message)
    pace = 1 / speed if speed else 0.0
    return [
        _reply(parse_recording(file.read_bytes(), str(file)), pace) for file in files
    ]


def _reply(recording: Recording, pace: float) -> Reply:
    def at(seconds: float) -> tuple[Step, ...]:
        return (WaitUntil(seconds * pace),) if pace else ()

    end = (*at(recording.end_seconds), *_ENDS[recording.end])
    if recording.status is None:
        return Reply(steps=end or (Close(),), framing="raw")
    headers = recording.headers
    is_whole = not _ENDS[recording.end]
    pack = _packer(headers.get("content-encoding", ""))
    steps: list[Step] = [*at(recording.head_seconds), Head()]
    size = 0
    for read in recording.reads:
        data = pack(read.data, False)
        size += len(data)
        steps += (*at(read.seconds), Send(data))
    if is_whole and recording.reads:
        last = pack(b"", True)
        steps += (Send(last),) if last else ()
    length = headers.get("content-length", "")
    sent: dict[str, str | None] = {
        **dict.fromkeys(("content-type", "cache-control", "x-request-id")),
        **{name: text for name, text in headers.items() if _is_played(name, text)},
    }
    if length.isdecimal() and not is_whole:
        sent["content-length"] = str(max(int(length), size + 1))
    return Reply(
        steps=(*steps, *end),
        status=recording.status,
        framing="length" if length.isdecimal() else "chunked",
        headers=sent,
    )


def _is_played(name: str, text: str) -> bool:
    return name not in _OF_THE_CONNECTION and text != HIDDEN


def _packer(coding: str) -> Callable[[bytes, bool], bytes]:
    """Compresses as the server did, read by read, if it did."""
    bits = _WINDOW_BITS.get(coding.strip().lower())
    if bits is None:
        return lambda data, _: data
    encoder = zlib.compressobj(wbits=bits)

    def pack(data: bytes, is_last: bool) -> bytes:
        mode = zlib.Z_FINISH if is_last else zlib.Z_SYNC_FLUSH
        return encoder.compress(data) + encoder.flush(mode)

    return pack
