r"""What can go wrong with an answer, as changes to its steps.

Strategy: a reply renders to steps, one ``Send`` a frame; a fault is a function from
steps to steps. Faults are applied in the order they are listed, each to what the
one before it made, so they combine: a comment inserted after the first frame, then
a reset after the second, through gzip. Where a fault counts frames, it counts what
reaches it; a JSON body is one frame.

Recipes, with ``Reply("...", faults=[...])`` where nothing else is said::

    a cut stream                 Cut(after_frames=2), also how="reset", how="end"
    half a frame, then the end   Rewrite(broken_json, 2), Cut(after_frames=3)
    invalid UTF-8                Insert(b"data: \xff\n\n", after_frames=1)
    a stall, a drip              Stall(after_frames=1), Drip(after_frames=1)
    an error inside a 200        ErrorFrame("overloaded", "event", after_frames=1)
    a line of 50 MB              Insert(b"data: " + b"x" * 50_000_000)
    something after [DONE]       Insert(b"data: {}\n\n", after_frames=10**6)
    frames sent twice            Rewrite(lambda frame: frame * 2)
    gzip, a bomb                 Compress(), Reply.bomb()
    a login page                 Reply.body("<html>", content_type="text/html")
    an empty answer              Reply.body(b"")
    a body in place of a stream  Reply("...", as_stream=False)
    no content type              Reply("...", headers={"content-type": None})
    an HTTP error, a redirect    Reply.error(429, retry_after=2), Reply.redirect(url)
    bytes that are no HTTP       Reply.script(Raw(b"..."), framing="raw")
    no connection                unreachable(), on_connect=[Reset()], a stopped server

Example:
    >>> from langchain_streamkit.testing import Cut, Insert, Reply
    >>> reply = Reply(
    ...     "Hello there, friend",
    ...     faults=[Insert(b": ping\\n\\n", after_frames=1), Cut(after_frames=3)],
    ... )
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from itertools import count, islice
from typing import TYPE_CHECKING, ClassVar, Literal

from typing_extensions import override

from langchain_streamkit.testing._errors import FrameShape, Trouble, render_error_frame
from langchain_streamkit.testing.steps import Close, Hang, Head, Reset, Send, Step, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "Compress",
    "Cut",
    "Drip",
    "ErrorFrame",
    "Fault",
    "Insert",
    "Rewrite",
    "Stall",
    "broken_json",
]


class Fault:
    """One thing that goes wrong; subclass it for your own."""

    endless: ClassVar[bool] = False
    """True if nobody knows beforehand how long the body becomes."""

    @property
    def headers(self) -> dict[str, str]:
        """Headers that the fault adds to the response."""
        return {}

    def apply(self, steps: Iterator[Step]) -> Iterator[Step]:
        """The steps with the fault in them.

        Args:
            steps: The steps from ``Head()`` on.

        Returns:
            What is to be done instead.
        """
        return steps


def _until(steps: Iterator[Step], frames: int) -> Iterator[Step]:
    """Pass on the head and so many frames."""
    sent = 0
    for step in steps:
        yield step
        sent += isinstance(step, Send)
        if isinstance(step, Head | Send) and sent >= frames:
            return


@dataclass(frozen=True)
class Cut(Fault):
    """The answer ends too early.

    Attributes:
        after_frames: How many frames are sent before.
        after_bytes: Instead: how many bytes of the body are sent before.
        before_headers: Instead: nothing at all is sent.
        how: ``"close"`` ends the connection in the orderly TCP way (within chunked
            framing an incomplete body), ``"reset"`` by a TCP reset, and ``"end"``
            ends the body as if it were complete.
    """

    after_frames: int = 0
    after_bytes: int | None = None
    before_headers: bool = False
    how: Literal["close", "reset", "end"] = "close"

    @override
    def apply(self, steps: Iterator[Step]) -> Iterator[Step]:
        """Pass on the start, then end."""
        if not self.before_headers:
            yield from (
                _until(steps, self.after_frames)
                if self.after_bytes is None
                else _until_byte(steps, self.after_bytes)
            )
        if self.how != "end":
            yield Reset() if self.how == "reset" else Close()


def _until_byte(steps: Iterator[Step], limit: int) -> Iterator[Step]:
    left = limit
    for step in steps:
        if not isinstance(step, Send):
            yield step
        elif len(step.data) < left:
            left -= len(step.data)
            yield step
        else:
            yield Send(step.data[:left])
            return


@dataclass(frozen=True)
class Stall(Fault):
    """The answer stops coming.

    Attributes:
        after_frames: How many frames are sent before.
        before_headers: Instead: not even the headers are sent.
        seconds: For how long; None until the client leaves.
    """

    after_frames: int = 0
    before_headers: bool = False
    seconds: float | None = None

    @override
    def apply(self, steps: Iterator[Step]) -> Iterator[Step]:
        """Pass on the start, wait, and go on if there is an end to the waiting."""
        if not self.before_headers:
            yield from _until(steps, self.after_frames)
        yield Hang() if self.seconds is None else Wait(self.seconds)
        yield from steps


@dataclass(frozen=True)
class Drip(Fault):
    r"""Bytes that are no progress keep coming.

    Attributes:
        data: What is sent each time; by default an SSE comment.
        every: Seconds between two of them.
        times: How many; None for ever, so that the answer never ends.
        after_frames: How many frames are sent before.

    Example:
        >>> Drip(b"data: {}\n\n", every=0.01, after_frames=1).times is None
        True
    """

    endless: ClassVar[bool] = True
    data: bytes = b": ping\n\n"
    every: float = 0.05
    times: int | None = None
    after_frames: int = 0

    @override
    def apply(self, steps: Iterator[Step]) -> Iterator[Step]:
        """Pass on the start, drip, and go on if there is an end to it."""
        yield from _until(steps, self.after_frames)
        for _ in islice(count(), self.times):
            yield Wait(self.every)
            yield Send(self.data)
        yield from steps


@dataclass(frozen=True)
class Insert(Fault):
    """Bytes that do not belong there: garbage, a comment, a line of 50 MB.

    Attributes:
        data: The bytes; they are sent as they are.
        after_frames: How many frames are sent before.
    """

    data: bytes = field(repr=False)
    after_frames: int = 0

    @override
    def apply(self, steps: Iterator[Step]) -> Iterator[Step]:
        """Pass on the start, then the bytes, then the rest."""
        yield from _until(steps, self.after_frames)
        yield Send(self.data)
        yield from steps


@dataclass(frozen=True)
class Rewrite(Fault):
    r"""Frames are changed on their way.

    Attributes:
        change: From a frame's bytes to what is sent instead; ``b""`` drops it,
            ``frame * 2`` sends it twice.
        after_frames: Only the frame after so many others; None for every frame.

    Example:
        >>> Rewrite(lambda frame: frame.replace(b"\n", b"\r\n")).after_frames
    """

    change: Callable[[bytes], bytes]
    after_frames: int | None = None

    @override
    def apply(self, steps: Iterator[Step]) -> Iterator[Step]:
        """Change the one frame, or all."""
        if self.after_frames is not None:
            yield from _until(steps, self.after_frames)
        for step in steps:
            if not isinstance(step, Send):
                yield step
                continue
            changed = self.change(step.data)
            if changed:
                yield Send(changed)
            if self.after_frames is not None:
                break
        yield from steps


def broken_json(frame: bytes) -> bytes:
    r"""Half of a frame, ended like a whole one: for ``Rewrite(broken_json, 2)``.

    Example:
        >>> broken_json(b'data: {"a": 1}\n\n')
        b'data: {"\n\n'
    """
    return frame[: len(frame) // 2].rstrip() + b"\n\n"


@dataclass(frozen=True)
class ErrorFrame(Fault):
    """The server reports an error inside its 200 stream.

    Attributes:
        message: What it says.
        shape: How it says it; see ``FrameShape``.
        after_frames: How many frames are sent before.
        status: The HTTP status that it names, where the shape has one.
        type: The kind of error; None for the usual one of the status.
        code: The server's own word for it.
        ends: True if the body ends with it, properly and without ``[DONE]``; False
            if the rest of the answer follows.
    """

    message: str = "The model has crashed."
    shape: FrameShape = "openai"
    after_frames: int = 0
    status: int = 500
    type: str | None = None
    code: str | int | None = None
    ends: bool = True

    @override
    def apply(self, steps: Iterator[Step]) -> Iterator[Step]:
        """Pass on the start, then the error, then the rest if it is not the end."""
        trouble = Trouble(
            status=self.status, message=self.message, type=self.type, code=self.code
        )
        yield from _until(steps, self.after_frames)
        yield Send(render_error_frame(trouble, self.shape))
        if not self.ends:
            yield from steps


_WINDOW_BITS = {"gzip": 31, "deflate": 15}


@dataclass(frozen=True)
class Compress(Fault):
    """The body is compressed, each frame flushed on its own.

    Attributes:
        coding: ``"gzip"`` or ``"deflate"``.
        corrupt: True if what is sent from the second frame on cannot be decoded.
    """

    coding: Literal["gzip", "deflate"] = "gzip"
    corrupt: bool = False

    @property
    @override
    def headers(self) -> dict[str, str]:
        """The content-encoding."""
        return {"content-encoding": self.coding}

    @override
    def apply(self, steps: Iterator[Step]) -> Iterator[Step]:
        """Compress what is sent."""
        encoder = zlib.compressobj(wbits=_WINDOW_BITS[self.coding])
        frames = 0
        for step in steps:
            if isinstance(step, Send):
                frames += 1
                data = encoder.compress(step.data) + encoder.flush(zlib.Z_SYNC_FLUSH)
                spoil = self.corrupt and frames > 1
                yield Send(b"\xff" * len(data) if spoil else data)
            else:
                yield step
        yield Send(encoder.flush())
