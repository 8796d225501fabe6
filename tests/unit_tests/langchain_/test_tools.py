"""Tools of every kind, and every way to choose among them."""

from __future__ import annotations

import copy
import functools
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import BaseTool, StructuredTool, Tool, tool
from pydantic import BaseModel, Field
from pydantic.v1 import BaseModel as BaseModelV1
from typing_extensions import TypedDict, override

from langchain_streamkit._langchain.tools import (
    render_tool,
    render_tool_choice,
    render_tools,
)
from langchain_streamkit.errors import UnsendableInputError
from langchain_streamkit.providers import Provider

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

PLAIN = Provider(name="plain", title="Plain")
LOOSE = PLAIN.replace(strict_tools=False)


class Address(BaseModel):
    street: str
    number: int = 1


class Order(BaseModel):
    """An order."""

    default: int = Field(description="A property of this very name.")
    to: Address | None = None
    notes: dict[str, str] = Field(default_factory=dict)


class OrderV1(BaseModelV1):
    """An order of long ago."""

    number: int


class OrderDict(TypedDict):
    """An order as a dict."""

    number: Annotated[int, ..., "Its number"]


def add(a: int, b: int = 2) -> int:
    """Add two numbers.

    Args:
        a: The first.
        b: The second.
    """
    return a + b


def shell(command: str) -> str:
    """Run a command."""
    return command


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "a": {
            "anyOf": [
                {"type": "object", "properties": {"z": {"type": "string"}}},
                {"type": "null"},
            ],
            "default": None,
        },
        "kind": {"enum": [{"default": 1}, "x"]},
    },
    "required": [],
}
FUNCTION = {"name": "look", "description": "Look.", "parameters": SCHEMA}
KINDS: dict[str, Any] = {
    "function": add,
    "langchain tool": tool(add, parse_docstring=True),
    "tool of a server": StructuredTool(
        name="mcp", description="", args_schema=SCHEMA, func=lambda **_: None
    ),
    "tool of one string": Tool(name="echo", description="Echo.", func=shell),
    "custom tool": Tool(
        name="sh",
        description="Run.",
        func=shell,
        metadata={
            "type": "custom_tool",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: X"},
        },
    ),
    "pydantic": Order,
    "pydantic of version 1": OrderV1,
    "typed dict": OrderDict,
    "runnable": RunnableLambda(lambda x: x["a"]).with_types(input_type=OrderDict),
    "openai": {"type": "function", "function": {**FUNCTION, "strict": True}},
    "openai with more": {
        "type": "function",
        "function": FUNCTION,
        "name": "look",
        "cache_control": {"type": "ephemeral"},
    },
    "openai responses": {"type": "function", **FUNCTION, "strict": None},
    "openai bare": FUNCTION,
    "openai empty": {"type": "function", "function": {"name": "stop"}},
    "openai custom": {"type": "custom", "custom": {"name": "sh"}},
    "openai web search": {"type": "web_search_preview", "user_location": {"a": 1}},
    "openrouter's own": {"type": "openrouter:web_search", "parameters": {"n": 1}},
    "anthropic": {
        "name": "pick",
        "description": "Pick.",
        "input_schema": SCHEMA,
        "cache_control": {"type": "ephemeral"},
    },
    "anthropic typed": {"type": "custom", "name": "pick", "input_schema": SCHEMA},
    "bedrock": {"toolSpec": {"name": "pick", "inputSchema": {"json": SCHEMA}}},
    "json schema": {"title": "Plan", "description": "A plan.", **SCHEMA},
}


