"""Every recording in every way, in as many processes as there are cores."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_streamkit.cli._recordings import load_recording
from langchain_streamkit.errors import ConfigurationError

from .checks import problems_of
from .report import Result
from .splits import splits_of
from .ways import BODY_WAYS, STREAM_WAYS, Worker, decode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAST_SPLITS = {"whole", "random"}


@dataclass(frozen=True)
class Plan:
    """What is asked of every recording."""

    root: Path
    seed: int
    is_fast: bool


def play_all(paths: list[Path], plan: Plan, jobs: int) -> Iterator[Result]:
    """Play all of them, in so many processes; the results as they come."""
    if jobs < 2:
        with Worker() as worker:
            yield from (play(path, plan, worker) for path in paths)
        return
    # A fork would copy the threads' locks; a process that dies raises here.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, start_worker) as pool:
        tasks = [pool.submit(play_in_process, path, plan) for path in paths]
        for task in as_completed(tasks):
            yield task.result()


_workers: list[Worker] = []  # the process's own one


def start_worker() -> None:
    _workers.append(ExitStack().enter_context(Worker()))


def play_in_process(path: Path, plan: Plan) -> Result:
    return play(path, plan, _workers[0])


def play(path: Path, plan: Plan, worker: Worker) -> Result:
    """One recording, in every way and with every split."""
    began = time.perf_counter()
    try:
        recording = load_recording(path, plan.root)
    except ConfigurationError as error:
        result = Result(str(path), path.parent.name)
        result.add("reading its files", [str(error)])
        return result
    result = Result(recording.name, recording.provider)
    for split, ends in splits_of(recording, plan.seed).items():
        if plan.is_fast and split not in FAST_SPLITS:
            continue
        for way in STREAM_WAYS if recording.is_stream else BODY_WAYS:
            outcome = worker.play(recording, way, ends)
            result.add(f"{way}/{split}", problems_of(recording, outcome))
    if recording.status < 400 and not plan.is_fast:
        result.add("decoder/bytes", problems_of(recording, decode(recording)))
    result.seconds = time.perf_counter() - began
    return result
