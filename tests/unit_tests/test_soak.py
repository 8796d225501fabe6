"""A soak's verdict: what is flat, and what grows."""

from __future__ import annotations

import pytest

from tests.soak.__main__ import Soak, main, rows_of

FLAT = (80.0, 900.0, 1000.0, 12.0, 500_000.0)
pytestmark = pytest.mark.loopback


def growing(place: int, step: float) -> list[tuple[float, ...]]:
    return [
        tuple(v + step * number * (at == place) for at, v in enumerate(FLAT))
        for number in range(60)
    ]


@pytest.mark.parametrize(
    ("place", "step"), [(0, 1.0), (1, 20.0), (2, 20.0), (3, 1.0), (4, 3000.0)]
)
def test_what_grows_is_not_flat(place: int, step: float) -> None:
    flat = [row[-1] for row in rows_of(growing(place, step))]
    assert flat == [at != place for at in range(len(FLAT))]


def test_what_wavers_is_flat() -> None:
    samples = [tuple(v * (1 + 0.02 * (n % 3)) for v in FLAT[:3]) for n in range(60)]
    assert all(row[-1] for row in rows_of([(*one, 12.0, 5e5) for one in samples]))


def test_a_short_soak_runs(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--minutes", "0.03", "--streams", "5", "--threads", "1", "--no-page"]
    assert main(arguments) in {0, 1}  # a warm-up's length says nothing about growth
    assert "| descriptors |" in capsys.readouterr().out


def test_what_is_left_at_the_end_is_seen() -> None:
    soak = Soak(1, 0.0, before=FLAT, after=FLAT)
    assert soak.is_clean
    soak.after = (80.0, 906.0, 1000.0, 12.0, 5e5)
    assert not soak.is_clean
