"""Schemas become requests: what each method binds to the model."""

from __future__ import annotations

import json
from functools import reduce
from operator import add
from typing import Annotated, Any

import pytest
from langchain_core.runnables import RunnableBinding
from pydantic import BaseModel, ConfigDict, Field, RootModel

from langchain_streamkit._langchain.structured_output import structured_output
from langchain_streamkit.errors import ConfigurationError, StructuredOutputError
from langchain_streamkit.providers import Provider
from tests.unit_tests.langchain_.scripted_model import (
    METHODS,
    OPENAI,
    Joke,
    ScriptedModel,
)


def body_of(chain: Any) -> dict[str, Any]:
    """What the chain binds to its model, without what is for traces only."""
    binding = chain.first
    assert isinstance(binding, RunnableBinding)
    kwargs = dict(binding.kwargs)
    kwargs.pop("ls_structured_output_format", None)
    return kwargs


def bound(schema: Any, method: Any = None, **options: Any) -> dict[str, Any]:
    options = {"provider": OPENAI, **options}
    model = ScriptedModel(pieces=[])
    return body_of(structured_output(model, schema, method=method, **options))


class Open(BaseModel):
    """Open."""

    x: int
    y: int | None = None


class Closed(BaseModel):
    """Closed."""

    model_config = ConfigDict(extra="forbid")
    x: int
    y: Annotated[int | None, Field(description="why")]


@pytest.mark.parametrize(
    ("schema", "strict", "marked", "required"),
    [
        (Open, None, None, ["x"]),
        (Open, False, False, ["x"]),
        (Open, True, True, ["x", "y"]),
        (Closed, None, True, ["x", "y"]),
        (Closed, False, False, ["x", "y"]),
    ],
)
def test_json_schema_is_sent_with_strictness_where_it_is_due(
    schema, strict, marked, required
) -> None:
    body = bound(schema, "json_schema", strict=strict)

    assert set(body) == {"response_format"}
    assert body["response_format"]["type"] == "json_schema"
    sent = body["response_format"]["json_schema"]
    assert sent["name"] == sent["description"].rstrip(".") == schema.__name__
    assert sent.get("strict") is marked
    assert sent["schema"]["required"] == required
    assert "title" not in sent["schema"]
    assert (sent["schema"].get("additionalProperties") is False) == bool(
        strict or schema is Closed
    )


def test_a_schema_that_says_strict_itself_is_sent_so() -> None:
    parameters = {"type": "object", "properties": {"x": {"type": "integer"}}}
    forms: list[dict[str, Any]] = [
        {"name": "f", "parameters": parameters, "strict": True},
        {
            "type": "function",
            "function": {"name": "f", "parameters": parameters, "strict": True},
        },
        {"name": "f", "schema": parameters, "strict": True},
        {
            "type": "json_schema",
            "json_schema": {"name": "f", "schema": parameters, "strict": True},
        },
    ]

    for form in forms:
        sent = bound(form)["response_format"]["json_schema"]
        assert sent == {"name": "f", "schema": parameters, "strict": True}
    assert bound(forms[0], "function_calling")["tools"][0]["function"]["strict"] is True


def test_function_calling_forces_one_tool() -> None:
    body = bound(Joke, "function_calling")

    assert body["tool_choice"] == {"type": "function", "function": {"name": "Joke"}}
    assert body["parallel_tool_calls"] is False
    [tool] = body["tools"]
    assert tool["function"]["name"] == "Joke"
    assert tool["function"]["parameters"]["required"] == ["setup", "punchline"]
    assert "strict" not in tool["function"]

    refusing = OPENAI.replace(parallel_tool_calls=False)
    assert "parallel_tool_calls" not in bound(
        Joke, "function_calling", provider=refusing
    )
    strict = bound(Joke, "function_calling", strict=True)["tools"][0]["function"]
    assert strict["strict"] is True
    assert strict["parameters"]["required"] == ["setup", "punchline", "rating"]


def test_json_mode_sends_no_schema() -> None:
    assert bound(Joke, "json_mode") == {"response_format": {"type": "json_object"}}


def test_the_providers_best_method_is_used_without_a_method() -> None:
    for method in METHODS:
        provider = OPENAI.replace(structured_output=method)
        assert bound(Joke, None, provider=provider) == bound(Joke, method)


