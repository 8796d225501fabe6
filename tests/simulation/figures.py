"""Many seeds in one process, and what they came to."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .checks import problems_of
from .play import play

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .world import Seen

__all__ = ["Figures", "simulate"]


@dataclass(slots=True)
class Figures:
    """What many seeds came to.

    Attributes:
        seeds: How many were played.
        attempts: How many requests were made in them.
        endings: How their calls ended.
        faults: What went wrong, by attempt.
        failed: The rules that were broken, by seed.
    """

    seeds: int = 0
    attempts: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    failed: dict[int, list[str]] = field(default_factory=dict)

    def add(self, other: Figures) -> None:
        """Add those of other seeds."""
        self.seeds += other.seeds
        self.attempts += other.attempts
        self.endings += other.endings
        self.faults += other.faults
        self.failed |= other.failed


def simulate(seeds: Iterable[int], *, stop_at_first: bool = False) -> Figures:
    """Play seeds in this process."""
    figures = Figures()
    logging.getLogger("langchain_streamkit").setLevel(logging.ERROR)
    for seed in seeds:
        world = play(seed)
        figures.seeds += 1
        figures.attempts += len(world.served)
        figures.endings.update(map(_ending, world.calls))
        figures.faults.update(one.attempt.fault for one in world.served)
        problems = problems_of(world)
        if problems:
            figures.failed[seed] = problems
            if stop_at_first:
                break
    return figures


def _ending(seen: Seen) -> str:
    if seen.error is not None:
        return type(seen.error).__name__
    return "left" if seen.has_left else "whole"
