"""What an answer is made of: steps that the server takes one after another.

Strategy: everything that the server can say, from a plain greeting to a connection
that dies in the middle of a multi-byte character, is a list of these steps. Replies
and faults only build or change such lists, so there is one engine, and whatever a
server on the wire can do to a client can be written down.

Example:
    >>> from langchain_streamkit.testing import Reply, Reset, Send, Wait
    >>> reply = Reply.script(
    ...     Send(b'data: {"choices":[{"delta":{"content":"Hel'),
    ...     Wait(0.05),
    ...     Reset(),
    ... )
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Close",
    "Framing",
    "Gate",
    "Hang",
    "Head",
    "Hold",
    "Raw",
    "Reset",
    "Response",
    "Send",
    "Step",
    "Wait",
    "WaitUntil",
]

Framing: TypeAlias = Literal["chunked", "length", "close", "raw"]


@dataclass(frozen=True, slots=True)
class Head:
    """Send the status line and the headers now.

    A script without this step sends them first. Put it later to do something
    before the headers: ``Reply.script(Wait(2), Head(), Send(...))``.
    """


@dataclass(frozen=True, slots=True)
class Send:
    """Write bytes of the body, in one socket write and as one HTTP chunk.

    Attributes:
        data: The bytes.
    """

    data: bytes


@dataclass(frozen=True, slots=True)
class Raw:
    """Write bytes as they are, outside of the body's framing.

    For what no well-behaved server sends: a broken chunk header, half a chunk, a
    ``103 Early Hints`` before the head.

    Attributes:
        data: The bytes.
    """

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for a while.

    Attributes:
        seconds: How long.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Do nothing until so long after the request; nothing if that is past.

    Attributes:
        seconds: How long after the request had come.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Do nothing until the test opens a gate.

    Attributes:
        gate: The gate.
    """

    gate: Gate


@dataclass(frozen=True, slots=True)
class Hang:
    """Do nothing until the client leaves or the server stops."""


@dataclass(frozen=True, slots=True)
class Reset:
    """End the connection with a TCP reset.

    What the client's own system has received before can still be read by it on
    Linux; other systems may throw it away.
    """


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection in the orderly TCP way (FIN), whatever is still owed."""


Step: TypeAlias = Head | Send | Raw | Wait | WaitUntil | Hold | Hang | Reset | Close


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer, ready for the connection that is to give it.

    Attributes:
        steps: What to do. Without a ``Head`` among them no head is sent.
        status: The HTTP status.
        headers: Names and values, in their order.
        framing: How the body is delimited: ``"chunked"``, ``"length"`` (then a
            ``content-length`` is among the headers), ``"close"`` (the end of the
            connection ends it), or ``"raw"``: the steps hold every byte, the
            status line included.
    """

    steps: Iterable[Step]
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    framing: Framing = "chunked"


class Gate:
    r"""A point in an answer where the server waits for the test.

    It replaces sleeping: the test knows that the server has come so far, looks at
    the client, and lets the server go on. Once open it stays open, so one gate can
    hold many streams.

    Example:
        >>> from langchain_streamkit.testing import Gate, Hold, Reply, Send
        >>> gate = Gate()
        >>> reply = Reply.script(Send(b"data: 1\n\n"), Hold(gate), Send(b"data: 2\n\n"))
        >>> gate.is_open
        False
        >>> gate.open()
        >>> gate.is_open
        True
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = False
        self._reached = threading.Event()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    @property
    def is_open(self) -> bool:
        """True from the first call of ``open``."""
        return self._open

    def open(self) -> None:
        """Let everything that waits here go on, from any thread."""
        with self._lock:
            self._open = True
            waiting, self._waiting = self._waiting, []
        for loop, future in waiting:
            with contextlib.suppress(RuntimeError):  # that server has stopped
                loop.call_soon_threadsafe(_release, future)

    def wait_reached(self, timeout: float | None = 5.0) -> bool:
        """Wait until a server has come to this gate.

        Args:
            timeout: Seconds, or None for as long as it takes.

        Returns:
            False if the time ran out.
        """
        return self._reached.wait(timeout)

    async def await_reached(self, timeout: float | None = 5.0) -> bool:  # noqa: ASYNC109 - the twin of wait_reached
        """``wait_reached`` for async tests: the event loop keeps running."""
        return await asyncio.to_thread(self.wait_reached, timeout)

    async def passed(self) -> None:
        """Wait, on the server's thread, until the gate is open."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if not self._open:
                self._waiting.append((loop, future))
        self._reached.set()
        if not self._open:
            await future


def _release(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
