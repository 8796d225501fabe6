"""The server of the benchmarks: it replays prepared bytes, as cheaply as it can.

It runs in a process of its own (``python -m benchmarks.replay``) and prints its
address. What it sends stands in the path: kind, chunks, pace, streams, run. A paced
answer waits until all streams of its run are open, so that what is measured after the
first chunk is reading alone. A request for a whole answer (no ``stream``) gets one.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

__all__ = ["FRAMES_PER_WRITE", "PIECE", "expected_characters", "main", "path_of"]

FRAMES_PER_WRITE = 50
PIECE = " word"
HEAD = (
    "HTTP/1.1 200 OK\r\ncontent-type: {}\r\ncache-control: no-cache\r\n"
    "x-request-id: req_bench\r\n{}\r\n\r\n"
)
IDENTITY = {
    "id": "chatcmpl-bench",
    "object": "chat.completion.chunk",
    "created": 1_760_000_000,
    "model": "m",
    "system_fingerprint": "fp_bench",
}
USAGE = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
CALL_HEAD = {"index": 0, "id": "call_1", "type": "function"}


@dataclass(frozen=True)
class Replay:
    """What a path asks for."""

    kind: str
    chunks: int
    pace: str  # "bulk", "write", "hold", or milliseconds between frames
    streams: int
    run: int


def path_of(kind: str, chunks: int, pace: str, streams: int = 1, run: int = 0) -> str:
    """The path that asks for it, to be put after the server's address."""
    return f"/{kind}/{chunks}/{pace}/{streams}/{run}/v1"


def pieces_of(kind: str, chunks: int) -> list[str]:
    """The pieces of content, one a chunk; all of the same length but the edges."""
    if kind == "tool":
        return ['{"text": "', *([PIECE] * (chunks - 2)), '"}']
    return [PIECE] * chunks


def expected_characters(kind: str, chunks: int) -> int:
    """How many characters a client must have read."""
    return sum(map(len, pieces_of(kind, chunks)))


def delta_of(kind: str, piece: str) -> dict[str, Any]:
    """One delta as OpenAI (text, tool) and DeepSeek (reasoning) write it."""
    if kind == "tool":
        return {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
    if kind == "reasoning":
        return {"content": None, "reasoning_content": piece}
    return {"content": piece}


def frame(
    delta: dict[str, Any], finish_reason: str | None = None, **more: Any
) -> bytes:
    """One frame of an event stream."""
    choice = {
        "index": 0,
        "delta": delta,
        "logprobs": None,
        "finish_reason": finish_reason,
    }
    body = {**IDENTITY, "choices": [choice], **more}
    return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"


def frames_of(kind: str, chunks: int) -> list[bytes]:
    """All frames of an answer, the first and the last ones included."""
    opening: dict[str, Any] = {"role": "assistant", "content": ""}
    if kind == "tool":
        function = {"name": "write", "arguments": ""}
        opening = {
            "role": "assistant",
            "content": None,
            "tool_calls": [{**CALL_HEAD, "function": function}],
        }
    middle = [frame(delta_of(kind, piece)) for piece in pieces_of(kind, chunks)]
    reason = "tool_calls" if kind == "tool" else "stop"
    return [
        frame(opening),
        *middle,
        frame({}, reason, usage=USAGE),
        b"data: [DONE]\n\n",
    ]


def chunked(data: bytes) -> bytes:
    """One chunk of HTTP's chunked coding."""
    return b"%x\r\n%s\r\n" % (len(data), data)


@cache
def writes_of(kind: str, chunks: int, frames_per_write: int) -> tuple[bytes, ...]:
    """The bytes of an answer, one element a write."""
    frames = frames_of(kind, chunks)
    return tuple(
        chunked(b"".join(frames[place : place + frames_per_write]))
        for place in range(0, len(frames), frames_per_write)
    )


@cache
def whole(kind: str, chunks: int) -> bytes:
    """The answer to a request that asks for no stream."""
    message = {"role": "assistant", "content": "".join(pieces_of(kind, chunks))}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = json.dumps({**IDENTITY, "choices": [choice], "usage": USAGE}).encode()
    head = HEAD.format("application/json", f"content-length: {len(body)}")
    return head.encode() + body


class Server:
    """Answers connections, and knows which runs have all their streams."""

    def __init__(self) -> None:
        self.waiting: defaultdict[Replay, int] = defaultdict(int)
        self.all_here: defaultdict[Replay, asyncio.Event] = defaultdict(asyncio.Event)

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer one connection's requests until it is closed."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.decode().lower().split("\r\n")
                sizes = [line for line in lines if line.startswith("content-length:")]
                size = int(sizes[0].split(":")[1]) if sizes else 0
                body = await reader.readexactly(size)
                kind, chunks, pace, streams, run = (
                    lines[0].split(" ")[1].split("/")[1:6]
                )
                replay = Replay(kind, int(chunks), pace, int(streams), int(run))
                if json.loads(body).get("stream"):
                    await self.stream(replay, writer)
                else:
                    writer.write(whole(kind, int(chunks)))
        writer.close()

    async def stream(self, replay: Replay, writer: asyncio.StreamWriter) -> None:
        """Replay one stream at its pace."""
        head = HEAD.format("text/event-stream", "transfer-encoding: chunked")
        writer.write(head.encode())
        at_once = FRAMES_PER_WRITE if replay.pace == "bulk" else 1
        writes = writes_of(replay.kind, replay.chunks, at_once)
        if replay.pace in {"bulk", "write"}:
            for data in writes:
                writer.write(data)
                await writer.drain()
        elif replay.pace == "hold":
            for data in writes[:-2]:
                writer.write(data)
            await asyncio.sleep(3600)
        else:
            await self.pace(replay, writes, writer)
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def pace(
        self, replay: Replay, writes: tuple[bytes, ...], writer: asyncio.StreamWriter
    ) -> None:
        """A frame at a time, each stream in a phase of its own."""
        place = self.waiting[replay] = self.waiting[replay] + 1
        if place == replay.streams:
            self.all_here[replay].set()
        await self.all_here[replay].wait()
        seconds = float(replay.pace) / 1000
        now = asyncio.get_running_loop().time
        due = now() + seconds * place / replay.streams
        for data in writes:
            await asyncio.sleep(due - now())
            writer.write(data)
            due += seconds


async def run() -> None:
    """Serve until terminated."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    server = await asyncio.start_server(Server().serve, "127.0.0.1", 0, backlog=2048)
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)
    await stopped.wait()
    os._exit(0)  # connections may be open; nothing is worth a goodbye


def main() -> None:
    """Run the server."""
    asyncio.run(run())


if __name__ == "__main__":
    main()
