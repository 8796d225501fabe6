"""The demo: what a newcomer sees first."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from langchain_streamkit.testing import (
    Cut,
    FakeServer,
    Gate,
    Hold,
    Reply,
    Send,
    ToolCall,
)

if TYPE_CHECKING:
    from types import ModuleType

pytestmark = pytest.mark.loopback

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo.py"
COMMAND = [sys.executable, "-W", "error", str(DEMO)]
ESCAPE = "\x1b"


def environment(**more: str) -> dict[str, str]:
    """Today's environment, in which the package is found."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo", DEMO)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _colours_allowed(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)


def on_a_terminal() -> str:
    """What the demo writes to a terminal."""
    leader, follower = os.openpty()
    try:
        with subprocess.Popen(
            COMMAND, stdout=follower, stderr=follower, env=environment()
        ) as process:
            os.close(follower)
            written = b""
            try:
                while data := os.read(leader, 4096):
                    written += data
            except OSError:  # Linux's way to say that the other side has closed
                pass
        assert process.returncode == 0
    finally:
        os.close(leader)
    return written.decode()


def test_it_streams_a_chain_and_the_model_and_ends() -> None:
    run = subprocess.run(
        COMMAND, capture_output=True, text=True, env=environment(), check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    lines = run.stdout.splitlines()
    assert "prompt | model | parser" in lines
    assert any(line.startswith("A stream is an answer") for line in lines)
    assert any(line.startswith("An umbrella is for rain.") for line in lines)
    assert 'current_weather {"city": "Bergen", "unit": "celsius"}' in lines
    assert re.fullmatch(
        r"\d+ tokens, \d+ a second; the first after \d\.\d\d s, all in \d\.\d\d s",
        lines[-1],
    )


def test_without_a_terminal_it_writes_plain_text(demo, capsys) -> None:
    with FakeServer() as server:
        assert demo.main(server.url, "any") == 0
    assert ESCAPE not in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
def test_on_a_terminal_the_reasoning_is_dim() -> None:
    written = on_a_terminal()
    assert "\x1b[2m umbrella\x1b[0m" in written
    assert "\x1b[2m stream\x1b[0m" not in written


@pytest.mark.parametrize(("no_color", "has_colour"), [("1", False), ("", True)])
def test_no_color_is_respected(demo, capsys, monkeypatch, no_color, has_colour) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    demo.show("text", demo.DIM)
    assert (ESCAPE in capsys.readouterr().out) is has_colour


def test_text_shows_while_it_comes() -> None:
    gate = Gate()
    frame = b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n'
    held = Reply.script(
        Send(frame % b"early"), Hold(gate), Send(frame % b" late"),
        Send(b"data: [DONE]\n\n"),
    )  # fmt: skip
    with (
        FakeServer([held, "And the model."]) as server,
        subprocess.Popen(
            [*COMMAND, server.url, "any"],
            stdout=subprocess.PIPE,
            env=environment(),
        ) as process,
    ):
        assert process.stdout is not None
        seen = b""
        while not seen.endswith(b"early"):
            seen += process.stdout.read(1)
        assert process.poll() is None
        gate.open()
        assert b"late" in process.stdout.read()
    assert process.returncode == 0


def test_a_real_server_gets_the_model_and_the_tool(demo) -> None:
    with FakeServer(models=["qwen3:8b"]) as server:
        assert demo.main(server.url, "qwen3:8b") == 0
        chain, bare = server.requests
    assert chain.stream
    assert chain.model == bare.model == "qwen3:8b"
    assert chain.last_user_text == "In two short sentences: what is a stream?"
    assert bare.tools[0]["function"] == {
        "name": "current_weather",
        "description": "The weather in a city at this moment.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"type": "string", "default": "celsius"},
            },
            "required": ["city"],
        },
    }


HOSTILE = "\x1b]0;owned\x07\x1b[2J\rgone\x9b31m\u202eback\u2066 ok"


def test_harmful_characters_of_the_model_do_no_harm(demo, capsys) -> None:
    reply = Reply([HOSTILE], reasoning=[HOSTILE])
    with FakeServer([reply], repeat_last=True) as server:
        assert demo.main(server.url, "any") == 0
    written = capsys.readouterr().out
    assert "gone" in written
    assert set(written) & set(HOSTILE) <= set(
        " 0123456789;[]?abcdefghijklmnopqrstuvwxyzJ"
    )


