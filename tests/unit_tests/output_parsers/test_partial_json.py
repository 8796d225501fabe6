"""JSON that grows and never goes back, by any model."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from pydantic import BaseModel

from langchain_streamkit.output_parsers import PartialJsonParser


class Person(BaseModel):
    name: str
    age: int


def test_it_follows_any_chat_model() -> None:
    model = GenericFakeChatModel(
        messages=iter([AIMessage('{"n": [1, 23], "t": "a b"}')])
    )
    results = list((model | PartialJsonParser()).stream("Go"))
    assert results[-1] == {"n": [1, 23], "t": "a b"}


@given(st.data())
def test_nothing_is_half_said(data: Any) -> None:
    text = '```json\n{"age": 36, "ok": true, "t": "a\\u00e9", "l": [1.5, null]}\n```'
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    edges = [0, *places, len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]
    results = list(PartialJsonParser().transform(iter(pieces)))
    assert results[-1] == {"age": 36, "ok": True, "t": "aé", "l": [1.5, None]}
    for result in results:
        assert result.get("age", 36) == 36
        assert result.get("t", "") in {"", "a", "aé"}


def test_a_class_gives_instances() -> None:
    parser = PartialJsonParser(pydantic_object=Person)
    pieces = ["See [1]: ", '{"name": "Ada", "age"', ": 36}"]
    assert list(parser.transform(iter(pieces))) == [Person(name="Ada", age=36)]


def test_a_list_of_objects_is_a_target_too() -> None:
    parser = PartialJsonParser(pydantic_object=list[Person])
    assert parser.parse('[{"name": "Ada", "age": 36}]') == [Person(name="Ada", age=36)]


def test_the_format_instructions_hold_the_schema() -> None:
    parser = PartialJsonParser(pydantic_object=Person)
    assert '"properties"' in parser.get_format_instructions()
    assert "JSON" in PartialJsonParser().get_format_instructions()


@pytest.mark.parametrize("answer", ["No.", '{"name": ', '{"name": "Ada"}'])
def test_what_is_wrong_is_an_error(answer: str) -> None:
    with pytest.raises(OutputParserException):
        PartialJsonParser(pydantic_object=Person).parse(answer)
