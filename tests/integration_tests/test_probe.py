"""``streamkit probe`` on servers that nobody here wrote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from langchain_streamkit.cli.main import main
from tests.integration_tests.servers import aimock as aimock_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from langchain_streamkit import ChatStreamKit
    from tests.integration_tests.servers._process import Server

pytestmark = pytest.mark.timeout(120, func_only=True)  # the first start installs

COUNTED = "1, 2, 3, 4, 5, 6, 7, 8, 9"
WEATHER = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
FIXTURES = [
    ({"hasToolResult": True}, {"content": "It is sunny in Paris."}),
    ({"toolName": "get_weather"}, {"toolCalls": [WEATHER]}),
    ({"userMessage": "Think first"}, {"reasoning": "Hm, 17 + 26.", "content": "43."}),
    ({"userMessage": "Count from 1 to 9"}, {"content": COUNTED}),
    ({}, {"content": "A plain sentence."}),
]


def probe(
    server: Server, capsys: pytest.CaptureFixture[str], *flags: str
) -> tuple[int, str, str]:
    capsys.readouterr()
    key = ("--api-key-variable", "PROBED_KEY")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROBED_KEY", server.api_key)
        status = main(["probe", server.url, *key, "--timeout", "20", *flags])
    captured = capsys.readouterr()
    assert server.api_key not in captured.out + captured.err
    return status, captured.out, captured.err


def report_of(
    server: Server, capsys: pytest.CaptureFixture[str], *flags: str
) -> tuple[dict[str, str], dict[str, Any]]:
    """Answer and evidence of each question, and the whole report."""
    status, out, err = probe(server, capsys, "--json", *flags)
    assert status == 0, err
    report: dict[str, Any] = json.loads(out)
    findings = report["findings"].items()
    return {name: f"{f['answer']}: {f['evidence']}" for name, f in findings}, report


def evaluate(code: str, server: Server) -> ChatStreamKit:
    namespace: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROBED_KEY", server.api_key)
        exec(compile(code, "copied.py", "exec"), namespace)
    model: ChatStreamKit = namespace["model"]
    return model


# ── llama.cpp ───────────────────────────────────────────────────────────────────


def test_what_llama_server_can_do(llama: Server, capsys) -> None:
    findings, report = report_of(llama, capsys)
    assert report["models"] == ["tiny"]
    able = {
        *("answers", "streaming", "done", "stream_options", "reasoning"),
        *("tools", "streamed_arguments", "tools_required"),
        *("tool_results", "tool_results_null"),
        *("json_schema", "json_schema_enforced", "json_mode"),
        *("logprobs", "stop", "n", "max_completion_tokens", "max_tokens"),
        *("prefill_trailing", "error_details", "suggestion_works"),
    }
    assert {name for name in able if not findings[name].startswith("yes")} == set()
    expected = "yes: in reasoning_content, when the prompt asks for it"
    assert findings["reasoning"] == expected
    assert findings["stream_options"].startswith("yes: in a frame of its own")
    assert findings["usage_unasked"] == "no: none came"
    assert findings["tools_named"] == 'no: ignored: "get_weather" was called'
    assert findings["tools_any"].startswith('refused: 400: "Invalid tool_choice')
    assert findings["image"].startswith('refused: 500: "image input is not supported')
    assert findings["unknown_model"].startswith("no: answers all the same")
    assert report["first_token_seconds"] < 20


def test_llama_server_repeats_the_beginning_of_an_answer(llama: Server, capsys) -> None:
    findings, _ = report_of(llama, capsys)
    assert findings["prefill_trailing"].startswith("yes: goes on, after the beginning")


def test_the_model_for_llama_server_is_that_of_its_row(llama: Server, capsys) -> None:
    _, report = report_of(llama, capsys)
    assert 'get_provider("llamacpp").replace(image_inputs=False)' in report["code"]
    model = evaluate(report["code"], llama)
    assert model.invoke("Hi").text.startswith("Hello from a tiny llama")


def test_llama_server_refuses_a_wrong_key(llama: Server, capsys, monkeypatch) -> None:
    monkeypatch.setenv("WRONG_KEY", "sk-wrong")
    arguments = ["probe", llama.url, "--model", "tiny"]
    assert main([*arguments, "--api-key-variable", "WRONG_KEY"]) == 1
    error = capsys.readouterr().err
    assert "answered 401" in error
    assert "WRONG_KEY" in error


# ── aimock ──────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def talkative(aimock: Server, tmp_path_factory) -> Iterator[Server]:
    """Another aimock, which has something to say to the prompts of the probe.

    The first one is asked for as well: where it cannot run, this one cannot.
    """
    path: Path = tmp_path_factory.mktemp("aimock") / "fixtures.json"
    fixtures = [{"match": match, "response": said} for match, said in FIXTURES]
    path.write_text(json.dumps({"fixtures": fixtures}), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aimock_server, "FIXTURES", path)
        with aimock_server.serve() as server:
            yield server


def test_what_aimock_can_do(talkative: Server, capsys) -> None:
    findings, report = report_of(talkative, capsys, "--model", "mock")
    assert findings["answers"] == f'yes: "{COUNTED}"'
    assert findings["done"].startswith("yes")
    assert findings["stream_options"].startswith("yes: in a frame of its own")
    assert findings["tools"] == 'yes: get_weather({"city": "Paris"})'
    assert findings["tool_results"] == 'yes: "It is sunny in Paris."'
    assert findings["json_schema"].startswith("no: ignored")
    assert findings["max_tokens"].startswith("no: ")
    assert findings["n"] == "no: ignored: one choice"
    assert findings["prefill_trailing"].startswith("no: begins anew")
    model = evaluate(report["code"], talkative)
    assert model.invoke("Count from 1 to 9").text == COUNTED


def test_a_server_that_has_nothing_to_say(aimock: Server, capsys) -> None:
    status, out, err = probe(aimock, capsys, "--model", "mock")
    assert (status, out) == (1, "")
    assert "404: No fixture matched" in err
