"""The clocks of one stream: first token, stall, total.

Strategy: only content is progress; comments, empty frames and the role are not. The
clocks of the first token and of stalls stand still while the reader holds a chunk,
for the server cannot help that; the total runs on. Times are passed in, from any
monotonic clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from langchain_streamkit.errors import (
    FirstTokenTimeoutError,
    StallTimeoutError,
    StreamTimeoutError,
    TotalTimeoutError,
)

__all__ = ["StreamClocks", "Timeouts"]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The bounds of one stream, in seconds; None for no bound.

    Attributes:
        first_token: From the request to the first content.
        stall: Between one piece of content and the next.
        total: For all attempts together.
        whole: From the request to the end of an answer that is not streamed, which
            knows neither a first token nor stalls.
    """

    first_token: float | None = 600.0
    stall: float | None = 120.0
    total: float | None = None
    whole: float | None = 600.0


class StreamClocks:
    """Says how long a read may wait, and which clock ran out.

    Args:
        timeouts: The bounds.
        now: When the call began, in seconds of a monotonic clock.
    """

    __slots__ = (
        "_ends",
        "_has_progress",
        "_held_since",
        "_is_stream",
        "_mark",
        "_started",
        "_timeouts",
    )

    def __init__(self, timeouts: Timeouts, now: float) -> None:
        self._timeouts = timeouts
        self._started = now
        self._mark = now
        self._ends = math.inf
        self._has_progress = False
        self._is_stream = True
        self._held_since: float | None = None

    def begin_attempt(self, now: float, *, is_stream: bool = True) -> None:
        """A request goes out: the first token, or the whole answer, is awaited anew."""
        self._mark = now
        self._ends = math.inf
        self._has_progress = False
        self._is_stream = is_stream

    def progress(self, now: float) -> None:
        """Content has come."""
        self._mark = now
        self._has_progress = True

    def hold(self, now: float) -> None:
        """The reader has taken a chunk."""
        if self._held_since is None:
            self._held_since = now

    def release(self, now: float) -> None:
        """The reader has come back for the next one."""
        if self._held_since is not None:
            self._mark += now - self._held_since
            self._held_since = None

    def end_in(self, seconds: float, now: float) -> None:
        """What matters has come: allow no more than this for the rest of it."""
        self._ends = now + seconds

    @property
    def deadline(self) -> float:
        """When the first of the clocks runs out, or infinity."""
        wait = self._wait
        ends = self._ends if wait is None else min(self._ends, self._mark + wait)
        total = self._timeouts.total
        return ends if total is None else min(ends, self._started + total)

    def seconds_left(self, now: float) -> float | None:
        """What remains of the total time; None for no bound."""
        total = self._timeouts.total
        return None if total is None else self._started + total - now

    def expired(self, now: float, where: str) -> StreamTimeoutError | None:
        """The error of the clock that has run out, if one has.

        Args:
            now: The time.
            where: The server and the model, for the message.

        Returns:
            An error that names the clock and its parameter, or None.
        """
        total, wait = self._timeouts.total, self._wait
        if total is not None and now >= self._started + total:
            return TotalTimeoutError(
                f"timeout: the answer of {where} was not whole within "
                f"total_timeout={total:g} seconds."
            )
        if wait is None or now < self._mark + wait:
            return None
        if not self._is_stream:
            return StreamTimeoutError(
                f"timeout: {where} did not send its whole answer within "
                f"timeout={wait:g} seconds."
            )
        if self._has_progress:
            return StallTimeoutError(
                f"timeout: {where} stalled: no content for "
                f"stall_timeout={wait:g} seconds."
            )
        return FirstTokenTimeoutError(
            f"timeout: {where} sent no content within "
            f"first_token_timeout={wait:g} seconds."
        )

    @property
    def _wait(self) -> float | None:
        timeouts = self._timeouts
        if not self._is_stream:
            return timeouts.whole
        return timeouts.stall if self._has_progress else timeouts.first_token
