"""What goes over the wire, to the last field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import (
    AIMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.runnables import RunnableBinding
from pydantic import BaseModel

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.providers import get_provider, provider_names

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from tests.unit_tests.conftest import MakeModel

EVERYTHING: dict[str, Any] = {
    "temperature": 0.0,
    "top_p": 0.9,
    "max_tokens": 100,
    "stop": ["END"],
    "seed": 7,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.2,
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "top_logprobs": 2,
    "reasoning_effort": "low",
    "verbosity": "low",
    "service_tier": "auto",
    "store": False,
    "model_kwargs": {"user": "somebody"},
    "extra_body": {"custom": {"a": 1}},
}
CONVERSATION = [
    SystemMessage("Be brief."),
    HumanMessage("What are 2 + 3 and the weather?", name="Ada"),
    AIMessage(
        "",
        additional_kwargs={"reasoning_content": "Two tools."},
        tool_calls=[
            {"name": "add", "args": {"a": 2, "b": 3}, "id": "call_1"},
            {"name": "weather", "args": {}, "id": "call_2"},
        ],
    ),
    ToolMessage("5", tool_call_id="call_1"),
    ToolMessage("It failed.", tool_call_id="call_2", status="error"),
    AIMessage("Five.", additional_kwargs={"reasoning_content": "Done."}),
    HumanMessage(
        [
            {"type": "text", "text": "And this?"},
            {"type": "image", "base64": "aGk=", "mime_type": "image/png"},
        ]
    ),
]


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class Joke(BaseModel):
    """A joke."""

    setup: str
    rating: int | None = None


def test_a_bare_request(
    make_model: MakeModel, fake_server: Any, snapshot: SnapshotAssertion
) -> None:
    model = make_model("Hi", "Hi", stop=[], model_kwargs={}, default_headers={})
    list(model.stream("Hello"))
    model.invoke("Hello", stop=[])
    assert [request.body for request in fake_server.requests] == snapshot
    headers = fake_server.requests[0].headers
    assert headers["accept"] == "text/event-stream"
    assert headers["accept-encoding"] == "identity"
    assert "authorization" not in headers


def test_every_parameter(
    make_model: MakeModel, fake_server: Any, snapshot: SnapshotAssertion
) -> None:
    model = make_model("Hi", "Hi", api_key="the-key", organization="org", **EVERYTHING)
    model.invoke("Hello")
    model.invoke("Hello", stop=["STOP"], temperature=1.0, custom_keyword="as it is")
    assert [request.body for request in fake_server.requests] == snapshot
    headers = fake_server.requests[0].headers
    assert headers["authorization"] == "Bearer the-key"
    assert headers["openai-organization"] == "org"


def test_an_empty_object_switches_a_field_on(
    make_model: MakeModel, fake_server: Any
) -> None:
    model = make_model("Hi", model_kwargs={"switch": {}}, stop=[], logit_bias={})
    model.invoke("Hello", web_search_options={}, tools=[])
    body = fake_server.requests[0].body
    assert body["web_search_options"] == body["switch"] == {}
    assert not {"stop", "logit_bias", "tools", "tool_choice"} & body.keys()


def test_tools_and_a_schema(
    make_model: MakeModel, fake_server: Any, snapshot: SnapshotAssertion
) -> None:
    model = make_model("Hi").bind_tools(
        [add],
        tool_choice="any",
        parallel_tool_calls=False,
        strict=True,
        response_format=Joke,
    )
    model.invoke("Hello")
    assert fake_server.requests[0].body == snapshot


@pytest.mark.parametrize("name", provider_names())
def test_each_row_of_the_table(name: str, snapshot: SnapshotAssertion) -> None:
    """The facts of a row, as they show in one request with everything in it."""
    row = get_provider(name)
    model = ChatStreamKit(
        model="m", base_url="http://127.0.0.1:9/v1", provider=row, **EVERYTHING
    )
    if row.tools:
        bound = model.bind_tools([add], tool_choice="any", strict=True)
        assert isinstance(bound, RunnableBinding)
        kwargs = {**bound.kwargs, "parallel_tool_calls": True}
    else:
        kwargs = {}
    exchange = model._calls.exchange(CONVERSATION, None, kwargs, is_stream=True)
    assert dict(exchange.call.body) == snapshot
