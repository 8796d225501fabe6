"""What can be measured only once in a process: importing, and memory.

``python -m benchmarks.once import NAME`` and ``... memory NAME URL`` print one JSON
object. Importing is counted from where langchain-core's chat model and messages are
there already, as in every program that uses a chat model.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from benchmarks.models import MODELS
from benchmarks.replay import path_of
from benchmarks.workloads import Workload

if TYPE_CHECKING:
    from benchmarks.client import Client

__all__ = ["OPEN_STREAMS", "main"]

OPEN_STREAMS = 100


def resident() -> int:
    """Bytes of memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def measure_import(name: str) -> dict[str, float]:
    """CPU seconds and bytes of importing a chat model's class."""
    for module in ("language_models.chat_models", "messages", "outputs"):
        importlib.import_module(f"langchain_core.{module}")
    gc.collect()
    before, started = resident(), time.process_time()
    module, kind, *_ = MODELS[name]
    getattr(importlib.import_module(module), kind)
    seconds = time.process_time() - started
    return {"import_ms": seconds * 1e3, "import_mb": (resident() - before) / 1e6}


async def _grow(client: Client, url: str) -> NoReturn:
    """Print the kilobytes of each stream that is open and has been read for a while."""
    workload = Workload("memory", "", "streams", chunks=20, pace="hold")
    url += path_of("text", workload.chunks, "hold", OPEN_STREAMS)

    async def open_streams(count: int) -> list[asyncio.Task[int]]:
        reading = [client.read(url, workload) for _ in range(count)]
        tasks = [asyncio.ensure_future(one) for one in reading]
        await asyncio.sleep(count * 0.02)
        return tasks

    tasks = await open_streams(10)
    gc.collect()
    before = resident()
    tasks += await open_streams(OPEN_STREAMS)
    gc.collect()
    grown = resident() - before
    print(json.dumps({"stream_kb": grown / OPEN_STREAMS / 1e3}), flush=True)
    os._exit(0)  # some clients take minutes to leave so many streams


def main() -> None:
    """Print one measurement."""
    what, name, *url = sys.argv[1:]
    if what == "import":
        print(json.dumps(measure_import(name)))
        return
    # Not before: the clients' modules import what is measured above.
    from benchmarks.clients import make_client  # noqa: PLC0415

    client = make_client(name)
    client.runner.run(_grow(client, url[0]))


if __name__ == "__main__":
    main()
