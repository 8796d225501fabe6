"""aimock: a scripted server from npm, with the answers of ``aimock_fixtures.json``.

One package of 12 MB without dependencies (MIT), installed in two seconds, started in
a quarter of one. It needs Node 20. What it is good for: it fails on command (status
codes, cut streams, broken JSON), cuts text in the middle of a character, and keeps a
journal of every request, which a test reads to see what was really sent.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.integration_tests.servers._process import (
    MissingToolError,
    Server,
    cache_folder,
    locked,
    run,
    serve_until_interrupted,
)
from tests.integration_tests.servers._process import serve as _serve

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FIXTURES", "journal", "serve"]

FIXTURES = Path(__file__).with_name("aimock_fixtures.json")

_PACKAGE = "@copilotkit/aimock"
_VERSION = "1.43.0"
_INTEGRITY = (
    "sha512-V8D8cjSMtAR4rHaD2ulp3DR/ZguXQjDNOqwKDNvjb/OJL/KR1I0SDf5xpRCd+TYKjhmf9fM8"
    "Xpg3QBKPmV9Kmw=="
)
_OLDEST_NODE = (20, 15)
_API_KEY = "sk-aimock-test"


@contextmanager
def serve() -> Iterator[Server]:
    """Install aimock if need be, and run it for as long as the context lasts.

    Yields:
        The running server.

    Raises:
        MissingToolError: If there is no npm, or no Node that is new enough.
        UnavailableError: If it cannot be installed or started.

    Example:
        >>> with serve() as server:  # doctest: +SKIP
        ...     print(server.url)
        http://127.0.0.1:41931/v1
    """
    node, npm = _tools()
    folder = cache_folder(f"aimock-{_VERSION}")
    program = folder / "node_modules" / _PACKAGE / "dist" / "cli.js"
    with locked(folder):
        if not program.exists():
            _install(npm, folder)
    command = (node, program, "--port", "0", "--fixtures", FIXTURES)
    env = {"AIMOCK_API_KEYS": _API_KEY}
    with _serve("aimock", *command, folder=folder, api_key=_API_KEY, env=env) as server:
        yield server


def journal(server: Server, test_id: str) -> list[dict[str, Any]]:
    """Read what the server has received, and what it answered.

    Args:
        server: The running aimock.
        test_id: The ``X-Test-Id`` of the requests.

    Returns:
        For each request, the oldest first, ``body`` and ``response`` (``status``),
        among other things.
    """
    address = server.url.removesuffix("/v1") + "/__aimock/journal"
    headers = {"Authorization": f"Bearer {server.api_key}"}
    answer = httpx.get(address, headers=headers, params={"testId": test_id})
    entries: list[dict[str, Any]] = answer.raise_for_status().json()
    return entries


def _tools() -> tuple[str, str]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise MissingToolError("aimock needs Node 20 with npm, and it is not there.")
    version = subprocess.check_output([node, "--version"], text=True).strip()
    numbers = re.findall(r"\d+", version)
    if tuple(map(int, numbers[:2])) < _OLDEST_NODE:
        raise MissingToolError(f"aimock needs Node 20.15 or newer; this is {version}.")
    return node, npm


def _install(npm: str, folder: Path) -> None:
    """Install exactly the bytes that we know: npm checks them against the lock."""
    wanted = {"dependencies": {_PACKAGE: _VERSION}}
    known = {"version": _VERSION, "integrity": _INTEGRITY}
    packages = {"": wanted, f"node_modules/{_PACKAGE}": known}
    lock = {"lockfileVersion": 3, "packages": packages}
    (folder / "package.json").write_text(json.dumps(wanted), "utf-8")
    (folder / "package-lock.json").write_text(json.dumps(lock), "utf-8")
    command = (npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    run(*command, log=folder / "install.log", seconds=180)


if __name__ == "__main__":
    serve_until_interrupted(serve())
