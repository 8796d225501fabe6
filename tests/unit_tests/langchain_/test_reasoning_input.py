"""What a model thought in earlier turns, back in the form of the row."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from langchain_streamkit._langchain.messages import render_messages
from langchain_streamkit.providers import Provider

PLAIN = Provider(name="plain", title="Plain")


def text(value: str) -> Any:
    return {"type": "text", "text": value}


def call(id_: str | None = "c1", name: str = "add", **args: Any) -> Any:
    return {"type": "tool_call", "id": id_, "name": name, "args": args}


def render(*messages: BaseMessage, send_reasoning: bool = True, **facts: Any) -> Any:
    row = PLAIN.replace(**facts)
    return render_messages(messages, row, send_reasoning=send_reasoning)


def thinking_turn(content: str = "4", **kwargs: Any) -> AIMessage:
    return AIMessage(content, additional_kwargs={"reasoning_content": "2+2"}, **kwargs)


DETAILS: list[dict[str, Any]] = [
    {"type": "reasoning.text", "text": "2+", "signature": None, "index": 0},
    {"type": "reasoning.encrypted", "data": "xx", "id": "rs_1", "index": 1},
    {"type": "reasoning.summary", "summary": "2", "index": 2},
]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (None, {"content": "4"}),
        ("reasoning_content", {"content": "4", "reasoning_content": "2+2"}),
        ("reasoning", {"content": "4", "reasoning": "2+2"}),
        ("reasoning_details", {"content": "4", "reasoning": "2+2"}),
        ("think_tags", {"content": "<think>2+2</think>\n4"}),
        (
            "content_parts",
            {"content": [{"type": "thinking", "thinking": [text("2+2")]}, text("4")]},
        ),
    ],
)
def test_reasoning_goes_back_in_the_form_of_the_row(
    form: Any, expected: dict[str, Any]
) -> None:
    [turn] = render(thinking_turn(), reasoning_input=form)
    assert turn == {"role": "assistant", **expected}
    [turn] = render(thinking_turn(), reasoning_input=form, send_reasoning=False)
    assert turn == {"role": "assistant", "content": "4"}


@pytest.mark.parametrize("fact", ["empty", "null", "omit"])
def test_reasoning_in_the_content_takes_the_place_of_an_empty_one(fact: Any) -> None:
    turn = thinking_turn("", tool_calls=[call()])
    facts = {"tool_call_content": fact}
    assert render(turn, reasoning_input="think_tags", **facts)[0]["content"] == (
        "<think>2+2</think>"
    )
    assert render(turn, reasoning_input="content_parts", **facts)[0]["content"] == [
        {"type": "thinking", "thinking": [text("2+2")]}
    ]


@pytest.mark.parametrize("empty", ["", " "])
@pytest.mark.parametrize("form", ["reasoning_content", "reasoning"])
def test_a_turn_without_a_thought_has_the_value_that_the_row_names(
    form: Any, empty: Any
) -> None:
    facts = {"reasoning_input": form, "reasoning_input_empty": empty}
    assert render(AIMessage("4"), **facts)[0][form] == empty
    assert form not in render(AIMessage("4"), reasoning_input=form)[0]
    assert form not in render(AIMessage("4"), send_reasoning=False, **facts)[0]


@pytest.mark.parametrize("form", ["think_tags", "content_parts", "reasoning_details"])
def test_forms_that_are_no_field_have_no_empty_value(form: Any) -> None:
    facts = {"reasoning_input": form, "reasoning_input_empty": ""}
    assert render(AIMessage("4"), **facts) == [{"role": "assistant", "content": "4"}]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ("all", [True, True, True, True]),
        ("tool_calls", [True, False, True, False]),
        ("current", [False, False, True, True]),
    ],
)
def test_reasoning_goes_back_on_the_turns_of_the_row(
    turns: Any, expected: list[bool]
) -> None:
    rendered = render(
        HumanMessage("a"),
        thinking_turn("", tool_calls=[call("1")]),
        ToolMessage("", tool_call_id="1"),
        thinking_turn(),
        HumanMessage("b"),
        thinking_turn("", tool_calls=[call("2")]),
        HumanMessage([{"type": "tool_result", "tool_use_id": "2"}]),
        thinking_turn(),
        reasoning_input="reasoning_content",
        reasoning_input_turns=turns,
    )
    answers = [message for message in rendered if message["role"] == "assistant"]
    assert ["reasoning_content" in message for message in answers] == expected


@pytest.mark.parametrize("holder", ["response_metadata", "additional_kwargs"])
def test_reasoning_details_go_back_whole_and_in_order(holder: str) -> None:
    message = AIMessage("4", **{holder: {"reasoning_details": DETAILS}})
    [turn] = render(message, reasoning_input="reasoning_details")
    assert turn["reasoning_details"] == DETAILS
    assert turn["reasoning_details"] is not DETAILS
    assert "reasoning" not in turn


def test_reasoning_details_stay_out_where_the_row_does_not_name_them() -> None:
    message = AIMessage("4", response_metadata={"reasoning_details": DETAILS})
    assert render(message) == [{"role": "assistant", "content": "4"}]
    [turn] = render(message, reasoning_input="reasoning_content")
    assert turn == {"role": "assistant", "content": "4", "reasoning_content": "2+2"}


def test_reasoning_in_a_wrapped_block_is_found() -> None:
    block = {"type": "non_standard", "value": {"type": "thinking", "thinking": "hm"}}
    [turn] = render(AIMessage([block, "4"]), reasoning_input="reasoning")
    assert turn == {"role": "assistant", "content": "4", "reasoning": "hm"}


SIGNATURE = {"google": {"thought_signature": "c2ln"}}


@pytest.mark.parametrize(
    "message",
    [
        AIMessage(
            "",
            tool_calls=[call("a"), call("b")],
            additional_kwargs={"tool_call_extras": {"a": {"extra_content": SIGNATURE}}},
        ),
        AIMessage(
            [{**call("a"), "extras": {"extra_content": SIGNATURE}}, call("b")],
            tool_calls=[call("a"), call("b")],
        ),
    ],
)
def test_thought_signatures_go_back_on_their_calls(message: AIMessage) -> None:
    [turn] = render(message, thought_signatures=True)
    first, second = turn["tool_calls"]
    assert first["extra_content"] == SIGNATURE
    assert "extra_content" not in second
    [turn] = render(message)
    assert all("extra_content" not in item for item in turn["tool_calls"])
    [turn] = render(message, thought_signatures=True, send_reasoning=False)
    assert all("extra_content" not in item for item in turn["tool_calls"])


def test_what_goes_back_is_a_copy() -> None:
    details = [dict(detail) for detail in DETAILS]
    message = AIMessage("4", response_metadata={"reasoning_details": details})
    [turn] = render(message, reasoning_input="reasoning_details")
    turn["reasoning_details"][0]["text"] = "changed"
    assert details == DETAILS
