"""The corpus runner passes what is right, and fails on what is not."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import UsageMetadata

from langchain_streamkit.cli._recordings import Recording, load_recording
from langchain_streamkit.errors import StreamInterruptedError
from tests.corpus.__main__ import main
from tests.corpus.checks import problems_of
from tests.corpus.splits import splits_of
from tests.corpus.ways import BODY_WAYS, STREAM_WAYS, Outcome

pytestmark = pytest.mark.loopback

ROOT = Path(__file__).parents[2]
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
CALL = {"id": "call_1", "name": "f", "args": {"a": 1}, "args_json_ok": True}
CUT_CALL = {"id": "call_1", "name": "f", "args": '{"a', "args_json_ok": False}


def chunk(finish_reason: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def call(arguments: str) -> dict[str, Any]:
    function = {"name": "f", "arguments": arguments}
    return {"tool_calls": [{"index": 0, "id": "call_1", "function": function}]}


def stream(*frames: dict[str, Any], done: bool = True) -> bytes:
    sent = [f"data: {json.dumps(frame)}\n\n" for frame in frames]
    return "".join([*sent, *(["data: [DONE]\n\n"] if done else [])]).encode()


def whole(**message: Any) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"choices": [choice], "usage": USAGE}).encode()


def expected(text: str = "", reasoning: str = "", **more: Any) -> dict[str, Any]:
    """What a recording's NAME.json expects."""
    facts: dict[str, Any] = {"tool_calls": [], "finish_reason": "stop", "done": True}
    for name, words in (("text", text), ("reasoning", reasoning)):
        facts[f"{name}_len"] = len(words)
        facts[f"{name}_sha256"] = hashlib.sha256(words.encode()).hexdigest()
    return facts | more


def record(folder: Path, name: str, body: bytes, wanted: Any, **facts: Any) -> Path:
    """Write a recording, and give its body's path."""
    path = folder / f"{name}{'.sse' if body[:1] == b'd' else '.body.json'}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    facts = {"provider": path.parent.name, "expected": wanted, **facts}
    path.with_name(f"{path.name.partition('.')[0]}.json").write_text(json.dumps(facts))
    return path


HELLO = stream(
    chunk(role="assistant", reasoning_content="Hm, a 👋."),
    chunk(content="Hällo"),
    chunk(content=" you", finish_reason="stop"),
    {"choices": [], "usage": USAGE},
)
HELLO_EXPECTED = expected("Hällo you", "Hm, a 👋.", usage=USAGE)
CALLING = stream(chunk("tool_calls", **call('{"a": 1}')))
REFUSED = b'{"error": {"message": "Your key is no good.", "code": "invalid_api_key"}}'

GOOD: dict[str, tuple[bytes, dict[str, Any], dict[str, Any]]] = {
    "text": (HELLO, HELLO_EXPECTED, {"network_chunk_ends": [10, 11, 50]}),
    "call": (CALLING, expected(tool_calls=[CALL], finish_reason="tool_calls"), {}),
    "cut-call": (
        stream(chunk("length", **call('{"a'))),
        expected(tool_calls=[CUT_CALL], finish_reason="length"),
        {},
    ),
    "cut": (
        stream(chunk(content="Hal"), done=False),
        expected("Hal", finish_reason=None, done=False),
        {},
    ),
    "open-end": (
        stream(chunk(content="Hal"), done=False),
        expected("Hal", finish_reason=None, done=False),
        {"wrapped": True},
    ),
    "error-frame": (
        stream(chunk(content="Hal"), {"error": {"message": "The model fell over."}}),
        expected("Hal", errors=[{"message": "The model fell over."}]),
        {},
    ),
    "refusal": (stream(chunk("stop", refusal="No.")), expected(refusal="No."), {}),
    "body": (
        whole(content="Hello", reasoning="Hm"),
        expected("Hello", "Hm", usage=USAGE),
        {},
    ),
    "function": (
        whole(content=None, function_call={"name": "f", "arguments": "{}"}),
        expected(function_call={"name": "f", "arguments": "{}"}, usage=USAGE),
        {},
    ),
    "refused": (REFUSED, {"errors": [json.loads(REFUSED)["error"]]}, {"status": 401}),
    "not-json": (b"# nothing", {"not_json": True}, {}),
}


def run(folder: Path, *more: str) -> int:
    return main([str(folder), "--jobs", "1", "--seed", "7", *more])


