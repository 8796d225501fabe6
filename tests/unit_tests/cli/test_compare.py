"""`streamkit compare`: what is right, what is lost, and what the table says of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from langchain_streamkit.cli import compare
from langchain_streamkit.cli._clients import CLIENTS, Client, Target, read
from langchain_streamkit.cli._expected import Expected, ExpectedCall, Words, expect
from langchain_streamkit.cli._readings import FIELDS, RULES, Call, Reading, judge
from langchain_streamkit.cli._recordings import find_recordings, load_recording
from langchain_streamkit.cli.main import main
from langchain_streamkit.testing import FakeServer, Reply, ToolCall

pytestmark = pytest.mark.loopback

SHARED = Path(__file__).parents[4] / "shared" / "wire"
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
NOTHING = Words.of("")
PARTNERS = ("langchain_openai", "langchain_deepseek", "langchain_groq", "openai")


def frame(finish_reason: str | None = None, /, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def stream(*frames: dict[str, Any], end: bytes = b"data: [DONE]\n\n") -> bytes:
    sent = [f"data: {json.dumps(one)}\n\n".encode() for one in frames]
    return b"".join([*sent, end])


def piece(**function: Any) -> dict[str, Any]:
    return {"index": 0, "id": "call_1", "type": "function", "function": function}


THINKING = stream(
    frame(role="assistant", content=""),
    frame(reasoning_content="Six times seven."),
    frame(content="Forty-"),
    frame("stop", content="two"),
    {"choices": [], "usage": USAGE},
)
CUT_CALL = stream(
    frame(tool_calls=[piece(name="f", arguments='{"path": "/data')]),
    frame("length"),
)
HELLO = {"role": "assistant", "content": "Hello"}
CHOICE = {"index": 0, "message": HELLO, "finish_reason": "stop"}
BODY = json.dumps({"choices": [CHOICE], "usage": USAGE}).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three recordings, without any NAME.json: the bytes say what is right."""
    for name, body in {
        "thinking.sse": THINKING,
        "deep/cut-call.sse": CUT_CALL,
        "whole.body.json": BODY,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)
    return tmp_path


def run_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert main(["compare", *map(str, arguments), "--json"]) == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


# ── the command ─────────────────────────────────────────────────────────────────────


def test_a_folder_gives_each_clients_share(folder, capsys) -> None:
    found = run_json(capsys, "--recording", folder, "--passes", 2)
    clients = {client["client"]: client for client in found["clients"]}
    assert (found["streams"], found["bodies"]) == (2, 1)
    assert found["at_stake"] == {
        "text": 2,
        "reasoning": 1,
        "tool calls": 1,
        "finish reason": 3,
        "usage": 2,
        "cut": 2,  # half of each stream
        "exceptions": 3,
    }
    ours = clients["ChatStreamKit"]
    assert ours["right"] == 3
    assert ours["not_right"] == {}
    assert not any(ours["wrong"].values())
    assert ours["cpu_us_a_frame"] > 0
    assert ours["first_token_ms"] > 0


@pytest.mark.parametrize("module", PARTNERS)
def test_partners_are_compared_where_they_are_installed(
    folder, capsys, module: str
) -> None:
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed: the command leaves it out as well")
    found = run_json(capsys, "--recording", folder, "--passes", 1)
    package = module.replace("_", "-")
    (name,) = (client.name for client in CLIENTS if client.package == package)
    (theirs,) = (one for one in found["clients"] if one["client"] == name)
    assert re.match(r"\d+\.\d+", theirs["version"])
    assert theirs["right"] + len(theirs["not_right"]) == 3


@pytest.mark.skipif(
    find_spec("langchain_openai") is None, reason="langchain-openai is not installed"
)
def test_what_chat_openai_loses_is_seen(folder, capsys) -> None:
    found = run_json(capsys, "--recording", folder, "--client", "ChatOpenAI")
    (theirs,) = found["clients"]
    assert theirs["not_right"] == {
        "thinking": {"reasoning": "lost"},
        "deep/cut-call": {"tool calls": "runs a cut one"},
    }
    assert theirs["wrong"]["cut"] == 2


