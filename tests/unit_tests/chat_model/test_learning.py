"""A server that refuses a field is asked again without it, and that is remembered."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from langchain_streamkit import ChatStreamKit
from langchain_streamkit._http.corrections import lessons
from langchain_streamkit.errors import InvalidRequestError
from langchain_streamkit.testing import FakeServer, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.loopback


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    lessons.forget()
    yield
    lessons.forget()


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.mark.parametrize(
    ("parameters", "refused", "left"),
    [
        ({}, "stream_options", None),
        ({"max_tokens": 50}, "max_completion_tokens", "max_tokens"),
        ({"temperature": 0.5}, "temperature", None),
        ({"seed": 1}, "seed", None),
        ({"reasoning_effort": "low"}, "reasoning_effort", None),
    ],
)
async def test_a_refused_field_is_left_out_and_remembered(
    parameters: dict[str, Any],
    refused: str,
    left: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with FakeServer(refuse_fields=[refused]) as server:
        model = ChatStreamKit(model="m", base_url=server.url, **parameters)
        with caplog.at_level(logging.WARNING, "langchain_streamkit"):
            first = list(model.stream("Hello"))[-1]
            again = [chunk async for chunk in model.astream("Hello")][-1]
            other = list(ChatStreamKit(**model_facts(model)).stream("Hello"))[-1]
        sent = [request.body for request in server.requests]
    assert [refused in body for body in sent] == [True, False, False, False]
    if left is not None:
        assert all(left in body for body in sent[1:])
    for message in (first, again, other):
        (note,) = message.response_metadata["adapted"]
        assert note.startswith(refused)
    assert len(caplog.records) == 1


def model_facts(model: ChatStreamKit) -> dict[str, Any]:
    names = (
        "model",
        "base_url",
        "max_tokens",
        "temperature",
        "seed",
        "reasoning_effort",
    )
    return {name: getattr(model, name) for name in names}


def test_strict_is_left_out_of_tools() -> None:
    with FakeServer(refuse_fields=["tools.function.strict"]) as server:
        model = ChatStreamKit(model="m", base_url=server.url).bind_tools(
            [add], strict=True
        )
        message = model.invoke("What is 2 + 3?")
    assert message.tool_calls
    assert message.response_metadata["adapted"] == ["tools.function.strict left out"]


def test_two_fields_are_learned_and_a_third_raises() -> None:
    with FakeServer(refuse_fields=["seed", "temperature"]) as server:
        model = ChatStreamKit(model="m", base_url=server.url, seed=1, temperature=0.1)
        message = model.invoke("Hello")
        assert len(message.response_metadata["adapted"]) == 2
    with FakeServer(refuse_fields=["seed", "temperature", "top_p"]) as server:
        model = ChatStreamKit(
            model="m", base_url=server.url, seed=1, temperature=0.1, top_p=0.5
        )
        with pytest.raises(InvalidRequestError, match="top_p"):
            model.invoke("Hello")
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    "refused", ["messages", "tools", "tool_choice", "response_format"]
)
def test_what_changes_the_question_is_never_dropped(refused: str) -> None:
    with FakeServer(refuse_fields=[refused]) as server:
        model = ChatStreamKit(model="m", base_url=server.url).bind_tools(
            [add], tool_choice="any", response_format={"type": "json_object"}
        )
        with pytest.raises(InvalidRequestError):
            model.invoke("Hello")
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "words",
    [
        "temperature must be between 0 and 2",
        "max_completion_tokens is too large: 99999999",
        "Invalid value for 'temperature': expected a number",
    ],
)
def test_a_value_out_of_range_is_the_users_to_mend(words: str) -> None:
    with FakeServer([Reply.error(400, words)]) as server:
        model = ChatStreamKit(
            model="m", base_url=server.url, temperature=1.5, max_tokens=99_999
        )
        with pytest.raises(InvalidRequestError, match=words.split(maxsplit=1)[0]):
            model.invoke("Hello")
        assert len(server.requests) == 1
