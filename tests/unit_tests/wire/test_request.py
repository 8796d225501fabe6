"""Parameters become the body of a request, after the facts of the server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit._wire.request import encode_body, render_body
from langchain_streamkit.errors import UnsendableInputError
from langchain_streamkit.providers import Provider

PLAIN = Provider(name="plain")
TOOL = {"type": "function", "function": {"name": "f"}}


def render(
    parameters: dict[str, Any], provider: Provider = PLAIN, **options: Any
) -> dict[str, Any]:
    return render_body(
        parameters, provider, **{"is_stream": False, "stream_usage": True, **options}
    )


def test_what_is_set_is_sent_and_what_is_not_set_is_not() -> None:
    parameters = {
        "model": "m",
        "messages": [],
        "temperature": 0.0,
        "store": False,
        "seed": 0,
        "top_p": None,
        "stop": [],
        "tools": [],
        "response_format": {},
        "odd": "x",
    }
    assert render(parameters) == {
        "model": "m",
        "messages": [],
        "temperature": 0.0,
        "store": False,
        "seed": 0,
        "odd": "x",
    }


def test_an_empty_object_may_be_what_switches_something_on() -> None:
    assert render({"web_search_options": {}}) == {"web_search_options": {}}


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("given_", ["max_tokens", "max_completion_tokens"])
def test_the_bound_on_tokens_bears_the_servers_name(field: Any, given_: str) -> None:
    row = PLAIN.replace(max_tokens_field=field)
    assert render({given_: 5}, row) == {field: 5}


def test_what_a_row_refuses_is_left_out_and_what_it_renames_is_renamed() -> None:
    row = PLAIN.replace(
        refused_parameters=("logit_bias",), parameter_names=(("seed", "random_seed"),)
    )
    assert render({"logit_bias": {"1": 2}, "seed": 7}, row) == {"random_seed": 7}


@pytest.mark.parametrize("tools", [None, [], [TOOL]])
@pytest.mark.parametrize("is_known", [True, False])
def test_what_is_said_of_tools_is_said_with_tools_only(
    tools: Any, *, is_known: bool
) -> None:
    row = PLAIN.replace(parallel_tool_calls=is_known)
    said = {"tool_choice": "auto", "parallel_tool_calls": False}
    expected: dict[str, Any] = {"tools": tools, "tool_choice": "auto"} if tools else {}
    if tools and is_known:
        expected["parallel_tool_calls"] = False
    assert render({"tools": tools, **said}, row) == expected


@pytest.mark.parametrize(
    ("given_", "wanted", "known", "sent"),
    [
        (None, True, True, {"include_usage": True}),
        (None, False, True, None),
        (None, True, False, None),
        ({"include_usage": False}, True, True, {"include_usage": False}),
        ({"odd": 1}, True, True, {"include_usage": True, "odd": 1}),
        ({"odd": 1}, False, True, {"odd": 1}),
    ],
)
def test_a_stream_asks_for_usage_where_the_server_knows_how(
    given_: Any, wanted: bool, known: bool, sent: Any
) -> None:
    body = render(
        {"stream_options": given_},
        PLAIN.replace(stream_options=known),
        is_stream=True,
        stream_usage=wanted,
    )
    assert body.pop("stream") is True
    assert body == ({} if sent is None else {"stream_options": sent})


def test_a_whole_answer_is_asked_for_without_a_word_of_streams() -> None:
    assert render({"stream": True, "stream_options": {"include_usage": True}}) == {}


def test_the_users_own_fields_come_last_and_win() -> None:
    extra = {"temperature": 1, "logit_bias": {}, "stream": False, "none": None}
    row = PLAIN.replace(refused_parameters=("logit_bias",))
    body = render({"temperature": 0}, row, is_stream=True, extra_body=extra)
    assert body == {**extra, "stream_options": {"include_usage": True}}


def test_what_the_caller_gave_stays_as_it_was() -> None:
    parameters = {"stream_options": {"odd": 1}, "messages": [{"role": "user"}]}
    before = json.dumps(parameters)
    render(parameters, is_stream=True, extra_body={"x": 1})
    assert json.dumps(parameters) == before


# ── bytes ───────────────────────────────────────────────────────────────────────

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES))
def test_any_plain_value_is_written(body: dict[str, Any]) -> None:
    assert json.loads(encode_body(body)) == body


def test_integers_of_any_size_are_written() -> None:
    body = {"tools": [{"maximum": 2**64, "minimum": -(2**70)}], "text": "é👋"}
    assert json.loads(encode_body(body)) == body
    assert "é👋".encode() in encode_body(body)


def test_keys_that_are_no_strings_are_written_as_strings() -> None:
    assert (
        encode_body({"logit_bias": {50256: -100}}) == b'{"logit_bias":{"50256":-100}}'
    )


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (object(), "not JSON serializable"),
        ({1, 2}, "not JSON serializable"),
        (b"bytes", "not JSON serializable"),
        ([{"a": complex(1)}], "not JSON serializable"),
        ("secret \ud83d", "half a character"),
        ({"a": ["\udc4b secret"]}, "half a character"),
        (deep(200_000), "recursion"),
    ],
    ids=["object", "set", "bytes", "complex", "half", "half inside", "deep"],
)
def test_what_is_no_json_is_named_without_its_value(value: Any, words: str) -> None:
    with pytest.raises(UnsendableInputError) as caught:
        encode_body({"model": "m", "odd_field": value, "n": 1})
    message = str(caught.value)
    assert "'odd_field'" in message
    assert words in message
    assert "secret" not in message
    assert caught.value.__cause__ is None