def test_the_table_says_how_many_are_at_stake(folder, capsys) -> None:
    ours = ("--client", "ChatStreamKit", "--passes", "1")
    assert main(["compare", "--recording", str(folder), *ours]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0][2:4] == ["streams:", "2,"]
    assert ["right", "of", "3", "3"] in lines
    assert ["in", "100", "100"] in lines
    assert ["reasoning", "lost", "or", "wrong", "of", "1", "0"] in lines
    assert ["cut", "unnoticed", "of", "2", "0"] in lines
    assert any(line[:4] == ["CPU", "a", "frame", "µs"] for line in lines)


def test_a_single_recording_is_told_field_by_field(folder, capsys) -> None:
    path = folder / "thinking.sse"
    assert main(["compare", "--recording", str(path), "--client", "ChatStreamKit"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["reasoning", "right"] in lines
    assert ["cut", "right"] in lines


def test_a_live_server_is_asked_by_each_client(capsys) -> None:
    reply = Reply(
        "Forty-two",
        reasoning="Six times seven.",
        tool_calls=[ToolCall("f", {"a": 1})],
        usage=USAGE,
    )
    with FakeServer([reply], repeat_last=True) as server:
        live = (server.url, "--model", "some-model", "What is six times seven?")
        found = run_json(capsys, *live, "--passes", 2)
        asked = [request.last_user_text for request in server.requests]
        models = {request.model for request in server.requests}
        assert main(["compare", *live]) == 0
    assert asked == ["What is six times seven?"] * 2 * len(found["clients"])
    assert models == {"some-model"}
    (reading, _) = found["clients"][0]["readings"]
    assert reading["reasoning"] == "16 chars"
    assert reading["tokens in + out"] == "5 + 7"
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("reasoning") and "16 chars" in line for line in lines)


def test_what_one_client_has_and_another_lacks_is_lost(capsys, monkeypatch) -> None:
    ours = CLIENTS[0]
    deaf = Client("Deaf", "no-such-package", _Deaf)
    monkeypatch.setattr(compare, "CLIENTS", (ours, deaf))
    with FakeServer([Reply("Hi", reasoning="Hm.")], repeat_last=True) as server:
        assert main(["compare", server.url, "--model", "m", "Hello"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["reasoning", "3", "chars", "lost"] in lines
    assert ["raised", "-", "RuntimeError"] in lines
    assert ["Deaf", "raised", "RuntimeError:", "I", "hear", "nothing"] in lines


def test_a_client_that_is_not_installed_is_left_out_with_a_word(
    folder, capsys, monkeypatch
) -> None:
    def missing(target: Target) -> Any:
        raise ModuleNotFoundError(target.url)

    gone = Client("ChatGone", "langchain-gone", missing)
    monkeypatch.setattr(compare, "CLIENTS", (CLIENTS[0], gone))
    assert main(["compare", "--recording", str(folder), "--passes", "1"]) == 0
    printed = capsys.readouterr().out
    assert "left out: ChatGone: langchain-gone is not installed" in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Pass a URL, --model and a prompt"),
        (["http://localhost:1/v1", "Hello"], "Pass a URL, --model and a prompt"),
        (["--recording", "."], "has no recordings"),
        (["--recording", "missing.sse"], "has no recordings"),
        (["http://localhost:1/v1", "Hi", "--recording", "x"], "not both"),
        (
            [
                "http://localhost:1/v1",
                "Hi",
                "--model",
                "m",
                "--api-key-variable",
                "NO_KEY",
            ],
            "The environment has no NO_KEY",
        ),
    ],
)
def test_a_wrong_command_line_says_what_to_do(
    tmp_path, monkeypatch, capsys, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *arguments]) == 1
    assert words in capsys.readouterr().err


def test_a_providers_key_goes_to_its_own_host_only(monkeypatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "groq's own")
    monkeypatch.setenv("MINE", "mine")
    assert compare._key("https://api.groq.com/openai/v1", None) == "groq's own"
    assert compare._key("https://api.groq.com.evil.example/v1", None) == "none"
    assert compare._key("http://localhost:11434/v1", None) == "none"
    assert compare._key("http://localhost:11434/v1", "MINE") == "mine"


