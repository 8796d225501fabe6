"""No agent ever runs a call that was cut, wherever it was cut."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.tools import tool

from langchain_streamkit._wire.closing_delta import strip_closing_delta
from langchain_streamkit.testing import Reply, ToolCall

from .conftest import add_up

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage

    from tests.unit_tests.conftest import MakeModel

ARGUMENTS = json.dumps(
    {"path": "/data/x", "only_empty": True, "deep": {"a": ['b\\"c']}}
)


def cut(place: int, finish_reason: str = "length") -> Reply:
    call = ToolCall("delete", ARGUMENTS[:place], id="call_1")
    return Reply("", tool_calls=[call], finish_reason=finish_reason, split="characters")


def assert_cut(message: AIMessage, place: int) -> None:
    assert message.tool_calls == []
    (call,) = message.invalid_tool_calls
    assert call["name"] == "delete"
    assert call["id"] == "call_1"
    assert strip_closing_delta(call["args"] or "") == ARGUMENTS[:place]


@pytest.mark.parametrize("output_version", ["v0", "v1"])
async def test_a_call_cut_at_every_character_is_invalid_in_every_way(
    make_model: MakeModel, output_version: str
) -> None:
    for place in range(len(ARGUMENTS)):
        model = make_model(*[cut(place)] * 4, output_version=output_version)
        assert_cut(add_up(list(model.stream("Go"))), place)
        assert_cut(add_up([chunk async for chunk in model.astream("Go")]), place)
        assert_cut(model.invoke("Go"), place)
        assert_cut(model.stream_events("Go", version="v3").output, place)


def test_the_whole_call_is_valid_in_every_way(make_model: MakeModel) -> None:
    model = make_model(*[cut(len(ARGUMENTS), "tool_calls")] * 3)
    for message in (
        add_up(list(model.stream("Go"))),
        model.invoke("Go"),
        model.stream_events("Go", version="v3").output,
    ):
        (call,) = message.tool_calls
        assert call["args"] == json.loads(ARGUMENTS)
        assert message.invalid_tool_calls == []


@pytest.mark.parametrize(
    "args",
    [
        '{"a": 1} {"b": 2}',
        '{"a": 1}}',
        "[1, 2]",
        '"text"',
        "12",
        "nul",
        '{"a": 1',
        "{'a': 1}",
        "<tool_call>",
        '{"a":' * 600 + "1" + "}" * 600,
    ],
    ids=[
        "two",
        "extra",
        "list",
        "text",
        "number",
        "nul",
        "open",
        "quotes",
        "xml",
        "deep",
    ],
)
def test_arguments_that_are_no_object_are_invalid(
    make_model: MakeModel, args: str
) -> None:
    reply = Reply("", tool_calls=[ToolCall("delete", args, id="call_1")])
    model = make_model(*[reply] * 3)
    for message in (
        add_up(list(model.stream("Go"))),
        model.invoke("Go"),
        model.stream_events("Go", version="v3").output,
    ):
        assert message.tool_calls == []
        (call,) = message.invalid_tool_calls
        assert strip_closing_delta(call["args"] or "") == args


@pytest.mark.parametrize("args", ["", "null", " ", "{}", " null "])
def test_no_arguments_are_an_empty_object(make_model: MakeModel, args: str) -> None:
    reply = Reply(
        "", tool_calls=[ToolCall("now", args, id="call_1")], split="characters"
    )
    model = make_model(*[reply] * 3)
    for message in (
        add_up(list(model.stream("Go"))),
        model.invoke("Go"),
        model.stream_events("Go", version="v3").output,
    ):
        (call,) = message.tool_calls
        assert call["args"] == {}


def test_an_error_says_why_a_call_must_not_run(make_model: MakeModel) -> None:
    (call,) = make_model(cut(9)).invoke("Go").invalid_tool_calls
    assert call["error"] is not None
    assert "length" in call["error"]
    assert "not one JSON object" in call["error"]


def test_no_agent_runs_a_cut_call(make_model: MakeModel) -> None:
    ran: list[Any] = []

    @tool
    def delete(path: str, *, only_empty: bool = False) -> str:
        """Delete a folder."""
        ran.append((path, only_empty))
        return "gone"

    for place in range(len(ARGUMENTS)):
        for streaming in (False, True):
            model = make_model(cut(place), "Done.", streaming=streaming)
            agent = create_agent(model, [delete])
            list(agent.stream({"messages": [("user", "Go")]}, stream_mode="messages"))
    assert ran == []
