"""Faults planted in a copy of the code, each of which some seed must find.

Strategy: a fault is a piece of the source and what is put in its place; the piece must
be there exactly once, so that a fault is moved when the code is. Each gets a copy of
the package and a forked child that imports it, because a process has one
``langchain_streamkit``. So this module imports none, and starts before any thread.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PLANTED", "Planted", "find", "main"]

ROOT = Path(__file__).parents[2]
PACKAGE = "langchain_streamkit"


@dataclass(frozen=True, slots=True)
class Planted:
    """One fault.

    Attributes:
        name: What is wrong with it.
        path: The module, below the package.
        code: What stands there.
        fault: What is put there instead.
        seeds: Within how many seeds it must be found.
    """

    name: str
    path: str
    code: str
    fault: str
    seeds: int = 400


PLANTED = (
    Planted(
        "a retry after content",
        "_http/exchange.py",
        "        if self._has_content:\n            phase, delay",
        "        if False:\n            phase, delay",
    ),
    Planted(
        "a lost stall clock",
        "_resilience/clocks.py",
        "return timeouts.stall if self._has_progress else timeouts.first_token",
        "return None if self._has_progress else timeouts.first_token",
    ),
    Planted(
        "a clock that runs while the reader holds a chunk",
        "_resilience/clocks.py",
        "            self._mark += now - self._held_since\n",
        "",
    ),
    Planted(
        "a comment taken for progress",
        "_http/exchange.py",
        "            if events:\n                came = now()\n",
        "            clocks.progress(now())\n"
        "            if events:\n                came = now()\n",
    ),
    Planted(
        "a skipped close of an async stream",
        "_http/closing.py",
        "        await asyncio.shield(close_soon(loop, close))\n\n\n",
        "        close.close()\n\n\n",
    ),
    Planted(
        "a skipped close of a sync stream",
        "_http/open_responses.py",
        "        _leave(held)\n        raise\n",
        "        raise\n",
    ),
    Planted(
        "a connection that is never free again",
        "_http/transport.py",
        "        self._busy.discard(connection)\n        if not",
        "        if not",
    ),
    Planted(
        "an ignored Retry-After",
        "_resilience/retry.py",
        "        asked = error.retry_after\n",
        "        asked = None\n",
    ),
    Planted(
        "a deadline that the wait before a retry ignores",
        "_resilience/retry.py",
        "        if seconds_left is not None and delay >= seconds_left:\n"
        "            return None\n",
        "",
        seeds=1000,
    ),
    Planted(
        "usage doubled by a resumption",
        "_http/resumption.py",
        "            self._keep(answer, error)\n",
        "            self._keep(answer, error)\n"
        "            self._said.usage = _sum_usage(self._said.usage, answer.usage)\n",
        seeds=1000,
    ),
    Planted(
        "the usage of the first attempt forgotten",
        "_http/resumption.py",
        "        answer.usage = _sum_usage(said.usage, answer.usage)\n",
        "",
        seeds=1000,
    ),
    Planted(
        "an echo that is not stripped",
        "_resilience/resume.py",
        "                _Reading(said),\n"
        "                _Reading(again.lstrip(), is_trimmed=True),\n"
        "                _Reading(said.lstrip(), is_trimmed=True),\n",
        "                _Reading(again.lstrip(), is_trimmed=True),\n",
        seeds=2000,
    ),
    Planted(
        "the word before the cut said twice",
        "_resilience/resume.py",
        "                return text[len(reading.expected) :]\n",
        "                return text\n",
    ),
    Planted(
        "a cut taken for the end",
        "_wire/stream_decoder.py",
        "        if self.failure is None and not self._saw_done:\n",
        "        if self.failure is None and not self._saw_done and not self.answer:\n",
    ),
    Planted(
        "one attempt too many",
        "_resilience/retry.py",
        "        if attempt > self.max_retries or",
        "        if attempt > self.max_retries + 1 or",
    ),
    Planted(
        "a refused connection that is not tried again",
        "_resilience/retry.py",
        "        if attempt > self.max_retries or",
        "        if attempt > self.max_retries or not error.status_code or",
    ),
)


def find(planted: Planted) -> list[str]:
    """Plant a fault, and let seeds look for it.

    Args:
        planted: The fault.

    Returns:
        The first seed that found it and the rules that it broke; empty if none did.

    Raises:
        ValueError: If its code does not stand there exactly once.
    """
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(read_end)
            with os.fdopen(write_end, "w", encoding="utf-8", errors="replace") as out:
                out.write("\n".join(_look_for(planted)))
            status = 0
        except BaseException:  # noqa: BLE001 - a child must not go on as its parent
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(write_end)
    with os.fdopen(read_end, encoding="utf-8") as found:
        lines = found.read().splitlines()
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        raise ValueError(f"{planted.name}: see above")
    return lines


def _look_for(planted: Planted) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / PACKAGE, Path(folder) / PACKAGE)
        path = Path(folder) / PACKAGE / planted.path
        source = path.read_text("utf-8")
        if source.count(planted.code) != 1:
            raise ValueError(
                f"{planted.path} has it {source.count(planted.code)} times"
            )
        path.write_text(source.replace(planted.code, planted.fault), "utf-8")
        sys.path.insert(0, folder)
        from .figures import simulate

        figures = simulate(range(planted.seeds), stop_at_first=True)
        return [
            f"seed {seed}: {problem}"
            for seed, problems in figures.failed.items()
            for problem in problems
        ]


def main() -> int:
    """Look for all of them; 1 if one was not found."""
    # What all children need, once.
    import httpx  # noqa: F401
    import langchain_core.language_models.chat_models  # noqa: F401

    missed = 0
    for planted in PLANTED:
        found = find(planted)
        missed += not found
        said = found[0] if found else f"NOT FOUND in {planted.seeds} seeds"
        print(f"{planted.name}: {said}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
