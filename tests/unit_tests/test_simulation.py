"""A slice of ``make simulate``, and what it would find if the code were wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.__main__ import main
from tests.simulation.figures import simulate
from tests.simulation.planted import PLANTED
from tests.simulation.play import play

ROOT = Path(__file__).parents[2]
SEEDS = 300
FAULTS = 12  # all that a server may do wrong, and nothing


def test_no_seed_breaks_a_rule() -> None:
    figures = simulate(range(SEEDS))
    assert figures.failed == {}
    assert figures.seeds == SEEDS
    assert len(figures.faults) == FAULTS
    assert min(figures.endings["whole"], figures.endings["left"]) > SEEDS // 10


@pytest.mark.parametrize("seed", range(5))
def test_a_seed_is_a_whole_story(seed: int) -> None:
    once, again = play(seed), play(seed)
    assert [str(note) for note in once.notes] == [str(note) for note in again.notes]
    assert [call.text for call in once.calls] == [call.text for call in again.calls]


def test_the_log_of_a_seed_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "1"]) == 0
    assert "No rule was broken." in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each fault needs a forked child")
@pytest.mark.timeout(180)
def test_planted_faults_are_found() -> None:
    program = [sys.executable, "-m", "tests.simulation.planted"]
    done = subprocess.run(
        program, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.findall(r"^(.*?): seed \d+: ", done.stdout, re.MULTILINE)
    assert found == [planted.name for planted in PLANTED]
