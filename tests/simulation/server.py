"""The server of a simulation: requests come in, pieces with delays go out.

Strategy: an attempt is laid out as frames first, then as what travels, piece by piece
and only as far as it is read. Where each frame ends is kept, so that it is known
afterwards what had reached the client: its text, its counts, its last word.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from itertools import cycle, repeat
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .script import Attempt, Script

__all__ = ["FIN", "RESET", "Piece", "Served", "serve"]

Kind = Literal["text", "reasoning", "finish", "usage", "done", "other"]
FIN, RESET = b"<fin>", b"<reset>"
OTHER_WORDS = "≠ other words"
_DRIP_SECONDS = 1.0


class Piece(NamedTuple):
    """What arrives at once: so much later than the piece before it."""

    delay: float
    data: bytes


class Frame(NamedTuple):
    """One event of the stream."""

    kind: Kind
    data: bytes
    value: Any = None


@dataclass(slots=True)
class Served:
    """One request, and what became of it.

    Attributes:
        attempt: What the script says of it.
        call: The number of the call that it belongs to.
        number: Its own number in that call, from 0.
        said: The text that the reader had by then.
        began: When the client began with it.
        asked: The request's body, once it has come.
        ends: Where each frame ends, in bytes of the response.
        sent: The response's length as far as it was laid out.
        read: How many bytes of it the client has read.
        progress: When content last came, and for how long the reader had held
            chunks by then.
        ended: When the client was done with it, and the same.
        held: For how long the reader had held chunks when it began, in seconds.
    """

    attempt: Attempt
    call: int
    number: int
    said: str
    began: float
    progress: tuple[float, float]
    asked: dict[str, Any] | None = None
    ends: list[tuple[int, Kind, Any]] = field(default_factory=list)
    sent: int = 0
    read: int = 0
    ended: tuple[float, float] | None = None
    held: float = 0.0

    @property
    def is_stream(self) -> bool:
        """Whether a stream was asked for."""
        return bool(self.asked and self.asked.get("stream"))

    @property
    def is_refused(self) -> bool:
        """Whether it was refused."""
        return self.asked is not None and self.attempt.fault == "status"

    @property
    def continues(self) -> str | None:
        """The beginning of the answer that the client wants to be continued."""
        messages = self.asked["messages"] if self.asked else []
        is_turn = bool(messages) and messages[-1]["role"] == "assistant"
        return messages[-1]["content"] if is_turn else None

    def came(self, *kinds: Kind) -> list[Any]:
        """The values of the frames that have come, by their kinds."""
        return [
            value
            for end, kind, value in self.ends
            if kind in kinds and end <= self.read
        ]


def serve(script: Script, served: Served) -> Iterator[Piece]:
    """The response to a request.

    Args:
        script: The story.
        served: The request; what is sent is noted in it.

    Yields:
        Pieces, in order; after the last one nothing ever comes.
    """
    attempt = served.attempt
    if attempt.fault == "silent_head":
        return
    if attempt.fault == "no_head":
        yield Piece(attempt.head_delay, RESET if attempt.how == "reset" else FIN)
    elif attempt.fault == "status":
        yield from _refusal(attempt, served)
    else:
        frames = _frames(script, served) if served.is_stream else _body(script, served)
        yield from _response(attempt, served, _spoiled(attempt, list(frames)))


def _refusal(attempt: Attempt, served: Served) -> Iterator[Piece]:
    body = {"message": "The model is busy.", "type": "error", "param": None}
    if attempt.status == 400 and "stream_options" in (served.asked or {}):
        body |= {"message": "Unknown parameter", "param": "stream_options"}
    if attempt.status == 422:
        body |= {"message": "stream is not supported", "param": "stream"}
    data = _json({"error": body})
    head = f"HTTP/1.1 {attempt.status} X\r\ncontent-length: {len(data)}\r\n"
    if attempt.retry_after is not None:
        head += f"retry-after: {attempt.retry_after:g}\r\n"
    served.sent = len(head) + 2 + len(data)
    yield Piece(attempt.head_delay, f"{head}\r\n".encode())
    if attempt.how == "fin":
        served.ends.append((served.sent, "other", "end"))
        yield Piece(0.0, data)
    elif attempt.how == "reset":
        yield Piece(0.0, RESET)


def _response(attempt: Attempt, served: Served, frames: list[Frame]) -> Iterator[Piece]:
    kind = "text/event-stream" if served.is_stream else "application/json"
    head = f"content-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
    data = f"HTTP/1.1 200 OK\r\n{head}".encode()
    served.sent = len(data)
    yield Piece(attempt.head_delay, data)
    left = int(attempt.place * sum(len(frame.data) for frame in frames))
    is_cut = attempt.fault == "cut"
    for frame, delay in zip(frames, cycle(attempt.delays), strict=False):
        if frame.kind == "other" and frame.value == "silence":
            yield from _silence(attempt, served)
            return
        part = frame.data[:left] if is_cut else frame.data
        left -= len(part)
        if part:
            data = f"{len(part):x}\r\n".encode() + part + b"\r\n"
            served.sent += len(data)
            is_whole = len(part) == len(frame.data)
            is_flushed = attempt.how == "end" and len(part) >= len(frame.data.rstrip())
            if is_whole or is_flushed:
                served.ends.append((served.sent - 2, frame.kind, frame.value))
            yield Piece(delay, data)
        if is_cut and left <= 0:
            yield _end(attempt.how, served)
            return
    if attempt.ending == "open" and served.is_stream:
        return
    is_rude = attempt.ending == "close" and served.is_stream
    yield _end("fin" if is_rude else "end", served)


def _end(how: str, served: Served) -> Piece:
    data = {"fin": FIN, "reset": RESET, "end": b"0\r\n\r\n"}[how]
    if how == "end":
        served.sent += len(data)
        served.ends.append((served.sent, "other", "end"))
    return Piece(0.0, data)


def _silence(attempt: Attempt, served: Served) -> Iterator[Piece]:
    if attempt.fault == "stall":
        return
    data = b": ping\n\n" if served.is_stream else b" "
    for _ in repeat(None):
        served.sent += len(data) + 5
        yield Piece(_DRIP_SECONDS, b"%x\r\n%s\r\n" % (len(data), data))


def _spoiled(attempt: Attempt, frames: list[Frame]) -> list[Frame]:
    """The frames with the fault in them that is one of frames."""
    place = math.floor(attempt.place * len(frames))
    if attempt.fault == "error_frame":
        error = {"error": {"message": "It fell over.", "code": 500}}
        return [*frames[:place], Frame("other", b"data: %s\n\n" % _json(error))]
    if attempt.fault == "broken_frame":
        return [*frames[:place], Frame("other", b'data: {"choices": [\n\n')]
    if attempt.fault in {"stall", "drip"}:
        return [*frames[:place], Frame("other", b"", "silence")]
    return frames


def _frames(script: Script, served: Served) -> Iterator[Frame]:
    attempt = served.attempt
    text = _what_is_said(script, served)
    options = (served.asked or {}).get("stream_options") or {}
    wants_usage = bool(options.get("include_usage"))
    pieces: list[tuple[Kind, str]] = [("other", "")]
    if attempt.reasons:
        pieces += [("reasoning", one) for one in _split(script.reasoning, attempt)]
    pieces += [("text", one) for one in _split(text, attempt)]
    for kind, piece in pieces:
        if attempt.comments:
            yield Frame("other", b": keep-alive\n\n")
        name = "reasoning_content" if kind == "reasoning" else "content"
        usage = _usage(served) if attempt.usage == "every" and wants_usage else None
        yield _frame(kind, piece, {name: piece}, usage=usage)
    at_finish = attempt.usage in {"every", "finish"} and wants_usage
    usage = _usage(served) if at_finish else None
    yield _frame("finish", "stop", {}, finish="stop", usage=usage)
    if wants_usage and not at_finish:
        frame = b"data: %s\n\n" % _json({"choices": [], "usage": _usage(served)})
        yield from [Frame("usage", frame, 1)] * (2 if attempt.usage == "twice" else 1)
    if attempt.ending != "no_done":
        yield Frame("done", b"data: [DONE]\n\n")


def _frame(
    kind: Kind,
    value: str,
    delta: dict[str, str],
    *,
    finish: str | None = None,
    usage: dict[str, int] | None,
) -> Frame:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    frame: dict[str, Any] = {"id": "c", "model": "m", "choices": [choice]}
    if usage is not None:
        frame["usage"] = usage
    return Frame(kind, b"data: %s\n\n" % _json(frame), (value, usage is not None))


def _usage(served: Served) -> dict[str, int]:
    """Counts that no other attempt has, so that any sum tells its parts."""
    count = 10**served.number
    return {"prompt_tokens": count, "completion_tokens": 5, "total_tokens": count + 5}


def _body(script: Script, served: Served) -> Iterator[Frame]:
    message: dict[str, str] = {"role": "assistant", "content": script.text}
    if served.attempt.reasons:
        message["reasoning_content"] = script.reasoning
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    data = _json({"choices": [choice], "usage": _usage(served)})
    if served.attempt.fault == "error_frame":
        data = _json({"error": {"message": "It fell over.", "code": 500}})
    yield Frame("finish", data, ("stop", True))


def _what_is_said(script: Script, served: Served) -> str:
    """The text of an attempt, which may go on from the beginning that it is given."""
    prefix, said = served.continues, served.said
    text, join = script.text, script.join
    if said and join == "other" and prefix != said.rstrip():
        return OTHER_WORDS
    if prefix is None or join == "echo":
        return text
    rest = text[len(prefix) :]
    return rest.lstrip() if join == "trimmed" else rest


def _split(text: str, attempt: Attempt) -> list[str]:
    size = attempt.split
    return [text[place : place + size] for place in range(0, len(text), size)]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
