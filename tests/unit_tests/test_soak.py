"""A soak's verdict: what is flat, and what grows."""

from __future__ import annotations

import pytest

from tests.soak.__main__ import Soak, main, rows_of

FLAT = (80.0, 90.0, 1.0, 12.0, 500_000.0)
pytestmark = pytest.mark.loopback


def growing(place: int, step: float) -> list[tuple[float, ...]]:
    return [
        tuple(v + step * number * (at == place) for at, v in enumerate(FLAT))
        for number in range(9)
    ]


@pytest.mark.parametrize(
    ("place", "step"), [(0, 5.0), (1, 40.0), (2, 1.0), (3, 1.0), (4, 8000.0)]
)
def test_what_grows_is_not_flat(place: int, step: float) -> None:
    flat = [row[-1] for row in rows_of(growing(place, step))]
    assert flat == [at != place for at in range(len(FLAT))]


def test_what_wavers_is_flat() -> None:
    samples = [
        (80.0 + number % 3, 30.0 + 40 * (number % 2), 1.0, 12.0, 5e5 + number % 2)
        for number in range(9)
    ]
    assert all(row[-1] for row in rows_of(samples))


def test_a_short_soak_leaves_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.soak.__main__._TIDE_SECONDS", 1.0)
    arguments = ["--minutes", "0.01", "--streams", "5", "--threads", "1", "--no-page"]
    assert main(arguments) == 0
    assert "| descriptors |" in capsys.readouterr().out


def test_what_is_left_at_the_end_is_seen() -> None:
    soak = Soak(1, before=FLAT, after=FLAT)
    assert soak.is_clean
    soak.after = (80.0, 96.0, 1.0, 12.0, 5e5)
    assert not soak.is_clean
