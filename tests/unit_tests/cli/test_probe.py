"""``streamkit probe`` against servers that can, cannot, refuse, ignore and break."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from langchain_streamkit import ChatStreamKit, providers
from langchain_streamkit.cli.main import main
from langchain_streamkit.cli.probe_questions import QUESTIONS
from langchain_streamkit.testing import (
    Cut,
    ErrorFrame,
    FakeServer,
    Hang,
    Insert,
    ReceivedRequest,
    Reply,
    Reset,
    Send,
    ToolCall,
)
from langchain_streamkit.testing.assistant import answer
from tests.documentation import readdress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syrupy.assertion import SnapshotAssertion

pytestmark = pytest.mark.loopback

COUNTED = "1 2 3 4 5 6 7 8 9"
USAGE = {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29}


class Outcome:
    """What one run printed."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def report(self) -> dict[str, Any]:
        assert self.status == 0, self.err
        report: dict[str, Any] = json.loads(self.out)
        return report

    @property
    def findings(self) -> dict[str, str]:
        """Answer and evidence of each question, in one text."""
        findings = self.report["findings"].items()
        return {name: f"{f['answer']}: {f['evidence']}" for name, f in findings}

    @property
    def answers(self) -> dict[str, str]:
        return {name: f["answer"] for name, f in self.report["findings"].items()}


Probe = Callable[..., Outcome]
Serve = Callable[..., FakeServer]


@pytest.fixture
def probe(capsys: pytest.CaptureFixture[str]) -> Probe:
    """Run the command; ``--json`` unless told otherwise."""

    def run(server: FakeServer | str, *flags: str, as_json: bool = True) -> Outcome:
        url = server if isinstance(server, str) else server.url
        capsys.readouterr()
        status = main(["probe", url, *flags, *(["--json"] if as_json else [])])
        return Outcome(status, *capsys.readouterr())

    return run


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that end with the test."""
    with ExitStack() as stack:
        yield lambda *args, **kwargs: stack.enter_context(FakeServer(*args, **kwargs))


def altered(**fields: object) -> Callable[[ReceivedRequest], Reply]:
    """A handler: the server's own answers, with some fields of the reply changed."""
    return lambda request: answer(request.body or {}).replace(**fields)


def where(name: str, reply: Reply | str) -> Callable[[ReceivedRequest], Reply | None]:
    """A handler: a reply for the bodies that have a field, and nothing for others."""
    made = Reply(reply) if isinstance(reply, str) else reply
    return lambda request: made if name in (request.body or {}) else None


def evaluate(code: str) -> ChatStreamKit:
    """Run the printed lines as a user would, in a file of their own."""
    namespace: dict[str, Any] = {}
    exec(compile(code, "copied.py", "exec"), namespace)
    model = namespace["model"]
    assert isinstance(model, ChatStreamKit)
    return model


# ── a server that can do everything ─────────────────────────────────────────────


def test_the_whole_report_as_json(probe, serve, snapshot: SnapshotAssertion) -> None:
    server = serve()
    outcome = probe(server)
    report = json.loads(outcome.out.replace(str(server.port), "PORT"))
    assert isinstance(report.pop("first_token_seconds"), float)
    assert isinstance(report.pop("tokens_per_second"), float | None)
    assert report == snapshot
    assert outcome.err == ""


def test_the_table_answers_every_question_and_ends_with_the_model(probe, serve) -> None:
    out = probe(serve(), as_json=False).out
    for question in QUESTIONS:
        row = rf"^{re.escape(question.title)} +(yes|no|refused|unclear) +\S"
        assert re.search(row, out, re.MULTILINE), question.title
    assert re.search(r"^the model below works +yes +\"Hello there!", out, re.MULTILINE)
    assert "models: fake-model\nspeed: first token after 0." in out
    code = out[out.index("from langchain_streamkit import ChatStreamKit") :]
    assert evaluate(code).invoke("Hello").text.startswith("Hello there!")


def test_the_page_shows_the_real_table(probe, serve, monkeypatch) -> None:
    page = (Path(__file__).parents[3] / "docs" / "probe.md").read_text("utf-8")
    shown = page.partition("```text\n")[2].partition("\n```")[0].splitlines()
    readdress(monkeypatch, serve())
    printed = probe("http://localhost:8000/v1", as_json=False).out.splitlines()
    for lines in (shown, printed):  # the only line that is not always the same
        [speed] = [line for line in lines if line.startswith("speed: ")]
        lines.remove(speed)
    assert shown == printed


