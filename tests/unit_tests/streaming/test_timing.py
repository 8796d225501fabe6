"""The figures of a stream, by a clock that the test moves."""

from __future__ import annotations

import pytest

from langchain_streamkit.streaming._timing import Stopwatch


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def watch(arrivals: list[float], end: float) -> Stopwatch:
    clock = Clock()
    stopwatch = Stopwatch(clock)
    for arrival in arrivals:
        clock.now = 100.0 + arrival
        stopwatch.mark()
    clock.now = 100.0 + end
    return stopwatch


def test_all_figures_of_a_stream() -> None:
    arrivals = [2.0, 2.1, 2.2, 2.3, 3.3]
    timing = watch(arrivals, end=4.0).timing(output_tokens=10)
    assert timing == pytest.approx(
        {
            "first_token_seconds": 2.0,
            "total_seconds": 4.0,
            "gap_p50_seconds": 0.1,
            "gap_p95_seconds": 1.0,
            "tokens_per_second": 5.0,
        }
    )


@pytest.mark.parametrize(
    ("count", "p50", "p95"), [(1, 1, 1), (2, 1, 2), (20, 10, 19), (100, 50, 95)]
)
def test_percentiles_are_values_that_were_measured(
    count: int, p50: float, p95: float
) -> None:
    arrivals = [0.0]
    for gap in range(count, 0, -1):
        arrivals.append(arrivals[-1] + gap)
    timing = watch(arrivals, end=arrivals[-1]).timing(None)
    assert (timing["gap_p50_seconds"], timing["gap_p95_seconds"]) == (p50, p95)


def test_what_cannot_be_measured_is_none() -> None:
    nothing = watch([], end=1.0).timing(5)
    assert nothing.pop("total_seconds") == 1.0
    assert set(nothing.values()) == {None}
    one = watch([1.0], end=1.0).timing(5)
    assert one["first_token_seconds"] == 1.0
    assert one["gap_p50_seconds"] is one["tokens_per_second"] is None
