"""The clocks of an asynchronous read, at nearly no cost per read.

Strategy: one timer an attempt, not one a read. When it rings it looks whether the
deadline has moved meanwhile and sets itself anew, or else cancels the task that is
waiting and turns that cancellation into the error of the clock. A cancellation that
comes from outside is passed on untouched.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from langchain_streamkit._http.exchange import Exchange

__all__ = ["Watchdog"]

Result = TypeVar("Result")


class Watchdog:
    """Guards the awaits of one attempt.

    Args:
        exchange: The call, whose clocks say how long an await may take.
    """

    __slots__ = ("_deadline", "_exchange", "_has_rung", "_loop", "_task", "_timer")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = math.inf
        self._has_rung = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def guard(self, waiting: Awaitable[Result]) -> Result:
        """Await something, for no longer than the clocks allow.

        Args:
            waiting: What to await.

        Returns:
            Its result.

        Raises:
            StreamTimeoutError: If a clock runs out first.
        """
        self._task = asyncio.current_task()
        deadline = self._exchange.clocks.deadline
        if self._timer is None or deadline < self._deadline:
            self._set(deadline)
        try:
            return await waiting
        except asyncio.CancelledError:
            if not self._has_rung or self._task is None or self._task.uncancel() > 0:
                raise
            self._exchange.check_clocks()
            raise
        finally:
            self._task = None

    def _set(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._deadline = deadline
        left = deadline - self._exchange.now()
        if left != math.inf:
            self._timer = self._loop.call_later(max(0.0, left), self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._task is None:
            return  # the reader holds a chunk; the next await sets the timer anew
        deadline = self._exchange.clocks.deadline
        if deadline > self._exchange.now():
            self._set(deadline)
            return
        self._has_rung = True
        self._task.cancel()