def test_two_requests_at_a_time(probe, serve) -> None:
    server = serve()
    probe(server)
    spans = [(r.received_at, r.finished_at) for r in server.requests if r.finished_at]
    assert len(spans) == len(server.requests) > 40
    busy = [sum(start <= at < end for start, end in spans) for at, _ in spans]
    assert max(busy) <= 2


def test_every_answer_after_the_first_ones_is_bounded(probe, serve) -> None:
    server = serve()
    probe(server)
    bodies = [request.body for request in server.requests if request.body]
    assert sum("max_completion_tokens" in body for body in bodies) >= len(bodies) - 3


def test_the_speed_is_that_of_the_longest_stream(probe, serve) -> None:
    report = probe(serve(handler=altered(frame_delay=0.01, head_delay=0.02))).report
    assert 0.02 < report["first_token_seconds"] < 1.0
    assert 10 < report["tokens_per_second"] <= 130  # paced at 100, on any machine


# ── models and keys ─────────────────────────────────────────────────────────────


def test_the_first_model_of_several_is_asked(probe, serve) -> None:
    report = probe(serve(models=["small", "large"])).report
    assert (report["model"], report["models"]) == ("small", ["small", "large"])
    assert 'model="small"' in report["code"]
    assert report["findings"]["unknown_model"]["answer"] == "yes"


def test_another_model_can_be_named(probe, serve) -> None:
    server = serve(models=["small", "large"])
    assert probe(server, "--model", "large").report["model"] == "large"


def test_a_model_that_is_not_there_ends_the_probe(probe, serve) -> None:
    outcome = probe(serve(models=["small"]), "--model", "tiny")
    assert outcome.status == 1
    assert "404: The model 'tiny' does not exist" in outcome.err
    assert "/v1" not in outcome.err
    assert outcome.err.count("\n") == 1


def test_without_a_list_of_models_one_must_be_named(probe, serve) -> None:
    server = serve(routes={"/v1/models": Reply.error(404, "No such page.")})
    outcome = probe(server)
    assert outcome.status == 1
    assert "name one with --model" in outcome.err
    assert probe(server, "--model", "any").report["models"] == []


def test_a_missing_key_says_which_variable_it_comes_from(probe, serve) -> None:
    outcome = probe(serve(api_key="a-secret-key"))
    assert (outcome.status, outcome.out) == (1, "")
    assert "401: No API key was sent." in outcome.err
    assert "STREAMKIT_API_KEY" in outcome.err
    assert "--api-key-variable" in outcome.err


def test_a_wrong_key_names_its_own_variable(probe, serve, monkeypatch) -> None:
    monkeypatch.setenv("MY_KEY", "a-wrong-key")
    outcome = probe(serve(api_key="a-secret-key"), "--api-key-variable", "MY_KEY")
    assert outcome.status == 1
    assert "MY_KEY" in outcome.err
    assert "a-wrong-key" not in outcome.err


def test_an_unset_variable_is_named(probe, serve) -> None:
    outcome = probe(serve(), "--api-key-variable", "NO_SUCH_KEY")
    assert outcome.status == 1
    assert "NO_SUCH_KEY is not set" in outcome.err


def test_the_variable_of_the_key_stands_in_the_code(probe, serve, monkeypatch) -> None:
    monkeypatch.setenv("MY_KEY", "a-secret-key")
    server = serve(api_key="a-secret-key")
    code = probe(server, "--api-key-variable", "MY_KEY").report["code"]
    assert 'api_key=os.environ["MY_KEY"]' in code
    assert evaluate(code).invoke("Hello").text.startswith("Hello there!")


def test_a_key_that_is_found_anyway_stands_not_in_the_code(
    probe, serve, monkeypatch
) -> None:
    monkeypatch.setenv("STREAMKIT_API_KEY", "a-secret-key")
    code = probe(serve(api_key="a-secret-key")).report["code"]
    assert "api_key" not in code
    assert evaluate(code).invoke("Hello").text.startswith("Hello there!")


