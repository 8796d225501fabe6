"""What a chunk costs, counted and not timed: the same on a quiet and a busy machine.

Counted are the instructions of Python's own machine, in all code that is written in
Python. ``make instructions`` counts those of the processor.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.core_loop import prepare, read
from langchain_streamkit._wire.json_fields import JsonFields
from langchain_streamkit._wire.partial_json import PartialJson

if TYPE_CHECKING:
    from types import FrameType

# Python 3.11 takes the most of those that are supported. The limits leave a tenth.
LIMITS = {"text": 410, "reasoning": 455, "tool": 720}
# Modules of the package that importing its class brings; a model brings some eighty.
MAX_IMPORTED = 12


def count_instructions(reads: list[bytes]) -> int:
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        read(reads)
    finally:
        sys.settrace(before)
    return count


def count_between(kind: str, few: int, many: int) -> float:
    """Instructions a chunk, of all chunks after the first few."""
    short, long = prepare(kind, few), prepare(kind, many)
    count_instructions(short)  # Python 3.12 counts from the second time on
    counts = count_instructions(short), count_instructions(long)
    return (counts[1] - counts[0]) / (many - few)


@pytest.mark.parametrize("kind", LIMITS)
def test_a_chunk_costs_no_more_instructions_than_agreed(kind: str) -> None:
    assert LIMITS[kind] / 2 < count_between(kind, 100, 500) <= LIMITS[kind]


def seconds_a_chunk(kind: str, chunks: int) -> float:
    reads = prepare(kind, chunks)
    started = time.process_time()
    read(reads)
    return (time.process_time() - started) / chunks


@pytest.mark.parametrize("kind", LIMITS)
def test_a_chunk_costs_the_same_in_a_stream_of_a_hundred_thousand(kind: str) -> None:
    """Half a megabyte of arguments, for one; what grows with it is a hundredfold."""
    short = statistics.median(seconds_a_chunk(kind, 1_000) for _ in range(9))
    assert seconds_a_chunk(kind, 100_000) < 4 * short


@pytest.mark.parametrize("kind", [PartialJson, JsonFields])
def test_following_partial_json_costs_the_same_in_a_megabyte(
    kind: type[PartialJson | JsonFields],
) -> None:
    def seconds(pieces: int) -> float:
        follower = kind()
        started = time.process_time()
        follower.feed('{"text": "')
        for _ in range(pieces):
            follower.feed(" word")
        return (time.process_time() - started) / pieces

    short = statistics.median(seconds(1_000) for _ in range(9))
    assert seconds(200_000) < 4 * short


def test_importing_the_class_imports_no_http_client_and_nothing_models_run_on() -> None:
    code = "from langchain_streamkit import ChatStreamKit; import sys\n"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}print(*sys.modules)"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    modules = set(run.stdout.split())
    ours = {name for name in modules if name.startswith("langchain_streamkit")}
    assert "langchain_streamkit.chat_models" in ours
    assert len(ours) <= MAX_IMPORTED
    assert not modules & {"httpx", "httpcore", "langchain_streamkit._machinery"}
    assert not [name for name in ours if "._http" in name or ".providers" in name]


def test_telling_fields_costs_the_same_in_a_megabyte() -> None:
    def seconds(rows: int) -> float:
        follower = JsonFields()
        started = time.process_time()
        follower.feed("[")
        for _ in range(rows):
            follower.feed('{"name": "Ada", "ages": [1,')
            follower.feed(" 36]}, ")
        return (time.process_time() - started) / rows

    short = statistics.median(seconds(300) for _ in range(9))
    assert seconds(40_000) < 4 * short
