"""The core loop alone: prepared bytes become events and chunks, without I/O.

``python -m benchmarks.core_loop FILE`` reads the answer in a file, for programs that
count instructions from outside; ``read`` is the same loop for programs inside.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.replay import FRAMES_PER_WRITE, frames_of
from langchain_streamkit._langchain.chunks import ChunkBuilder
from langchain_streamkit._wire.answer import AnswerContext
from langchain_streamkit._wire.stream_decoder import StreamDecoder

__all__ = ["main", "prepare", "read"]

READ_BYTES = 8_192


def prepare(kind: str, chunks: int) -> list[bytes]:
    """The reads of an answer, many frames each."""
    frames = frames_of(kind, chunks)
    places = range(0, len(frames), FRAMES_PER_WRITE)
    return [b"".join(frames[place : place + FRAMES_PER_WRITE]) for place in places]


def read(reads: list[bytes]) -> int:
    """Read an answer; gives the number of chunks."""
    decoder = StreamDecoder()
    context = AnswerContext(provider="custom", requested_model="m")
    builder = ChunkBuilder(None, context)
    count = 0
    for data in reads:
        for event in decoder.feed(data):
            count += len(builder.chunks(event))
    return count


def main() -> None:
    """Read the file once, in reads that end anywhere."""
    data = Path(sys.argv[1]).read_bytes()
    places = range(0, len(data), READ_BYTES)
    assert read([data[place : place + READ_BYTES] for place in places])


if __name__ == "__main__":
    main()
