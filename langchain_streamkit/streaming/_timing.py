"""How fast a stream came, as its reader saw it.

Strategy: one look at the clock for each piece of content; all arithmetic waits for
the end of the stream.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Stopwatch"]


class Stopwatch:
    """Notes when content arrives.

    Args:
        clock: Seconds of a clock that only goes forward.
    """

    __slots__ = ("_arrivals", "_clock", "_started", "mark")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started = clock()
        self._arrivals: list[float] = []
        note = self._arrivals.append
        self.mark: Callable[[], None] = lambda: note(clock())

    def timing(self, output_tokens: int | None) -> dict[str, float | None]:
        """The figures of the whole stream; None where there is nothing to measure.

        Args:
            output_tokens: The tokens of all answers, or None if nobody counted.

        Returns:
            ``first_token_seconds`` (from the call to the first content),
            ``total_seconds``, ``gap_p50_seconds`` and ``gap_p95_seconds`` (between
            one piece of content and the next), ``tokens_per_second`` (from the first
            content to the end).
        """
        end = self._clock()
        arrivals = self._arrivals
        first = arrivals[0] - self._started if arrivals else None
        gaps = sorted(later - earlier for earlier, later in pairwise(arrivals))
        spent = end - arrivals[0] if arrivals else 0.0
        return {
            "first_token_seconds": first,
            "total_seconds": end - self._started,
            "gap_p50_seconds": _percentile(gaps, 50),
            "gap_p95_seconds": _percentile(gaps, 95),
            "tokens_per_second": (
                output_tokens / spent if output_tokens and spent > 0 else None
            ),
        }


def _percentile(ordered: list[float], percent: int) -> float | None:
    """The smallest value that so many in a hundred do not exceed (nearest rank)."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
