r"""The file of one recorded exchange: JSON Lines, for people and for replays.

Strategy: the file grows while the answer comes, a line at a time, so that a crash
leaves what came before it. The first line is the request, the second the head of the
response, then one line a read of the network, then how it ended. What is missing at
the end (a program that died) is read as an answer that stops there; anything else
that does not fit is an error that names the line.

Example:
    >>> lines = render_head(0.2, 200, {"content-type": "text/event-stream"})
    >>> lines += render_read(Read(0.25, b"data: [DONE]\n\n"))
    >>> lines += render_end(0.26, "complete", None)
    >>> start = render_request({"method": "POST"}, started="2026-01-01T00:00:00Z")
    >>> recording = parse_recording(start + lines)
    >>> recording.status, recording.end, recording.reads[0].seconds
    (200, 'complete', 0.25)
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias, get_args

import orjson

from langchain_streamkit._version import __version__
from langchain_streamkit._wire.scrubbing import Read
from langchain_streamkit._wire.shapes import is_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "SUFFIX",
    "Ending",
    "Recording",
    "parse_recording",
    "render_end",
    "render_head",
    "render_read",
    "render_request",
]

SUFFIX = ".jsonl"
"""How the name of a recording ends."""

Ending: TypeAlias = Literal[
    "complete",  # the response ended as HTTP says, or the answer did
    "stopped",  # the client had enough: an error in the stream, a bound, a redirect
    "left",  # the reader went away
    "cut",  # the connection was closed too early
    "reset",  # the connection was reset
    "broken",  # what came was no HTTP
    "garbled",  # what came could not be decompressed
    "stalled",  # a clock ran out
    "unreachable",  # there was no connection
]
"""How an exchange ended."""

_ENDINGS = get_args(Ending)
_FORMAT = 1
_MICROSECONDS = 6


@dataclass(slots=True)
class Recording:
    """One exchange, as its file tells it.

    Attributes:
        request: Method, address, headers and body, scrubbed.
        head_seconds: When the head of the response came, from the request on.
        status: The HTTP status; None if no head came.
        headers: The response's headers, scrubbed, names in lower case.
        reads: What came, and when; decompressed.
        end: How it ended.
        end_seconds: When it did.
        error: The class of the error that the caller got, if any.
    """

    request: dict[str, Any] = field(default_factory=dict[str, Any], repr=False)
    head_seconds: float = 0.0
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    reads: list[Read] = field(default_factory=list[Read], repr=False)
    end: Ending = "left"
    end_seconds: float = 0.0
    error: str | None = None


def render_request(request: Mapping[str, Any], *, started: str) -> bytes:
    """The first line.

    Args:
        request: Method, address, headers and body, scrubbed.
        started: The date and time.
    """
    return _line(
        {
            "streamkit_recording": _FORMAT,
            "version": __version__,
            "started": started,
            "request": dict(request),
        }
    )


def render_head(seconds: float, status: int, headers: Mapping[str, str]) -> bytes:
    """The line of the response's head."""
    return _line(
        {"seconds": _rounded(seconds), "status": status, "headers": dict(headers)}
    )


def render_read(read: Read) -> bytes:
    """The line of one read: text where the bytes are UTF-8, else base64."""
    line: dict[str, object] = {"seconds": _rounded(read.seconds)}
    try:
        line["text"] = read.data.decode()
    except UnicodeDecodeError:
        line["base64"] = base64.b64encode(read.data).decode()
    return _line(line)


def render_end(seconds: float, end: Ending, error: str | None) -> bytes:
    """The last line."""
    return _line({"seconds": _rounded(seconds), "end": end, "error": error})


def parse_recording(data: bytes, name: str = "the recording") -> Recording:
    """Read a file.

    Args:
        data: Its bytes.
        name: What to call it in errors.

    Returns:
        The exchange. A last line without its line break, which a program leaves that
        dies while it writes, is ignored.

    Raises:
        ValueError: If it is none; the message names the line and the reason.
    """
    *lines, rest = data.split(b"\n")
    recording = Recording()
    if not lines and rest:
        lines = [rest]
    if not lines:
        _refuse(name, 1, "the file is empty")
    has_ended = False
    for number, line in enumerate(lines, start=1):
        value = _parse_line(line, name, number)
        try:
            if number == 1:
                _take_request(value, recording)
            elif has_ended:
                _refuse(name, number, "the recording has ended before this line")
            else:
                has_ended = _take(value, recording)
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, _MalformedError):
                raise
            _refuse(name, number, str(error))
    return recording


