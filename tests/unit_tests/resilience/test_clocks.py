"""The clocks of one stream, with times passed in."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit._resilience.clocks import StreamClocks, Timeouts
from langchain_streamkit.errors import (
    FirstTokenTimeoutError,
    StallTimeoutError,
    StreamTimeoutError,
    TotalTimeoutError,
)

TIMEOUTS = Timeouts(first_token=10.0, stall=3.0, total=60.0, whole=20.0)


def started(timeouts: Timeouts = TIMEOUTS, now: float = 100.0) -> StreamClocks:
    clocks = StreamClocks(timeouts, now)
    clocks.begin_attempt(now)
    return clocks


def kind(clocks: StreamClocks, now: float) -> type[StreamTimeoutError] | None:
    error = clocks.expired(now, "Here")
    return None if error is None else type(error)


def test_the_first_token_is_awaited_until_it_comes() -> None:
    clocks = started()
    assert clocks.deadline == 110.0
    assert kind(clocks, 109.9) is None
    assert kind(clocks, 110.0) is FirstTokenTimeoutError
    clocks.progress(109.0)
    assert kind(clocks, 110.0) is None


def test_every_content_starts_the_stall_clock_anew() -> None:
    clocks = started()
    for now in (101.0, 103.0, 105.9):
        clocks.progress(now)
        assert clocks.deadline == now + 3.0
    assert kind(clocks, 108.8) is None
    assert kind(clocks, 108.9) is StallTimeoutError


def test_the_total_runs_over_all_attempts_and_holds() -> None:
    clocks = started()
    clocks.progress(101.0)
    clocks.hold(101.0)
    clocks.release(158.0)
    assert clocks.deadline == 160.0
    assert kind(clocks, 159.9) is None
    clocks.begin_attempt(159.0)
    assert clocks.deadline == 160.0
    assert kind(clocks, 160.0) is TotalTimeoutError
    assert clocks.seconds_left(159.0) == 1.0
    assert clocks.seconds_left(161.0) == -1.0


def test_a_new_attempt_awaits_its_own_first_token() -> None:
    clocks = started()
    clocks.progress(101.0)
    clocks.begin_attempt(120.0)
    assert clocks.deadline == 130.0
    assert kind(clocks, 130.0) is FirstTokenTimeoutError


def test_a_stall_does_not_count_while_the_reader_holds_a_chunk() -> None:
    clocks = started()
    clocks.progress(101.0)
    clocks.hold(102.0)
    clocks.release(150.0)
    assert clocks.deadline == 152.0  # one of three seconds had passed before
    assert kind(clocks, 151.9) is None
    assert kind(clocks, 152.0) is StallTimeoutError


def test_holding_twice_is_holding_once_and_releasing_nothing_does_nothing() -> None:
    clocks = started()
    clocks.progress(101.0)
    clocks.hold(101.0)
    clocks.hold(110.0)
    clocks.release(120.0)
    clocks.release(130.0)
    assert clocks.deadline == 123.0


def test_the_first_token_does_not_count_while_the_reader_is_busy() -> None:
    clocks = started()
    clocks.hold(105.0)
    clocks.release(115.0)
    assert clocks.deadline == 120.0


@pytest.mark.parametrize(
    "timeouts", [Timeouts(None, None, None, None), Timeouts(None, None)]
)
def test_without_bounds_nothing_runs_out(timeouts: Timeouts) -> None:
    clocks = started(timeouts)
    for _ in range(2):
        assert clocks.deadline == math.inf
        assert clocks.seconds_left(1e9) is None
        assert clocks.expired(1e9, "Here") is None
        clocks.progress(200.0)


def test_a_whole_answer_has_a_bound_of_its_own() -> None:
    clocks = StreamClocks(TIMEOUTS, 100.0)
    clocks.begin_attempt(100.0, is_stream=False)
    assert clocks.deadline == 120.0
    assert kind(clocks, 119.9) is None
    assert kind(clocks, 120.0) is StreamTimeoutError
    clocks.progress(110.0)
    assert kind(clocks, 114.0) is None
    clocks.begin_attempt(120.0)
    assert clocks.deadline == 130.0


def test_what_follows_a_whole_answer_has_little_time() -> None:
    clocks = started()
    clocks.progress(101.0)
    clocks.end_in(0.5, 101.0)
    assert clocks.deadline == 101.5
    clocks.progress(101.4)
    assert clocks.deadline == 101.5
    clocks.begin_attempt(102.0)
    assert clocks.deadline == 112.0


def test_an_end_is_no_later_than_the_clocks() -> None:
    clocks = started()
    clocks.end_in(1000.0, 101.0)
    assert clocks.deadline == 110.0


@pytest.mark.parametrize(
    ("now", "is_stream", "words"),
    [
        (110.0, True, "first_token_timeout=10 seconds"),
        (120.0, False, "timeout=20 seconds"),
        (160.0, True, "total_timeout=60 seconds"),
        (160.0, False, "total_timeout=60 seconds"),
    ],
)
def test_an_error_names_the_server_and_the_parameter(
    now: float, words: str, *, is_stream: bool
) -> None:
    clocks = StreamClocks(TIMEOUTS, 100.0)
    clocks.begin_attempt(100.0, is_stream=is_stream)
    error = clocks.expired(now, "api.example (model 'm')")
    assert isinstance(error, TimeoutError)
    assert words in str(error)
    assert "api.example (model 'm')" in str(error)
    assert str(error).startswith("timeout: ")


def test_a_stall_names_its_parameter() -> None:
    clocks = started()
    clocks.progress(101.0)
    assert "stall_timeout=3 seconds" in str(clocks.expired(104.0, "Here"))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["progress", "hold", "release", "begin"]), st.floats(0, 5)
    ),
    max_size=12,
)


@given(STEPS, st.none() | st.floats(0.1, 30), st.none() | st.floats(0.1, 30))
def test_a_clock_runs_out_at_the_deadline_and_not_before(
    steps: list[tuple[str, float]], wait: float | None, total: float | None
) -> None:
    now = 0.0
    clocks = StreamClocks(Timeouts(wait, wait, total), now)
    is_held = False
    for step, seconds in steps:
        now += seconds
        if step == "begin":
            clocks.begin_attempt(now)
        else:
            getattr(clocks, step)(now)
            is_held = step == "hold" or (is_held and step == "progress")
    if is_held:
        clocks.release(now)
    deadline = clocks.deadline
    assert (kind(clocks, now) is None) is (deadline > now)
    if deadline < math.inf:
        assert kind(clocks, deadline) is not None
        assert deadline <= now or kind(clocks, math.nextafter(deadline, now)) is None
    assert total is None or deadline <= total
