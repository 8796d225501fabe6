"""Play seeds, and hold each against the rules: ``make simulate``.

With ``SEED=n`` one is played and its log is printed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

from .checks import problems_of
from .figures import Figures, simulate
from .play import play

if TYPE_CHECKING:
    from collections.abc import Sequence

_AT_ONCE = 250
_SHOWN = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and give 1 if a rule was broken."""
    options = _parser().parse_args(arguments)
    if options.seed is not None:
        return _show(options.seed)
    began = time.perf_counter()
    figures, shown = Figures(), 0
    first, last = options.first, options.first + options.seeds
    ranges = [range(n, min(n + _AT_ONCE, last)) for n in range(first, last, _AT_ONCE)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, context) as pool:
        for more in pool.map(simulate, ranges):
            for seed, problems in list(more.failed.items())[: _SHOWN - shown]:
                shown += 1
                print(f"seed {seed}: {'; '.join(problems)}", flush=True)
            figures.add(more)
    seconds = time.perf_counter() - began
    print(
        f"{figures.seeds} seeds from {first}, {figures.attempts} requests, "
        f"{seconds:.0f} s, {figures.seeds / seconds / options.jobs:.0f} seeds a "
        f"second and process, {len(figures.failed)} failed"
    )
    for name, counts in (("calls", figures.endings), ("faults", figures.faults)):
        print(f"{name}: {', '.join(f'{n} {what}' for what, n in counts.most_common())}")
    if figures.failed:
        print(f"Replay one with: make simulate SEED={min(figures.failed)}")
    return 1 if figures.failed else 0


def _show(seed: int) -> int:
    world = play(seed)
    script = world.script
    print(f"seed {seed}: {script.reader}\n{script.model}\nthe answer: {script.text!r}")
    for moment, what, value in world.notes:
        print(f"{moment:10.4f}  {what}" + ("" if value is None else f"  {value!r}"))
    for seen in world.calls:
        print(seen)
    problems = problems_of(world)
    print("\n".join(problems) or "No rule was broken.")
    return 1 if problems else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    add = parser.add_argument
    add("--seeds", type=int, default=20_000, help="how many")
    add("--first", type=int, default=0, help="the first one")
    add("--seed", type=int, help="play this one only, and show its log")
    add("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