@pytest.mark.filterwarnings("ignore:.*Pydantic V1 functionality:UserWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_tools_of_every_kind(kind: str, snapshot: SnapshotAssertion) -> None:
    given_tool = KINDS[kind]
    before = copy.deepcopy(given_tool) if isinstance(given_tool, dict) else None
    rendered = {
        "as it is": render_tool(given_tool, PLAIN),
        "strict": render_tool(given_tool, PLAIN, strict=True),
    }
    if kind == "runnable":  # core's words quote pydantic's, which change
        for form in rendered.values():
            assert form["function"].pop("description").startswith("Takes {")
    assert rendered == snapshot
    assert before is None or given_tool == before
    orjson.dumps(rendered)


@pytest.mark.filterwarnings("ignore:.*Pydantic V1 functionality:UserWarning")
@pytest.mark.parametrize("strict", [None, True, False])
def test_what_is_rendered_already_stays_as_it_is(strict: bool | None) -> None:
    rendered = [render_tool(kind, PLAIN, strict=strict) for kind in KINDS.values()]
    assert [render_tool(one, PLAIN) for one in rendered] == rendered
    for choice in ("any", "auto", "none", "add", "sh", "web_search"):
        for facts in (
            {},
            {"tool_choice_named": False},
            {"tool_choice_required": "any"},
        ):
            row = PLAIN.replace(**facts)
            once = render_tool_choice(choice, TOOLS, row)
            assert render_tool_choice(once, TOOLS, row) == once


def test_a_strict_schema_is_a_copy() -> None:
    before = copy.deepcopy(SCHEMA)
    for kind in ("tool of a server", "openai", "anthropic", "json schema"):
        function = render_tool(KINDS[kind], PLAIN, strict=True)["function"]
        branch = function["parameters"]["properties"]["a"]["anyOf"][0]
        assert branch["additionalProperties"] is False
        assert branch["required"] == ["z"]
        branch["required"].clear()
    assert before == SCHEMA


def test_a_strict_schema_has_no_defaults_but_properties_of_that_name() -> None:
    order = render_tool(Order, PLAIN, strict=True)["function"]["parameters"]
    assert order["required"] == ["default", "to", "notes"]
    assert "default" not in order["properties"]["to"]
    look = render_tool(FUNCTION, PLAIN, strict=True)["function"]["parameters"]
    assert look["properties"]["kind"] == {"enum": [{"default": 1}, "x"]}


def test_strict_overrides_what_the_tool_says() -> None:
    strict = KINDS["openai"]
    assert render_tool(strict, PLAIN)["function"]["strict"] is True
    assert render_tool(strict, PLAIN, strict=False)["function"]["strict"] is False
    assert "strict" not in render_tool(strict, LOOSE)["function"]


def test_tools_keep_their_order_and_there_may_be_none() -> None:
    assert [t["function"]["name"] for t in render_tools([shell, add], PLAIN)] == [
        "shell",
        "add",
    ]
    assert render_tools([], PLAIN.replace(tools=False)) == []


def test_a_server_that_cannot_call_tools_gets_none() -> None:
    with pytest.raises(UnsendableInputError, match="Plain cannot call tools"):
        render_tools([add], PLAIN.replace(tools=False))


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(UnsendableInputError) as caught:
        render_tools([shell, add, tool(add)], PLAIN)
    assert str(caught.value).startswith(
        "tools[2]: its name, 'add', is that of tools[1]"
    )


@pytest.mark.parametrize("name", ["a b", "", "größe", "x" * 65, "a.b", "a/b", "a\n"])
def test_a_name_that_servers_refuse_is_refused_here(name: str) -> None:
    for kind in ({"name": name, "parameters": {}}, {"type": "custom", "name": name}):
        with pytest.raises(UnsendableInputError) as caught:
            render_tools([add, kind], PLAIN)
        assert str(caught.value).startswith("tools[1]: its name, ")
        assert repr(name[:80]) in str(caught.value)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"type": "object", "properties": {"secret": {}}}, "properties, type"),
        ({}, "no known form"),
        ({"secret": 1}, "keys secret"),
        ({"input_schema": {"secret": 1}}, "dict could not be turned"),
        ({"type": "function"}, "its name, ''"),
        ({"name": 5}, "its name, ''"),
        ({"name": "f", "parameters": {"default": object()}}, "holds a object"),
        (functools.partial(add, 1), "partial could not be turned"),
        (5, "int could not be turned"),
        (None, "NoneType could not be turned"),
    ],
)
def test_what_is_no_tool_is_refused_by_kind_and_place(bad: Any, words: str) -> None:
    with pytest.raises(UnsendableInputError) as caught:
        render_tools([shell, bad], PLAIN)
    assert str(caught.value).startswith("tools[1]")
    assert words in str(caught.value)
    assert "{" not in str(caught.value)


@given(
    st.dictionaries(
        st.sampled_from(
            ["type", "name", "title", "function", "parameters", "input_schema",
             "strict", "toolSpec", "description", "custom", "properties", "format"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.sampled_from(
                ["function", "custom", "object", "f", "grammar"]
            ),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
                st.sampled_from(["name", "properties", "type", "parameters", "json",
                                 "inputSchema", "default"]), inner, max_size=3,
            ),
            max_leaves=6,
        ),
        max_size=4,
    ),
    st.sampled_from([None, True, False]),
)  # fmt: skip
def test_hostile_dicts_are_sent_or_refused_and_never_changed(
    hostile: dict[str, Any], strict: bool | None
) -> None:
    before = copy.deepcopy(hostile)
    try:
        rendered = render_tools([hostile], PLAIN, strict=strict)
    except UnsendableInputError:
        pass
    else:
        orjson.dumps(rendered)
    assert hostile == before


