"""A flame graph of one stream: where the time goes, as an SVG.

``python -m benchmarks.flame docs/flame.svg [WORKLOAD]``. The stacks are sampled by a
timer of CPU time (every millisecond, many streams), and drawn as they are: a bar is a
function, its width the share of the samples in which it was on the stack, what it calls
stands on it. Linux and macOS; Windows has no such timer.
"""

from __future__ import annotations

import signal
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.__main__ import server
from benchmarks.clients import make_client
from benchmarks.replay import path_of
from benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["main"]

SECONDS = 0.001
STREAMS = 60
WIDTH, BAR, CHARACTER = 1_100, 17, 6.4
COLOURS = {
    "langchain_streamkit": "#7fb8a4",
    "langchain_core": "#e9c46a",
    "pydantic": "#f2b5a7",
    "httpx": "#a9bcd8",
    "httpcore": "#8fa8cc",
    "h11": "#b9a6d3",
}
OTHER = "#d9d9d9"


@dataclass
class Bar:
    """A function at a place of the stack, and what it called."""

    name: str = "all"
    package: str = ""
    samples: int = 0
    calls: dict[tuple[str, str], Bar] = field(default_factory=dict)

    def add(self, stack: tuple[tuple[str, str], ...], samples: int) -> None:
        """Count a stack, outermost function first."""
        self.samples += samples
        if stack:
            inner = self.calls.setdefault(stack[0], Bar(*stack[0]))
            inner.add(stack[1:], samples)

    def depth(self) -> int:
        """How high it is drawn."""
        return 1 + max((inner.depth() for inner in self.calls.values()), default=0)


def stack_of(frame: FrameType | None) -> tuple[tuple[str, str], ...]:
    """The functions of a stack, outermost first."""
    found: list[tuple[str, str]] = []
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        packages = [part for part in path.parts if part in COLOURS]
        package = packages[-1] if packages else ""
        found.append((f"{path.stem}.{frame.f_code.co_qualname}", package))
        frame = frame.f_back
    return tuple(reversed(found))


@contextmanager
def sample() -> Iterator[Counter[tuple[tuple[str, str], ...]]]:
    """Count the stacks of what is done inside."""
    stacks: Counter[tuple[tuple[str, str], ...]] = Counter()

    def take(_: int, frame: FrameType | None) -> None:
        stacks[stack_of(frame)] += 1

    signal.signal(signal.SIGPROF, take)
    signal.setitimer(signal.ITIMER_PROF, SECONDS, SECONDS)
    try:
        yield stacks
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def draw(bar: Bar, left: float, level: int, scale: float, height: int) -> Iterator[str]:
    """The SVG of a bar and of what stands on it; too narrow ones are left out."""
    width = bar.samples * scale
    if width < 1:
        return
    top = height - (level + 1) * BAR
    share = f"{bar.samples * scale / WIDTH:.1%}"
    letters = int(width / CHARACTER) - 1
    name = bar.name.split(".", 1)[-1] if len(bar.name) > letters else bar.name
    text = name if len(name) <= letters else name[: max(letters - 1, 0)] + "…"
    yield (
        f"<g><title>{escape(bar.name)} ({bar.package or 'other'}): {share}</title>"
        f'<rect x="{left:.1f}" y="{top}" width="{width - 0.4:.1f}" height="{BAR - 1}"'
        f' fill="{COLOURS.get(bar.package, OTHER)}"/>'
    )
    if letters > 3:
        yield f'<text x="{left + 3:.1f}" y="{top + 12}">{escape(text)}</text>'
    yield "</g>"
    for inner in sorted(bar.calls.values(), key=lambda one: one.name):
        yield from draw(inner, left, level + 1, scale, height)
        left += inner.samples * scale


def render(root: Bar) -> str:
    """The whole picture."""
    height = (root.depth() + 2) * BAR
    legend = [
        f'<rect x="{8 + place * 160}" y="4" width="12" height="12" fill="{colour}"/>'
        f'<text x="{24 + place * 160}" y="14">{package}</text>'
        for place, (package, colour) in enumerate({**COLOURS, "other": OTHER}.items())
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="monospace" font-size="11">'
    )
    bars = draw(root, 0, 0, WIDTH / max(root.samples, 1), height)
    return "\n".join([head, *legend, *bars, "</svg>"]) + "\n"


def main() -> None:
    """Sample, and write the picture."""
    target, *names = sys.argv[1:]
    chosen = names[0] if names else "text"
    workload = next(one for one in WORKLOADS if one.name == chosen)
    client = make_client("streamkit")
    way = getattr(client, workload.way)
    with server() as address:
        url = address + path_of(workload.kind, workload.chunks, workload.pace)
        way(url, workload)
        with sample() as stacks:
            for _ in range(STREAMS):
                way(url, workload)
    root = Bar()
    for stack, samples in stacks.items():
        # The harness's own frames are below what is of interest.
        inner = [place for place, (_, package) in enumerate(stack) if package]
        root.add(stack[inner[0] :] if inner else (), samples)
    Path(target).write_text(render(root), encoding="utf-8")
    print(f"{root.samples} samples in {target}")


if __name__ == "__main__":
    main()
