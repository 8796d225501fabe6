"""Whether to ask again, and after how long."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit import errors
from langchain_streamkit._resilience.retry import RetryPolicy, final
from langchain_streamkit.errors import (
    RateLimitError,
    ServerError,
    StreamKitError,
    TotalTimeoutError,
)

POLICY = RetryPolicy()


def delay(
    error: StreamKitError,
    attempt: int = 1,
    *,
    seconds_left: float | None = None,
    jitter: float = 0.0,
    should_retry: bool | None = None,
    policy: RetryPolicy = POLICY,
) -> float | None:
    return policy.delay_after(
        error,
        attempt=attempt,
        seconds_left=seconds_left,
        jitter=jitter,
        should_retry=should_retry,
    )


RETRIED = {
    *("RateLimitError", "ServerError", "ProtocolError", "ConnectionFailedError"),
    *("StreamInterruptedError", "StreamTimeoutError", "ConnectTimeoutError"),
    *("FirstTokenTimeoutError", "StallTimeoutError"),
}
FINAL_WHATEVER_IS_SAID = {
    "ConfigurationError",
    "QuotaExceededError",
    "TotalTimeoutError",
}


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_retried_or_final(name: str) -> None:
    error = getattr(errors, name)("x")
    assert (delay(error) is not None) is (name in RETRIED)
    assert delay(error, should_retry=False) is None
    said = delay(error, should_retry=True)
    assert (said is None) is (name in FINAL_WHATEVER_IS_SAID)


@pytest.mark.parametrize("max_retries", [0, 1, 2, 5])
def test_no_more_attempts_than_the_policy_allows(max_retries: int) -> None:
    policy = RetryPolicy(max_retries)
    made = [delay(ServerError("x"), n, policy=policy) is not None for n in range(1, 9)]
    assert made == [n <= max_retries for n in range(1, 9)]


def test_waits_double_up_to_a_bound() -> None:
    policy = RetryPolicy(10**6)
    waits = [
        delay(ServerError("x"), n, policy=policy) for n in (1, 2, 3, 4, 5, 6, 99999)
    ]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert delay(ServerError("x"), 1, jitter=1.0) == 0.375


def test_what_the_server_asks_for_is_kept() -> None:
    assert delay(RateLimitError("x", retry_after=3.0)) == 3.0
    assert delay(RateLimitError("x", retry_after=0.0)) == 0.0
    assert delay(RateLimitError("x", retry_after=3.0), jitter=1.0) == 3.75
    assert delay(RateLimitError("x", retry_after=100.0), jitter=1.0) == 101.0


@pytest.mark.parametrize("asked", [120.1, 3600.0, 1e300, math.inf])
def test_what_is_too_long_to_wait_for_is_final(asked: float) -> None:
    assert delay(RateLimitError("x", retry_after=asked)) is None


@pytest.mark.parametrize("asked", [math.nan, -1.0, -math.inf])
def test_what_is_no_wait_is_as_if_nothing_were_asked(asked: float) -> None:
    assert delay(RateLimitError("x", retry_after=asked)) == 0.5


def test_a_wait_that_would_pass_the_deadline_is_not_begun() -> None:
    asks = RateLimitError("x", retry_after=5.0)
    assert delay(asks, seconds_left=5.1) == 5.0
    for seconds_left in (5.0, 1.0, 0.0, -3.0):
        assert delay(asks, seconds_left=seconds_left) is None
    assert delay(ServerError("x"), seconds_left=0.5) is None
    assert delay(RateLimitError("x", retry_after=0.0), seconds_left=0.0) is None


@given(
    kind=st.sampled_from([ServerError, RateLimitError, TotalTimeoutError]),
    asked=st.none() | st.floats(),
    attempt=st.integers(1, 5000),
    seconds_left=st.none() | st.floats(allow_nan=False),
    jitter=st.floats(0, 1),
    said=st.none() | st.booleans(),
)
def test_no_wait_is_negative_endless_or_past_the_deadline(
    kind: type[StreamKitError],
    *,
    asked: float | None,
    attempt: int,
    seconds_left: float | None,
    jitter: float,
    said: bool | None,
) -> None:
    found = delay(
        kind("x", retry_after=asked),
        attempt,
        seconds_left=seconds_left,
        jitter=jitter,
        should_retry=said,
        policy=RetryPolicy(10_000),
    )
    if found is None:
        return
    assert 0 <= found <= 121
    assert seconds_left is None or found < seconds_left
    assert asked is None or math.isnan(asked) or found >= asked
    assert said is not False


def test_an_error_can_be_made_final() -> None:
    error = ServerError("x")
    assert final(error) is error
    assert delay(error) is None
    assert delay(ServerError("x")) is not None
