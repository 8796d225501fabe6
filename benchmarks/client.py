"""What all clients can do, and the clock of many streams.

A way of a client takes an address and a workload, reads all of it, and gives how many
characters of the content it was told of: a client that is quick because it drops the
content is found out by that.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.workloads import Workload

__all__ = ["KEY", "Client", "PacedClock"]

KEY = "k"


class PacedClock:
    """CPU time from the first chunk on: opening the streams is not counted."""

    started: float | None = None

    def chunk(self) -> None:
        """A chunk has come."""
        if self.started is None:
            self.started = time.process_time()


class Client:
    """What all clients can do: the same in parallel, and counting the first token."""

    runner: asyncio.Runner

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.clock = PacedClock()

    async def read(self, url: str, workload: Workload) -> int:
        """Read one stream; the way of ``streams``."""
        raise NotImplementedError

    def stream(self, url: str, workload: Workload) -> int:
        """Read one stream without asyncio."""
        raise NotImplementedError

    def astream(self, url: str, workload: Workload) -> int:
        """Read one stream."""
        return self.runner.run(self.read(url, workload))

    def streams(self, url: str, workload: Workload) -> int:
        """Read many streams at once."""
        self.clock = PacedClock()

        async def read_all() -> list[int]:
            async with asyncio.timeout(60):
                reading = (self.read(url, workload) for _ in range(workload.streams))
                return await asyncio.gather(*reading)

        return sum(self.runner.run(read_all()))
