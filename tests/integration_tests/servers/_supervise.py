"""Run a program, and end it when the one who asked for it is gone.

Called as ``python _supervise.py PROGRAM ARGUMENT...``, as the leader of a process
group, with a pipe as its input. The pipe closes when its writer wants the program to
stop, and also when the writer dies, even of ``SIGKILL``; then the whole group ends:
politely at first, and a second later for good.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

PATIENCE_SECONDS = 1.0


def main(command: list[str]) -> int:
    """Run the program to its end, or to the end of the input; give its exit code."""
    # A handler, not SIG_IGN: the program would inherit that.
    signal.signal(signal.SIGTERM, lambda *_: None)
    stopping = threading.Event()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=_stop_with_input, args=(stopping,), daemon=True).start()
    code = child.wait()
    if stopping.is_set():
        os.killpg(0, signal.SIGKILL)  # whatever the program has left behind, and us
    return code


def _stop_with_input(stopping: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stopping.set()
    os.killpg(0, signal.SIGTERM)
    time.sleep(PATIENCE_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
