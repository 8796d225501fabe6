"""A stream on a terminal, on a real pseudo-terminal and on recording consoles."""

from __future__ import annotations

import io
import os
import re
import signal
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from langchain_streamkit import ChatStreamKit, StreamInterruptedError, iter_events
from langchain_streamkit.adapters._terminal_markdown import MarkdownWriter
from langchain_streamkit.adapters.terminal import alive, live
from langchain_streamkit.events import (
    FinalEvent,
    ReasoningEvent,
    Source,
    StatusEvent,
    TextEvent,
    ToolCallEvent,
    ToolResultEvent,
)
from langchain_streamkit.testing import Cut, FakeServer, Gate, Hold, Reply, Send
from tests.unit_tests.adapters.hostile import ACTING, HOSTILE, WORDS
from tests.unit_tests.pseudo_terminal import PseudoTerminal

has_terminals = pytest.mark.skipif(
    not hasattr(os, "openpty"), reason="this system has no pseudo-terminals"
)
MARKDOWN = """# A title

Some *words* in a paragraph that is long enough to be broken into several lines here.

- one
- two `code`

```python
for number in range(3):
    print(number)
```

| a | b |
|---|---|
| 1 | 2 |

1. first
2. second

The end."""


def consoles():
    def console():
        return Console(
            file=io.StringIO(), force_terminal=True, width=60, height=20, record=True,
            color_system=None, legacy_windows=False, _environ={"TERM": "xterm"},
        )  # fmt: skip

    return console(), console()


def shown(events, **options):
    out, err = consoles()
    message = live(
        events, console=out, status_console=err, **{"interval": None, **options}
    )
    return out.export_text(), err.export_text(), message


def rendered(pieces):
    out, _ = consoles()
    writer = MarkdownWriter(out, None)
    for piece in pieces:
        writer.write(piece)
    writer.finish()
    return out.export_text()


# ── what is shown ───────────────────────────────────────────────────────────────


def test_text_is_markdown_on_a_terminal() -> None:
    out, _, message = shown([MARKDOWN])
    assert message.text == MARKDOWN
    assert "# A title" not in out
    assert " • one" in out
    assert "print(number)" in out
    assert "```" not in out


@given(st.lists(st.integers(1, 40), max_size=30))
def test_markdown_is_the_same_however_it_is_cut(lengths) -> None:
    pieces, rest = [], MARKDOWN
    for length in lengths:
        pieces.append(rest[:length])
        rest = rest[length:]
    assert rendered([*pieces, rest]) == rendered([MARKDOWN])


@given(st.text(alphabet="ab`*_<>&[]()!#-|~\\ \n\t1.:{}", max_size=60))
def test_every_letter_of_any_markdown_is_shown(text) -> None:
    out = rendered([text])
    assert out.count("a") == text.count("a")
    assert out.count("b") == text.count("b")


def test_hostile_text_is_harmless_and_whole_as_markdown() -> None:
    out, _, message = shown([TextEvent(HOSTILE)])
    one = " ".join(out.split())
    assert all(word in one for word in WORDS)
    assert "<script>alert(1)</script>" in one
    assert not set(out) & ACTING
    assert message.text == HOSTILE


def test_hostile_text_is_harmless_and_whole_without_a_terminal(capsys) -> None:
    message = live([TextEvent(HOSTILE)])
    out = capsys.readouterr().out
    assert all(word in out for word in WORDS)
    assert not set(out) & ACTING
    assert message.text == HOSTILE


def test_hostile_names_and_results_are_harmless() -> None:
    events = [
        StatusEvent("retrying", HOSTILE),
        ToolCallEvent("c", HOSTILE, {"a": HOSTILE}),
        ToolCallEvent("d", HOSTILE, error=HOSTILE),
        ToolResultEvent("c", HOSTILE, result=HOSTILE),
        ReasoningEvent(HOSTILE),
        FinalEvent(sources=[Source(HOSTILE, HOSTILE)], metadata={"model": HOSTILE}),
    ]
    out, err, _ = shown(events)
    assert not set(out + err) & ACTING
    assert "alert(1)" in err


def test_what_stands_beside_the_text() -> None:
    events = [
        StatusEvent("retrying", "trying again (2/3)", 2, 3),
        ReasoningEvent("Let me see."),
        ToolCallEvent("c", "weather", {"city": "Bergen"}),
        ToolResultEvent("c", "weather", result="rain"),
        TextEvent("It rains."),
        FinalEvent(sources=[Source("Met", "https://met.example")]),
    ]
    out, err, message = shown(events)
    assert out.split() == ["It", "rains."]
    assert message.text == "It rains."
    assert [line for line in err.splitlines() if line] == [
        "trying again (2/3)",
        "Let me see.",
        '→ weather {"city": "Bergen"}',
        "← weather rain",
        "[1] Met · https://met.example",
    ]


def test_without_a_terminal_only_text_goes_to_the_output(capsys) -> None:
    events = [
        StatusEvent("connecting", "Connecting"),
        StatusEvent("retrying", "trying again (2/3)"),
        ReasoningEvent("Hm."),
        TextEvent("*It* rains."),
        ToolCallEvent("c", "weather", {}),
        FinalEvent(metadata={"model": "m"}),
    ]
    live(events)
    captured = capsys.readouterr()
    assert captured.out == "*It* rains.\n"
    assert captured.err == "trying again (2/3)\n→ weather {}\n"


def test_reasoning_can_be_left_out() -> None:
    _, err, _ = shown([ReasoningEvent("Hm."), TextEvent("Yes")], reasoning=False)
    assert "Hm." not in err


