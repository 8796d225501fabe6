"""Whether to ask again, and after how long.

Strategy: before the first content a failed attempt has cost the reader nothing, so
what may succeed next time is tried again, quietly. A wait that the server asks for
is kept, with a little jitter; without one, waits double. A wait that would pass the
deadline is not begun.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from langchain_streamkit.errors import (
    ConfigurationError,
    QuotaExceededError,
    StreamKitError,
    TotalTimeoutError,
)

__all__ = ["RetryPolicy", "final"]

Failure = TypeVar("Failure", bound=StreamKitError)

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 8.0
_MOST_DOUBLINGS = 10
_LONGEST_ASKED = 120.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The bounds of trying again.

    Attributes:
        max_retries: How many attempts may follow the first.
    """

    max_retries: int = 2

    def delay_after(
        self,
        error: StreamKitError,
        *,
        attempt: int,
        seconds_left: float | None,
        jitter: float,
        should_retry: bool | None = None,
    ) -> float | None:
        """The wait before the next attempt.

        Args:
            error: Why the attempt failed, before any content.
            attempt: Its number, from 1.
            seconds_left: What remains of the total time, or None for no bound.
            jitter: A random number from 0 to 1.
            should_retry: The server's own word (``x-should-retry``), if it gave one.

        Returns:
            Seconds, or None if the error is final.
        """
        if attempt > self.max_retries or not _may_retry(error, should_retry):
            return None
        asked = error.retry_after
        if asked is not None and asked > _LONGEST_ASKED:
            return None
        if asked is not None and asked >= 0:
            delay = asked + jitter * min(0.25 * asked, 1.0)
        else:
            doubled = _FIRST_DELAY * 2.0 ** min(attempt - 1, _MOST_DOUBLINGS)
            longest = min(doubled, _LONGEST_DELAY)
            delay = longest * (1 - 0.25 * jitter)
        if seconds_left is not None and delay >= seconds_left:
            return None
        return delay


def final(error: Failure) -> Failure:
    """An error that no second attempt mends, whatever its class says.

    Args:
        error: The error, which is changed.

    Returns:
        The same error.
    """
    error.is_retryable = False
    return error


def _may_retry(error: StreamKitError, should_retry: bool | None) -> bool:
    never = (ConfigurationError, QuotaExceededError, TotalTimeoutError)
    if isinstance(error, never):
        return False
    return error.is_retryable if should_retry is None else should_retry
