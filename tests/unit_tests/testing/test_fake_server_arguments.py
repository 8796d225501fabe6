"""Values for JSON schemas: always valid, and from the prompt where it has some."""

from __future__ import annotations

import datetime as dt
import types
import uuid
from enum import Enum
from typing import Annotated, Any, Literal, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model
from pydantic.v1 import BaseModel as OldModel
from pydantic.v1 import Field as OldField
from typing_extensions import TypedDict

from langchain_streamkit.testing import _arguments
from langchain_streamkit.testing._json_mode import json_answer
from langchain_streamkit.testing._prompt import Prompt


def fill(schema: dict[str, Any], prompt: Prompt) -> Any:
    return _arguments.fill(schema, prompt)


class Unit(Enum):
    CELSIUS = "celsius"
    FAHRENHEIT = "fahrenheit"


class Person(BaseModel):
    name: str
    age: int = Field(ge=0, le=150)
    email: str | None = None


class Tree(BaseModel):
    value: int
    children: list[Tree] = Field(default_factory=list)
    parent: Tree | None = None


class Bounds(BaseModel):
    whole: Annotated[int, Field(gt=3, lt=9, multiple_of=4)]
    real: Annotated[float, Field(gt=0.5, le=0.75)]
    text: Annotated[str, Field(min_length=5, max_length=7)]
    items: Annotated[list[int], Field(min_length=3, max_length=4)]
    unique: Annotated[set[Unit], Field(min_length=2)]
    pair: tuple[int, str]
    negative: Annotated[int, Field(le=-5)]


class Formats(BaseModel):
    day: dt.date
    moment: dt.datetime
    time: dt.time
    key: uuid.UUID
    wait: dt.timedelta


class Shapes(BaseModel):
    model_config = ConfigDict(extra="forbid")
    unit: Unit
    literal: Literal["a", 1, True]
    constant: Literal["only"]
    either: int | str
    maybe: Optional[float]  # noqa: UP045 - the older spelling makes the same schema
    flag: bool
    table: dict[str, int]
    anything: object
    nested: dict[str, list[Person]]
    person: Person
    people: list[Person]


PROMPTS = [
    "",
    "Hello",
    "2 people: 'Ada', 36, and Bob from Paris",
    "x=5, y=-3",
    "你好 7.5",
]


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("model", [Person, Tree, Bounds, Formats, Shapes, Unit])
def test_values_are_valid(model, prompt) -> None:
    if model is Unit:
        model = create_model("Wrapped", unit=(Unit, ...))
    schema = model.model_json_schema()
    value = fill(schema, Prompt(prompt))
    model.model_validate(value)
    assert value == fill(schema, Prompt(prompt))


@pytest.mark.parametrize("prompt", PROMPTS)
def test_values_of_strict_schemas_have_every_key(prompt) -> None:
    schema = Person.model_json_schema()
    schema |= {"additionalProperties": False, "required": ["name", "age", "email"]}
    value = fill(schema, Prompt(prompt))
    assert set(value) == {"name", "age", "email"}
    Person.model_validate(value)


def test_schemas_of_older_and_other_classes() -> None:
    class Joke(OldModel):
        """Joke to tell user."""

        setup: str = OldField(description="question to set up a joke")
        punchline: str = OldField(description="answer to resolve the joke")

    class JokeDict(TypedDict):
        """Joke to tell user."""

        setup: Annotated[str, ..., "question to set up a joke"]
        punchline: str | None

    adapter = TypeAdapter(JokeDict)
    prompt = Prompt("Tell me a joke about cats.")
    assert Joke(**fill(Joke.schema(), prompt)).setup == "Setup about cats"
    adapter.validate_python(fill(adapter.json_schema(), prompt))


LEAVES = st.sampled_from(
    [int, float, str, bool, dt.date, Unit, Literal["a", "b"], Person, int | None]
)
TYPES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda kind: types.GenericAlias(list, kind)),
        inner.map(lambda kind: types.GenericAlias(dict, (str, kind))),
        inner.map(lambda kind: kind | None),
    ),
    max_leaves=4,
)


@given(
    st.dictionaries(st.sampled_from("abcde"), TYPES, max_size=4), st.text(max_size=40)
)
def test_any_model_gets_a_valid_value_from_any_prompt(fields, prompt) -> None:
    made: dict[str, Any] = {name: (kind, ...) for name, kind in fields.items()}
    model = create_model("Made", **made)
    model.model_validate(fill(model.model_json_schema(), Prompt(prompt)))


@given(
    st.integers(-1000, 1000), st.integers(0, 50), st.booleans(), st.text(max_size=30)
)
def test_bounds_of_numbers_hold(low, width, exclusive, prompt) -> None:
    high = low + width + 2
    names = ("exclusiveMinimum", "exclusiveMaximum") if exclusive else (
        "minimum", "maximum")  # fmt: skip
    for kind in ("integer", "number"):
        schema = {"type": kind, names[0]: low, names[1]: high}
        value = fill(schema, Prompt(prompt))
        assert low < value < high if exclusive else low <= value <= high
        assert kind == "number" or isinstance(value, int)


def parameters(required=None, **properties):
    names = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": names}


TEXT, WHOLE, REAL = {"type": "string"}, {"type": "integer"}, {"type": "number"}
TEXTS = {"type": "array", "items": TEXT}


