"""``show`` in the cells of a real kernel."""

from __future__ import annotations

import os
import re
import signal
import threading
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from langchain_streamkit.testing import FakeServer, Gate, Hold, Reply, Send, ToolCall
from tests.unit_tests.adapters.hostile import ACTING, HOSTILE, WORDS

pytestmark = [
    pytest.mark.usefixtures("foreign_loops"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.timeout(180),
]
ROOT = Path(__file__).parents[2]
FRAME = b'data: {"choices":[{"index":0,"delta":{"content":"early"}}]}\n\n'


@contextmanager
def notebook(server, monkeypatch):
    """Runs cells; gives a function from a cell's code to its outputs."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    client = NotebookClient(
        nbformat.v4.new_notebook(), timeout=90, kernel_name="python3"
    )
    with client.setup_kernel():

        def run(code):
            cell = nbformat.v4.new_code_cell(code)
            client.nb.cells.append(cell)
            client.execute_cell(cell, len(client.nb.cells) - 1)
            return cell.outputs

        run.client = client
        run(
            "from langchain_streamkit import ChatStreamKit, aiter_events\n"
            "from langchain_streamkit.adapters.jupyter import show\n"
            f"model = ChatStreamKit(model='any', base_url={server.url!r})"
        )
        yield run


def test_a_cell_shows_one_output_and_gives_the_message(monkeypatch) -> None:
    reply = Reply(HOSTILE, reasoning="Hm.", frame_delay=0.01)
    with FakeServer([reply]) as server, notebook(server, monkeypatch) as run:
        shown, printed = run(
            "message = await show(aiter_events(model, 'Hi'))\n"
            "print(ascii(message.text))"
        )
    markdown = shown["data"]["text/markdown"]
    assert markdown.startswith("<details><summary>Thinking")
    text = markdown.partition("</details>")[2]
    assert all(word in text for word in WORDS)
    assert "<script" not in text
    assert not set(markdown) & ACTING
    assert re.search(r"<small>any · \d+ tokens", markdown)
    assert printed["text"].strip() == ascii(HOSTILE.replace("\ud800", "\ufffd"))


@pytest.mark.parametrize("stream", ["model.astream('Hi')", "model.stream('Hi')"])
def test_an_interrupt_keeps_what_came_while_the_model_stalls(
    monkeypatch, stream
) -> None:
    gate = Gate()
    held = Reply.script(Send(FRAME), Hold(gate), Send(b"data: [DONE]\n\n"))
    with FakeServer([held]) as server, notebook(server, monkeypatch) as run:

        def interrupt():
            assert gate.wait_reached(60)
            while not shown.wait(0.05):  # the kernel has it on the wire, we not yet
                outputs = run.client.nb.cells[-1].outputs
                if "early" in str(outputs):
                    shown.set()
            os.kill(run.client.km.provisioner.pid, signal.SIGINT)

        shown = threading.Event()
        thread = threading.Thread(target=interrupt)
        thread.start()
        output, printed = run(
            f"message = await show({stream})\n"
            "print(message.text, message.response_metadata)"
        )
        thread.join()
        assert server.requests[0].wait_disconnected(30)
    assert output["data"]["text/markdown"] == "early\n\n*Stopped.*"
    assert printed["text"] == "early {'finish_reason': 'interrupted'}\n"


def test_an_agent_shows_its_calls(monkeypatch) -> None:
    call = ToolCall("weather", {"city": "Bergen"})
    replies = [Reply(tool_calls=[call]), "It rains."]
    with FakeServer(replies) as server, notebook(server, monkeypatch) as run:
        [shown] = run(
            "from langchain.agents import create_agent\n"
            "def weather(city: str) -> str:\n"
            "    'The weather.'\n"
            "    return f'rain in {city}'\n"
            "agent = create_agent(model, [weather])\n"
            "asked = {'messages': [('user', 'Hi')]}\n"
            "message = await show(aiter_events(agent, asked))"
        )
    markdown = shown["data"]["text/markdown"]
    assert markdown.index("🛠️ weather") < markdown.index("rain in Bergen")
    assert markdown.index("rain in Bergen") < markdown.index("It rains.")
