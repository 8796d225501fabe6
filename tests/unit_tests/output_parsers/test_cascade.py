"""JSON, else TOON, else text; each failure is kept."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessageChunk
from pydantic import BaseModel

from langchain_streamkit.errors import StructuredOutputError
from langchain_streamkit.output_parsers import CascadeOutputParser


class Point(BaseModel):
    x: int


@pytest.mark.parametrize(
    ("answer", "format_", "value"),
    [
        ('{"a": 1}', "json", {"a": 1}),
        ("[1, 2]", "json", [1, 2]),
        ("{}", "json", {}),
        ("[]", "json", []),
        ('Here:\n\n{"a": [1,\n 2]}\n\nGood luck!', "json", {"a": [1, 2]}),
        ('```json\n{"a": 1}\n```', "json", {"a": 1}),
        ('So:\n```\n[{"a": 1}]\n```\nDone', "json", [{"a": 1}]),
        ("[2]: 1,2", "toon", [1, 2]),
        ("[1]{x}:\n  1", "toon", [{"x": 1}]),
        ("x: 1\ny: two words", "toon", {"x": 1, "y": "two words"}),
        ("```toon\nx: one two\n```", "toon", {"x": "one two"}),
        ("0", "text", "0"),
        ("", "text", ""),
        ("It rains [1] a lot.", "text", "It rains [1] a lot."),
        ("[1] says that it rains.", "text", "[1] says that it rains."),
        ("[Bergen](https://a.example)", "text", "[Bergen](https://a.example)"),
        ("Answer: Diana, with 120000", "text", "Answer: Diana, with 120000"),
        ('{"a": 1', "text", '{"a": 1'),
        ("a[2]{id}:\n  1", "text", "a[2]{id}:\n  1"),
    ],
)
def test_it_says_what_the_answer_is(answer: str, format_: str, value: Any) -> None:
    parser = CascadeOutputParser()
    found = parser.parse(answer)
    assert (found.format, found.value) == (format_, value)
    tried = ["json", "toon", "text"][: ["json", "toon", "text"].index(format_)]
    assert list(found.errors) == tried
    assert all(isinstance(e, OutputParserException) for e in found.errors.values())
    chunks: list[Any] = [AIMessageChunk(content=character) for character in answer]
    [streamed] = parser.transform(iter(chunks or [""]))
    assert (streamed.format, streamed.value) == (format_, value)


def test_what_does_not_fit_does_not_match() -> None:
    parser = CascadeOutputParser(pydantic_object=Point)
    assert parser.parse("x: 7").value == Point(x=7)
    found = parser.parse('{"x": "seven"}')
    assert found.format == "text"
    assert "does not fit" in str(found.errors["json"])


def test_without_text_there_is_an_error_with_every_reason() -> None:
    parser = CascadeOutputParser(formats=("json", "toon"))
    with pytest.raises(StructuredOutputError, match=r"As json:.*As toon:") as caught:
        parser.parse("It rains.")
    cause = caught.value.__cause__
    assert isinstance(cause, ExceptionGroup)
    assert len(cause.exceptions) == 2


def test_deep_nesting_is_text() -> None:
    assert CascadeOutputParser().parse("[" * 100_000).format == "text"
