"""Run programs that are not ours, so that none outlives the tests.

Strategy: every program runs under ``_supervise.py``, which leads a process group of
its own and reads a pipe that we hold. Closing the pipe stops the group; a test run
that is interrupted, or killed, closes it as well. A server is asked for port 0 and
tells in its log which port it got, so that two runs never fight for one.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "MissingToolError",
    "Server",
    "UnavailableError",
    "cache_folder",
    "locked",
    "run",
    "serve",
    "serve_until_interrupted",
    "supervised",
]

_SUPERVISOR = Path(__file__).with_name("_supervise.py")
_CHECKOUT = Path(__file__).parents[3]
_LISTENING = re.compile(r"listening on (http://127\.0\.0\.1:\d+)")
_LOGS_KEPT_SECONDS = 24 * 3600.0


class UnavailableError(Exception):
    """The server cannot be installed or started here; the text says why."""


class MissingToolError(UnavailableError):
    """It cannot, for lack of a program that has to be there already."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs and answers.

    Attributes:
        url: The base URL for clients, with its ``/v1``.
        api_key: The one key that the server accepts.
        log: The file with all that the server has printed.
    """

    url: str
    api_key: str = field(repr=False)
    log: Path


def cache_folder(name: str) -> Path:
    """The folder for what one server needs, made if it is not there.

    Args:
        name: The folder's name; it contains the version.

    Returns:
        A folder in ``STREAMKIT_CACHE``, or in the checkout's ``.cache/integration``.

    Raises:
        MissingToolError: On a system that is not POSIX.
    """
    if os.name != "posix":
        raise MissingToolError("The foreign servers are run on POSIX systems only.")
    root = os.environ.get("STREAMKIT_CACHE") or _CHECKOUT / ".cache" / "integration"
    folder = Path(root).resolve() / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one test run at a time install or build in a folder.

    Args:
        folder: The cache folder to lock; the others wait.
    """
    import fcntl  # there is none on Windows

    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(
    *command: str | Path,
    log: Path,
    seconds: float,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a program to its end.

    Args:
        *command: The program and its arguments; it runs in the log's folder.
        log: The file for all that it prints.
        seconds: How long it may take.
        env: Environment variables to add to ours.

    Raises:
        UnavailableError: If it fails or takes longer.
    """
    program = Path(command[0]).name
    with supervised(command, log=log, env=env) as process:
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            what = f"{program} was not done after {seconds:g} s"
            raise _problem(log, what) from None
    if code:
        raise _problem(log, f"{program} failed ({code})")


@contextmanager
def serve(
    name: str,
    *command: str | Path,
    folder: Path,
    api_key: str,
    env: Mapping[str, str],
    seconds: float = 30.0,
) -> Iterator[Server]:
    """Run a server for as long as the context lasts.

    Args:
        name: The name of its log file.
        *command: The server and its arguments; it is to listen on 127.0.0.1, port 0.
        folder: Where to run it, and to keep its log.
        api_key: The key that it will accept.
        env: Environment variables to add to ours.
        seconds: How long its start may take.

    Yields:
        The running server.

    Raises:
        UnavailableError: If it ends, or is silent about its port, before that.
    """
    log = _new_log(folder, name)
    with supervised(command, log=log, env=env) as process:
        root = _wait_until_listening(process, log, time.monotonic() + seconds)
        yield Server(url=f"{root}/v1", api_key=api_key, log=log)


def serve_until_interrupted(server: contextlib.AbstractContextManager[Server]) -> None:
    """Run a server by hand, until Ctrl-C.

    Args:
        server: What the ``serve`` of a server's module gives.
    """
    try:
        with server as running, contextlib.suppress(KeyboardInterrupt):
            sys.stdout.write(
                f"Base URL {running.url}, key {running.api_key}, log {running.log}\n"
                "Ctrl-C stops it.\n"
            )
            sys.stdout.flush()
            while True:
                time.sleep(3600)
    except UnavailableError as reason:
        sys.exit(str(reason))


@contextmanager
def supervised(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program, and end its whole group when the context ends.

    Args:
        command: The program and its arguments; it runs in the log's folder.
        log: The file for all that it prints.
        env: Environment variables to add to ours.

    Yields:
        The process that leads the group.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", _SUPERVISOR, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env=os.environ | (env or {}),
            start_new_session=True,
        )
    with process:  # closes the pipe at the end, and waits
        yield process


def _wait_until_listening(
    process: subprocess.Popen[bytes], log: Path, deadline: float
) -> str:
    while time.monotonic() < deadline:
        if found := _LISTENING.search(log.read_text("utf-8", "replace")):
            return found[1]
        if process.poll() is not None:
            raise _problem(log, "it ended at once")
        time.sleep(0.02)
    raise _problem(log, "it does not say where it listens")


def _new_log(folder: Path, name: str) -> Path:
    """A log file for this start alone; those of earlier days go."""
    for old in folder.glob(f"{name}-*.log"):
        if old.stat().st_mtime < time.time() - _LOGS_KEPT_SECONDS:
            old.unlink(missing_ok=True)
    handle, path = tempfile.mkstemp(".log", f"{name}-", folder)
    os.close(handle)
    return Path(path)


def _problem(log: Path, what: str) -> UnavailableError:
    """What happened, in the words of the log's first error or else last line."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").split("\n")]
    lines = [line for line in lines if line]
    errors = (line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE))
    words = next(errors, lines[-1] if lines else "it printed nothing")
    return UnavailableError(f"{log.parent.name}: {what}: {words} (see {log})")