@pytest.mark.parametrize("flags", [["--json"], []], ids=["json", "table"])
def test_a_key_that_the_server_quotes_is_not_shown(
    flags: list[str], probe, serve, monkeypatch
) -> None:
    key = 'se"cret/key-123'
    monkeypatch.setenv("STREAMKIT_API_KEY", key)

    def quoting(request: ReceivedRequest) -> Reply:
        said = f"{request.headers['authorization']} and {key}"
        if "logprobs" in (request.body or {}):
            return Reply.error(400, said, param=key, code=key)
        if "n" in (request.body or {}):
            return Reply.error(400, said, shape="text")
        call = ToolCall(key, {key: key})
        wants_tool = "tools" in (request.body or {})
        return Reply(said, split=3, model=key, tool_calls=[call] if wants_tool else [])

    listed = {"data": [{"id": key, "owned_by": key}]}
    server = serve(handler=quoting, routes={"/v1/models": listed})
    outcome = probe(server, *flags, as_json=False)
    assert outcome.status == 0
    for shown in (key, json.dumps(key)[1:-1], "cret/key"):
        assert shown not in outcome.out + outcome.err
    assert "[hidden]" in outcome.out


# ── what a server refuses ───────────────────────────────────────────────────────

REFUSED = {
    "stream_options": "stream_options",
    "tools.function.strict": "strict",
    "parallel_tool_calls": "parallel_tool_calls",
    "seed": "seed",
    "n": "n",
    "logprobs": "logprobs",
    "stop": "stop",
    "reasoning_effort": "reasoning_effort",
    "messages.name": "message_names",
    "messages.prefix": "prefill_prefix",
    "response_format.json_schema": "json_schema",
    "messages.content.image_url": "image",
}


def test_refusals_come_with_the_servers_words(probe, serve) -> None:
    findings = probe(serve(refuse_fields=[*REFUSED])).findings
    for field, question in REFUSED.items():
        words = f'refused: 400: "Unrecognized request argument supplied: {field}"'
        assert findings[question] == words


def test_what_is_refused_is_not_sent_by_the_suggested_model(probe, serve) -> None:
    server = serve(refuse_fields=[*REFUSED])
    code = probe(server).report["code"]
    server.reset()
    model = evaluate(code)
    bound = model.bind_tools([{"name": "add", "parameters": {}}], strict=True)
    assert [*bound.bind(parallel_tool_calls=True, seed=1).stream("Hello")]
    assert [request.status for request in server.requests] == [200]
    facts = model.provider
    assert isinstance(facts, providers.Provider)
    assert not facts.json_schema
    assert facts.structured_output == "function_calling"
    assert facts.refused_parameters == (
        *("logprobs", "top_logprobs", "n", "reasoning_effort", "seed", "stop"),
    )


@pytest.mark.parametrize(
    ("refused", "field"),
    [
        ("max_tokens", "max_completion_tokens"),
        ("max_completion_tokens", "max_tokens"),
    ],
)
def test_the_bound_that_works_is_used(refused: str, field: str, probe, serve) -> None:
    server = serve(refuse_fields=[refused])
    report = probe(server).report
    assert report["findings"][refused]["answer"] == "refused"
    assert report["findings"][field]["answer"] == "yes"
    server.reset()
    evaluate(report["code"]).invoke("Hello", max_tokens=50)
    assert field in server.requests[0].body


def test_tools_that_are_refused_leave_no_other_fact_of_tools(probe, serve) -> None:
    code = probe(serve(refuse_fields=["tools"])).report["code"]
    assert "tools=False" in code
    assert "tool_choice" not in code
    assert "strict_tools" not in code


def test_a_stream_that_is_refused_is_not_asked_for(probe, serve) -> None:
    server = serve(refuse_fields=["stream"])
    report = probe(server).report
    assert report["findings"]["streaming"]["answer"] == "refused"
    assert report["findings"]["done"]["answer"] == "refused"
    assert report["first_token_seconds"] is None
    assert "disable_streaming=True" in report["code"]
    assert evaluate(report["code"]).invoke("Hello").text.startswith("Hello there!")
    assert "there is no stream" in probe(server, as_json=False).out


def test_unknown_fields_that_are_refused(probe, serve) -> None:
    findings = probe(serve(refuse_fields=["streamkit_probe"])).findings
    assert findings["unknown_fields"].startswith("yes: 400")


def test_content_that_must_be_null_beside_calls(probe, serve) -> None:
    def refusing(request: ReceivedRequest) -> Reply | None:
        calls = [m for m in request.messages if m.get("tool_calls")]
        if any(message.get("content") == "" for message in calls):
            return Reply.error(400, "content must be null")
        return None

    report = probe(serve(handler=refusing)).report
    assert report["findings"]["tool_results"]["answer"] == "refused"
    assert report["findings"]["tool_results_null"]["answer"] == "yes"
    assert 'tool_call_content="null"' in report["code"]


