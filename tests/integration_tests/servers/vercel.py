"""The AI SDK's chat, transport and reader (npm ``ai``, three major versions), on Node.

``vercel_client/client.mjs`` is what ``useChat`` is without React. It is told by lines
on its input what to do, and prints its whole state after each change.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.integration_tests.servers._process import (
    MissingToolError,
    cache_folder,
    locked,
    run,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["VercelChat", "installed"]

_SOURCE = Path(__file__).with_name("vercel_client")
_FILES = ("package.json", "package-lock.json", "client.mjs")

State = dict[str, Any]


@contextmanager
def installed() -> Iterator[Path]:
    """Install the packages if need be: exactly those of the lock file.

    Yields:
        The folder with the client.

    Raises:
        MissingToolError: If there is no Node, or no npm.
        UnavailableError: If they cannot be installed.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise MissingToolError("The AI SDK needs Node 20 with npm; they are not there.")
    content = b"".join((_SOURCE / name).read_bytes() for name in _FILES)
    folder = cache_folder(f"vercel-{hashlib.sha256(content).hexdigest()[:12]}")
    done = folder / "installed"
    with locked(folder):
        if not done.exists():
            for name in _FILES:
                shutil.copy(_SOURCE / name, folder)
            command = (npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
            run(*command, log=folder / "install.log", seconds=180)
            done.touch()
    yield folder


class VercelChat:
    """One chat of the AI SDK.

    Args:
        process: The client.

    Attributes:
        states: All that it has printed, the latest last.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._changed = threading.Condition()
        self.states: list[State] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @classmethod
    @contextmanager
    def start(cls, folder: Path, version: int, url: str) -> Iterator[VercelChat]:
        """Run one for as long as the context lasts.

        Args:
            folder: Of ``installed``.
            version: The major version of ``ai``.
            url: The route that it posts to.
        """
        with subprocess.Popen(
            ["node", folder / "client.mjs", str(version), url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        ) as process:
            chat = cls(process)
            try:
                yield chat
            finally:
                if process.stdin is not None:
                    process.stdin.close()  # which ends it
                chat._reader.join()

    def send(self, text: str) -> None:
        """Say something."""
        self._tell({"send": text})

    def stop(self) -> None:
        """Press stop."""
        self._tell({"stop": True})

    def wait_for(self, wanted: Callable[[State], bool], seconds: float = 20) -> State:
        """Wait until the latest state is as wanted.

        Raises:
            TimeoutError: If it was not, with the state that there is.
        """
        deadline = time.monotonic() + seconds
        with self._changed:
            while not (self.states and wanted(self.states[-1])):
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"Not within {seconds} s: {self.states[-1:]}")
            return self.states[-1]

    def _tell(self, command: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self.states.append(json.loads(line))
                self._changed.notify_all()
