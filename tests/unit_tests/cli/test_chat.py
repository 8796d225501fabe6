"""``streamkit chat``: a conversation, its commands, and Ctrl-C on a real terminal."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.cli._chat_session import Session, Settings
from langchain_streamkit.cli.main import main
from langchain_streamkit.testing import Cut, FakeServer, Gate, Hold, Reply, Send
from tests.unit_tests.adapters.hostile import ACTING, HOSTILE
from tests.unit_tests.pseudo_terminal import PseudoTerminal

pytestmark = pytest.mark.loopback
ROOT = Path(__file__).parents[3]
COMMAND = ("-m", "langchain_streamkit.cli", "chat")
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNg")
has_terminals = pytest.mark.skipif(
    not hasattr(os, "openpty"), reason="this system has no pseudo-terminals"
)


def console():
    return Console(
        file=io.StringIO(), force_terminal=True, width=80, record=True,
        color_system=None, _environ={"TERM": "xterm"},
    )  # fmt: skip


def talk(server, *lines, **options):
    """A conversation of these lines; what it showed, and the session."""
    waiting = iter(lines)

    def read(prompt):
        line = next(waiting, None)
        if line is None:
            raise EOFError
        if line is KeyboardInterrupt:
            raise KeyboardInterrupt
        return line

    screen = console()
    settings = Settings(
        make_model=lambda name: ChatStreamKit(model=name, base_url=server.url),
        list_models=lambda: ["one", "two"],
        read=read,
        out=screen,
        err=screen,
        interval=None,
    )
    session = Session(settings, "one", **options)
    session.run()
    return screen.export_text(), session


def contents(request):
    return [(message["role"], message["content"]) for message in request.messages]


def test_the_conversation_is_remembered(fake_server) -> None:
    fake_server.script("Hello Ada.", "Ada, you said.")
    text, session = talk(fake_server, "I am Ada.", "", "Who am I?", system="Be kind.")
    assert "Hello Ada." in text
    assert contents(fake_server.requests[1]) == [
        ("system", "Be kind."),
        ("user", "I am Ada."),
        ("assistant", "Hello Ada."),
        ("user", "Who am I?"),
    ]
    assert [m.type for m in session.messages] == ["human", "ai", "human", "ai"]


def test_a_question_can_have_lines_and_begin_with_a_slash(fake_server) -> None:
    talk(fake_server, '"""one', "two", 'three"""', "//etc is what?")
    texts = [request.last_user_text for request in fake_server.requests]
    assert texts == ["one\ntwo\nthree", "/etc is what?"]


def test_a_model_can_be_listed_and_changed(fake_server) -> None:
    text, _ = talk(fake_server, "/model", "/model two", "Hi")
    assert "* one\n  two\n" in text
    assert fake_server.requests[0].model == "two"


def test_the_system_prompt_can_be_set_and_taken_away(fake_server) -> None:
    talk(fake_server, "/system Be short.", "Hi", "/system -", "/clear", "Hi")
    first, second = fake_server.requests
    assert contents(first)[0] == ("system", "Be short.")
    assert contents(second) == [("user", "Hi")]


def test_a_picture_goes_with_the_next_question(fake_server, tmp_path) -> None:
    path = tmp_path / "a cat.png"
    path.write_bytes(PIXEL)
    text, _ = talk(fake_server, f"/image {path}", "What is it?", "And?")
    first, second = (contents(request)[-1][1] for request in fake_server.requests)
    assert "goes with your next question: image/png" in text
    url = f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}"
    assert first[0]["image_url"]["url"] == url
    assert first[1]["text"] == "What is it?"
    assert second == "And?"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/image nowhere.png", "No such file"),
        ("/image", "needs the path of a file"),
        ("/save", "needs a path"),
        ("/dance", "no command /dance"),
        ('/image "', "No closing quotation"),
    ],
)
def test_a_command_that_cannot_be_done_says_why(fake_server, line, words) -> None:
    text, _ = talk(fake_server, line, "/help")
    assert words in text
    assert "/model [NAME]" in text


def test_a_conversation_is_saved_and_nothing_is_overwritten(
    fake_server, tmp_path
) -> None:
    fake_server.script("Hello.", "Hello again.")
    page, data = tmp_path / "talk.md", tmp_path / "talk.json"
    data.write_text("mine")
    text, _ = talk(
        fake_server, "/system Be kind.", "Hi", f"/save {page}", "/save", f"/save {data}"
    )
    assert page.read_text("utf-8") == (
        "# one\n\n## System\n\nBe kind.\n\n## You\n\nHi\n\n## Answer\n\nHello.\n"
    )
    assert "File exists" in text
    assert data.read_text() == "mine"
    other = tmp_path / "other.json"
    talk(fake_server, "Hi", f"/save {other}")
    saved = json.loads(other.read_text("utf-8"))
    assert [m["type"] for m in saved["messages"]] == ["human", "ai"]


def test_a_question_that_failed_is_not_kept(fake_server) -> None:
    fake_server.script(
        Reply("one two three", faults=[Cut(after_frames=3)]), "All of it."
    )
    text, session = talk(fake_server, "Count!", "Again!")
    assert "one two" in text
    assert "connection closed early" in text
    assert contents(fake_server.requests[-1]) == [("user", "Again!")]
    assert len(session.messages) == 2


def test_an_interrupt_at_the_prompt_says_how_to_leave(fake_server) -> None:
    text, _ = talk(fake_server, KeyboardInterrupt, "/quit", "never asked")
    assert "/quit or Ctrl-D leaves" in text
    assert fake_server.requests == []


def test_a_hostile_model_does_no_harm(fake_server) -> None:
    fake_server.script(Reply([HOSTILE], reasoning=[HOSTILE], model=HOSTILE))
    text, _ = talk(fake_server, "Hi")
    assert not set(text) & ACTING
    assert "alert(1)" in text


def test_cost_and_speed_stand_below_the_answer(fake_server) -> None:
    from langchain_streamkit.events import FinalEvent, Usage

    session = talk(fake_server)[1]
    timing = {"first_token_seconds": 0.25, "tokens_per_second": 40.0}
    metadata = {"model": "one", "timing": timing}
    final = FinalEvent(usage=Usage(1, 2, 3, cost=0.01), metadata=metadata)
    line = "one · 2 tokens · 40 a second · first after 0.25 s · $0.0100"
    assert session._summary(final) == line
    assert session._summary(final) == f"{line} · $0.0200 in all"
    unknown = FinalEvent(usage=Usage(1, 2, 3), metadata=metadata)
    assert "$" not in session._summary(unknown)


# ── the command itself ──────────────────────────────────────────────────────────


def run(*arguments, text):
    return subprocess.run(
        [sys.executable, "-W", "error", *COMMAND, *arguments],
        input=text, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_without_a_terminal_the_input_is_one_question() -> None:
    with FakeServer(["# It *rains*.\n"], models=["one", "two"]) as server:
        done = run(server.url, "--system", "Be short.", text="Does it\nrain?\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "# It *rains*.\n", "")
    assert contents(server.requests[-1]) == [
        ("system", "Be short."),
        ("user", "Does it\nrain?"),
    ]
    assert server.requests[-1].model == "one"


def test_an_error_without_a_terminal_is_one_line_and_a_status(capsys) -> None:
    with FakeServer(api_key="sk-the-right-one") as server:
        done = run(server.url, "--model", "any", text="Hi")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "401" in done.stderr
    assert main(["chat", "localhost:1/v1", "--model", "any"]) == 1
    assert "has no scheme" in capsys.readouterr().err


def test_without_rich_the_extra_is_named(monkeypatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert main(["chat", "http://127.0.0.1:9/v1", "--model", "any"]) == 1
    assert "langchain-streamkit[rich]" in capsys.readouterr().err


def test_a_key_that_is_not_there_is_said(capsys) -> None:
    arguments = ["chat", "http://127.0.0.1:9/v1", "--api-key-variable", "NO_SUCH_KEY"]
    assert main(arguments) == 1
    assert "NO_SUCH_KEY" in capsys.readouterr().err


@has_terminals
def test_ctrl_c_ends_the_answer_and_not_the_program() -> None:
    gate = Gate()
    frame = b'data: {"choices":[{"index":0,"delta":{"content":"early words"}}]}\n\n'
    held = Reply.script(Send(frame), Hold(gate), Send(b"data: [DONE]\n\n"))
    with (
        FakeServer([held, "Second answer."]) as server,
        PseudoTerminal(*COMMAND, server.url, "--model", "any") as terminal,
    ):
        terminal.until("»")
        terminal.type("first question\n")
        terminal.until("early words")
        assert gate.wait_reached(30)
        terminal.type("\x03")
        assert server.requests[0].wait_disconnected(30)
        terminal.until("(stopped)")
        terminal.until("»", 2)
        terminal.type("go on\n")
        terminal.until("Second answer.")
        terminal.until("first after")
        terminal.until("»", 3)
        terminal.type("\x03")
        terminal.until("leaves")
        terminal.type("\x04")
        assert terminal.end() == 0
    assert contents(server.requests[1]) == [
        ("user", "first question"),
        ("assistant", "early words"),
        ("user", "go on"),
    ]
    assert "Traceback" not in terminal.text