# ── what a server ignores ───────────────────────────────────────────────────────


def test_a_server_that_ignores_everything(probe, serve) -> None:
    message = {"role": "assistant", "content": COUNTED}
    body = {
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": USAGE,
    }
    answers = probe(serve(handler=lambda _: body, validate=False)).answers
    ignored = [name for name, said in answers.items() if said == "no"]
    assert ignored == [
        *("streaming", "reasoning"),
        *("tools_required", "tools_any", "tools_named"),
        *("json_schema", "json_schema_enforced", "json_mode", "logprobs", "stop", "n"),
        *("max_completion_tokens", "max_tokens", "image"),
        *(f"prefill_{form}" for form in ("trailing", "prefix", "partial")),
        "prefill_continue_final_message",
        *("message_names", "unknown_fields", "unknown_model", "error_details"),
    ]
    yes = [name for name, said in answers.items() if said == "yes"]
    assert yes == ["answers", "tool_results", "tool_results_null", "suggestion_works"]


def test_the_model_for_a_server_that_ignores_everything(probe, serve) -> None:
    code = probe(serve(handler=lambda _: Reply(COUNTED), validate=False)).report["code"]
    facts = evaluate(code).provider
    assert isinstance(facts, providers.Provider)
    assert facts.tool_choice_required is None
    assert not facts.tool_choice_named
    assert not facts.json_schema
    assert facts.prefill is None


@pytest.mark.parametrize(
    ("kept", "evidence"),
    [
        ("1 2 3 4", 'yes: before "5"'),
        ("1 2 3 4 5", 'yes: and the stop text is kept: "1 2 3 4 5"'),
        (COUNTED, f'no: ignored: "{COUNTED}"'),
        ("Four", 'unclear: the answer was another one: "Four"'),
    ],
)
def test_what_becomes_of_a_stop_text(kept: str, evidence: str, probe, serve) -> None:
    findings = probe(serve(handler=where("stop", kept))).findings
    assert findings["stop"] == evidence


@pytest.mark.parametrize(
    ("texts", "said"),
    [({1: "Ada", 2: "Bo"}, "yes"), ({1: "Ada", 2: "Ada"}, "unclear"), ({}, "no")],
)
def test_a_seed(texts: dict[int, str], said: str, probe, serve) -> None:
    def sown(request: ReceivedRequest) -> Reply | None:
        seed = (request.body or {}).get("seed")
        if not isinstance(seed, int):
            return None
        return Reply(texts.get(seed, f"Boat {request.number}"))

    assert probe(serve(handler=sown)).answers["seed"] == said


@pytest.mark.parametrize(
    ("followed", "said"),
    [({"developer", "system"}, "yes"), ({"system"}, "no"), (set(), "unclear")],
)
def test_the_developer_role(followed: set[str], said: str, probe, serve) -> None:
    def obeying(request: ReceivedRequest) -> Reply | None:
        is_followed = request.messages and request.messages[0].get("role") in followed
        return Reply("Teal.") if is_followed else None

    report = probe(serve(handler=obeying)).report
    assert report["findings"]["developer_role"]["answer"] == said
    assert ("developer_role=False" in report["code"]) == (said == "no")


def test_prompt_tokens_show_what_is_read(probe, serve) -> None:
    def counting(request: ReceivedRequest) -> Reply:
        raw = request.raw.decode()
        tokens = 20 + 2 * ('"name":"ada"' in raw) + 64 * ("data:image/png" in raw)
        return answer(request.body or {}).replace(
            usage={**USAGE, "prompt_tokens": tokens}
        )

    findings = probe(serve(handler=counting)).findings
    assert findings["message_names"] == "yes: 2 more prompt tokens"
    assert findings["image"].startswith("yes: 64 more prompt tokens")


def test_one_call_at_a_time_is_not_clear(probe, serve) -> None:
    call = ToolCall("get_weather", {"city": "Paris"})
    findings = probe(serve(handler=where("tools", Reply(tool_calls=[call])))).findings
    assert findings["tools_parallel"].startswith("unclear: one call came")
    assert findings["parallel_tool_calls"].startswith("unclear: taken")
    assert findings["tools_named"] == 'no: ignored: "get_weather" was called'


def test_a_call_in_one_piece_is_not_streamed(probe, serve) -> None:
    call = ToolCall("get_weather", {"city": "Paris"}, pieces="whole")
    findings = probe(serve(handler=where("tools", Reply(tool_calls=[call])))).findings
    assert findings["streamed_arguments"] == "no: each call comes whole"


