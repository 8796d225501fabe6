"""A client in a process of its own: measures what it is told to, line by line.

``python -m benchmarks.worker NAME URL`` reads the names of workloads and answers each
with one JSON object: a figure, or why there is none.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from benchmarks.clients import make_client
from benchmarks.replay import expected_characters, path_of
from benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from benchmarks.client import Client
    from benchmarks.workloads import Workload

__all__ = ["Figure", "main"]

SKIP = "does not do this"


@dataclass(frozen=True)
class Figure:
    """One measurement.

    Attributes:
        value: In the workload's unit, or None.
        note: Why there is none, or what is wrong with it.
    """

    value: float | None = None
    note: str = ""


def measure(client: Client, url: str, workload: Workload, run: int) -> Figure:
    """Do a workload once; what goes wrong is an answer, too."""
    way = getattr(client, workload.way, None)
    if way is None:
        return Figure(note=SKIP)
    is_paced = workload.way == "streams"
    number = run if is_paced else 0
    kind, chunks, pace = workload.kind, workload.chunks, workload.pace
    url += path_of(kind, chunks, pace, workload.streams, number)
    gc.collect()
    try:
        if workload.way == "first":
            return first_token(client, url, workload)
        started = time.process_time()
        characters = sum(way(url, workload) for _ in range(workload.repeats))
        ended = time.process_time()
    except NotImplementedError:
        return Figure(note=SKIP)
    except Exception as error:  # whatever a client cannot do
        return Figure(note=f"fails: {type(error).__name__}")
    if is_paced:
        started = client.clock.started or started
    times = workload.repeats * workload.streams
    expected = times * expected_characters(kind, chunks)
    note = "" if characters == expected else "loses it"
    units = times * chunks if workload.unit == "µs a chunk" else times
    return Figure((ended - started) / units * 1e6, note)


def first_token(client: Client, url: str, workload: Workload) -> Figure:
    """The wall time of a whole way to the first token: the middle of many."""
    times: list[float] = []
    for _ in range(workload.repeats):
        started = time.perf_counter()
        client.first(url, workload)
        times.append(time.perf_counter() - started)
    return Figure(sorted(times)[len(times) // 2] * 1e6)


def main() -> None:
    """Answer until the input ends."""
    warnings.simplefilter("ignore")
    name, url = sys.argv[1:]
    workloads = {workload.name: workload for workload in WORKLOADS}
    try:
        client = make_client(name)
    except ImportError as error:
        print(json.dumps({"missing": str(error.name)}), flush=True)
        return
    print(json.dumps({"ready": name}), flush=True)
    for line in sys.stdin:
        asked, run = line.split()
        figure = measure(client, url, workloads[asked], int(run))
        print(json.dumps(asdict(figure)), flush=True)


if __name__ == "__main__":
    main()