# The choice


ONE = render_tools([add], PLAIN)
TOOLS = render_tools(
    [add, shell, {"type": "custom", "custom": {"name": "sh"}}, {"type": "web_search"}],
    PLAIN,
)
NAMED = {"type": "function", "function": {"name": "add"}}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        (False, None),
        (True, "required"),
        ("any", "required"),
        ("required", "required"),
        ("auto", "auto"),
        ("none", "none"),
        ("add", NAMED),
        ("sh", {"type": "custom", "custom": {"name": "sh"}}),
        ("web_search", {"type": "web_search"}),
        (NAMED, NAMED),
        ({"type": "function", "name": "add"}, NAMED),
        ({"type": "tool", "name": "add"}, NAMED),
        ({"name": "add"}, NAMED),
        ({"function": {"name": "add"}}, NAMED),
        (
            {"type": "custom", "custom": {"name": "sh"}},
            {"type": "custom", "custom": {"name": "sh"}},
        ),
        ({"type": "any"}, "required"),
        ({"type": "auto"}, "auto"),
        ({"type": "none"}, "none"),
        ({"type": "web_search"}, {"type": "web_search"}),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
        ),
    ],
)
def test_every_form_of_a_choice(choice: Any, expected: Any) -> None:
    before = copy.deepcopy(choice)
    rendered = render_tool_choice(choice, TOOLS, PLAIN)
    assert rendered == expected
    assert choice == before
    assert rendered is not choice or not isinstance(choice, dict)


def test_a_tool_that_is_named_like_a_word_is_meant() -> None:
    tools = render_tools([{"name": "any", "parameters": {}}], PLAIN)
    assert render_tool_choice("any", tools, PLAIN) == {
        "type": "function",
        "function": {"name": "any"},
    }


@pytest.mark.parametrize(
    ("word", "named", "tools", "expected"),
    [
        ("any", True, TOOLS, "any"),
        (None, True, ONE, NAMED),
        (None, True, TOOLS, "auto"),
        (None, False, ONE, "auto"),
    ],
)
def test_some_tool_is_demanded_by_the_means_of_the_row(
    word: Any, named: bool, tools: Any, expected: Any
) -> None:
    row = PLAIN.replace(tool_choice_required=word, tool_choice_named=named)
    for choice in (True, "any", "required", {"type": "any"}):
        assert render_tool_choice(choice, tools, row) == expected


@pytest.mark.parametrize(
    ("word", "expected"), [("required", "required"), ("any", "any"), (None, "auto")]
)
def test_a_tool_that_cannot_be_named_is_asked_for_by_the_next_best_word(
    word: Any, expected: str
) -> None:
    row = PLAIN.replace(tool_choice_required=word, tool_choice_named=False)
    for choice in ("add", NAMED, {"type": "tool", "name": "add"}):
        assert render_tool_choice(choice, TOOLS, row) == expected
        assert render_tool_choice(choice, ONE, row) == expected


def test_a_name_that_no_tool_has_is_refused_with_the_names_that_are_there() -> None:
    for choice in (
        "ad",
        {"name": "ad"},
        {"type": "function", "function": {"name": "ad"}},
    ):
        with pytest.raises(UnsendableInputError, match=r"'ad'.*Tools: add, shell, sh"):
            render_tool_choice(choice, TOOLS, PLAIN)


@pytest.mark.parametrize("choice", [5, ["add"], {"type": "function"}, {}])
def test_an_unknown_form_of_a_choice_is_refused(choice: Any) -> None:
    with pytest.raises(UnsendableInputError, match=r"^tool_choice: "):
        render_tool_choice(choice, TOOLS, PLAIN)


def test_without_tools_only_a_demand_is_refused() -> None:
    assert render_tool_choice("auto", [], PLAIN) is None
    assert render_tool_choice("none", [], PLAIN) is None
    for choice in ("any", True, "add"):
        with pytest.raises(UnsendableInputError, match=r"^tool_choice: "):
            render_tool_choice(choice, [], PLAIN)


def test_a_tool_of_ones_own_class_needs_no_schema_class() -> None:
    class Look(BaseTool):
        name: str = "look"
        description: str = "Look."

        @override
        def _run(self, where: str) -> str:
            return where

    function = render_tool(Look(), PLAIN)["function"]
    assert function["parameters"]["properties"] == {"where": {"type": "string"}}


def test_an_empty_tool_choice_is_none() -> None:
    assert render_tool_choice("", [], PLAIN) is None
