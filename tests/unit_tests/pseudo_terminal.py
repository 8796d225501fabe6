"""A program on a terminal that is not there, and what its user would see."""

from __future__ import annotations

import os
import select
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import pyte

ROOT = Path(__file__).parents[2]
COLUMNS, LINES = 90, 40
SECONDS = 30.0
# Makes the terminal that of the session, so that Ctrl-C is a signal, and goes on. What
# a shell starts in the background ignores that signal, and so would its children.
TAKE_TERMINAL = (
    "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "signal.signal(signal.SIGINT, signal.SIG_DFL); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)


class PseudoTerminal:
    """Runs a Python program; use it as a context, on a system that has terminals."""

    def __init__(self, *arguments: str, output: int | None = None):
        self.raw = b""
        self._screen = pyte.HistoryScreen(COLUMNS, LINES, history=1000, ratio=0.9)
        self._stream = pyte.ByteStream(self._screen)
        taking = [sys.executable, "-c", TAKE_TERMINAL]
        self._arguments = [*taking, "-W", "error", *arguments]
        self._output = output

    def __enter__(self) -> Self:
        import fcntl
        import termios

        self._leader, follower = os.openpty()
        size = struct.pack("HHHH", LINES, COLUMNS, 0, 0)
        fcntl.ioctl(follower, termios.TIOCSWINSZ, size)
        hidden = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE")
        kept = {k: v for k, v in os.environ.items() if k not in hidden}
        self.process = subprocess.Popen(
            self._arguments,
            stdin=follower,
            stdout=follower if self._output is None else self._output,
            stderr=follower,
            env={**kept, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        os.close(follower)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._leader)

    @property
    def text(self) -> str:
        """All lines that were shown, those that have scrolled away too."""
        old = [
            "".join(line[column].data for column in range(COLUMNS))
            for line in self._screen.history.top
        ]
        return "\n".join(line.rstrip() for line in [*old, *self._screen.display])

    def type(self, keys: str) -> None:
        os.write(self._leader, keys.encode())

    def until(self, words: str, count: int = 1) -> None:
        """Wait until words are on the screen."""
        deadline = time.monotonic() + SECONDS
        while self.text.count(words) < count:
            assert time.monotonic() < deadline, f"no {words!r} in\n{self.text}"
            assert self._read(), f"no {words!r}, and the program has ended\n{self.text}"

    def end(self) -> int:
        """Wait for the program's end; its exit status."""
        while self._read():
            pass
        return self.process.wait(SECONDS)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._leader], [], [], 0.2)
        if not ready:
            return self.process.poll() is None
        try:
            data = os.read(self._leader, 65536)
        except OSError:  # Linux's way to say that the program has closed it
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)
