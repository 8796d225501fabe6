"""A reply -> the response that a connection can play."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_streamkit.testing._frames import render_body, render_frames
from langchain_streamkit.testing.steps import (
    Close,
    Hang,
    Head,
    Reset,
    Response,
    Send,
    Wait,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from langchain_streamkit.testing._frames import Asked
    from langchain_streamkit.testing.replies import Reply
    from langchain_streamkit.testing.steps import Step

__all__ = ["render"]

_STREAM_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
}


def render(reply: Reply, asked: Asked) -> Response:
    """The response to one request.

    Args:
        reply: What to answer.
        asked: What of the request matters for the form of it.

    Returns:
        Steps, status and headers; the steps are lazy wherever the body's length
        need not be known.
    """
    stream = asked.stream if reply.as_stream is None else reply.as_stream
    streamed = stream if reply.steps is None else reply.framing != "length"
    framing = reply.framing or ("chunked" if streamed else "length")
    if framing == "length" and any(fault.endless for fault in reply.faults):
        framing = "chunked"

    def steps() -> Iterator[Step]:
        if reply.head_delay:
            yield Wait(reply.head_delay)
        if reply.steps is not None:
            yield from _paced(reply.steps, reply.frame_delay)
        elif stream:
            yield from _stream_steps(reply, asked)
        else:
            yield from (Head(), Send(render_body(reply, asked)))

    faulty: Iterator[Step] = steps()
    headers: dict[str, str | None] = dict(
        _STREAM_HEADERS if streamed else {"content-type": "application/json"}
    )
    headers["x-request-id"] = f"req_{asked.number:06d}"
    for fault in reply.faults:
        faulty = iter(fault.apply(faulty))
        headers |= fault.headers
    played: Iterable[Step] = faulty
    if framing == "length":
        played = list(faulty)
        headers["content-length"] = str(_length(played, steps()))
    if reply.frames_per_send > 1:
        played = _grouped(played, reply.frames_per_send)
    return Response(played, reply.status, _merged(headers, reply.headers), framing)


def _stream_steps(reply: Reply, asked: Asked) -> Iterator[Step]:
    roles, others = render_frames(reply, asked)
    yield Head()
    yield from map(Send, roles)
    if reply.first_delay:
        yield Wait(reply.first_delay)
    yield from _paced(map(Send, others), reply.frame_delay)


def _paced(steps: Iterable[Step], delay: float) -> Iterator[Step]:
    """The steps with a wait between any two sends."""
    sent = False
    for step in steps:
        if isinstance(step, Send) and delay:
            if sent:
                yield Wait(delay)
            sent = True
        yield step


def _grouped(steps: Iterable[Step], size: int) -> Iterator[Step]:
    """The steps with every so many sends joined, after the waits between them."""
    held: list[bytes] = []
    seconds = 0.0

    def release() -> Iterator[Step]:
        nonlocal seconds
        if seconds:
            yield Wait(seconds)
        if held:
            yield Send(b"".join(held))
        held.clear()
        seconds = 0.0

    for step in steps:
        match step:
            case Send(data):
                held.append(data)
                if len(held) == size:
                    yield from release()
            case Wait(more):
                seconds += more
            case _:
                yield from release()
                yield step
    yield from release()


def _length(played: list[Step], intended: Iterable[Step]) -> int:
    """The content-length: a body that is cut announces what it should have been."""
    sent = _size(played)
    if any(isinstance(step, Close | Reset | Hang) for step in played):
        return max(_size(intended), sent)
    return sent


def _size(steps: Iterable[Step]) -> int:
    return sum(len(step.data) for step in steps if isinstance(step, Send))


def _merged(
    ours: Mapping[str, str | None], theirs: Mapping[str, str | None]
) -> tuple[tuple[str, str], ...]:
    merged = {**ours, **{name.lower(): value for name, value in theirs.items()}}
    return tuple((name, value) for name, value in merged.items() if value is not None)