def test_a_character_that_the_output_cannot_show_is_no_error() -> None:
    with FakeServer(["Caffè ☕"], repeat_last=True) as server:
        run = subprocess.run(
            [*COMMAND, server.url, "any"],
            capture_output=True,
            env=environment(PYTHONIOENCODING="ascii"),
            check=False,
        )
    assert run.returncode == 0
    assert b"Caff? ?" in run.stdout


def test_a_server_that_counts_no_tokens_is_fine(demo, capsys) -> None:
    with FakeServer([Reply("Hello", usage=None)], repeat_last=True) as server:
        assert demo.main(server.url, "any") == 0
    assert "\nnot counted; the first after" in capsys.readouterr().out


def error_of(demo: ModuleType, capsys, *arguments: str) -> str:
    """The one line that a failing demo writes to standard error."""
    assert demo.main(*arguments) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return str(lines[0])


def test_two_calls_stand_on_two_lines(demo, capsys) -> None:
    calls = [ToolCall("current_weather", {"city": city}) for city in ("Bergen", "Oslo")]
    with FakeServer([Reply(tool_calls=calls)], repeat_last=True) as server:
        assert demo.main(server.url, "any") == 0
    lines = capsys.readouterr().out.splitlines()
    assert 'current_weather {"city": "Bergen"}' in lines
    assert 'current_weather {"city": "Oslo"}' in lines


def test_no_server_is_said(demo, capsys) -> None:
    with FakeServer() as server:
        gone = server.url
    error = error_of(demo, capsys, gone, "any")
    assert error.startswith("demo: connection refused: no answer from 127.0.0.1:")


def test_an_unknown_model_gets_the_list(demo, capsys) -> None:
    with FakeServer(models=["gemma3:4b", "qwen3:8b"]) as server:
        error = error_of(demo, capsys, server.url, "qwen")
    assert error.endswith("It has gemma3:4b, qwen3:8b.")


def test_no_model_gets_the_list(demo, capsys) -> None:
    models = [f"model-{number:02}" for number in range(30)]
    with FakeServer(models=models) as server:
        error = error_of(demo, capsys, f"{server.url}/")
    assert error.startswith("demo: Say MODEL=... It has model-00, ")
    assert error.endswith("model-19 and 10 more.")


def test_no_model_and_no_list_is_said(demo, capsys) -> None:
    with FakeServer(routes={"/v1/models": "<html>"}) as server:
        error = error_of(demo, capsys, server.url)
    assert "Its list of models cannot be had (" in error


def test_a_missing_key_is_said(demo, capsys) -> None:
    with FakeServer(api_key="sk-a-good-key") as server:
        refused = error_of(demo, capsys, server.url, "any")
        unlisted = error_of(demo, capsys, server.url)
    assert "answered 401" in refused
    assert refused.endswith("Here it comes from STREAMKIT_API_KEY.")
    assert unlisted.endswith("It tells them for a key only: set STREAMKIT_API_KEY.")


def test_a_missing_key_of_a_known_server_is_said(demo, capsys) -> None:
    needed = error_of(demo, capsys, "https://api.groq.com/openai/v1", "any")
    assert "GROQ_API_KEY" in needed


def test_a_list_that_cannot_be_had_is_said(demo, capsys) -> None:
    with FakeServer(routes={"/v1/models": Reply.error(500)}) as server:
        error = error_of(demo, capsys, server.url)
    assert error.endswith("Its list of models cannot be had (500).")


def test_a_key_of_the_environment_is_sent_to_the_list_too(
    demo, capsys, monkeypatch
) -> None:
    monkeypatch.setenv("STREAMKIT_API_KEY", "sk-a-good-key")
    with FakeServer(api_key="sk-a-good-key", models=["one"]) as server:
        assert error_of(demo, capsys, server.url).endswith("It has one.")
        assert demo.main(server.url, "one") == 0


def test_a_wrong_address_is_said(demo, capsys) -> None:
    assert "has no scheme" in error_of(demo, capsys, "localhost:11434/v1", "any")


def test_an_answer_that_is_cut_is_said(demo, capsys) -> None:
    reply = Reply("one two three", faults=[Cut(after_frames=3)])
    with FakeServer([reply]) as server:
        error = error_of(demo, capsys, server.url, "any")
    assert error.startswith("demo: connection closed early: ")


def test_a_reader_that_leaves_early_sees_no_traceback() -> None:
    with subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
