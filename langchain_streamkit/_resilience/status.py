"""Who is told what a call is busy with, beside its chunks.

Strategy: a status is no chunk, for a chunk would be taken for the start of the
answer. It goes to a listener in a context variable, which whoever wants to hear
sets around the call; where nobody does, nothing is made. A listener in another
thread may leave while the call waits for its server, and then the wait must end.
"""

from __future__ import annotations

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
        interrupt: What ends the read that a call waits in, if one does.
    """

    __slots__ = ("has_left", "interrupt", "tell")

    def __init__(self, tell: Callable[[StatusEvent], None]) -> None:
        self.tell = tell
        self.has_left = False
        self.interrupt: Callable[[], None] | None = None

    def leave(self) -> None:
        """Say, from another thread, that nobody waits any more."""
        self.has_left = True
        if self.interrupt is not None:
            self.interrupt()


status_listener: ContextVar[StatusListener | None] = ContextVar(
    "streamkit_status_listener", default=None
)
"""The listener of the calls that are made now."""
