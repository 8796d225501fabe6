"""Any Runnable behind OpenAI's API, asked by the openai SDK and by ChatStreamKit."""

from __future__ import annotations

import json
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import openai
import pytest
from fastapi import FastAPI
from langchain.agents import create_agent
from langchain_core.runnables import RunnableLambda

from langchain_streamkit import ChatStreamKit, errors
from langchain_streamkit.adapters.web import openai_router
from langchain_streamkit.testing import (
    Cut,
    FakeServer,
    Gate,
    Hold,
    Reply,
    Send,
    Stall,
    ToolCall,
)

from .scripted import HOSTILE
from .serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 20.0
HELLO: Any = [{"role": "user", "content": "Hello"}]
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"rain in {city}"


@contextmanager
def proxy(server: FakeServer, **settings: Any) -> Iterator[str]:
    """The API's address; its models are on the server."""
    model = ChatStreamKit(model="m", base_url=server.url, max_retries=0)
    models: dict[str, Any] = {
        "chat": model,
        "org/chain": RunnableLambda(lambda messages: messages[-1].text.upper()),
        "agent": create_agent(model, [get_weather]),
    }
    app = FastAPI()
    app.include_router(openai_router(models, **settings))
    with serving(app) as address:
        yield f"{address}/v1"


@pytest.fixture
def url(fake_server: FakeServer) -> Iterator[str]:
    with proxy(fake_server) as address:
        yield address


