"""Play every recording of a folder to the model in every way, and check what came.

A recording is NAME.sse or NAME.body.json with NAME.json beside it, at any depth. Each
is served over HTTP, split in several ways (whole; a frame at a time; at random; a byte
at a time at both ends and around each frame; as the network did where that is known),
to every way of asking; the decoder alone gets every byte by itself.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_streamkit.cli._recordings import find_recordings
from langchain_streamkit.errors import ConfigurationError

from .report import table
from .runner import Plan, play_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .report import Result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and give 1 if anything was wrong."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    root = Path(options.folder)
    try:
        paths = [p for p in find_recordings(root) if options.only in str(p)]
    except ConfigurationError as error:
        parser.error(str(error))
    if not paths:
        parser.error(f"no recording's path has {options.only!r} in it")
    plan = Plan(root, options.seed, options.fast)
    print(f"{len(paths)} recordings, seed {plan.seed}, {options.jobs} processes")
    began = time.perf_counter()
    results: list[Result] = []
    # The largest first, so that no process is left with one at the end.
    paths.sort(key=lambda path: path.stat().st_size, reverse=True)
    for result in play_all(paths, plan, options.jobs):
        results.append(result)
        for line in result.lines():
            print(line, flush=True)
    print(table(results))
    failed = sum(result.failed for result in results)
    runs = sum(result.runs for result in results)
    seconds = time.perf_counter() - began
    print(f"{failed} of {runs} runs failed, in {seconds:.0f} s")
    return 1 if failed else 0


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make corpus",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("folder", metavar="DIR", help="the folder of the recordings")
    add("--fast", action="store_true", help="only whole and at random, no bytes")
    add("--only", default="", metavar="TEXT", help="only paths with this in them")
    add("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    add("--seed", type=int, default=random.randrange(10**6), help="of the random split")
    return parser


if __name__ == "__main__":
    sys.exit(main())