def test_a_call_that_nobody_parsed_stands_in_the_text(probe, serve) -> None:
    text = '<tool_call>{"name": "get_weather"}</tool_call>'
    findings = probe(serve(handler=where("tools", text))).findings
    assert findings["tools"] == f'no: the call stands in the text: "{text}"'
    assert findings["tools_required"].startswith("no: ignored: ")


def test_arguments_that_are_no_object(probe, serve) -> None:
    call = ToolCall("get_weather", '{"city": "Par')
    findings = probe(serve(handler=where("tools", Reply(tool_calls=[call])))).findings
    assert findings["tools"].startswith("unclear: the arguments are no object")


# ── streams, in other shapes ────────────────────────────────────────────────────


def test_a_stream_without_done(probe, serve) -> None:
    findings = probe(serve(handler=altered(done=False))).findings
    assert findings["done"] == "no: the body just ends"
    assert findings["streaming"].startswith("yes")
    assert findings["suggestion_works"].startswith("yes")


def test_one_json_body_where_a_stream_was_asked_for(probe, serve) -> None:
    findings = probe(serve(handler=altered(as_stream=False))).findings
    assert findings["streaming"].startswith("no: one JSON body")
    assert findings["done"] == "unclear: there is no stream"
    assert findings["usage_unasked"] == "unclear: there is no stream"
    assert findings["suggestion_works"].startswith("yes")


@pytest.mark.parametrize(
    ("place", "evidence"),
    [
        ("frame", "in a frame of its own: 17 + 9 tokens"),
        ("finish", "on the frame with finish_reason: 17 + 9 tokens"),
        ("every", "on 11 frames: 17 + 9 tokens"),
    ],
)
def test_where_the_usage_comes(place: str, evidence: str, probe, serve) -> None:
    findings = probe(serve(handler=altered(usage_place=place))).findings
    assert findings["stream_options"] == f"yes: {evidence}"
    unasked = "no: none came" if place == "frame" else f"yes: {evidence}"
    assert findings["usage_unasked"] == unasked


def test_a_server_without_usage(probe, serve) -> None:
    findings = probe(serve(handler=altered(usage=None))).findings
    assert findings["stream_options"] == "no: taken, but no usage came"
    assert findings["image"].startswith("unclear: taken")
    assert findings["message_names"].startswith("unclear: taken")
    assert findings["max_tokens"] == 'yes: "1 2 3 4" for 4'


@pytest.mark.parametrize("name", ["reasoning", "thinking", "reasoning_text"])
def test_the_field_of_the_reasoning(name: str, probe, serve) -> None:
    findings = probe(serve(handler=altered(reasoning_field=name))).findings
    assert findings["reasoning"] == f"yes: in {name}, when the prompt asks for it"
    assert findings["reasoning_effort"] == f"yes: reasoning in {name}"


def test_reasoning_that_comes_unasked(probe, serve) -> None:
    findings = probe(serve(handler=altered(reasoning="Hm."))).findings
    assert findings["reasoning"] == "yes: in reasoning_content, unasked"


def test_reasoning_in_parts_of_the_content(probe, serve) -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    parts = [thinking, {"type": "text", "text": COUNTED}]
    message = {"role": "assistant", "content": parts}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    findings = probe(serve(handler=lambda _: body, validate=False)).findings
    assert findings["reasoning"] == "yes: in content, unasked"
    assert findings["answers"] == f'yes: "{COUNTED}"'


@pytest.mark.parametrize("start", ["<think>", ""])
def test_reasoning_between_tags(start: str, probe, serve) -> None:
    def thinking(request: ReceivedRequest) -> Reply:
        reply = answer(request.body or {})
        return reply.replace(text=f"{start}\nHm, hm.\n</think>\n\n{reply.text}")

    server = serve(handler=thinking)
    report = probe(server).report
    evidence = report["findings"]["reasoning"]["evidence"]
    assert evidence == "in the text, between <think> and </think>, unasked"
    assert report["findings"]["json_schema"]["answer"] == "yes"
    assert 'reasoning_tags=("<think>", "</think>")' in report["code"]
    message = evaluate(report["code"]).invoke("Hello")
    assert message.text.strip().endswith("How can I help you today?")


# ── continued answers ───────────────────────────────────────────────────────────