def test_recordings_that_are_read_right_pass(tmp_path, capsys) -> None:
    for name, (body, wanted, facts) in GOOD.items():
        record(tmp_path / "deep" / name[:1], name, body, wanted, **facts)
    assert run(tmp_path) == 0
    printed = capsys.readouterr().out
    assert "FAIL" not in printed
    streams = sum(body[:1] == b"d" for body, *_ in GOOD.values())
    runs = streams * (4 * len(STREAM_WAYS) + 1) + len(STREAM_WAYS)  # and the network's
    runs += (len(GOOD) - streams) * (3 * len(BODY_WAYS) + 1) - 1  # no decoder for a 401
    assert re.search(rf"^total +{len(GOOD)} +{runs} +0 ", printed, re.MULTILINE)
    assert f"0 of {runs} runs failed" in printed


@pytest.mark.parametrize(
    ("body", "wanted", "line"),
    [
        (HELLO, {"text_sha256": "0" * 64}, "text has 9 characters"),
        (HELLO, {"text_len": 0}, "text has 9 characters, expected 0"),
        (HELLO, {"reasoning_len": 0}, "reasoning has 8 characters"),
        (HELLO, {"finish_reason": "length"}, "finish_reason is 'stop'"),
        (HELLO, {"usage": {**USAGE, "total_tokens": 13}}, "token_usage is {"),
        (HELLO, {"refusal": "No."}, "refusal is '', expected 'No.'"),
        (HELLO, {"function_call": {"name": "f"}}, "function_call is None"),
        (
            HELLO,
            {"tool_calls": [CALL]},
            r"tool_calls are [], expected [('f', {'a': 1})]",
        ),
        (HELLO, {"errors": ["no"]}, "no exception, and the answer ends with: error"),
        (HELLO, {"finish_reason": None, "done": False}, "the answer ends with: cut"),
        (CALLING, {"tool_calls": []}, "tool_calls are [('f', {'a': 1})], expected []"),
        (CALLING, {"tool_calls": [CUT_CALL]}, "invalid_tool_calls are []"),
        (CALLING, {"tool_calls": [{**CALL, "id": "x"}]}, "expected {'x'} among them"),
        (HELLO[:-40], {"finish_reason": "stop"}, "raised StreamInterruptedError"),
        (REFUSED, {"finish_reason": "stop"}, "raised AuthenticationError"),
    ],
)
def test_what_is_not_as_expected_is_a_line_and_a_status(
    tmp_path, capsys, body: bytes, wanted: dict[str, Any], line: str
) -> None:
    base = HELLO_EXPECTED if body[:20] == HELLO[:20] else expected()
    record(tmp_path, "wrong", body, {**base, **wanted})
    assert run(tmp_path, "--fast") == 1
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if line.startswith("FAIL wrong: ")]
    assert any(line in found for found in lines), printed


def test_an_error_must_have_the_right_class_and_quote_the_server(
    tmp_path, capsys
) -> None:
    wanted = {"errors": [{"message": "The moon is too low."}]}
    record(tmp_path, "moon", REFUSED, wanted, status=429)
    assert run(tmp_path, "--fast") == 1
    printed = capsys.readouterr().out
    assert "the error does not quote the server's 'The moon too low.'" in printed


def test_a_file_that_was_changed_is_a_failure(tmp_path, capsys) -> None:
    record(tmp_path, "x", HELLO, HELLO_EXPECTED, body_sha256="0" * 64)
    assert run(tmp_path, "--fast") == 1
    assert "is not what was recorded" in capsys.readouterr().out


def test_an_empty_folder_is_no_success(tmp_path) -> None:
    with pytest.raises(SystemExit) as left:
        run(tmp_path)
    assert left.value.code == 2


def test_without_expectations_the_bytes_say_what_is_right(tmp_path, capsys) -> None:
    (tmp_path / "alone.sse").write_bytes(HELLO)
    assert run(tmp_path, "--fast") == 0
    assert "total" in capsys.readouterr().out


