"""A stream in a notebook; the integration tests have a real kernel."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from langchain_streamkit.adapters import _notebook
from langchain_streamkit.adapters.jupyter import show
from langchain_streamkit.events import FinalEvent, ReasoningEvent, TextEvent
from tests.unit_tests.adapters.hostile import ACTING, HOSTILE, WORDS


class Kernel:
    """What IPython would publish."""

    def __init__(self):
        self.outputs = []
        self._changed = asyncio.Event()

    kernel = True

    async def shows(self, words):
        while words not in self.markdown:
            self._changed.clear()
            await self._changed.wait()

    def display(self, bundle, *, raw, display_id):
        assert raw
        assert display_id
        self.outputs.append(bundle)
        return self

    def update(self, bundle, *, raw):
        assert raw
        self.outputs.append(bundle)
        self._changed.set()

    @property
    def markdown(self):
        return self.outputs[-1]["text/markdown"] if self.outputs else ""


@pytest.fixture
def kernel(monkeypatch):
    kernel = Kernel()
    monkeypatch.setattr(_notebook, "get_ipython", lambda: kernel)
    monkeypatch.setattr(_notebook, "_display", kernel.display)
    return kernel


async def stream(*events, gate=None):
    for event in events:
        yield event
    if gate is not None:
        await gate.wait()


async def test_the_answer_is_one_output(kernel) -> None:
    final = FinalEvent(metadata={"model": "m"})
    message = await show(stream(ReasoningEvent("Hm."), TextEvent("*Yes*"), final))
    assert message.text == "*Yes*"
    assert kernel.outputs[0]["text/markdown"] == "*waiting…*"
    assert kernel.markdown == (
        "<details><summary>Thinking</summary>\n\nHm.\n\n</details>\n\n*Yes*"
        "\n\n<small>m</small>"
    )
    assert kernel.outputs[-1]["text/plain"] == "*Yes*"


async def test_updates_are_few_and_the_last_one_is_whole(kernel) -> None:
    message = await show(
        stream(*(TextEvent("word ") for _ in range(1000))), interval=30
    )
    assert len(kernel.outputs) == 2
    assert kernel.markdown.strip() == message.text.strip() == ("word " * 1000).strip()


async def test_text_shows_while_the_model_stalls(kernel) -> None:
    gate = asyncio.Event()
    source = stream(TextEvent("one "), TextEvent("two"), gate=gate)
    task = asyncio.ensure_future(show(source, interval=0.01))
    await kernel.shows("one two")
    gate.set()
    assert (await task).text == "one two"


async def test_a_sync_stream_is_shown_too(kernel) -> None:
    message = await show(iter(["Hel", "lo"]))
    assert message.text == "Hello"
    assert kernel.markdown.startswith("Hello")


async def test_hostile_text_is_harmless_and_whole(kernel) -> None:
    events = ReasoningEvent(f"```\n{HOSTILE}"), TextEvent(HOSTILE)
    message = await show(stream(*events))
    assert message.text == HOSTILE
    text = kernel.markdown.partition("</details>")[2]
    assert "<script" not in text
    assert all(word in text for word in WORDS)
    assert not set(kernel.markdown) & ACTING
    assert kernel.markdown.index("\n```\n\n</details>")


async def test_an_error_leaves_what_came_and_is_raised(kernel) -> None:
    async def failing():
        yield TextEvent("early")
        raise LookupError("gone")

    with pytest.raises(LookupError):
        await show(failing())
    assert kernel.markdown == "early\n\n*The answer was cut off here.*"


async def test_a_cancellation_by_others_goes_on(kernel) -> None:
    closed = []

    async def stalling():
        try:
            yield TextEvent("early")
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await show(stalling())
    assert closed == [True]
    assert kernel.markdown == "early\n\n*Stopped.*"


async def test_an_interrupt_keeps_what_came(kernel) -> None:
    """As a kernel has it: the signal's handler cancels the cell's task, later."""
    loop, closed = asyncio.get_running_loop(), []

    async def stalling():
        try:
            yield TextEvent("early")
            loop.call_soon(os.kill, os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    task = asyncio.ensure_future(show(stalling()))
    before = signal.signal(signal.SIGINT, lambda *_: loop.call_soon(task.cancel))
    try:
        message = await task
    finally:
        signal.signal(signal.SIGINT, before)
    assert (message.text, closed) == ("early", [True])
    assert message.response_metadata == {"finish_reason": "interrupted"}
    assert kernel.markdown == "early\n\n*Stopped.*"


async def test_outside_of_a_notebook_text_is_printed(capsys) -> None:
    message = await show(stream(ReasoningEvent("Hm."), TextEvent("\x1b[2JYes")))
    assert capsys.readouterr().out == "␛[2JYes\n"
    assert message.text == "\x1b[2JYes"


async def test_without_ipython_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.delitem(sys.modules, "langchain_streamkit.adapters._notebook")
    monkeypatch.setitem(sys.modules, "IPython.core.getipython", None)
    with pytest.raises(ImportError, match=r"langchain-streamkit\[jupyter\]"):
        await show(iter(["Hi"]))
