"""Cut every recorded stream: at every byte in the decoder, and on real sockets.

On sockets the places are drawn, by the seed that is printed; each is cut by FIN, by RST
and by the end of the body, and read by ``stream`` and ``astream``. A cut must give the
same success, or a typed error whose partial is what the reader got: a prefix.
Without a folder of recordings, streams of the fake server are cut.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.cli._recordings import find_recordings
from langchain_streamkit.errors import StreamKitError
from langchain_streamkit.testing import Cut, FakeServer, Reply, ToolCall
from langchain_streamkit.testing._frames import Asked, render_frames

from .cuts import (
    cut_at_every_byte,
    cut_problems,
    draw_places,
    has_finished,
    is_all,
    read,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["made_streams", "main", "on_sockets"]

_HOWS = ("close", "reset", "end")
_SECONDS = 30


def made_streams() -> dict[str, bytes]:
    """Streams of every kind, as the fake server makes them."""
    replies = {
        "text": Reply("Hä? A 👋, \u2028 and more.", usage_place="every"),
        "reasoning": Reply("So: 42.", reasoning="Let me think."),
        "calls": Reply(tool_calls=[ToolCall("f", {"path": "/x", "n": [1, 2]})] * 2),
        "refusal": Reply(refusal="No, thank you."),
    }
    asked = Asked(stream=True, include_usage=True)
    return {
        name: b"".join(frame for part in render_frames(reply, asked) for frame in part)
        for name, reply in replies.items()
    }


def in_decoder(stream: tuple[str, bytes]) -> list[str]:
    """What is wrong with the cuts of one stream."""
    name, body = stream
    return [f"{name}: {problem}" for problem in cut_at_every_byte(body)]


def on_sockets(streams: dict[str, bytes], *, seed: int, places: int) -> Iterator[str]:
    """Cut streams at places that are drawn, on real sockets.

    Args:
        streams: The streams by name.
        seed: Of the draw.
        places: How many.

    Yields:
        A line for each cut that is taken wrongly.
    """
    names = list(streams)
    drawn = draw_places(seed, [len(streams[name]) for name in names], places)
    with (
        FakeServer(validate=False, keep_requests=1) as server,
        asyncio.Runner() as loop,
    ):
        model = ChatStreamKit(
            model="m", base_url=server.url, max_retries=0, total_timeout=_SECONDS
        )
        for number, place in drawn:
            body = streams[names[number]]
            whole, failure = read(body)
            is_finished = has_finished(body[:place])
            for how in _HOWS:
                faults = [Cut(after_bytes=place, how=how)]
                reply = Reply.replay(body).replace(faults=faults)
                server.script(reply, repeat_last=True)
                for way in ("stream", "astream"):
                    seen, error = (
                        _read(model) if way == "stream" else loop.run(_aread(model))
                    )
                    where = f"{names[number]}: {how} after {place} bytes, {way}"
                    is_success = error is None and failure is None
                    if is_success and not is_all(seen, whole, is_finished=is_finished):
                        yield f"{where}: success with {seen!r:.200}"
                    if error is not None:
                        yield from _error_problems(error, seen, where)
                    yield from cut_problems(seen, whole, where)


def _error_problems(
    error: Exception, seen: tuple[str, str], where: str
) -> Iterator[str]:
    if not isinstance(error, StreamKitError):
        yield f"{where}: {type(error).__name__}: {error}"
        return
    partial = "" if error.partial is None else error.partial.text
    if partial != seen[0]:
        yield f"{where}: partial is {partial!r:.200}, and {seen[0]!r:.200} was read"


def _read(model: ChatStreamKit) -> tuple[tuple[str, str], Exception | None]:
    text = thoughts = ""
    try:
        for chunk in model.stream("Go"):
            text += chunk.text
            thoughts += chunk.additional_kwargs.get("reasoning_content", "")
    except Exception as error:  # noqa: BLE001 - what it was is what is asked
        return (text, thoughts), error
    return (text, thoughts), None


async def _aread(model: ChatStreamKit) -> tuple[tuple[str, str], Exception | None]:
    text = thoughts = ""
    try:
        async for chunk in model.astream("Go"):
            text += chunk.text
            thoughts += chunk.additional_kwargs.get("reasoning_content", "")
    except Exception as error:  # noqa: BLE001 - what it was is what is asked
        return (text, thoughts), error
    return (text, thoughts), None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and give 1 if a cut was taken wrongly."""
    parser = argparse.ArgumentParser(prog="make cuts", description=__doc__)
    add = parser.add_argument
    add("folder", metavar="DIR", nargs="?", help="the folder of the recordings")
    add("--places", type=int, default=500, help="how many on sockets")
    add("--seed", type=int, default=random.randrange(10**6), help="of these")
    add("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    add("--only", default="", metavar="TEXT", help="only paths with this in them")
    options = parser.parse_args(arguments)
    streams = made_streams()
    if options.folder and Path(options.folder).is_dir():
        root = Path(options.folder)
        paths = [path for path in find_recordings(root) if path.suffix == ".sse"]
        streams |= {str(path.relative_to(root)): path.read_bytes() for path in paths}
    streams = {name: body for name, body in streams.items() if options.only in name}
    cuts = sum(map(len, streams.values()))
    print(f"{len(streams)} streams, {cuts} bytes, seed {options.seed}", flush=True)
    began, wrong = time.perf_counter(), 0
    largest = sorted(streams.items(), key=lambda one: len(one[1]), reverse=True)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, context) as pool:
        for problems in pool.map(in_decoder, largest):
            wrong += len(problems)
            print(
                "".join(f"{problem}\n" for problem in problems[:5]), end="", flush=True
            )
    print(f"decoder: {wrong} wrong, {time.perf_counter() - began:.0f} s", flush=True)
    for problem in on_sockets(streams, seed=options.seed, places=options.places):
        wrong += 1
        print(problem, flush=True)
    ways = 2 * len(_HOWS) * options.places
    print(f"{wrong} wrong of {cuts} + {ways}, {time.perf_counter() - began:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    from tests.corpus.cut import main as start  # what the processes can find

    sys.exit(start())
