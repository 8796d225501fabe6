"""A thousand streams at once for minutes, with faults: ``make soak MINUTES=3``.

The streams go to a server in a process of its own, which cuts, resets, stalls, drips
and refuses at random; some readers leave early, by closing or by cancellation. The
first third of the time is warm-up. Of the samples after it, the mean of the last
quarter may be above that of the first by no more than the row's tolerance; and when
the model is closed, its descriptors and tasks must be gone. The table is printed, and
written into ``docs/soak.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.errors import StreamKitError

from .limits import raise_descriptor_limit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Sample", "main", "render", "rows_of"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "soak.md"
_MARKS = re.compile(r"(<!-- soak -->\n).*?(<!-- soak: end -->)", re.DOTALL)
_SAMPLES = 60
_FEW = 5  # descriptors: of the loop, of threads
_CLOCKS = {"first_token_timeout": 10.0, "stall_timeout": 5.0, "total_timeout": 40.0}
# What is measured: its name, how much more is flat (a part of it, and so many).
_MEASURES = (
    ("memory, MB", 0.05, 8.0),
    ("descriptors", 0.15, 30.0),
    ("tasks", 0.05, 30.0),
    ("threads", 0.0, 1.0),
    ("objects", 0.05, 20_000.0),
)
Sample = tuple[float, ...]
"""A number for each of the measures."""


@dataclass(slots=True)
class Soak:
    """One run.

    Attributes:
        seed: Of the readers' own choices.
        until: When it is over, by ``time.monotonic``.
        endings: How the streams ended.
        samples: What was measured, in order.
        before: What was measured before the first stream.
        after: What was measured after the model was closed.
    """

    seed: int
    until: float
    endings: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    before: Sample = ()
    after: Sample = ()

    @property
    def is_clean(self) -> bool:
        """Whether no descriptor and no task was left when the model was closed."""
        left = [end - start for start, end in zip(self.before, self.after, strict=True)]
        return left[1] <= _FEW and left[2] <= 0

    @property
    def is_over(self) -> bool:
        """Whether no further stream is to begin."""
        return time.monotonic() >= self.until


def measure() -> Sample:
    """One sample of this process."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return (
        pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        float(sum(1 for _ in Path("/proc/self/fd").iterdir())),
        float(len(asyncio.all_tasks())),
        float(threading.active_count()),
        float(len(gc.get_objects())),
    )


async def aread_for_ever(soak: Soak, model: ChatStreamKit, number: int) -> None:
    """One reader after another, each with a stream."""
    numbers = random.Random(f"{soak.seed} {number}")
    while not soak.is_over:
        how = numbers.choice(("whole", "whole", "whole", "close", "cancel"))
        seconds = 10 * numbers.random() if how == "cancel" else None
        try:
            async with asyncio.timeout(seconds):
                await _aread(model, numbers.randrange(8) if how == "close" else None)
            soak.endings["left" if how == "close" else "whole"] += 1
        except StreamKitError as error:
            soak.endings[type(error).__name__] += 1
        except TimeoutError:
            soak.endings["cancelled"] += 1


async def _aread(model: ChatStreamKit, left: int | None) -> None:
    stream = model.astream("Go")
    async for _ in stream:
        if left == 0:
            break
        left = None if left is None else left - 1
    await stream.aclose()


def read_for_ever(soak: Soak, model: ChatStreamKit, number: int) -> None:
    """The same in a thread."""
    numbers = random.Random(f"{soak.seed} thread {number}")
    while not soak.is_over:
        left = numbers.randrange(40)
        try:
            for place, _ in enumerate(model.stream("Go")):
                if place == left:
                    break
            soak.endings["in a thread"] += 1
        except StreamKitError as error:
            soak.endings[type(error).__name__] += 1


async def run(soak: Soak, url: str, streams: int, threads: int) -> None:
    """Read, and measure meanwhile."""
    model = ChatStreamKit(model="soak", base_url=url, max_retries=1, **_CLOCKS)
    soak.before = measure()
    seconds = soak.until - time.monotonic()
    workers = [
        threading.Thread(target=read_for_ever, args=(soak, model, number))
        for number in range(threads)
    ]
    for worker in workers:
        worker.start()
    readers = [
        asyncio.create_task(aread_for_ever(soak, model, number))
        for number in range(streams)
    ]
    while not soak.is_over:
        await asyncio.sleep(seconds / _SAMPLES)
        if not soak.is_over:  # after that, readers leave
            gc.collect()
            soak.samples.append(measure())
    await asyncio.gather(*readers)
    for worker in workers:
        await asyncio.to_thread(worker.join)
    await model.aclose()
    model.close()
    await asyncio.sleep(1)
    soak.after = measure()


def rows_of(samples: Sequence[Sample]) -> list[tuple[str, float, float, float, bool]]:
    """Each measure: its name, its mean at first and at last, its most, and if flat."""
    steady = samples[len(samples) // 3 :]
    quarter = max(1, len(steady) // 4)
    rows: list[tuple[str, float, float, float, bool]] = []
    for place, (name, part, more) in enumerate(_MEASURES):
        values = [sample[place] for sample in steady]
        first, last = fmean(values[:quarter]), fmean(values[-quarter:])
        rows.append((name, first, last, max(values), last <= first * (1 + part) + more))
    return rows


def render(soak: Soak, minutes: float, streams: int, threads: int) -> str:
    """The table, and how the streams ended."""
    lines = [
        "| | first quarter | last quarter | most | flat |",
        "| --- |" + " ---: |" * 4,
    ]
    for name, *numbers, flat in rows_of(soak.samples):
        cells = " | ".join(f"{number:,.0f}" for number in numbers)
        lines.append(f"| {name} | {cells} | {'yes' if flat else 'no'} |")
    counts = soak.endings.most_common()
    endings = ", ".join(f"{count:,} {name}" for name, count in counts)
    return (
        "\n".join(lines)
        + f"\n\n{len(soak.samples)} samples, {minutes:g} minutes, {streams:,} "
        f"asynchronous streams "
        f"and {threads} threads at once, {soak.endings.total():,} streams in all: "
        f"{endings}. Seed {soak.seed}.\n"
    )


@contextmanager
def serving() -> Iterator[str]:
    """A server in a process of its own."""
    program = [sys.executable, "-m", "tests.soak.server"]
    pipe = subprocess.PIPE
    with subprocess.Popen(program, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as one:
        assert one.stdout is not None
        yield one.stdout.readline().strip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak, print, write the page, and give 1 if anything grows."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    add = parser.add_argument
    add("--minutes", type=float, default=3.0)
    add("--streams", type=int, default=1000)
    add("--threads", type=int, default=10)
    add("--seed", type=int, default=random.randrange(10**6))
    add("--no-page", action="store_true", help="leave docs/soak.md as it is")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}, {raise_descriptor_limit()} descriptors", flush=True)
    soak = Soak(options.seed, time.monotonic() + 60 * options.minutes)
    with serving() as url:
        asyncio.run(run(soak, url, options.streams, options.threads))
    table = render(soak, options.minutes, options.streams, options.threads)
    print(table)
    if not options.no_page:
        page = PAGE.read_text("utf-8")
        page = _MARKS.sub(lambda found: f"{found[1]}\n{table}\n{found[2]}", page)
        PAGE.write_text(page, "utf-8")
    print(f"before: {soak.before}, after the model was closed: {soak.after}")
    is_flat = all(row[-1] for row in rows_of(soak.samples))
    return 0 if is_flat and soak.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