@pytest.fixture
def sdk(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url, api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture
def kit(url: str) -> ChatStreamKit:
    return ChatStreamKit(model="chat", base_url=url, max_retries=0)


# ── the openai SDK ──────────────────────────────────────────────────────────────


def test_the_models_are_listed(sdk: openai.OpenAI) -> None:
    assert [m.id for m in sdk.models.list()] == ["chat", "org/chain", "agent"]
    assert sdk.models.retrieve("org/chain").id == "org/chain"


def test_a_whole_answer(fake_server: FakeServer, sdk: openai.OpenAI) -> None:
    fake_server.script(Reply(HOSTILE, reasoning="Hm."))
    completion = sdk.chat.completions.create(model="chat", messages=HELLO)
    choice = completion.choices[0]
    assert choice.message.content == HOSTILE
    assert choice.message.reasoning_content == "Hm."
    assert choice.finish_reason == "stop"
    assert completion.usage is not None
    assert completion.usage.total_tokens > 0
    assert completion.model == "chat"


def test_a_stream(fake_server: FakeServer, sdk: openai.OpenAI) -> None:
    fake_server.script(Reply(HOSTILE, reasoning="Hm.", split="characters"))
    chunks = list(
        sdk.chat.completions.create(
            model="chat",
            messages=HELLO,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == HOSTILE
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-2].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("stream", [False, True])
def test_tools_are_called_by_the_client(
    fake_server: FakeServer, sdk: openai.OpenAI, stream: bool
) -> None:
    calls = [ToolCall("get_weather", {"city": c}) for c in ("Oslo", "Rome")]
    fake_server.script(Reply(tool_calls=calls), "It rains.")
    asked: dict[str, Any] = {
        "model": "chat",
        "messages": HELLO,
        "tools": [TOOL],
        "tool_choice": "auto",
    }
    if stream:
        with sdk.chat.completions.stream(**asked) as events:
            message = events.get_final_completion().choices[0].message
    else:
        message = sdk.chat.completions.create(**asked).choices[0].message
    assert message.tool_calls
    assert [json.loads(call.function.arguments) for call in message.tool_calls] == [
        {"city": "Oslo"},
        {"city": "Rome"},
    ]
    results: list[Any] = [
        {"role": "tool", "tool_call_id": call.id, "content": "rain"}
        for call in message.tool_calls
    ]
    said: Any = {"role": "assistant", "content": message.content}
    said["tool_calls"] = [
        {
            "id": call.id,
            "type": "function",
            "function": {
                "name": call.function.name,
                "arguments": call.function.arguments,
            },
        }
        for call in message.tool_calls
    ]
    answer = sdk.chat.completions.create(
        model="chat", messages=[*HELLO, said, *results], tools=[TOOL]
    )
    assert answer.choices[0].message.content == "It rains."
    assert [m["role"] for m in fake_server.requests[-1].messages] == [
        "user",
        "assistant",
        "tool",
        "tool",
    ]


def test_sampling_parameters_go_on_to_the_model(
    fake_server: FakeServer, sdk: openai.OpenAI
) -> None:
    sdk.chat.completions.create(
        model="chat",
        messages=[{"role": "user", "content": "Hello, in JSON"}],
        temperature=0.3,
        max_completion_tokens=50,
        stop=["END"],
        seed=7,
        user="somebody",
        response_format={"type": "json_object"},
    )
    body = fake_server.requests[0].body
    assert body is not None
    assert (body["temperature"], body["seed"], body["stop"]) == (0.3, 7, ["END"])
    assert 50 in (body.get("max_tokens"), body.get("max_completion_tokens"))
    assert body["response_format"] == {"type": "json_object"}
    assert "user" not in body


@pytest.mark.parametrize("stream", [False, True])
def test_an_agent_runs_its_own_tools(
    fake_server: FakeServer, sdk: openai.OpenAI, stream: bool
) -> None:
    fake_server.script(
        Reply(tool_calls=[ToolCall("get_weather", {"city": "Oslo"})]), "It rains."
    )
    with sdk.chat.completions.stream(model="agent", messages=HELLO) as events:
        message = events.get_final_completion().choices[0].message
    assert message.content == "It rains."
    assert not message.tool_calls


def test_a_chain_gets_the_messages(sdk: openai.OpenAI) -> None:
    completion = sdk.chat.completions.create(model="org/chain", messages=HELLO)
    assert completion.choices[0].message.content == "HELLO"


# ── refusals ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"model": "gpt-9"}, 404, "model"),
        ({"model": None}, 404, "model"),
        ({"messages": []}, 400, "messages"),
        ({"messages": "Hello"}, 400, "messages"),
        ({"messages": ["Hello"]}, 400, "messages"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, 400, "messages"),
        ({"n": 2}, 400, "n"),
        ({"logprobs": True}, 400, "logprobs"),
        ({"model": "agent", "tools": [TOOL]}, 400, "tools"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_wrong_request_is_refused_in_openais_shape(
    fake_server: FakeServer, url: str, *, change, status: int, param: str, stream: bool
) -> None:
    body = {"model": "chat", "messages": HELLO, "stream": stream, **change}
    response = httpx.post(f"{url}/chat/completions", json=body)
    error = response.json()["error"]
    assert (response.status_code, error["param"]) == (status, param)
    assert set(error) == {"message", "type", "param", "code"}
    assert fake_server.requests == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"[" * 10_000])
def test_a_body_that_is_no_object_is_refused(url: str, body: bytes) -> None:
    response = httpx.post(f"{url}/chat/completions", content=body)
    assert (response.status_code, "error" in response.json()) == (400, True)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_the_models_errors_keep_their_status(
    fake_server: FakeServer, sdk: openai.OpenAI, status: int, stream: bool
) -> None:
    fake_server.script(Reply.error(status, "no", retry_after=7))
    with pytest.raises(openai.APIStatusError) as caught:
        sdk.chat.completions.create(model="chat", messages=HELLO, stream=stream)
    assert caught.value.status_code == status
    if status == 429:
        assert caught.value.response.headers["retry-after"] == "7"


def test_an_answer_that_is_cut_is_an_error_of_the_sdk(
    fake_server: FakeServer, sdk: openai.OpenAI
) -> None:
    fake_server.script(Reply("One two three", faults=[Cut(after_frames=3)]))
    stream = sdk.chat.completions.create(model="chat", messages=HELLO, stream=True)
    with pytest.raises(openai.APIError, match="connection"):
        list(stream)


def test_a_key_can_be_asked_for(fake_server: FakeServer) -> None:
    with proxy(fake_server, api_key="geheim") as address:
        right = openai.OpenAI(base_url=address, api_key="geheim", max_retries=0)
        assert next(model.id for model in right.models.list()) == "chat"
        wrong = openai.OpenAI(base_url=address, api_key="geheim2", max_retries=0)
        for ask in (
            wrong.models.list,
            lambda: wrong.models.retrieve("chat"),
            lambda: wrong.chat.completions.create(model="chat", messages=HELLO),
        ):
            with pytest.raises(openai.AuthenticationError):
                ask()
        for scheme, status in (("bearer", 200), ("BEARER", 200), ("Basic", 401)):
            named = {"Authorization": f"{scheme} geheim"}
            answer = httpx.get(f"{address}/models", headers=named)
            assert answer.status_code == status
        right.close()
        wrong.close()
    assert fake_server.requests == []


# ── ChatStreamKit ───────────────────────────────────────────────────────────────


def test_our_own_model_loses_nothing_on_the_way(
    fake_server: FakeServer, kit: ChatStreamKit
) -> None:
    fake_server.script(Reply(HOSTILE, reasoning="Hm."), Reply(HOSTILE, reasoning="Hm."))
    direct = ChatStreamKit(model="m", base_url=fake_server.url).invoke("Hello")
    through = kit.invoke("Hello")
    assert through.content_blocks == direct.content_blocks
    assert through.usage_metadata is not None
    assert direct.usage_metadata is not None
    for name in ("input_tokens", "output_tokens", "total_tokens"):
        assert through.usage_metadata[name] == direct.usage_metadata[name]
    assert through.usage_metadata["output_token_details"]["reasoning"] == 1


def test_our_own_model_streams_tools_and_knows_a_cut(
    fake_server: FakeServer, kit: ChatStreamKit
) -> None:
    call = ToolCall("get_weather", {"city": "Oslo"})
    fake_server.script(
        Reply(tool_calls=[call]), Reply("One two three", faults=[Cut(after_frames=3)])
    )
    chunks = list(kit.bind_tools([get_weather]).stream("Hello"))
    total: Any = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    assert [(c["name"], c["args"]) for c in total.tool_calls] == [
        ("get_weather", {"city": "Oslo"})
    ]
    with pytest.raises(errors.StreamKitError) as caught:
        list(kit.stream("Hello"))
    assert caught.value.partial is not None
    assert caught.value.partial.text.startswith("One")


# ── readers who leave ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("stream", ["true", "false"])
@pytest.mark.parametrize("when", ["before the first token", "stalled"])
def test_leaving_stops_the_model(
    fake_server: FakeServer, url: str, stream: str, when: str
) -> None:
    gate = Gate()
    begin = [Send(b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n')]
    steps = begin if when == "stalled" else []
    fake_server.script(Reply.script(*steps, Hold(gate)))
    body = json.dumps({"model": "chat", "messages": HELLO, "stream": stream == "true"})
    to = httpx.URL(f"{url}/chat/completions")
    with socket.create_connection((to.host, to.port)) as reader:
        head = f"POST {to.path} HTTP/1.1\r\nHost: {to.host}\r\n"
        reader.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        assert gate.wait_reached(LIMIT)
    assert fake_server.requests[0].wait_disconnected(LIMIT)


def test_leaving_a_live_stream_stops_the_model(
    fake_server: FakeServer, sdk: openai.OpenAI
) -> None:
    fake_server.script(Reply("word " * 5000, faults=[Stall(after_frames=9)]))
    stream = sdk.chat.completions.create(model="chat", messages=HELLO, stream=True)
    next(iter(stream))
    stream.close()
    assert fake_server.requests[0].wait_disconnected(LIMIT)


@pytest.mark.parametrize("field", ["stop", "response_format", "stream_options"])
def test_a_parameter_of_a_wrong_type_is_the_clients_mistake(
    url: str, field: str
) -> None:
    body = {"model": "chat", "messages": HELLO, field: 5}
    answer = httpx.post(f"{url}/chat/completions", json=body, timeout=LIMIT)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == field


@pytest.mark.parametrize("arguments", ["", '{"city": "Par'])
def test_a_history_with_a_call_that_is_not_whole_is_understood(
    url: str, fake_server: FakeServer, arguments: str
) -> None:
    fake_server.script("I see.")
    function = {"name": "get_weather", "arguments": arguments}
    call = {"id": "call_1", "type": "function", "function": function}
    messages = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "It was cut."},
    ]
    body = {"model": "chat", "messages": messages}
    answer = httpx.post(f"{url}/chat/completions", json=body, timeout=LIMIT)
    assert answer.status_code == 200, answer.text
    sent = fake_server.requests[0].messages[1]["tool_calls"][0]
    assert (sent["id"], sent["function"]["name"]) == ("call_1", "get_weather")
    assert sent["function"]["arguments"] in {arguments, "{}"}
