"""The AI SDK from npm, as the judge of what we send to pages that use it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.integration_tests.servers._process import (
    MissingToolError,
    cache_folder,
    locked,
    run,
)

__all__ = ["VERSIONS", "read"]

VERSIONS = {5: "5.0.277", 6: "6.0.326", 7: "7.0.173"}

_READER = Path(__file__).with_name("ai_reader.mjs")
_OLDEST_NODE = 20


def read(version: int, frames: bytes) -> dict[str, Any]:
    """Read a UI message stream as a page does.

    Args:
        version: The SDK's major version.
        frames: What the server sends.

    Returns:
        ``invalid`` (what the SDK's schema says of frames that it refuses), ``errors``
        (what a page is told), ``message`` (what it shows).

    Raises:
        MissingToolError: If there is no npm, or no Node that is new enough.
        UnavailableError: If the SDK cannot be installed.
    """
    node, npm = _tools()
    folder = cache_folder(f"ai-{VERSIONS[version]}")
    with locked(folder):
        if not (folder / "node_modules" / "ai").exists():
            _install(npm, folder, VERSIONS[version])
    script = folder / _READER.name
    script.write_bytes(_READER.read_bytes())
    done = subprocess.run(
        [node, script], input=frames, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _tools() -> tuple[str, str]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise MissingToolError("The AI SDK needs Node 20 with npm; it is not there.")
    said = subprocess.check_output([node, "--version"], text=True)
    if int(re.findall(r"\d+", said)[0]) < _OLDEST_NODE:
        raise MissingToolError(f"The AI SDK needs Node 20; this is {said.strip()}.")
    return node, npm


def _install(npm: str, folder: Path, version: str) -> None:
    package = {"type": "module", "dependencies": {"ai": version}}
    (folder / "package.json").write_text(json.dumps(package), "utf-8")
    command = (npm, "install", "--ignore-scripts", "--no-audit", "--no-fund")
    run(*command, log=folder / "install.log", seconds=180)