def test_an_output_that_cannot_show_a_letter_gets_a_question_mark() -> None:
    file = io.TextIOWrapper(io.BytesIO(), "ascii")
    live(["Caffè ☕"], console=Console(file=file, force_terminal=True))
    file.seek(0)
    assert file.read() == "Caff? ?\n"


async def test_an_async_stream_is_shown_too() -> None:
    async def stream():
        yield "Hel"
        yield "lo"

    out, err = consoles()
    message = await alive(stream(), console=out, status_console=err, interval=None)
    assert out.export_text().strip() == message.text == "Hello"


def test_without_rich_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    with pytest.raises(ImportError, match=r"langchain-streamkit\[rich\]"):
        live(["Hi"])


# ── with a model, and how it ends ───────────────────────────────────────────────


@pytest.mark.loopback
def test_what_came_before_an_error_stays_and_the_stream_is_closed(capsys) -> None:
    reply = Reply("one two three", faults=[Cut(after_frames=3)])
    with FakeServer([reply]) as server:
        model = ChatStreamKit(model="any", base_url=server.url)
        with pytest.raises(StreamInterruptedError):
            live(model.stream("Count!"))
        assert server.wait_connections(0)
    assert capsys.readouterr().out == "one two\n"


def test_a_stream_is_closed_whoever_fails() -> None:
    closed = []

    def stream():
        try:
            yield "Hello"
        finally:
            closed.append(True)

    class Broken(io.StringIO):
        def write(self, _):
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        live(stream(), console=Console(file=Broken()))
    assert closed == [True]


def script(server_url, body):
    return (
        "from langchain_streamkit import ChatStreamKit, iter_events\n"
        "from langchain_streamkit.adapters.terminal import live\n"
        f"model = ChatStreamKit(model='any', base_url={server_url!r})\n" + body
    )


def frame(text):
    return Send(
        b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % text.encode()
    )


@has_terminals
@pytest.mark.loopback
def test_a_terminal_shows_every_block_once() -> None:
    reply = Reply(MARKDOWN, reasoning="Let me think.", frame_delay=0.01)
    with FakeServer([reply]) as server:
        code = script(server.url, "live(iter_events(model, 'Hi'))")
        with PseudoTerminal("-c", code) as terminal:
            assert terminal.end() == 0
    text = terminal.text
    for words in ("Let me think.", "A title", "• one", "• two code", "The end."):
        assert text.count(words) == 1, text
    assert text.index("Let me think.") < text.index("A title") < text.index("• one")
    assert re.search(r"any · \d+ tokens · \d+ a second · first after \d", text)
    assert terminal.raw.count(b"\x1b[?25l") == terminal.raw.count(b"\x1b[?25h")


@has_terminals
@pytest.mark.loopback
def test_text_shows_while_the_model_stalls_and_a_spinner_before() -> None:
    before, after = Gate(), Gate()
    reply = Reply.script(
        Hold(before),
        frame("one "),
        frame("two"),
        Hold(after),
        Send(b"data: [DONE]\n\n"),
    )
    with FakeServer([reply]) as server:
        code = script(server.url, "live(iter_events(model, 'Hi'))")
        with PseudoTerminal("-c", code) as terminal:
            terminal.until("Connecting")
            before.open()
            terminal.until("one two")
            assert "Connecting" not in terminal.text
            after.open()
            assert terminal.end() == 0


@has_terminals
@pytest.mark.loopback
def test_an_answer_longer_than_the_window_is_shown_once() -> None:
    lines = "\n".join(f"line number {number}" for number in range(100))
    reply = Reply(f"```\n{lines}\n```\n\nThe end.", frame_delay=0.001)
    with FakeServer([reply]) as server:
        code = script(server.url, "live(model.stream('Hi'))")
        with PseudoTerminal("-c", code) as terminal:
            assert terminal.end() == 0
    found = re.findall(r"line number (\d+)\b", terminal.text)
    assert found == [str(number) for number in range(100)]


@has_terminals
@pytest.mark.loopback
def test_an_interrupt_closes_the_connection_and_gives_the_terminal_back() -> None:
    gate = Gate()
    reply = Reply.script(frame("early"), Hold(gate), Send(b"data: [DONE]\n\n"))
    with FakeServer([reply]) as server:
        body = (
            "try:\n    live(model.stream('Hi'))\n"
            "except KeyboardInterrupt:\n    print('interrupted')\n"
        )
        with PseudoTerminal("-c", script(server.url, body)) as terminal:
            terminal.until("early")
            assert gate.wait_reached(30)
            terminal.process.send_signal(signal.SIGINT)
            assert server.requests[0].wait_disconnected(30)
            terminal.until("interrupted")
            assert terminal.end() == 0
    assert "(stopped)" in terminal.text
    assert terminal.raw.endswith(b"interrupted\r\n")
    assert b"\x1b[?25h" in terminal.raw[-400:]


@has_terminals
@pytest.mark.loopback
def test_text_in_a_file_is_text_and_the_rest_stays_on_the_terminal(tmp_path) -> None:
    reply = Reply(MARKDOWN, reasoning="Let me think.")
    with FakeServer([reply]) as server, (tmp_path / "out").open("w+b") as file:
        code = script(server.url, "live(iter_events(model, 'Hi'))")
        with PseudoTerminal("-c", code, output=file.fileno()) as terminal:
            assert terminal.end() == 0
        file.seek(0)
        assert file.read().decode() == f"{MARKDOWN}\n"
    assert "Let me think." in terminal.text
    assert "A title" not in terminal.text


def test_events_of_a_runnable_are_shown_as_its_chunks_are() -> None:
    from langchain_core.language_models import FakeListChatModel

    model = FakeListChatModel(responses=["Hello"])
    assert shown(model.stream("Hi"))[0] == shown(iter_events(model, "Hi"))[0]
