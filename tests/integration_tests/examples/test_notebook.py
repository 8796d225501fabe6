"""The notebook runs from top to bottom, in a kernel of its own."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from langchain_streamkit.testing import FakeServer, Reply
from tests.integration_tests.servers.example import CHECKOUT, HOSTILE, environment

NOTEBOOK = CHECKOUT / "examples" / "notebook.ipynb"


def read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def run(monkeypatch: pytest.MonkeyPatch, url: str) -> list[Any]:
    """The outputs of each cell with code."""
    for name, value in environment(url).items():
        monkeypatch.setenv(name, value)
    notebook = read()
    where = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(notebook, timeout=60, resources=where).execute()
    return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]


def test_it_is_kept_without_outputs():
    for cell in read().cells:
        assert cell.cell_type != "code" or (not cell.outputs and not cell.metadata)
        assert cell.get("execution_count") is None


@pytest.mark.timeout(180, func_only=True)
def test_every_cell_runs_with_its_own_server(monkeypatch: pytest.MonkeyPatch):
    _, shown, usage, counted, grown, tried, _ = run(monkeypatch, "")
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
def test_hostile_text_is_only_text(monkeypatch: pytest.MonkeyPatch):
    person = '{"name": "Ada", "age": 36}'
    with FakeServer() as server:
        server.script(Reply(HOSTILE, reasoning=HOSTILE), HOSTILE, person, HOSTILE)
        _, shown, *_, tried, _ = run(monkeypatch, server.url)
    for output in (shown[0], tried[0]):
        markdown = output.data["text/markdown"]
        assert "<script" not in markdown
        assert "<img" not in markdown
        assert "![" not in markdown
        assert "](javascript:" not in markdown
        assert "\x1b" not in markdown
        assert "\u65e5\u672c" in markdown