def test_the_command_runs_in_several_processes(tmp_path) -> None:
    for name in ("text", "call", "body"):
        record(tmp_path, name, *GOOD[name][:2])
    record(tmp_path, "wrong", HELLO, expected("Something else"))
    command = [sys.executable, "-m", "tests.corpus", tmp_path, "--jobs", "2", "--fast"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 1, done.stderr
    assert re.search(r"^FAIL wrong: text has 9 characters", done.stdout, re.MULTILINE)
    assert done.stdout.count("FAIL ") == done.stdout.count("FAIL wrong: ")


# ── what the model never does, so the checks are shown it ───────────────────────────


@pytest.fixture
def hello(tmp_path) -> Recording:
    return load_recording(record(tmp_path, "hello", HELLO, HELLO_EXPECTED), tmp_path)


def right_chunks() -> list[AIMessageChunk]:
    return [
        AIMessageChunk(
            "", additional_kwargs={"reasoning_content": "Hm, a 👋."}, id="1"
        ),
        AIMessageChunk("Hällo you", id="1"),
        AIMessageChunk(
            "",
            id="1",
            response_metadata={"finish_reason": "stop", "token_usage": USAGE},
            usage_metadata={"input_tokens": 5, "output_tokens": 7, "total_tokens": 12},
            chunk_position="last",
        ),
    ]


def outcome_of(chunks: list[AIMessageChunk]) -> Outcome:
    return Outcome(chunks=chunks, message=reduce(add, right_chunks()))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda chunks: chunks.insert(0, AIMessageChunk("", id="1")),
            "an empty chunk comes before any content",
        ),
        (
            lambda chunks: setattr(chunks[1], "chunk_position", "last"),
            "chunk_position is last at [2, 3] of 3",
        ),
        (
            lambda chunks: setattr(chunks[2], "chunk_position", None),
            "chunk_position is last at [] of 3",
        ),
        (lambda chunks: setattr(chunks[1], "id", "2"), "chunks have different ids"),
        (
            lambda chunks: setattr(chunks[0], "content", "Hi"),
            "a chunk carries more than one kind: ['reasoning', 'text']",
        ),
        (
            lambda chunks: setattr(chunks[0], "usage_metadata", USAGE),
            "metadata comes before the last chunk",
        ),
        (
            lambda chunks: setattr(chunks[1], "content", "H\ud83dllo you"),
            "a text in a chunk is no UTF-8: 'H\\ud83dllo you'",
        ),
    ],
)
def test_what_is_wrong_with_chunks_is_seen(hello, change, problem: str) -> None:
    chunks = right_chunks()
    assert problems_of(hello, outcome_of(chunks)) == []
    change(chunks)
    assert problem in problems_of(hello, outcome_of(chunks))


def test_usage_that_was_summed_up_is_seen(hello) -> None:
    first, second, last = right_chunks()
    last.usage_metadata = UsageMetadata(
        input_tokens=5, output_tokens=7, total_tokens=24
    )
    message = first + second + last
    assert problems_of(hello, Outcome(message=message)) == [
        "usage_metadata's total_tokens is 24, expected one of {12}"
    ]


@pytest.mark.parametrize(
    ("outcome", "problem"),
    [
        (Outcome(), "neither a message nor an exception"),
        (Outcome(error=KeyError("x")), "raised KeyError, which is no StreamKitError"),
        (
            Outcome(events=[{"event": "message-finish"}], message=AIMessage("")),
            "the event stream is not valid: first event must be `message-start`",
        ),
        (
            Outcome(message=AIMessage("Hällo you"), others=[AIMessage("")]),
            "1 further choices, expected 0",
        ),
    ],
)
def test_what_is_wrong_with_an_outcome_is_seen(hello, outcome, problem: str) -> None:
    assert any(found.startswith(problem) for found in problems_of(hello, outcome))


def test_a_partial_without_what_had_come_is_seen(tmp_path) -> None:
    body, wanted, _ = GOOD["cut"]
    cut = load_recording(record(tmp_path, "cut", body, wanted), tmp_path)
    empty = Outcome(error=StreamInterruptedError("cut"))
    assert problems_of(cut, empty) == ["no partial, and 3 characters had come"]
    other = StreamInterruptedError("cut", partial=AIMessageChunk("Ha"))
    (problem,) = problems_of(cut, Outcome(error=other))
    assert problem.startswith("partial text has 2 characters, expected 3")
    whole_one = StreamInterruptedError("cut", partial=AIMessageChunk("Hal"))
    assert problems_of(cut, Outcome(error=whole_one)) == []


def test_random_splits_are_the_same_for_the_same_seed(hello) -> None:
    assert splits_of(hello, 1) == splits_of(hello, 1)
    assert splits_of(hello, 1)["random"] != splits_of(hello, 2)["random"]
    assert all(
        ends == sorted(ends) and ends[-1:] <= [len(hello.body)]
        for ends in splits_of(hello, 1).values()
    )