def continuing(
    *, needs: str = "", echoes: bool = False
) -> Callable[[ReceivedRequest], Reply | None]:
    """A handler: goes on with the last message, if a field asks for it."""

    def handler(request: ReceivedRequest) -> Reply | None:
        last = request.messages[-1] if request.messages else {}
        if last.get("role") != "assistant":
            return None
        if needs and needs not in {*last, *(request.body or {})}:
            return Reply(COUNTED)
        said = str(last["content"])
        return Reply((said if echoes else "") + " 5 6 7 8 9")

    return handler


@pytest.mark.parametrize(
    ("needs", "form"),
    [
        ("", "trailing"),
        ("prefix", "prefix"),
        ("partial", "partial"),
        ("continue_final_message", "continue_final_message"),
    ],
)
def test_the_form_that_continues_an_answer(needs: str, form: str, probe, serve) -> None:
    report = probe(serve(handler=continuing(needs=needs))).report
    answers = {name: found["answer"] for name, found in report["findings"].items()}
    assert answers[f"prefill_{form}"] == "yes"
    if needs:
        assert answers["prefill_trailing"] == "no"
    assert f'prefill="{form}"' in report["code"]


def test_a_continued_answer_that_repeats_its_beginning(probe, serve) -> None:
    findings = probe(serve(handler=continuing(echoes=True))).findings
    expected = f'yes: goes on, after the beginning once more: "{COUNTED}"'
    assert findings["prefill_trailing"] == expected


def test_an_answer_that_begins_anew(probe, serve) -> None:
    findings = probe(serve(handler=continuing(needs="no such field"))).findings
    assert findings["prefill_trailing"] == f'no: begins anew: "{COUNTED}"'


def test_an_answer_too_short_to_cut(probe, serve) -> None:
    findings = probe(serve(handler=lambda _: Reply("No.", usage=USAGE))).findings
    for name in ("stop", "prefill_trailing"):
        assert findings[name].startswith("unclear: the first answer was too short")


# ── rows ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def own_table(monkeypatch) -> None:
    monkeypatch.setattr(providers, "_table", dict(providers._table))
    monkeypatch.setattr(providers, "_indexes", [])


def test_a_known_host_is_named_by_its_row(own_table, probe, serve) -> None:
    server = serve()
    row = providers.Provider(
        name="mine", base_url=server.url, image_inputs=True, prefill="prefix"
    )
    providers.register_provider(row)
    code = probe(server).report["code"]
    assert code.splitlines()[-1] == (
        'model = ChatStreamKit(model="fake-model", provider="mine")'
    )
    assert evaluate(code).invoke("Hello").text.startswith("Hello there!")


def test_facts_that_differ_from_the_row_replace_it(own_table, probe, serve) -> None:
    server = serve(refuse_fields=["tools.function.strict"])
    row = providers.Provider(
        name="mine", base_url=server.url, image_inputs=True, prefill="trailing"
    )
    providers.register_provider(row)
    code = probe(server).report["code"]
    assert 'provider=get_provider("mine").replace(strict_tools=False)' in code
    assert "base_url" not in code
    assert evaluate(code).invoke("Hello").text.startswith("Hello there!")


def test_the_key_of_a_row_is_found_by_its_variable(
    own_table, probe, serve, monkeypatch
) -> None:
    monkeypatch.setenv("MINE_API_KEY", "a-secret-key")
    server = serve(api_key="a-secret-key")
    row = providers.Provider(
        name="mine", base_url=server.url, key_variables=("MINE_API_KEY",)
    )
    providers.register_provider(row)
    assert "api_key" not in probe(server).report["code"]


def test_a_program_that_names_itself_is_found(probe, serve) -> None:
    listed = {"data": [{"id": "qwen", "owned_by": "vllm"}]}
    code = probe(serve(routes={"/v1/models": listed})).report["code"]
    assert 'get_provider("vllm").replace(' in code
    assert "base_url=" in code


@pytest.mark.parametrize("owner", ["openai", "azure", "groq", "", "nobody"])
def test_the_owner_of_a_model_is_no_row_of_a_strangers_host(
    owner: str, probe, serve
) -> None:
    listed = {"data": [{"id": "qwen", "owned_by": owner}]}
    code = probe(serve(routes={"/v1/models": listed})).report["code"]
    assert 'Provider(name="custom", ' in code


# ── servers that do not answer ──────────────────────────────────────────────────