def test_help_states_the_rule(capsys) -> None:
    with pytest.raises(SystemExit) as left:
        main(["compare", "--help"])
    assert left.value.code == 0
    printed = " ".join(capsys.readouterr().out.split())
    for rule in RULES.values():
        assert rule in printed


# ── what is right ───────────────────────────────────────────────────────────────────


ANSWER = Expected(
    ending="answer",
    text=Words.of("Hello"),
    reasoning=Words.of("Hm"),
    calls=(ExpectedCall("1", "f", {"a": 1}), ExpectedCall("2", "g", None)),
    finish_reason="stop",
    usage=USAGE,
    refusal="No.",
)


def right_reading(**changes: Any) -> Reading:
    fields: dict[str, Any] = {
        "text": "Hello",
        "reasoning": "Hm",
        "calls": [Call("1", "f", {"a": 1})],
        "finish_reason": "stop",
        "usage": {"input": 5, "output": 7, "total": 12},
        "refusal": "No.",
    }
    return Reading(**{**fields, **changes})


def test_a_reading_that_has_everything_is_right() -> None:
    fields = [name for name in FIELDS if name not in {"error", "cut"}]
    assert judge(ANSWER, right_reading()) == dict.fromkeys(fields, "")


@pytest.mark.parametrize(
    ("changes", "field", "word"),
    [
        ({"text": ""}, "text", "lost"),
        ({"text": "Hello!"}, "text", "wrong"),
        ({"reasoning": ""}, "reasoning", "lost"),
        ({"calls": []}, "tool calls", "lost"),
        ({"calls": [Call("9", "f", {"a": 1})]}, "tool calls", "wrong"),
        ({"calls": [Call("1", "f", {"a": 2})]}, "tool calls", "wrong"),
        (
            {"calls": [Call("1", "f", {"a": 1}), Call("2", "g", {})]},
            "tool calls",
            "runs a cut one",
        ),
        ({"finish_reason": None}, "finish reason", "lost"),
        ({"finish_reason": "stopstop"}, "finish reason", "wrong"),
        ({"usage": None}, "usage", "lost"),
        ({"usage": {"input": 10, "output": 14, "total": 24}}, "usage", "wrong"),
        ({"refusal": ""}, "refusal", "lost"),
        ({"error": "KeyError: 'x'"}, "exceptions", "KeyError"),
    ],
)
def test_each_field_is_judged_by_itself(
    changes: dict[str, Any], field: str, word: str
) -> None:
    verdicts = judge(ANSWER, right_reading(**changes))
    assert {name: said for name, said in verdicts.items() if said} == {field: word}


def test_errors_and_cuts_must_raise_and_an_open_end_may() -> None:
    raised, silent = Reading(error="ServerError: no"), Reading()
    for ending, field, word in (
        ("error", "error", "swallowed"),
        ("cut", "cut", "unnoticed"),
    ):
        wanted = Expected(ending, NOTHING, NOTHING)
        assert judge(wanted, silent) == {field: word}
        assert judge(wanted, raised) == {field: ""}
    assert judge(Expected("open", NOTHING, NOTHING), raised) == {"exceptions": ""}
    assert judge(Expected("open", NOTHING, NOTHING), silent) == {"exceptions": ""}