def test_a_method_that_the_server_lacks_gives_way_to_its_best_with_a_warning() -> None:
    provider = Provider(
        name="old", title="Old", json_schema=False, structured_output="function_calling"
    )

    with pytest.warns(
        UserWarning, match="Old is not known to take method='json_schema'"
    ):
        body = bound(Joke, "json_schema", provider=provider)

    assert body == bound(Joke, "function_calling")


def test_tools_may_be_called_instead_of_the_object() -> None:
    def weather(city: str) -> str:
        """Tell the weather."""
        return city

    def build(**options: Any) -> Any:
        model = ScriptedModel(
            pieces=['{"city": "Bonn"}'], tool="weather", words="Well."
        )
        return structured_output(
            model, Joke, tools=[weather], provider=OPENAI, **options
        )

    body = body_of(build())
    assert [tool["function"]["name"] for tool in body["tools"]] == ["weather"]
    assert body["response_format"]["json_schema"]["name"] == "Joke"

    chain = build(include_raw=True)
    for result in (chain.invoke("Hi"), reduce(add, chain.stream("Hi"))):
        assert result["raw"].tool_calls[0]["args"] == {"city": "Bonn"}
        assert result["parsed"] is result["parsing_error"] is None
    with pytest.raises(
        StructuredOutputError, match=r"called weather .* include_raw=True"
    ):
        build().invoke("Hi")


def test_more_keywords_are_bound_and_win() -> None:
    body = bound(Joke, "function_calling", temperature=0, parallel_tool_calls=True)

    assert body["temperature"] == 0
    assert body["parallel_tool_calls"] is True
    assert bound(Joke, "json_schema", seed=1)["seed"] == 1
    assert bound(Joke, "json_mode", seed=1)["seed"] == 1
    assert bound(Joke, "json_schema", seed=1, tools=[Open])["seed"] == 1


@pytest.mark.parametrize(
    ("schema", "options", "message"),
    [
        (Joke, {"method": "xml"}, "'json_schema', 'function_calling', 'json_mode'"),
        (None, {}, "needs a schema"),
        (None, {"method": "function_calling"}, "needs a schema"),
        (Joke, {"method": "json_mode", "strict": True}, "strict= does not go"),
        (Joke, {"method": "function_calling", "tools": [Open]}, "json_schema' only"),
        (RootModel[list[int]], {"method": "function_calling"}, "is no object"),
        (RootModel[list[int]], {"strict": True}, "is no object"),
        ({"city": "Bonn"}, {}, "a dict with the keys city"),
        ({}, {}, r"\(none\)"),
        (3, {}, "an? int"),
    ],
)
def test_what_does_not_go_together_is_refused(schema, options, message) -> None:
    with pytest.raises(ConfigurationError, match=message):
        bound(schema, **options)


def test_a_schema_needs_no_title_and_a_bad_name_is_mended() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    sent = bound(schema)["response_format"]["json_schema"]
    assert sent == {"name": "structured_output", "schema": schema}

    for method in METHODS[:2]:
        titled = {**schema, "title": "Größe & co.", "description": "x"}
        body = json.dumps(bound(titled, method))
        assert '"name": "Gr_e_co"' in body
        assert '"description": "x"' in body


def test_the_schema_stays_as_it_was() -> None:
    schema = {**Joke.model_json_schema(), "$defs": {"X": {"type": "object"}}}
    before = json.dumps(schema)

    for method in METHODS[:2]:
        for strict in (True, False, None):
            bound(schema, method, strict=strict)

    assert json.dumps(schema) == before


class Tree(BaseModel):
    """A tree."""

    value: int
    children: list[Tree]


def test_a_class_that_contains_itself_keeps_its_definitions() -> None:
    class Forest(BaseModel):
        """Trees."""

        trees: list[Tree]

    for schema, path in [(Tree, "children"), (Forest, "trees")]:
        sent = bound(schema)["response_format"]["json_schema"]["schema"]
        assert sent["type"] == "object"
        assert sent["properties"][path]["items"] == {"$ref": "#/$defs/Tree"}
        assert sent["$defs"]["Tree"]["required"] == ["value", "children"]


def test_a_call_is_offered_where_a_thinking_model_refuses_the_demand() -> None:
    demanded = bound(Joke, "function_calling")
    offered = bound(
        Joke,
        "function_calling",
        provider=OPENAI.replace(tool_choice_while_reasoning=False),
    )
    assert demanded["tool_choice"]
    assert not offered.get("tool_choice")
    assert offered["tools"] == demanded["tools"]
