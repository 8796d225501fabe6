"""Fuzz the decoder with atheris: ``make fuzz SECONDS=60``.

Half of the inputs are bytes as they are, half choose mutations of real frames. Streams
of a folder of recordings are mutated where there is one.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["langchain_streamkit._wire"]):
    from langchain_streamkit._wire import stream_decoder  # noqa: F401

from tests.corpus.cut import made_streams
from tests.fuzz.mutations import check_decoder, mutated

RECORDINGS = Path(__file__).parents[3] / "shared" / "wire"
STREAMS = list(made_streams().values())
_LARGEST = 20_000
_SIZES = (1, 3, 50, 1_000_000)


def read_one(data: bytes) -> None:
    """One input: the first byte chooses what is done with the others."""
    if not data:
        return
    size = _SIZES[data[0] >> 1 & 3]
    if data[0] & 1:
        check_decoder(data[1:], size)
        return
    numbers = random.Random(data)
    check_decoder(mutated(numbers.choice(STREAMS), numbers), max(size, 3))


def main() -> None:
    """Fuzz until the time is over; a finding is an exception and exit code 77."""
    recorded = [path.read_bytes() for path in sorted(RECORDINGS.rglob("*.sse"))]
    STREAMS.extend(body for body in recorded if len(body) < _LARGEST)
    sys.stdout.write(f"{len(STREAMS)} streams to mutate\n")
    atheris.Setup(sys.argv, read_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
