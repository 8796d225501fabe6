"""What stands at a place of an object is judged by the type of that place."""

from __future__ import annotations

import datetime as dt
import json
from enum import Enum
from typing import Annotated, Any, Generic, Literal, TypeVar

import pydantic
import pydantic.v1
import pytest
from pydantic import BaseModel, ConfigDict, Field

from langchain_streamkit._langchain.field_reading import FieldReading
from langchain_streamkit._langchain.field_types import type_of

T = TypeVar("T")


class Color(Enum):
    RED = "red"


class Row(BaseModel):
    name: Annotated[str, Field(min_length=2)]
    price: float = Field(0, ge=0)
    day: dt.date | None = None
    color: Color | None = None
    rows: list[Row] = []

    @pydantic.field_validator("name")
    @classmethod
    def _upper(cls, name: str) -> str:
        return name.upper()


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    day: dt.date
    number: int


class Box(BaseModel, Generic[T]):
    content: T


class Names(pydantic.RootModel[list[str]]):
    pass


class Aliased(BaseModel):
    model_config = ConfigDict(alias_generator=str.upper, extra="allow")
    name: str


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Pet(BaseModel):
    pet: Cat | Dog = Field(discriminator="kind")


class Several(BaseModel):
    one_or_many: Row | list[Row]
    many: tuple[int, str] | None
    by_name: dict[str, set[int]]
    anything: Any


class Moved(BaseModel):
    """Its raw input is not what its fields get."""

    name: str

    @pydantic.model_validator(mode="before")
    @classmethod
    def _unwrap(cls, value: Any) -> Any:
        return value["wrapped"]


class Checked(BaseModel):
    start: int
    end: int

    @pydantic.model_validator(mode="after")
    def _order(self) -> Checked:
        assert self.start <= self.end
        return self


class AskingForOthers(BaseModel):
    password: str
    again: str

    @pydantic.field_validator("again")
    @classmethod
    def _same(cls, again: str, info: pydantic.ValidationInfo) -> str:
        assert again == info.data.get("password", again)
        return again


class Split(BaseModel):
    """What its list becomes is not what the JSON has."""

    words: Annotated[list[str], pydantic.AfterValidator(lambda words: words[::-1])]


class Old(pydantic.v1.BaseModel):
    name: str


def fields_of(target: Any, value: Any) -> dict[Any, Any]:
    reading = FieldReading(type_of(target), is_object=isinstance(value, dict))
    events = reading.take(json.dumps(value))
    assert len({event.path for event in events}) == len(events)
    return {event.path: event.value for event in events}


def test_values_are_what_the_class_makes_of_them() -> None:
    value = {"name": "ada", "price": 3, "day": "2026-11-21", "color": "red"}
    row = Row.model_validate(value)
    assert fields_of(Row, value) == {
        ("name",): "ADA",
        ("price",): 3.0,
        ("day",): row.day,
        ("color",): Color.RED,
        (): row,
    }


def test_what_does_not_fit_is_not_told_and_neither_is_what_it_lies_in() -> None:
    value = {"name": "ada", "rows": [{"name": "x"}, {"name": "yy", "price": -1}]}
    assert fields_of(Row, value) == {("name",): "ADA", ("rows", 1, "name"): "YY"}


def test_a_class_that_contains_itself_is_followed() -> None:
    value = {"name": "aa", "rows": [{"name": "bb", "rows": [{"name": "cc"}]}]}
    told = fields_of(Row, value)
    assert told["rows", 0, "rows", 0, "name"] == "CC"
    assert told["rows", 0, "rows"] == [Row(name="cc")]


@pytest.mark.parametrize(
    ("target", "value", "paths"),
    [
        (Strict, {"day": "2026-11-21", "number": "1"}, {("day",)}),
        (Strict, {"other": 1, "number": 1}, {("number",)}),
        (Box[int], {"content": "1"}, {("content",), ()}),
        (Box[Row], {"content": {"name": "x"}}, set()),
        (Names, ["a", "b"], {(0,), (1,), ()}),
        (list[Row], [{"name": "ab"}], {(0, "name"), (0,), ()}),
        (Aliased, {"NAME": "a", "more": [1]}, {("NAME",), ("more", 0), ("more",), ()}),
        (Pet, {"pet": {"kind": "dog"}}, {("pet",), ()}),
        (Pet, {"pet": {"kind": "cow"}}, set()),
        (Moved, {"wrapped": {"name": "a"}}, {()}),
        (Checked, {"start": 2, "end": 1}, {("start",), ("end",)}),
        (AskingForOthers, {"password": "a", "again": "a"}, {("password",), ()}),
        (Split, {"words": ["a", "b"]}, {("words",), ()}),
        (Old, {"name": "a"}, {()}),
        (Old, {"name": []}, set()),
        (None, {"a": [1]}, {("a", 0), ("a",), ()}),
    ],
)
def test_what_can_be_judged_alone_is_told(
    target: Any, value: Any, paths: set[Any]
) -> None:
    assert set(fields_of(target, value)) == paths


def test_unions_are_followed_where_the_bracket_decides() -> None:
    told = fields_of(
        Several,
        {
            "one_or_many": [{"name": "ab"}],
            "many": [1, "b"],
            "by_name": {"x": [2]},
            "anything": {"a": None},
        },
    )
    assert told["one_or_many", 0, "name"] == "AB"
    assert told["many", 1] == "b"
    assert told["by_name", "x", 0] == 2
    assert told["by_name", "x"] == {2}
    assert told["anything", "a"] is None
    assert isinstance(told[()], Several)


def test_every_value_is_the_one_that_the_whole_object_has() -> None:
    value = {"name": "ada", "rows": [{"name": "bob", "color": "red"}, {"name": "eve"}]}
    told = fields_of(Row, value)
    for path, field in told.items():
        found: Any = told[()]
        for key in path:
            found = found[key] if isinstance(key, int) else getattr(found, key)
        assert found == field


def test_a_number_that_python_cannot_read_ends_the_fields() -> None:
    reading = FieldReading(type_of(None))
    assert len(reading.take('{"a": 1, ')) == 1
    assert reading.take('"b": ' + "1" * 5000 + ', "c": 1') == []
    assert reading.take(', "d": 1}') == []
