"""The notebook runs from top to bottom, in a kernel of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from langchain_streamkit.testing import FakeServer, Reply
from tests.integration_tests.servers.example import CHECKOUT, HOSTILE, environment

if TYPE_CHECKING:
    from pathlib import Path

NOTEBOOK = CHECKOUT / "examples" / "notebook.ipynb"


def read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def run(folder: Path, url: str) -> list[Any]:
    """The outputs of each cell with code."""
    done = folder / "done.ipynb"
    command = [sys.executable, "-c", "from nbclient.cli import main; main()"]
    command += [str(NOTEBOOK), "--output", str(done), "--timeout", "60"]
    subprocess.run(
        command, check=True, timeout=150, env=os.environ | environment(url), cwd=folder
    )
    notebook = nbformat.read(done, as_version=4)
    return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]


def test_it_is_kept_without_outputs():
    for cell in read().cells:
        assert cell.cell_type != "code" or (not cell.outputs and not cell.metadata)
        assert cell.get("execution_count") is None


@pytest.mark.timeout(180, func_only=True)
def test_every_cell_runs_with_its_own_server(tmp_path: Path):
    _, shown, usage, counted, grown, tried, _ = run(tmp_path, "")
    (answer,) = shown
    markdown = answer.data["text/markdown"]
    assert "<details" in markdown
    assert "Sunlight holds every colour" in markdown
    assert "https://en.wikipedia.org/wiki/Rayleigh_scattering" in markdown
    assert "'stop'" in usage[0].data["text/plain"]
    assert "'final': 1" in counted[0].text
    assert "tokens a second" in counted[0].text
    assert "{'name': 'Ada', 'age': 36}" in grown[-1].text
    assert "<script" not in tried[0].data["text/markdown"]


@pytest.mark.timeout(180, func_only=True)
def test_hostile_text_is_only_text(tmp_path: Path):
    person = '{"name": "Ada", "age": 36}'
    with FakeServer() as server:
        server.script(Reply(HOSTILE, reasoning=HOSTILE), HOSTILE, person, HOSTILE)
        _, shown, *_, tried, _ = run(tmp_path, server.url)
    for output in (shown[0], tried[0]):
        markdown = output.data["text/markdown"]
        assert "<script" not in markdown
        assert "<img" not in markdown
        assert "![" not in markdown
        assert "](javascript:" not in markdown
        assert "\x1b" not in markdown
        assert "\u65e5\u672c" in markdown
