"""A fake server in a process of its own: ``python -m langchain_streamkit.testing``.

It prints its base URL as its first line and serves until it is interrupted or told
to end (SIGTERM). Without ``--words`` it answers with the assistant; with it, every
answer is that long, which is what benchmarks need. ``--replay`` answers as recorded.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from typing import TYPE_CHECKING

from langchain_streamkit.testing._recordings import load_replies
from langchain_streamkit.testing.replies import Reply
from langchain_streamkit.testing.server import FakeServer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

__all__ = ["main"]

_KEPT_REQUESTS = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted.

    Args:
        arguments: The command line without the program's name; None for the real
            one.

    Returns:
        The exit status.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    done = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        done.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    replies = None if options.words is None else [_reply(options)]
    if options.replay is not None:
        try:
            replies = load_replies(options.replay, options.speed)
        except (OSError, ValueError) as error:
            parser.error(str(error))
    server = FakeServer(
        replies,
        repeat_last=True,
        validate=options.replay is None,
        api_key=options.api_key,
        host=options.host,
        port=options.port,
        keep_requests=_KEPT_REQUESTS,
    )
    with server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        done.wait()
    return 0


def _reply(options: argparse.Namespace) -> Reply:
    return Reply(
        ["word"] + [" word"] * (options.words - 1),
        first_delay=options.first_delay,
        frame_delay=options.frame_delay,
        frames_per_send=options.frames_per_send,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m langchain_streamkit.testing",
        description="An OpenAI-compatible server for tests, without a model.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="the address to listen on")
    add("--port", type=int, default=0, help="the port; 0 for a free one")
    add("--api-key", help="the key that requests must bear")
    add("--replay", metavar="PATH", help="answer as a recording, or a folder of them")
    add("--speed", type=float, default=1.0, help="of the replay; 0 for at once")
    add("--words", type=int, metavar="N", help="answer everything with N words")
    add("--first-delay", type=float, default=0.0, metavar="SECONDS")
    add("--frame-delay", type=float, default=0.0, metavar="SECONDS")
    add("--frames-per-send", type=int, default=1, metavar="N")
    return parser


if __name__ == "__main__":
    sys.exit(main())