def test_reasoning_may_be_counted_beside_the_output_or_in_it() -> None:
    details = {"reasoning_tokens": 235}
    usage = {"prompt_tokens": 361, "completion_tokens": 26, "total_tokens": 622}
    wanted = Expected(
        "answer", NOTHING, NOTHING, usage=usage | {"completion_tokens_details": details}
    )
    for output, word in ((26, ""), (261, ""), (52, "wrong")):
        reading = Reading(usage={"input": 361, "output": output, "total": 622})
        assert judge(wanted, reading)["usage"] == word


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        (THINKING, {"ending": "answer", "text": Words.of("Forty-two"), "usage": USAGE}),
        (THINKING, {"reasoning": Words.of("Six times seven.")}),
        (CUT_CALL, {"calls": (ExpectedCall("call_1", "f", None),)}),
        (stream(frame(content="Hal"), end=b""), {"ending": "cut"}),
        (stream(frame(content="Hal"), end=b'data: {"cho'), {"ending": "cut"}),
        (stream(frame(content="x"), {"error": "no"}), {"errors": ("no",)}),
        (stream(frame("length", tool_calls=[piece(name="f")])), {"calls": (
            ExpectedCall("call_1", "f", None),)}),
        (stream(frame("tool_calls", tool_calls=[piece(name="f")])), {"calls": (
            ExpectedCall("call_1", "f", {}),)}),
        (stream(frame("tool_calls", tool_calls=[piece(name="f", arguments="null")])),
            {"calls": (ExpectedCall("call_1", "f", {}),)}),
        (stream(frame("stop", content=[
            {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
            {"type": "text", "text": "Hi"}])),
            {"text": Words.of("Hi"), "reasoning": Words.of("Hm")}),
        (stream(frame("stop", reasoning_details=[{"text": "a"}, {"summary": "b"}])),
            {"reasoning": Words.of("ab")}),
        (stream(frame("stop", refusal="No.")), {"refusal": "No."}),
    ],
)  # fmt: skip
def test_what_to_expect_is_read_from_the_bytes(
    body: bytes, facts: dict[str, Any]
) -> None:
    found = expect(body, is_stream=True)
    assert {name: getattr(found, name) for name in facts} == facts


def test_what_is_read_from_the_bytes_is_what_recordings_say() -> None:
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED.name} is no part of the repository, nor beside it")
    for path in find_recordings(SHARED):
        recording = load_recording(path, SHARED)
        wanted = recording.expected
        found = expect(
            recording.body, is_stream=recording.is_stream, status=recording.status
        )
        assert wanted.ending in {found.ending, "open"}, recording.name
        if wanted.ending == "answer":
            for name in ("text", "reasoning", "calls", "finish_reason", "usage"):
                assert getattr(found, name) == getattr(wanted, name), recording.name


# ── recordings ──────────────────────────────────────────────────────────────────────


def test_half_of_a_stream_is_a_cut_and_half_of_an_error_is_nothing(folder) -> None:
    whole = load_recording(folder / "thinking.sse", folder)
    half = whole.cut_in_half()
    assert half is not None
    assert half.expected.ending == "cut"
    assert whole.body.startswith(half.body)
    assert half.cut_in_half() is None
    assert load_recording(folder / "whole.body.json", folder).cut_in_half() is None


@pytest.mark.parametrize("name", ["a.b-1.sse", "a.b-1.body.json", "a.b-1.json"])
def test_a_recording_is_named_by_any_of_its_files(tmp_path, name: str) -> None:
    body = "a.b-1.body.json" if name.endswith(".body.json") else "a.b-1.sse"
    (tmp_path / body).write_bytes(BODY if body.endswith("json") else THINKING)
    (tmp_path / "a.b-1.json").write_text('{"provider": "somebody", "status": 203}')
    (found,) = find_recordings(tmp_path / name)
    recording = load_recording(found, tmp_path)
    assert (recording.name, recording.provider) == ("a.b-1", "somebody")
    assert recording.status == 203


def test_a_fault_of_adding_up_is_an_exception_like_any_other() -> None:
    reading = read(_Deaf(Target("", "")), "Hello", is_stream=False)
    assert reading.error == "TypeError: chunks do not add up"


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, contextlib, io\n"
        "from langchain_streamkit.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    try: main(['compare', '--help'])\n"
        "    except SystemExit: pass\n"
        "print(*[m for m in sys.modules if m.split('.')[0] in\n"
        "  {'openai', 'langchain_openai', 'langchain_groq', 'httpx'}])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


class _Deaf:
    """A client that reports nothing."""

    def __init__(self, target: Target) -> None:
        del target

    def stream(self, prompt: str) -> Any:
        raise RuntimeError("I hear nothing")

    def invoke(self, prompt: str) -> object:
        return prompt

    def is_content(self, piece: Any) -> bool:
        return bool(piece)

    def add_up(self, pieces: list[Any]) -> Reading:
        if pieces:
            raise TypeError("chunks do not add up")
        return Reading()
