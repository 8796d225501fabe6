"""Processor instructions a chunk of the core loop, counted by Valgrind's callgrind.

Two runs that differ only in the number of chunks are counted, so that starting Python
drops out; the count is the same on a quiet and on a busy machine. ``make instructions``
fails where a count has grown by more than a tenth over ``LIMITS``, which were counted
on Python 3.11; other versions of Python and of what is compiled may differ.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.core_loop import prepare

__all__ = ["LIMITS", "main"]

LIMITS = {"text": 50_500, "reasoning": 53_200, "tool": 71_500}
HEADROOM = 1.1
FEW, MANY = 500, 2_500


def count(kind: str, chunks: int) -> int:
    """Instructions of one run, all of Python included."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer")
        answer.write_bytes(b"".join(prepare(kind, chunks)))
        command = ["valgrind", "--tool=callgrind", "--trace-children=no"]
        command += [f"--callgrind-out-file={folder}/counts", sys.executable]
        command += ["-m", "benchmarks.core_loop", str(answer)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
        )
    found = re.search(r"refs:\s+([\d,]+)", done.stderr)
    assert found is not None, done.stderr
    return int(found[1].replace(",", ""))


def main() -> int:
    """Print the counts; 1 if one of them is too large."""
    if shutil.which("valgrind") is None:
        print("Not counted: valgrind is not installed (Debian: apt install valgrind).")
        return 0
    print(f"{'kind':<12}{'a chunk':>10}{'agreed':>10}")
    is_dearer = False
    for kind, limit in LIMITS.items():
        each = (count(kind, MANY) - count(kind, FEW)) / (MANY - FEW)
        is_dearer |= each > limit * HEADROOM
        print(f"{kind:<12}{each:>10,.0f}{limit:>10,}", flush=True)
    return int(is_dearer)


if __name__ == "__main__":
    sys.exit(main())