@pytest.mark.parametrize(
    ("prompt", "schema", "expected"),
    [
        ("What is 1 + 2", parameters(a=WHOLE, b=WHOLE), {"a": 1, "b": 2}),
        ("between 5 and -3.5", parameters(a=WHOLE, b=REAL), {"a": 5, "b": -3.5}),
        ("three of 1,500", parameters(a=WHOLE, b=WHOLE), {"a": 3, "b": 1500}),
        ("b is 7, a: 9", parameters(a=WHOLE, b=WHOLE), {"a": 9, "b": 7}),
        ("The weather in San Francisco, CA?", parameters(location=TEXT),
         {"location": "San Francisco, CA"}),
        ("Weather at the Grand Canyon today", parameters(place=TEXT),
         {"place": "Grand Canyon"}),
        ("Fly from Paris to New York", parameters(origin=TEXT, destination=TEXT),
         {"origin": "Paris", "destination": "New York"}),
        ("weather in 東京", parameters(city=TEXT), {"city": "東京"}),
        ("Create a customer named '你好啊集团' (Hello Group) - a Chinese company",
         parameters(customer_name=TEXT, description=TEXT),
         {"customer_name": "你好啊集团", "description": "a Chinese company"}),
        ("My name is Ada Lovelace and I am 36", parameters(name=TEXT, age=WHOLE),
         {"name": "Ada Lovelace", "age": 36}),
        ("say “hello world” to Bob", parameters(message=TEXT, to=TEXT),
         {"message": "hello world", "to": "Bob"}),
        ("Please generate a Pirate greeting", parameters(answer_style=TEXT),
         {"answer_style": "Pirate"}),
        ("search for vegan food", parameters(query=TEXT),
         {"query": "search for vegan food"}),
        ("compute 2 * (3 + 4) for me", parameters(expression=TEXT),
         {"expression": "2 * (3 + 4)"}),
        ("write to ada@example.com on 2026-03-04", parameters(email=TEXT, date=TEXT),
         {"email": "ada@example.com", "date": "2026-03-04"}),
        ("weather in Rome in fahrenheit",
         parameters(["city"], city=TEXT, unit={"enum": ["celsius", "fahrenheit"]}),
         {"city": "Rome", "unit": "fahrenheit"}),
        ("weather in Rome", parameters(["city"], city=TEXT, unit={
            "enum": ["celsius", "fahrenheit"]}, days={"type": "integer"}),
         {"city": "Rome"}),
        ("weather in Rome, days: 3", parameters(["city"], city=TEXT, days=WHOLE),
         {"city": "Rome", "days": 3}),
        ("the numbers 3, 1 and 2", parameters(values={"type": "array", "items": WHOLE}),
         {"values": [3, 1, 2]}),
        ("visit Rome, Paris and Oslo", parameters(stops=TEXTS),
         {"stops": ["Rome", "Paris", "Oslo"]}),
        ("tags: red, green", parameters(tags=TEXTS),
         {"tags": ["red", "green"]}),
        ("list it without details", parameters(details={"type": "boolean"}),
         {"details": False}),
        ("verbose: yes", parameters(verbose={"type": "boolean"}), {"verbose": True}),
        ("x=1, y=2", {"type": "object", "additionalProperties": WHOLE},
         {"x": 1, "y": 2}),
        ("nothing here", parameters(limit={"type": "integer", "default": 5}),
         {"limit": 5}),
        ("code AB-12 please", parameters(code={
            "type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"}), {"code": "AB-12"}),
        ("call me", parameters(), {}),
        ("the setup, no punchline", parameters(setup=TEXT, punchline={
            "anyOf": [TEXT, {"type": "null"}]}),
         {"setup": "Setup about the setup, no punchline", "punchline": None}),
    ],
)  # fmt: skip
def test_values_come_from_the_prompt(prompt, schema, expected) -> None:
    assert fill(schema, Prompt(prompt)) == expected


def test_an_optional_field_is_given_where_the_prompt_speaks_of_it() -> None:
    class Joke(BaseModel):
        setup: str
        punchline: str | None = None

    schema = Joke.model_json_schema()
    without = fill(schema, Prompt("Give me the setup to a joke, no punchline."))
    assert "punchline" not in without
    assert fill(schema, Prompt("A joke, include the punchline."))["punchline"]


def test_references_and_merged_schemas_are_followed() -> None:
    schema = {
        "$defs": {"A/b": {"type": "integer", "minimum": 7}},
        "properties": {
            "a": {"allOf": [{"$ref": "#/$defs/A~1b"}, {"maximum": 7}]},
            "loop": {"$ref": "#/properties/loop"},
        },
        "required": ["a", "loop", "unknown"],
    }
    value = fill(schema, Prompt(""))
    assert value["a"] == 7
    assert set(value) == {"a", "loop", "unknown"}


EXAMPLE = """
{"title": "x", "year": 1, "ok": true, "tags": ["a"], "in": {"n": 1.5}}
in JSON: 1984, 2.5
"""
SCHEMA = """
Follow {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
as json, n is 4
"""


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("A joke about cats as a JSON with 'setup' and 'punchline' keys.",
         {"setup": "Setup about cats", "punchline": "Punchline about cats"}),
        ("JSON, keys: name, age. Bob is 7", {"name": "Bob", "age": 7}),
        (EXAMPLE,
         {"title": "Title about in JSON: 1984, 2.5", "year": 1984, "ok": True,
          "tags": ["1984", "2.5"], "in": {"n": 2.5}}),
        (SCHEMA, {"n": 4}),
    ],
)  # fmt: skip
def test_json_has_the_keys_that_the_prompt_names(prompt, expected) -> None:
    assert json_answer(Prompt(prompt)) == expected


@given(st.text(max_size=200))
def test_any_prompt_gives_an_object(prompt) -> None:
    assert isinstance(json_answer(Prompt(prompt)), dict)