HTML = Reply.body(
    "<!doctype html><html><body>Log in</body></html>", content_type="text/html"
)
SILENT = [
    (Reply.error(500, "Out of memory."), "answered 500: Out of memory."),
    (Reply.error(402, "No credit left."), "Check the account's credit"),
    (Reply.error(404, "No such page."), "Most addresses end in /v1."),
    (Reply.error(429, "Slow down.", retry_after=60), "answered 429: Slow down."),
    (HTML, "answered 200 with a page of HTML"),
    (Reply.error(403, "Go away.", shape="html"), "answered 403"),
    (Reply.body(b"", content_type="application/json"), "answered 200 with nothing"),
    (Reply.body(b"It works!", content_type="text/plain"), 'with "It works!"'),
    (Reply.redirect("https://other.example/v1"), "https://other.example/v1"),
    (Reply.script(Reset()), "connection reset"),
    (Reply("x", faults=[ErrorFrame("Crashed.")], as_stream=True), "Crashed."),
]


@pytest.mark.parametrize(("reply", "words"), SILENT, ids=[w for _, w in SILENT])
def test_a_server_that_does_not_answer_is_one_line(
    reply: Reply, words: str, probe, serve
) -> None:
    outcome = probe(serve([reply], repeat_last=True))
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith("streamkit probe: ")
    assert words in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_page_of_html_instead_of_the_models(probe, serve) -> None:
    outcome = probe(serve([HTML], repeat_last=True, routes={"/v1/models": HTML}))
    assert outcome.status == 1
    assert "a page of HTML. Is this the address of its API?" in outcome.err


def test_nobody_listens(probe) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        outcome = probe(f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
    assert outcome.status == 1
    assert "connection refused" in outcome.err


def test_an_unknown_host(probe, monkeypatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    outcome = probe("http://nobody.example/v1")
    assert outcome.status == 1
    assert "unknown host: no answer from nobody.example" in outcome.err


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("127.0.0.1:8000/v1", "has no scheme"),
        ("http://127.0.0.1:8000/v1/chat/completions", "goes too far"),
        ("http://me:secret@127.0.0.1/v1", "user name"),
    ],
)
def test_an_address_that_is_none(url: str, words: str, probe) -> None:
    outcome = probe(url)
    assert outcome.status == 1
    assert words in outcome.err
    assert "secret" not in outcome.err


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_timeout_that_is_none(seconds: str, probe) -> None:
    with pytest.raises(SystemExit) as caught:
        probe("http://127.0.0.1:9/v1", "--timeout", seconds)
    assert caught.value.code == 2


# ── slow and dying servers ──────────────────────────────────────────────────────


def test_a_server_that_hangs_is_left(probe, serve) -> None:
    started = time.monotonic()
    outcome = probe(serve([Reply.script(Hang())], repeat_last=True), "--timeout", "0.2")
    assert time.monotonic() - started < 5.0
    assert outcome.status == 1
    assert "timed out" in outcome.err


def test_a_question_that_hangs_is_unclear(probe, serve) -> None:
    hanging = where("logprobs", Reply.script(Hang()))
    findings = probe(serve(handler=hanging), "--timeout", "1").findings
    assert findings["logprobs"] == "unclear: timed out"
    assert findings["stop"].startswith("yes")


def test_all_questions_together_have_an_end(probe, serve) -> None:
    def tired(request: ReceivedRequest) -> Reply | None:
        return Reply.script(Hang()) if request.number > 5 else None

    started = time.monotonic()
    findings = probe(serve(handler=tired), "--timeout", "0.3").findings
    assert time.monotonic() - started < 10.0
    late = [name for name, found in findings.items() if found == "unclear: timed out"]
    assert len(late) > 25
    assert findings["suggestion_works"] == "unclear: timed out"


def test_a_server_that_dies_on_the_way(probe, serve) -> None:
    def dying(request: ReceivedRequest) -> Reply | None:
        return Reply.script(Reset()) if request.number > 12 else None

    findings = probe(serve(handler=dying)).findings
    assert findings["streaming"].startswith("yes")
    assert findings["message_names"].startswith("unclear: connection reset")
    assert findings["suggestion_works"].startswith("no: connection reset")


def test_a_server_that_is_busy_for_a_moment_is_asked_again(probe, serve) -> None:
    busy = {"logprobs", "stop"}

    def hesitating(request: ReceivedRequest) -> Reply | None:
        for name in busy & (request.body or {}).keys():
            busy.remove(name)
            return Reply.error(503, "Busy.", retry_after=0)
        return None

    answers = probe(serve(handler=hesitating)).answers
    assert (answers["logprobs"], answers["stop"]) == ("yes", "yes")


