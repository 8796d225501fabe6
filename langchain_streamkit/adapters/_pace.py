"""Draws what changes at most every so many seconds.

Strategy: the first change is drawn at once; what changes soon after waits for a timer,
so that nothing stays hidden while a stream stalls. Where drawing takes long the wait
grows with it, so that it never takes more than a fifth of the time.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pace", "later_in_a_thread"]


class _Timer(Protocol):
    def cancel(self) -> object: ...


def later_in_a_thread(seconds: float, call: Callable[[], object]) -> threading.Timer:
    """Call something later, in a thread and in today's context.

    Args:
        seconds: How much later.
        call: What to call.

    Returns:
        The timer.
    """
    timer = threading.Timer(seconds, copy_context().run, (call,))
    timer.daemon = True
    timer.start()
    return timer


class Pace:
    """When to draw.

    Args:
        draw: Draws; called under ``lock``.
        interval: Seconds between two drawings, at the least.
        later: Calls something later, as ``loop.call_later`` does.

    Attributes:
        lock: Held while it draws; hold it for what must not happen meanwhile.
    """

    def __init__(
        self,
        draw: Callable[[], object],
        interval: float,
        later: Callable[[float, Callable[[], object]], _Timer] = later_in_a_thread,
    ) -> None:
        self.lock = threading.RLock()
        self._draw = draw
        self._interval = interval
        self._later = later
        self._timer: _Timer | None = None
        self._is_stale = False

    def change(self) -> None:
        """Something has changed: draw, now or soon."""
        with self.lock:
            self._is_stale = True
            if self._timer is None:
                self._draw_now()

    def stop(self) -> None:
        """Draw no more until the next change."""
        with self.lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _draw_now(self) -> None:
        self._is_stale = False
        begun = time.monotonic()
        self._draw()
        wait = max(self._interval, 4 * (time.monotonic() - begun))
        self._timer = self._later(wait, self._draw_again)

    def _draw_again(self) -> None:
        with self.lock, suppress(OSError):  # what fails here fails the next drawing
            if self._timer is None:
                return
            self._timer = None
            if self._is_stale:
                self._draw_now()
