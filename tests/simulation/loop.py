"""An event loop whose time passes only where nobody has anything to do.

Strategy: asyncio's own loop asks a selector to wait for sockets; this one has none,
and waiting is adding to a number. A turn of the loop can be given something to do, so
that a cancellation can fall upon any await of the program.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Clock", "HungError", "VirtualLoop"]


class HungError(BaseException):
    """The program waits, and nothing will ever come: no clock runs either."""


class Clock:
    """The time, in seconds; whoever waits moves it on."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Seconds since the beginning."""
        return self.now

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop on a clock of its own.

    Args:
        clock: The clock.
        horizon: When a program has hung though it keeps busy, in seconds.
    """

    def __init__(self, clock: Clock, horizon: float) -> None:
        super().__init__()
        self._selector = self
        self._clock = clock
        self._horizon = horizon
        self.turns = 0
        self.at_turn: dict[int, Callable[[], Any]] = {}

    def time(self) -> float:
        return self._clock.now

    def select(self, timeout: float | None) -> tuple[()]:
        """Wait: asyncio calls this once a turn."""
        self.turns += 1
        act = self.at_turn.pop(self.turns, None)
        if act is not None:
            act()
            return ()
        if timeout is None or self._clock.now > self._horizon:
            raise HungError(f"at {self._clock.now:.3f} s, turn {self.turns}")
        if timeout > 0:
            self._clock.wait(timeout)
        return ()

    def _process_events(self, event_list: object) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """There is no other thread to wake the loop from."""