def test_a_server_that_stays_busy_proves_nothing(probe, serve) -> None:
    busy = where("logprobs", Reply.error(429, "Slow down.", retry_after=60))
    findings = probe(serve(handler=busy)).findings
    assert findings["logprobs"] == 'unclear: 429: "Slow down."'


def test_a_stream_that_is_cut_is_a_stream(probe, serve) -> None:
    cut = altered(faults=[Cut(after_frames=4)])
    findings = probe(serve(handler=cut)).findings
    assert findings["streaming"].startswith("yes: ")
    assert findings["done"].startswith("unclear: connection closed early")


def test_an_error_inside_the_stream_is_a_refusal(probe, serve) -> None:
    failing = where("stream_options", Reply("a", faults=[ErrorFrame("Crashed.")]))
    findings = probe(serve(handler=failing)).findings
    assert findings["stream_options"].startswith("refused: an error in the answer:")


# ── hostile servers ─────────────────────────────────────────────────────────────

EVIL = "\x1b[2J\x1b]0;owned\x07\u202e\u2028\r\nback\x9b31m\ud800"


@pytest.mark.parametrize("flags", [["--json"], []], ids=["json", "table"])
def test_nothing_from_the_server_moves_the_cursor(
    flags: list[str], probe, serve
) -> None:
    def evil(request: ReceivedRequest) -> Reply:
        body = request.body or {}
        if "logprobs" in body:
            return Reply.error(400, EVIL, code=EVIL, param=EVIL)
        call = ToolCall(f"get_{EVIL}", {EVIL: EVIL})
        calls = [call] if "tools" in body else []
        return Reply(f"{EVIL} a b c d", model=EVIL, tool_calls=calls)

    listed = {"data": [{"id": f"m{EVIL[:-1]}", "owned_by": EVIL}]}
    server = serve(handler=evil, routes={"/v1/models": listed}, validate=False)
    outcome = probe(server, *flags, as_json=False)
    assert outcome.status == 0, outcome.err
    lines = outcome.out.split("\n")
    assert [line for line in lines if not line.isprintable()] == []
    code = json.loads(outcome.out)["code"] if flags else outcome.out
    code = code[code.index("from langchain_streamkit import") :]
    assert evaluate(code).model == f"m{EVIL[:-1]}"


def test_a_flood_is_not_read_to_its_end(probe, serve) -> None:
    flood = Reply("a", faults=[Insert(b": " + b"x" * 3_000_000 + b"\n", 1)])
    findings = probe(serve(handler=where("stream_options", flood))).findings
    assert findings["stream_options"].startswith("unclear: ")
    assert "more than 1048576 bytes" in findings["stream_options"]


def test_a_bomb_is_not_unpacked(probe, serve) -> None:
    findings = probe(serve(handler=where("logprobs", Reply.bomb(10**8)))).findings
    assert findings["logprobs"].startswith("unclear: ")
    assert "compresses its answer" in findings["logprobs"]


def test_a_body_that_is_no_answer(probe, serve) -> None:
    bodies = {
        "logprobs": Reply.body(b"Oops", content_type="text/plain"),
        "n": Reply.body(b"", content_type="text/plain"),
        "stop": Reply.frames(b"data: [1]\n\n", b"data: {broken\n\n"),
    }

    def broken(request: ReceivedRequest) -> Reply | None:
        names = bodies.keys() & (request.body or {}).keys()
        return bodies[names.pop()] if names else None

    findings = probe(serve(handler=broken)).findings
    assert findings["logprobs"] == 'unclear: not JSON: "Oops"'
    assert findings["n"] == "unclear: an empty body"
    assert findings["stop"].startswith("unclear: not JSON: ")


def test_a_terminal_that_knows_ascii_only(probe, serve, monkeypatch, tmp_path) -> None:
    path = tmp_path / "out.txt"
    server = serve(handler=lambda _: Reply("Grüße ☕ a b c d"))
    with path.open("w", encoding="ascii") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        assert main(["probe", server.url]) == 0
    assert r"Gr\xfc\xdfe \u2615" in path.read_text("ascii")


def test_a_partial_write_is_no_answer(probe, serve) -> None:
    half = Reply.script(Send(b'{"choices": [{"mess'), framing="chunked")
    findings = probe(serve(handler=where("logprobs", half))).findings
    assert findings["logprobs"].startswith("unclear: not JSON")
