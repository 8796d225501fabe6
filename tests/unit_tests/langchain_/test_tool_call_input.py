"""Tool calls of earlier turns on the way back, and the ids that pair them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_streamkit._langchain.messages import render_messages
from langchain_streamkit._wire.closing_delta import closing_delta
from langchain_streamkit.providers import Provider

PLAIN = Provider(name="plain", title="Plain")


def text(value: str) -> Any:
    return {"type": "text", "text": value}


def call(id_: str | None = "c1", name: str = "add", **args: Any) -> Any:
    return {"type": "tool_call", "id": id_, "name": name, "args": args}


def render(*messages: BaseMessage, send_reasoning: bool = True, **facts: Any) -> Any:
    row = PLAIN.replace(**facts)
    return render_messages(messages, row, send_reasoning=send_reasoning)


def roles(rendered: list[dict[str, Any]]) -> list[str]:
    return [message["role"] for message in rendered]


def arguments(turn: dict[str, Any]) -> list[str]:
    return [item["function"]["arguments"] for item in turn.get("tool_calls", [])]


def ids(turn: dict[str, Any]) -> list[str]:
    return [item["id"] for item in turn.get("tool_calls", [])]


BROKEN = '{"path": "/data/x", "only_em'


def invalid(id_: str | None = "c1", args: str | None = BROKEN) -> dict[str, Any]:
    return {"type": "invalid_tool_call", "id": id_, "name": "rm", "args": args}


def test_a_broken_call_goes_back_only_with_its_result() -> None:
    turn = AIMessage("", invalid_tool_calls=[invalid()])
    assert render(turn) == [{"role": "assistant", "content": ""}]
    rendered = render(turn, ToolMessage("not run", tool_call_id="c1"))
    assert ids(rendered[0]) == ["c1"]
    assert arguments(rendered[0]) == [BROKEN]


def test_what_was_added_to_broken_arguments_does_not_go_back() -> None:
    turn = AIMessage(
        "", invalid_tool_calls=[invalid(args=BROKEN + closing_delta(BROKEN))]
    )
    rendered = render(turn, ToolMessage("not run", tool_call_id="c1"))
    assert arguments(rendered[0]) == [BROKEN]


@pytest.mark.parametrize("args", [None, ""])
def test_a_broken_call_without_arguments_has_empty_ones(args: str | None) -> None:
    turn = AIMessage("", invalid_tool_calls=[invalid(args=args)])
    rendered = render(turn, ToolMessage("not run", tool_call_id="c1"))
    assert arguments(rendered[0]) == ["{}"]


def test_good_and_broken_calls_stand_together() -> None:
    turn = AIMessage("", tool_calls=[call("a")], invalid_tool_calls=[invalid("b")])
    results = [ToolMessage("1", tool_call_id="a"), ToolMessage("2", tool_call_id="b")]
    assert ids(render(turn, *results)[0]) == ["a", "b"]


def test_the_list_of_calls_wins_over_what_the_content_repeats() -> None:
    blocks: list[Any] = [
        {"type": "tool_use", "id": "a", "name": "add", "input": {"x": 1}},
        {"type": "tool_use", "id": "b", "name": "add", "input": {"x": 2}},
    ]
    turn = AIMessage(blocks, tool_calls=[call("a", x=9)])  # edited by a person
    assert arguments(render(turn, ToolMessage("", tool_call_id="a"))[0]) == ['{"x":9}']
    answered = render(
        turn, ToolMessage("", tool_call_id="a"), ToolMessage("", tool_call_id="b")
    )
    assert ids(answered[0]) == ["a", "b"]


@pytest.mark.parametrize(
    ("block", "sent"),
    [
        ({"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}, '{"x":1}'),
        (
            {"type": "tool_use", "id": "a", "name": "f", "input": {},
             "partial_json": '{"x":1}'},
            '{"x":1}',
        ),
        ({"type": "tool_call", "id": "a", "name": "f", "args": {"x": 1}}, '{"x":1}'),
        ({"type": "tool_call_chunk", "id": "a", "name": "f", "args": "{}"}, "{}"),
        (
            {"type": "function_call", "call_id": "a", "id": "fc", "name": "f",
             "arguments": '{"x": 1}'},
            '{"x": 1}',
        ),
        ({"type": "function_call", "id": "a", "name": "f", "args": {}}, "{}"),
    ],
)  # fmt: skip
def test_calls_that_stand_in_the_content_alone_are_sent(
    block: dict[str, Any], sent: str
) -> None:
    [turn] = render(AIMessage([block]))
    assert turn["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": sent}}
    ]


def test_a_broken_call_in_the_content_needs_its_result_too() -> None:
    turn = AIMessage([invalid()])
    assert "tool_calls" not in render(turn)[0]
    assert ids(render(turn, ToolMessage("", tool_call_id="c1"))[0]) == ["c1"]


def test_raw_calls_in_additional_kwargs_are_sent_once() -> None:
    raw = [{"id": "a", "type": "function", "index": 0,
            "function": {"name": "f", "arguments": '{"x": 1}'}}]  # fmt: skip
    turn = AIMessage("", additional_kwargs={"tool_calls": raw})
    assert arguments(render(turn)[0]) == ['{"x":1}']
    unread = AIMessage.model_construct(
        content="", additional_kwargs={"tool_calls": raw}, tool_calls=[],
        invalid_tool_calls=[], response_metadata={}, name=None,
    )  # fmt: skip
    assert arguments(render(unread)[0]) == ['{"x": 1}']


def test_custom_calls_keep_their_own_form() -> None:
    raw = [{"id": "a", "type": "custom", "custom": {"name": "sh", "input": "ls"}}]
    turn = AIMessage("", additional_kwargs={"tool_calls": raw})
    assert render(turn)[0]["tool_calls"] == raw
    block = {"type": "custom_tool_call", "call_id": "a", "name": "sh", "input": "ls"}
    assert render(AIMessage([block]))[0]["tool_calls"] == raw


@pytest.mark.parametrize("raw", ["x", [1, {}, {"function": 3}], {"a": 1}])
def test_malformed_raw_calls_are_ignored(raw: Any) -> None:
    turn = AIMessage.model_construct(
        content="a", additional_kwargs={"tool_calls": raw}, tool_calls=[],
        invalid_tool_calls=[], response_metadata={}, name=None,
    )  # fmt: skip
    assert render(turn) == [{"role": "assistant", "content": "a"}]


def test_names_that_a_model_invented_are_mended_in_the_history() -> None:
    turn = AIMessage("", tool_calls=[call("a", "functions.add"), call("b", "")])
    names = [item["function"]["name"] for item in render(turn)[0]["tool_calls"]]
    assert names == ["functions_add", "unknown"]


def test_calls_without_an_id_get_one_that_their_results_share() -> None:
    rendered = render(
        AIMessage("", tool_calls=[call(None), call("b"), call("")]),
        ToolMessage("1", tool_call_id=""),
        ToolMessage("2", tool_call_id="b"),
        ToolMessage("3", tool_call_id=""),
    )
    first, second, third = ids(rendered[0])
    assert second == "b"
    assert len({first, second, third}) == 3
    assert [m["tool_call_id"] for m in rendered[1:]] == [first, "b", third]


def test_duplicates_and_order_stay_as_they_are() -> None:
    rendered = render(
        HumanMessage("a"), HumanMessage("a"), AIMessage("b"), AIMessage("b"),
        ToolMessage("x", tool_call_id="none"), SystemMessage("late"),
    )  # fmt: skip
    assert roles(rendered) == [
        "user", "user", "assistant", "assistant", "tool", "system",
    ]  # fmt: skip


SHORT = re.compile(r"[a-zA-Z0-9]{9}")
call_ids = st.text(min_size=1, max_size=12) | st.from_regex(SHORT, fullmatch=True)


@given(st.lists(call_ids, min_size=1, max_size=30, unique=True))
def test_short_ids_pair_and_never_meet(history_ids: list[str]) -> None:
    turn = AIMessage("", tool_calls=[call(id_) for id_ in history_ids])
    results = [ToolMessage("", tool_call_id=id_) for id_ in reversed(history_ids)]
    rendered = render(turn, *results, tool_call_id="alphanumeric-9")
    sent = ids(rendered[0])
    assert all(SHORT.fullmatch(id_) for id_ in sent)
    assert [m["tool_call_id"] for m in reversed(rendered[1:])] == sent
    kept = [id_ for id_ in history_ids if SHORT.fullmatch(id_)]
    assert [id_ for id_ in sent if id_ in kept] == kept


def test_short_ids_are_the_same_in_every_request_and_differ() -> None:
    history = [f"call_{number}" for number in range(2000)]
    turn = AIMessage("", tool_calls=[call(id_) for id_ in history])
    first = ids(render(turn, tool_call_id="alphanumeric-9")[0])
    assert len(set(first)) == len(history)
    again = AIMessage("", tool_calls=[call(id_) for id_ in reversed(history)])
    assert ids(render(again, tool_call_id="alphanumeric-9")[0]) == first[::-1]


def test_ids_of_any_form_pass_where_they_may() -> None:
    assert ids(render(AIMessage("", tool_calls=[call("a b/c")]))[0]) == ["a b/c"]
