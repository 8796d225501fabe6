"""Who is told what a call is busy with, beside its chunks.

Strategy: a status is no chunk, for a chunk would be taken for the start of the
answer. It goes to a listener in a context variable, which whoever wants to hear
sets around the call; where nobody does, nothing is made. A listener in another
thread may leave while calls wait for their servers, and then every wait must end.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_streamkit.events import StatusEvent

__all__ = ["StatusListener", "status_listener"]


class StatusListener:
    """Hears the calls that are made in its context.

    Args:
        tell: Takes a status, in the thread and the task of the call, at once; it must
            not wait.

    Attributes:
        has_left: Whether nobody waits for these calls any more.
        closer: The thread that closes their stream then, if one does.
    """

    __slots__ = ("_interrupts", "_lock", "closer", "has_left", "tell")

    def __init__(self, tell: Callable[[StatusEvent], None]) -> None:
        self.tell = tell
        self.has_left = False
        self.closer: int | None = None
        self._interrupts: dict[object, Callable[[], None]] = {}
        self._lock = threading.Lock()

    def reads(self, call: object, interrupt: Callable[[], None]) -> None:
        """Say that a call reads from a connection of its own from now on.

        Args:
            call: The call.
            interrupt: Ends its reads, from another thread.
        """
        with self._lock:
            self._interrupts[call] = interrupt
            if self.has_left:
                interrupt()

    def has_read(self, call: object) -> None:
        """Say that it does so no more: its connection may serve another call."""
        with self._lock:
            self._interrupts.pop(call, None)

    def leave(self) -> None:
        """Say, from another thread, that nobody waits any more."""
        with self._lock:
            self.has_left = True
            for interrupt in self._interrupts.values():
                interrupt()


status_listener: ContextVar[StatusListener | None] = ContextVar(
    "streamkit_status_listener", default=None
)
"""The listener of the calls that are made now."""