class _MalformedError(ValueError):
    """A file that is no recording; users know it as a ValueError."""


def _refuse(name: str, number: int, reason: str) -> NoReturn:
    message = f"{name}, line {number}: {reason}."
    raise _MalformedError(message) from None


def _parse_line(line: bytes, name: str, number: int) -> Mapping[str, Any]:
    try:
        value: object = json.loads(line)
    except (ValueError, RecursionError) as error:
        _refuse(name, number, f"this is no JSON ({error})")
    if not is_mapping(value):
        _refuse(name, number, "this is no JSON object")
    return value


def _take_request(value: Mapping[str, Any], recording: Recording) -> None:
    version = value.get("streamkit_recording")
    if version is None:
        message = (
            "this is no recording: the first line has no 'streamkit_recording'. "
            "ChatStreamKit(record=...) writes such files"
        )
        raise ValueError(message)
    if version != _FORMAT:
        message = f"format {version!r} is not known, only {_FORMAT}"
        raise ValueError(message)
    request = value.get("request")
    if not is_mapping(request):
        message = "'request' must be an object"
        raise ValueError(message)
    recording.request = dict(request)


def _take(value: Mapping[str, Any], recording: Recording) -> bool:
    """One line after the first; True if it is the last."""
    seconds = _seconds(value)
    if "status" in value:
        _take_head(value, recording)
        recording.head_seconds = seconds
    elif "end" in value:
        end = value["end"]
        if end not in _ENDINGS:
            message = f"'end' is {end!r}, and must be one of {', '.join(_ENDINGS)}"
            raise ValueError(message)
        recording.end, recording.end_seconds = end, seconds
        error = value.get("error")
        recording.error = error if isinstance(error, str) else None
        return True
    else:
        if recording.status is None:
            message = "bytes come before a line with 'status'"
            raise ValueError(message)
        recording.reads.append(Read(seconds, _bytes(value)))
    recording.end_seconds = seconds
    return False


def _take_head(value: Mapping[str, Any], recording: Recording) -> None:
    status, headers = value["status"], value.get("headers")
    if recording.status is not None:
        message = "a second line with 'status'"
        raise ValueError(message)
    if isinstance(status, bool) or not isinstance(status, int):
        message = f"'status' must be a number, not {status!r}"
        raise TypeError(message)
    if not 100 <= status <= 999:
        message = f"'status' must be a number of three digits, not {status}"
        raise ValueError(message)
    if not is_mapping(headers):
        message = "'headers' must be an object"
        raise TypeError(message)
    for name, text in headers.items():
        if not isinstance(text, str) or not {"\r", "\n"}.isdisjoint(name + text):
            message = f"the header {name!r} must be one line of text"
            raise TypeError(message)
        recording.headers[name.lower()] = text
    recording.status = status


def _bytes(value: Mapping[str, Any]) -> bytes:
    text, packed = value.get("text"), value.get("base64")
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    if isinstance(packed, str):
        try:
            return base64.b64decode(packed, validate=True)
        except binascii.Error as error:
            message = f"'base64' is none ({error})"
            raise ValueError(message) from None
    message = "one of 'status', 'text', 'base64' and 'end' is missing"
    raise ValueError(message)


def _seconds(value: Mapping[str, Any]) -> float:
    seconds = value.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        message = "'seconds' must be a number"
        raise TypeError(message)
    if not math.isfinite(seconds) or seconds < 0:
        message = f"'seconds' must not be {seconds}"
        raise ValueError(message)
    return float(seconds)


def _rounded(seconds: float) -> float:
    return round(seconds, _MICROSECONDS)


def _line(value: Mapping[str, object]) -> bytes:
    """By orjson; what it refuses (half a character), by the standard library."""
    try:
        return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        text = json.dumps(value, ensure_ascii=False)
        return text.encode("utf-8", "backslashreplace") + b"\n"
