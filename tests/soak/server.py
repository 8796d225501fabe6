"""The server of a soak: answers slowly, and fails at random. It prints its address."""

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING

from langchain_streamkit.testing import Cut, Drip, ErrorFrame, FakeServer, Reply, Stall

if TYPE_CHECKING:
    from langchain_streamkit.testing import ReceivedRequest

_WORDS = [f"word{number} " for number in range(20)]
_FAULTS = (
    (),
    (),
    (),
    (Cut(after_frames=5),),
    (Cut(after_frames=3, how="reset"),),
    (Cut(before_headers=True),),
    (ErrorFrame(after_frames=4),),
    (Stall(after_frames=2, seconds=None),),
    (Drip(every=1.0, after_frames=6),),
)


def answer(request: ReceivedRequest) -> Reply:
    """One reply, which may have a fault."""
    numbers = random.Random(request.number)
    if numbers.random() < 0.1:
        return Reply.error(numbers.choice((429, 500, 503)), retry_after=0.1)
    faults = numbers.choice(_FAULTS)
    return Reply(_WORDS, frame_delay=0.5, faults=faults)


def main() -> None:
    """Serve until standard input ends."""
    with FakeServer(handler=answer, keep_requests=1) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    from tests.soak.limits import raise_descriptor_limit

    raise_descriptor_limit()
    main()
