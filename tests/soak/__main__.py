"""A thousand streams at once for minutes, with faults: ``make soak MINUTES=3``.

The streams go to a server in a process of its own, which cuts, resets, stalls, drips
and refuses at random; some readers leave early, by closing or by cancellation.

Strategy: what is open under load wavers with the load, and hides what leaks. So the
streams come in tides: for some seconds every reader begins one after another, then all
are left to end, and at low tide, when nothing is under way, everything is counted. Then
no task may be left, no more descriptors than idle connections that the model keeps, and
memory may not grow from the early tides to the late ones. The table is printed, and
written into ``docs/reliability.md``.
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
from concurrent.futures import ThreadPoolExecutor
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
PAGE = ROOT / "docs" / "reliability.md"
_MARKS = re.compile(r"(<!-- soak -->\n).*?(<!-- soak: end -->)", re.DOTALL)
_TIDE_SECONDS = 12.0
_FEW = 5  # descriptors: of the loop, of threads
_IDLE = 100  # connections that a client keeps for the next stream
_CLOCKS = {"first_token_timeout": 8.0, "stall_timeout": 4.0, "total_timeout": 12.0}
# What is measured: its name, and how much it may grow (a part of it, and so many).
_MEASURES = (
    ("memory, MB", 0.05, 8.0),
    ("descriptors", 0.0, float(_IDLE + _FEW)),
    ("tasks", 0.0, 0.0),
    ("threads", 0.0, 1.0),
    ("objects", 0.02, 10_000.0),
)
Sample = tuple[float, ...]
"""A number for each of the measures."""


@dataclass(slots=True)
class Soak:
    """One run.

    Attributes:
        seed: Of the readers' own choices.
        until: When the tide under way turns, by ``time.monotonic``.
        endings: How the streams ended.
        most: The most of each measure while streams were under way.
        samples: What was measured at each low tide, in order.
        before: What was measured before the first stream.
        after: What was measured after the model was closed.
    """

    seed: int
    until: float = 0.0
    endings: Counter[str] = field(default_factory=Counter)
    most: Sample = ()
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


async def tide(soak: Soak, model: ChatStreamKit, streams: int, threads: int) -> None:
    """Let readers begin streams for some seconds, and all of them end."""
    soak.until = time.monotonic() + _TIDE_SECONDS
    readers = [
        *(aread_for_ever(soak, model, number) for number in range(streams)),
        *(
            asyncio.to_thread(read_for_ever, soak, model, number)
            for number in range(threads)
        ),
    ]
    under_way = asyncio.gather(*readers)
    while not soak.is_over:
        await asyncio.sleep(_TIDE_SECONDS / 10)
        now = measure()
        soak.most = tuple(map(max, soak.most or now, now))
    await under_way
    del under_way, readers
    await asyncio.sleep(0.5)  # the last connections close in the background
    gc.collect()
    soak.samples.append(measure())


async def run(
    soak: Soak, url: str, *, seconds: float, streams: int, threads: int
) -> None:
    """One tide after the other, until the time is over."""
    model = ChatStreamKit(model="soak", base_url=url, max_retries=1, **_CLOCKS)
    pool = ThreadPoolExecutor(threads + 4)
    asyncio.get_running_loop().set_default_executor(pool)
    soak.before = measure()
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        await tide(soak, model, streams, threads)
    await model.aclose()
    model.close()
    await asyncio.sleep(1)
    soak.after = measure()


def rows_of(samples: Sequence[Sample]) -> list[tuple[str, float, float, bool]]:
    """Each measure: its name, its mean at the early and the late tides, and if flat.

    The first third of the tides is for warming up, where there are more than two.
    """
    steady = samples[len(samples) // 3 :]
    half = max(1, len(steady) // 2)
    rows: list[tuple[str, float, float, bool]] = []
    for place, (name, part, more) in enumerate(_MEASURES):
        values = [sample[place] for sample in steady]
        first, last = fmean(values[:half]), fmean(values[-half:])
        rows.append((name, first, last, last <= first * (1 + part) + more))
    return rows


def render(soak: Soak, streams: int, threads: int) -> str:
    """The table, and how the streams ended."""
    lines = [
        "| | at most | early tides | late tides | model closed | flat |",
        "| --- |" + " ---: |" * 5,
    ]
    rows = zip(rows_of(soak.samples), soak.most, soak.after, strict=True)
    for (name, first, last, flat), most, after in rows:
        cells = " | ".join(f"{number:,.0f}" for number in (most, first, last, after))
        lines.append(f"| {name} | {cells} | {'yes' if flat else 'no'} |")
    counts = soak.endings.most_common()
    endings = ", ".join(f"{count:,} {name}" for name, count in counts)
    return (
        "\n".join(lines)
        + f"\n\n{len(soak.samples)} tides of {streams:,} asynchronous readers and "
        f"{threads} in threads at once, {soak.endings.total():,} streams in all: "
        f"{endings}. Before the first of them there were {soak.before[1]:.0f} "
        f"descriptors and {soak.before[2]:.0f} task. Seed {soak.seed}.\n"
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
    add("--no-page", action="store_true", help="leave docs/reliability.md as it is")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}, {raise_descriptor_limit()} descriptors", flush=True)
    soak = Soak(options.seed)
    crowd = {"streams": options.streams, "threads": options.threads}
    with serving() as url:
        asyncio.run(run(soak, url, seconds=60 * options.minutes, **crowd))
    table = render(soak, **crowd)
    print(table)
    if not options.no_page:
        page = PAGE.read_text("utf-8")
        page = _MARKS.sub(lambda found: f"{found[1]}\n{table}\n{found[2]}", page)
        PAGE.write_text(page, "utf-8")
    is_flat = all(row[-1] for row in rows_of(soak.samples))
    return 0 if is_flat and soak.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
