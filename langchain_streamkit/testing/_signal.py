"""One bell for all threads that wait until something about the server is so."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Signal"]


class Signal:
    """Lets other threads wait for what happens on the server's thread."""

    def __init__(self) -> None:
        self._condition = threading.Condition()

    def changed(self) -> None:
        """Make everybody who waits look again."""
        with self._condition:
            self._condition.notify_all()

    def wait(self, predicate: Callable[[], bool], timeout: float | None) -> bool:
        """Wait until the predicate holds.

        Args:
            predicate: What to wait for; asked again after each change.
            timeout: Seconds, or None for as long as it takes.

        Returns:
            What the predicate said last: False if the time ran out.
        """
        with self._condition:
            return self._condition.wait_for(predicate, timeout)
