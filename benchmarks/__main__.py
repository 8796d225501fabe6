"""What a stream costs: CPU time of the client process alone, beside other clients.

One server, in a process of its own, replays prepared answers; each client works in a
process of its own; all take turns, so that a busy machine is busy for all of them. A
figure is the median over the rounds. Run it with ``make bench``, or with
``make bench ARGS="--quick"``, ``--json FILE``, ``--plot FILE``, ``--only text,v3``.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.clients import CLIENTS
from benchmarks.models import MODELS
from benchmarks.report import Results, print_report, refresh
from benchmarks.worker import Figure
from benchmarks.workloads import WORKLOADS, Workload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PYTHON = sys.executable
ROUNDS = 5
PACKAGES = (
    *("langchain-core", "pydantic", "httpx", "orjson", "openai", "langchain-openai"),
    *("langchain-deepseek", "langchain-mistralai", "langchain-maritaca"),
)


class Worker:
    """A client's process."""

    def __init__(self, name: str, url: str) -> None:
        self.process = subprocess.Popen(
            [PYTHON, "-m", "benchmarks.worker", name, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def is_ready(self) -> bool:
        """Whether the client is installed."""
        return "ready" in self._read()

    def ask(self, workload: Workload, run: int) -> Figure:
        """Let it do a workload."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{workload.name} {run}\n")
        self.process.stdin.flush()
        return Figure(**self._read())

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()


@contextmanager
def server() -> Iterator[str]:
    """The replaying server's address."""
    command = [PYTHON, "-m", "benchmarks.replay"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def measure(
    url: str,
    workloads: list[Workload],
    rounds: int,
    results: Results,
    keep: Callable[[Results], None],
) -> None:
    """Let all clients take turns at all workloads."""
    workers = {name: Worker(name, url) for name in CLIENTS}
    try:
        workers = {name: one for name, one in workers.items() if one.is_ready()}
        run = 0
        for workload in workloads:
            started = time.monotonic()
            # A first round is for caches and connections; it is not kept.
            for turn in range(1 if workload.is_slow else rounds + 1):
                for name, worker in workers.items():
                    run += 1
                    if workload.only and name not in workload.only:
                        continue
                    figure = worker.ask(workload, run)
                    if turn or workload.is_slow:
                        results.add(workload.name, name, figure)
            seconds = time.monotonic() - started
            print(f"{workload.title}: {seconds:.0f} s", file=sys.stderr, flush=True)
            keep(results)
    finally:
        for worker in workers.values():
            worker.stop()


def measure_once(url: str, rounds: int, results: Results) -> None:
    """Importing and memory, in a fresh process each time."""
    for _ in range(rounds):
        for name in MODELS:
            for arguments in (["import", name], ["memory", name, url]):
                command = [PYTHON, "-m", "benchmarks.once", *arguments]
                done = subprocess.run(
                    command, capture_output=True, text=True, check=False
                )
                if done.returncode == 0:
                    for key, value in json.loads(done.stdout).items():
                        results.add(key, name, Figure(value))


def environment() -> dict[str, str]:
    """The versions that were measured."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def show(results: Results, plot: Path | None, page: Path | None) -> None:
    """Print the table, and draw it or write it into a page if asked to."""
    print_report(results)
    if page:
        text = refresh(page.read_text("utf-8"), results)
        page.write_text(text, "utf-8")
    if plot:
        from benchmarks.plot import draw  # noqa: PLC0415 - matplotlib is large

        draw(results, plot)


def main() -> None:
    """Measure, print the table, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument(
        "--quick", action="store_true", help="a round, without the slow"
    )
    parser.add_argument("--only", default="", help="names of workloads, with commas")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--plot", type=Path, help="draw the table's ratios (SVG)")
    parser.add_argument("--page", type=Path, help="write the tables into this page")
    parser.add_argument("--show", type=Path, help="measure nothing; read this JSON")
    arguments = parser.parse_args()
    if arguments.show:
        results = Results.from_json(arguments.show.read_text("utf-8"))
        show(results, arguments.plot, arguments.page)
        return
    only = set(filter(None, arguments.only.split(",")))
    workloads = [
        one
        for one in WORKLOADS
        if one.name in only or not (only or (arguments.quick and one.is_slow))
    ]
    rounds = 1 if arguments.quick else arguments.rounds
    results = Results(environment())

    def keep(results: Results) -> None:
        if arguments.json:
            arguments.json.write_text(results.to_json() + "\n", encoding="utf-8")

    with server() as url:
        measure(url, workloads, rounds, results, keep)
        if not only or "once" in only:
            measure_once(url, min(rounds, 3), results)
    keep(results)
    show(results, arguments.plot, arguments.page)


if __name__ == "__main__":
    main()
