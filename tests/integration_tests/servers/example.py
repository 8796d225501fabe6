"""The programs of ``examples/``, each in a process of its own."""

from __future__ import annotations

import os
import socket
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from typing_extensions import override

from langchain_streamkit.testing import Hold
from langchain_streamkit.testing.faults import Fault
from langchain_streamkit.testing.steps import Send
from tests.integration_tests.servers._process import (
    UnavailableError,
    cache_folder,
    supervised,
)
from tests.integration_tests.servers._process import serve as _serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_streamkit.testing import Gate
    from langchain_streamkit.testing.steps import Step

__all__ = ["CHECKOUT", "HOSTILE", "Pause", "environment", "serve", "serve_streamlit"]

CHECKOUT = Path(__file__).parents[3]

# All that a screen, a line reader or a parser could take for something else.
HOSTILE = (
    '<b>bold</b> <img src=x onerror="alert(1)"> <script>alert(2)</script> </script>\n'
    "<!-- comment --> &lt;b&gt; &amp; ]]> ${7*7} {{7*7}}\n"
    "[link](javascript:alert(3)) ![image](http://127.0.0.1:9/pixel.png) `code`\n"
    "data: not a frame\n\nevent: final\nid: 9\n: comment\n\n"
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J bell\x07 nul\x00\n"
    "one\rtwo\r\nthree\u2028four\u2029five\x85six\x0bseven\x0ceight\n"
    "\u202eturned\u202c \u200eleft \ufeffmark \u00e9 \u65e5\u672c "
    "\U0001f469\u200d\U0001f469 end"
)


@dataclass(frozen=True)
class Pause(Fault):
    """The answer stops until the test opens a gate.

    Attributes:
        gate: The gate.
        after_frames: How many frames are sent before, the one with the role included.
    """

    gate: Gate
    after_frames: int = 1

    @override
    def apply(self, steps: Iterator[Step]) -> Iterator[Step]:
        """Pass on so many frames, wait at the gate, and pass on the rest."""
        sent = 0
        for step in steps:
            if isinstance(step, Send):
                if sent == self.after_frames:
                    yield Hold(self.gate)
                sent += 1
            yield step


def environment(url: str) -> dict[str, str]:
    """What to add to the environment of an example.

    Args:
        url: The base URL of the model's server; empty for the example's own.
    """
    personal = ("LANGCHAIN_", "LANGSMITH_", "OPENAI_", "STREAMKIT_")
    hidden = {key: "" for key in os.environ if key.startswith(personal)}
    told = {"URL": url, "MODEL": "any" if url else "", "PORT": "0"}
    return hidden | told | {"PYTHONPATH": str(CHECKOUT)}


@contextmanager
def serve(
    name: str, url: str, *, module: str = "", python: str = "", seconds: float = 60.0
) -> Iterator[str]:
    """Run an example for as long as the context lasts.

    Args:
        name: The name of its log file, and of its module in ``examples``.
        url: The base URL of the model's server; empty for the example's own.
        module: The module, if its name is another.
        python: Another interpreter than this one.
        seconds: How long its start may take.

    Yields:
        The address that it says it is listening on.

    Raises:
        UnavailableError: If it ends, or is silent about its port, before that.
    """
    folder = cache_folder("examples")
    command = (python or sys.executable, "-m", module or f"examples.{name}")
    env = environment(url)
    with _serve(
        name, *command, folder=folder, api_key="", env=env, seconds=seconds
    ) as server:
        yield server.url.removesuffix("/v1")


@contextmanager
def serve_streamlit(url: str) -> Iterator[str]:
    """Run the Streamlit app, which does not tell a port of the system's choice.

    Args:
        url: The base URL of the model's server; empty for the example's own.

    Yields:
        Its address.

    Raises:
        UnavailableError: If it does not answer.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = cache_folder("examples") / f"streamlit_app-{port}.log"
    program = CHECKOUT / "examples" / "streamlit_app.py"
    options = ("--server.port", str(port), "--server.address", "127.0.0.1")
    quiet = ("--server.headless", "true", "--browser.gatherUsageStats", "false")
    command = (sys.executable, "-m", "streamlit", "run", program, *options, *quiet)
    with supervised(command, log=log, env=environment(url)) as process:
        deadline = time.monotonic() + 90
        address = f"http://127.0.0.1:{port}"
        while not _is_healthy(f"{address}/_stcore/health"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise UnavailableError(f"Streamlit does not answer; see {log}.")
            time.sleep(0.1)
        yield address


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False
