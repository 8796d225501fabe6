"""Reading and judging whatever a server may send, and what is made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit._http.endpoint import CUSTOM
from langchain_streamkit._http.raw import RawAnswer, RawEvent
from langchain_streamkit.cli.probe_asks import FIRST, LATER, cut, fitted, render
from langchain_streamkit.cli.probe_findings import Finding
from langchain_streamkit.cli.probe_judges import Seen
from langchain_streamkit.cli.probe_questions import QUESTIONS, judge
from langchain_streamkit.cli.probe_reading import Reading, read, read_models
from langchain_streamkit.cli.probe_suggestion import find_row, measured_facts, suggest
from langchain_streamkit.providers import Provider, get_provider

SECRET = "a-secret-key"


def hide(text: str) -> str:
    return text.replace(SECRET, "[hidden]")


def stream(*frames: object, done: bool = True) -> RawAnswer:
    data = [json.dumps(frame).encode() for frame in frames]
    data += [b"[DONE]"] if done else []
    events = [
        RawEvent(item, "message", 0.1 * place) for place, item in enumerate(data, 1)
    ]
    return RawAnswer(status=200, body=b"\n".join(data), events=events)


def whole(body: object, status: int = 200) -> RawAnswer:
    return RawAnswer(status=status, body=json.dumps(body).encode())


def delta(**fields: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": fields}]}


# ── reading ─────────────────────────────────────────────────────────────────────


def test_a_stream_is_put_together() -> None:
    reading = read(
        stream(
            delta(role="assistant", content=""),
            delta(reasoning="Hm"),
            delta(content="Hel"),
            delta(content="lo"),
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
        ),
        hide,
    )
    assert (reading.text, reading.reasoning) == ("Hello", {"reasoning": "Hm"})
    assert (reading.finish_reason, reading.is_done) == ("stop", True)
    assert (reading.input_tokens, reading.output_tokens) == (3, 2)
    assert reading.first_seconds == pytest.approx(0.2)
    assert reading.last_seconds == pytest.approx(0.4)


def test_a_key_in_pieces_is_hidden() -> None:
    reading = read(stream(*(delta(content=c) for c in f"It is {SECRET}!")), hide)
    assert reading.text == "It is [hidden]!"


def test_the_halves_of_an_emoji_are_joined() -> None:
    reading = read(stream(delta(content="\ud83d"), delta(content="\udc4b")), hide)
    assert reading.text == "👋"
    reading = read(stream(delta(content="a\ud83d")), hide)
    assert reading.text == "a�"


@pytest.mark.parametrize(
    "pieces",
    [
        [{"index": 0, "id": "a"}, {"index": 0}, {"index": 1, "id": "b"}, {"index": 1}],
        [{"id": "a"}, {"id": "a"}, {"id": "b"}, {"id": "b"}],
        [{"id": "a"}, {}, {"id": "b"}, {}],
        [{"index": 0, "id": "a"}, {"index": 1, "id": "b"}, {"index": 1}, {"index": 0}],
    ],
)
def test_calls_are_told_apart(pieces: list[dict[str, object]]) -> None:
    function = {"name": "add", "arguments": "x"}
    reading = read(
        stream(*(delta(tool_calls=[{**p, "function": function}]) for p in pieces)), hide
    )
    assert [(call.name, call.arguments, call.pieces) for call in reading.calls] == [
        ("add", "xx", 2),
        ("add", "xx", 2),
    ]


@pytest.mark.parametrize(
    ("frame", "place"),
    [
        ({"choices": [], "usage": {"total_tokens": 3}}, "in a frame of its own"),
        (
            {"choices": [{"index": 0, "delta": {}}], "usage": {"total_tokens": 3}},
            "in a frame of its own",
        ),
        (
            {"choices": [], "x_groq": {"usage": {"total_tokens": 3}}},
            "in a frame of its own (in x_groq)",
        ),
        (
            {"choices": [{"finish_reason": "stop", "usage": {"total_tokens": 3}}]},
            "on the frame with finish_reason (in the choice)",
        ),
        (
            {**delta(content="a"), "usage": {"total_tokens": 3}},
            "on a frame with content",
        ),
        ({"choices": [], "usage": {"total_tokens": 0}}, ""),
    ],
)
def test_the_place_of_the_usage(frame: dict[str, object], place: str) -> None:
    assert read(stream(frame), hide).usage_place == place


@pytest.mark.parametrize(
    ("body", "models"),
    [
        ({"data": [{"id": "a", "owned_by": "vllm"}]}, [("a", "vllm")]),
        ([{"id": "a"}, {"id": "b"}], [("a", ""), ("b", "")]),
        ({"data": [{"id": ""}, {"id": 7}, "a", {"id": "x" * 500}]}, []),
        ({"data": {"id": "a"}}, []),
        ("models", []),
    ],
)
def test_lists_of_models(body: object, models: list[tuple[str, str]]) -> None:
    assert read_models(whole(body), hide) == models
    assert read_models(whole(body, status=500), hide) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "choices",
                        "delta",
                        "message",
                        "content",
                        "tool_calls",
                        "function",
                    ),
                    *("usage", "prompt_tokens", "completion_tokens", "index", "id"),
                    *(
                        "error",
                        "reasoning",
                        "reasoning_details",
                        "logprobs",
                        "arguments",
                    ),
                    *("finish_reason", "model", "data", "x_groq", "name", "text"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
statuses = st.sampled_from([200, 200, 200, 204, 302, 400, 401, 500])


@st.composite
def answers(draw: st.DrawFn) -> RawAnswer:
    status = draw(statuses)
    if draw(st.booleans()):
        answer = stream(*draw(st.lists(json_values, max_size=4)))
    else:
        body = draw(st.binary(max_size=20) | json_values.map(json.dumps))
        answer = RawAnswer(body=body.encode() if isinstance(body, str) else body)
    answer.status = status
    return answer


@given(st.lists(answers(), min_size=1, max_size=4), st.text(max_size=30))
def test_nothing_that_a_server_sends_raises(
    given_answers: list[RawAnswer], text: str
) -> None:
    halves = cut(text)
    names = [*FIRST, "max_tokens", "max_completion_tokens", *LATER, *fitted(halves)]
    readings = {
        name: read(given_answers[place % len(given_answers)], hide)
        for place, name in enumerate(names)
    }
    seen = Seen(readings, halves)
    findings = {question.name: judge(question, seen) for question in QUESTIONS}
    assert all(finding.evidence for finding in findings.values())
    code = suggest(
        model=text, url="http://127.0.0.1:9/v1", owners=[text], findings=findings
    ).code()
    compile(code, "copied.py", "exec")


# ── what is asked ───────────────────────────────────────────────────────────────


@given(st.text(alphabet=" \n,.ab1é", max_size=40))
def test_halves_are_the_whole(text: str) -> None:
    halves = cut(text)
    if halves is None:
        assert len(text.split()) < 4
        return
    assert halves.first + halves.rest == text
    assert halves.first == halves.first.rstrip()
    assert halves.rest.strip()


def test_no_body_is_changed_by_rendering() -> None:
    before = json.dumps(dict(LATER))
    bodies = [render(fields, "m", "max_tokens") for fields in LATER.values()]
    assert json.dumps(dict(LATER)) == before
    assert all(body["max_tokens"] == 512 for body in bodies)
    unknown = render(LATER["unknown_model"], "m")
    assert unknown["model"] != "m"


# ── what is suggested ───────────────────────────────────────────────────────────


def found(**answered: str) -> dict[str, Finding]:
    everything = dict.fromkeys((question.name for question in QUESTIONS), "unclear")
    everything |= answered
    return {name: Finding(said, "") for name, said in everything.items()}


def test_what_is_unclear_changes_nothing() -> None:
    for name in ("openai", "groq", "ollama", "llamacpp", "mistral"):
        assert measured_facts(get_provider(name), found()) == {}


@pytest.mark.parametrize(
    ("row", "answered", "facts"),
    [
        ({}, {"stream_options": "refused"}, {"stream_options": False}),
        (
            {"stream_options": False},
            {"stream_options": "yes"},
            {"stream_options": True},
        ),
        ({}, {"tools_required": "no"}, {}),
        (
            {},
            {"tools_required": "no", "tools_any": "refused"},
            {"tool_choice_required": None},
        ),
        (
            {},
            {"tools_required": "refused", "tools_any": "yes"},
            {"tool_choice_required": "any"},
        ),
        ({"tool_choice_required": "any"}, {"tools_any": "yes"}, {}),
        ({"tools": False}, {"tools_named": "no", "strict": "refused"}, {}),
        ({}, {"max_completion_tokens": "no"}, {}),
        (
            {},
            {"max_completion_tokens": "no", "max_tokens": "yes"},
            {"max_tokens_field": "max_tokens"},
        ),
        (
            {"max_tokens_field": "max_tokens"},
            {"max_completion_tokens": "yes", "max_tokens": "yes"},
            {},
        ),
        (
            {},
            {"json_schema_enforced": "no", "tools_required": "yes"},
            {"json_schema": False, "structured_output": "function_calling"},
        ),
        (
            {},
            {"json_schema_enforced": "refused", "json_mode": "yes"},
            {"json_schema": False, "structured_output": "json_mode"},
        ),
        (
            {"structured_output": "function_calling"},
            {"json_schema_enforced": "yes"},
            {},
        ),
        (
            {"prefill": "trailing"},
            {"prefill_trailing": "no", "prefill_partial": "yes"},
            {"prefill": "partial"},
        ),
        (
            {"prefill": "prefix"},
            {"prefill_trailing": "yes", "prefill_prefix": "yes"},
            {},
        ),
        (
            {"refused_parameters": ("n",)},
            {"n": "refused", "seed": "refused"},
            {"refused_parameters": ("n", "seed")},
        ),
    ],
)
def test_facts_follow_the_findings(
    row: dict[str, Any], answered: dict[str, str], facts: dict[str, object]
) -> None:
    measured = measured_facts(Provider(name="a row", **row), found(**answered))
    assert measured == facts


def test_every_fact_is_a_fact_of_a_row() -> None:
    refusing = found(**{question.name: "refused" for question in QUESTIONS})
    facts = measured_facts(CUSTOM, refusing)
    assert CUSTOM.replace(**facts) != CUSTOM


@pytest.mark.parametrize(
    ("url", "owners", "name", "is_by_host"),
    [
        ("https://api.groq.com/openai/v1", ["vllm"], "groq", True),
        ("http://127.0.0.1:9000/v1", ["me", "sglang"], "sglang", False),
        ("http://127.0.0.1:9000/v1", ["openai", "azure", ""], "custom", False),
    ],
)
def test_the_row_of_a_server(
    url: str, owners: list[str], name: str, is_by_host: bool
) -> None:
    row, by_host = find_row(url, owners)
    assert (row.name, by_host) == (name, is_by_host)


@given(st.text(min_size=1, max_size=20))
def test_any_name_of_a_model_is_written_as_python(name: str) -> None:
    suggestion = suggest(
        model=name, url="http://127.0.0.1:9/v1", owners=[], findings=found()
    )
    namespace: dict[str, Any] = {}
    assert all(line.isprintable() for line in suggestion.code().split("\n"))
    exec(suggestion.code(), namespace)
    assert namespace["model"].model == name


def test_an_unread_answer_is_no_answer() -> None:
    assert not Reading(RawAnswer()).has_content
    assert judge(QUESTIONS[0], Seen({})).answer == "unclear"
