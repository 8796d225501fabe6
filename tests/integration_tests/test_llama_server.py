"""The model against the genuine llama-server, with a tiny scripted model.

What the model says is in ``servers/tiny_model.py``: markers in the prompt, such as
``/think`` and ``/loop``, choose the script. The key-value cache, the grammars, the
parsing of tool calls and thoughts, and the errors are the real server's.
"""

from __future__ import annotations

import asyncio
import base64
import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessageChunk, HumanMessage, ToolMessage
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream
from pydantic import BaseModel, Field

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.errors import (
    AuthenticationError,
    ConnectionFailedError,
    ContextLengthError,
    NotFoundError,
    ServerError,
    StreamInterruptedError,
)
from tests.integration_tests.servers import llama as llama_server
from tests.integration_tests.servers.asking import (
    NOTHING_SAID,
    PARIS,
    ROME,
    WAYS,
    Method,
    Person,
    ask,
    ask_each_way,
    each_method,
    each_way,
    reasoning,
    said,
    to_agent,
    total,
    weather_tool,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from tests.integration_tests.servers._process import Server

pytestmark = [
    pytest.mark.timeout(60, func_only=True),  # the first start compiles
    pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning"),
]

GREETING = "Hello from a tiny llama: café ☕ 你好 👋"
LIN = Person(name="Lin", age=7)

MakeModel = Callable[..., ChatStreamKit]


class Team(BaseModel):
    """A schema with a bit of everything."""

    people: list[Person] = Field(min_length=2)
    colour: Literal["red", "green"]
    active: bool
    score: float
    note: str


@pytest.fixture
def make_model(llama: Server) -> MakeModel:
    def make(**fields: Any) -> ChatStreamKit:
        defaults: dict[str, Any] = {
            "model": "tiny",
            "base_url": llama.url,
            "api_key": llama.api_key,
            "max_retries": 0,
            "temperature": 0,
        }
        return ChatStreamKit(**(defaults | fields))

    return make


# ── What is said, however it is asked for ───────────────────────────────────────

TEXT = NOTHING_SAID | {"text": GREETING, "finish_reason": "stop"}
CALL = NOTHING_SAID | {"finish_reason": "tool_calls"}


async def test_the_four_ways_of_asking_agree_on_text(make_model: MakeModel):
    answers = await ask_each_way(make_model(), "hi")
    # The wave is four tokens, a byte each, and the end is one more.
    expected = answers["invoke"] | TEXT | {"tokens": (20, 13)}
    assert answers == dict.fromkeys(WAYS, expected)


async def test_the_four_ways_of_asking_agree_on_reasoning(make_model: MakeModel):
    answers = await ask_each_way(make_model(), "/think")
    thought = answers["invoke"]["reasoning"]
    expected = answers["invoke"] | TEXT | {"reasoning": thought}
    assert answers == dict.fromkeys(WAYS, expected)
    assert thought.strip() == "The user greets me."


@pytest.mark.parametrize(
    ("prompt", "calls"), [("hi", [PARIS]), ("/both", [PARIS, ROME])]
)
async def test_the_four_ways_of_asking_agree_on_tool_calls(
    make_model: MakeModel, prompt: str, calls: list[object]
):
    get_weather, _ = weather_tool()
    model = make_model().bind_tools([get_weather], parallel_tool_calls=True)
    answers = await ask_each_way(model, prompt)
    expected = answers["invoke"] | CALL | {"tool_calls": calls}
    assert answers == dict.fromkeys(WAYS, expected)


@pytest.mark.parametrize("prompt", ["hi", "/think", "/both"])
def test_protocol_events_are_valid_and_say_the_same(make_model: MakeModel, prompt: str):
    get_weather, _ = weather_tool()
    tools = [get_weather] if prompt == "/both" else []
    model = make_model().bind_tools(tools, parallel_tool_calls=True)
    stream: Any = model.stream_events(prompt, version="v3")
    assert_valid_event_stream(list(stream))
    assert said(stream.output) == said(model.invoke(prompt))


async def test_async_protocol_events_are_valid(make_model: MakeModel):
    stream = await make_model().astream_events("/think", version="v3")
    assert_valid_event_stream([event async for event in stream])
    assert reasoning(await stream.output).strip() == "The user greets me."


def test_metadata_and_usage_come_once_and_whole(make_model: MakeModel):
    chunks = list(make_model().stream("hi"))
    assert chunks[-1].chunk_position == "last"
    assert {chunk.chunk_position for chunk in chunks[:-1]} == {None}
    assert sum(chunk.usage_metadata is not None for chunk in chunks) == 1
    answer = total(chunks)
    metadata = answer.response_metadata
    assert metadata["finish_reason"] == "stop"
    assert metadata["model_name"] == metadata["model"] == "tiny"
    assert metadata["model_provider"] == "streamkit"
    assert metadata["id"].startswith("chatcmpl-")
    assert metadata["system_fingerprint"] == "b0-sdist"
    assert metadata["token_usage"]["completion_tokens"] == 13
    assert metadata["provider_extras"]["timings"]["predicted_n"] == 13
    assert answer.usage_metadata is not None
    assert "cache_read" in answer.usage_metadata["input_token_details"]


# ── Parameters ──────────────────────────────────────────────────────────────────


@each_way
async def test_a_stop_sequence_ends_the_text_before_it(make_model: MakeModel, way: str):
    bound = await ask(make_model().bind(stop=["ck to"]), "/loop", way)
    made = await ask(make_model(stop=["ck to"]), "/loop", way)
    assert (bound.text, made.text) == ("ti", "ti")
    assert bound.response_metadata["finish_reason"] == "stop"


@each_way
async def test_max_tokens_ends_the_text_with_length(make_model: MakeModel, way: str):
    answer = await ask(make_model(max_tokens=3), "/loop", way)
    assert answer.text == "tick tock tick"
    assert answer.response_metadata["finish_reason"] == "length"
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] == 3


def test_a_full_context_ends_a_long_answer_with_length(make_model: MakeModel):
    chunks = list(make_model().stream("/loop"))
    answer = total(chunks)
    assert answer.response_metadata["finish_reason"] == "length"
    assert answer.text == "".join(chunk.text for chunk in chunks)
    assert answer.text.count("tick") > 900


@each_way
async def test_logprobs_spell_the_text(make_model: MakeModel, way: str):
    model = make_model(logprobs=True, top_logprobs=2, max_tokens=3)
    answer = await ask(model, "hi", way)
    entries = answer.response_metadata["logprobs"]["content"]
    assert [entry["token"] for entry in entries] == ["Hello", " from", " a"]
    assert all(entry["logprob"] <= 0 for entry in entries)
    assert all(entry["top_logprobs"] for entry in entries)


def test_n_gives_as_many_generations(make_model: MakeModel):
    result = make_model(n=2).generate([[HumanMessage("hi")]])
    (generations,) = result.generations
    assert [generation.text for generation in generations] == [GREETING] * 2


# ── Structured output ───────────────────────────────────────────────────────────


@each_method
async def test_structured_output_is_an_instance(make_model: MakeModel, method: Method):
    chain = make_model().with_structured_output(Person, method=method)
    assert chain.invoke("hi") == LIN
    assert await chain.ainvoke("hi") == LIN
    assert list(chain.stream("hi"))[-1] == LIN
    assert [item async for item in chain.astream("hi")][-1] == LIN


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_a_schema_with_a_bit_of_everything_is_kept(
    make_model: MakeModel, method: Method
):
    chain = make_model().with_structured_output(Team, method=method)
    team = Team(people=[LIN, LIN], colour="red", active=True, score=7, note="Lin")
    assert chain.invoke("hi") == team
    assert list(chain.stream("hi"))[-1] == team


# ── Tools and agents ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("provider", [None, "llamacpp"])
@pytest.mark.parametrize("tool_choice", ["any", "required", True, "Person"])
def test_a_tool_can_be_demanded(
    make_model: MakeModel, tool_choice: Any, provider: str | None
):
    model = make_model(provider=provider).bind_tools([Person], tool_choice=tool_choice)
    for answer in (model.invoke("hi"), total(model.stream("hi"))):
        (call,) = answer.tool_calls
        assert (call["name"], call["args"]) == ("Person", LIN.model_dump())


def test_an_agent_runs_a_tool_and_reports_its_result(make_model: MakeModel):
    get_weather, cities = weather_tool()
    agent = create_agent(make_model(), [get_weather])
    result = agent.invoke(to_agent("What is the weather like?"))
    assert cities == ["Paris"]
    assert result["messages"][-1].text == "It is sunny in Paris."


async def test_a_streaming_agent_runs_two_tools(make_model: MakeModel):
    get_weather, cities = weather_tool()
    model = make_model(model_kwargs={"parallel_tool_calls": True})
    agent = create_agent(model, [get_weather])
    stream = agent.astream(to_agent("/both"), stream_mode="messages")
    messages = [message async for message, _ in stream]
    assert sorted(cities) == ["Paris", "Rome"]
    assert sum(isinstance(message, ToolMessage) for message in messages) == 2
    texts = [item.text for item in messages if isinstance(item, AIMessageChunk)]
    assert "".join(texts) == "It is sunny in Paris."


def test_a_conversation_goes_on_after_a_thought(make_model: MakeModel):
    model = make_model()
    question = HumanMessage("/think")
    answer = model.invoke([question])
    assert reasoning(answer)
    again = model.invoke([question, answer, HumanMessage("And again?")])
    assert again.text == GREETING


# ── Failures ────────────────────────────────────────────────────────────────────


def test_a_wrong_key_is_an_authentication_error_without_the_key(make_model: MakeModel):
    with pytest.raises(AuthenticationError) as caught:
        make_model(api_key="sk-somebody-elses").invoke("hi")
    assert caught.value.status_code == 401
    assert "sk-somebody-elses" not in f"{caught.value!r} {vars(caught.value)}"


def test_a_wrong_path_is_not_found(make_model: MakeModel, llama: Server):
    with pytest.raises(NotFoundError):
        make_model(base_url=f"{llama.url}/nowhere").invoke("hi")


@each_way
async def test_too_long_a_prompt_is_a_context_length_error(
    make_model: MakeModel, way: str
):
    with pytest.raises(ContextLengthError) as caught:
        await ask(make_model(), "x " * 3000, way)
    assert caught.value.status_code == 400
    assert "x x" not in str(caught.value)


def test_an_image_for_a_text_model_is_the_servers_error(make_model: MakeModel):
    pixel = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
    image = {"type": "image", "base64": pixel, "mime_type": "image/png"}
    with pytest.raises(ServerError, match="image input is not supported"):
        make_model().invoke([HumanMessage([{"type": "text", "text": "?"}, image])])


def test_a_server_that_stops_in_the_middle_is_an_interruption(make_model: MakeModel):
    with llama_server.serve() as doomed:
        model = make_model(base_url=doomed.url, api_key=doomed.api_key)
        stream = model.stream("/loop")
        first = next(stream)
    with pytest.raises(StreamInterruptedError) as caught:
        list(stream)
    assert caught.value.partial is not None
    assert caught.value.partial.text.startswith(first.text)
    with pytest.raises(ConnectionFailedError):
        model.invoke("hi")  # nobody is there any more


# ── Cancelling and crowds ───────────────────────────────────────────────────────


def cancelled_tasks(llama: Server) -> int:
    return llama.log.read_text("utf-8", "replace").count("cancel task")


async def wait_for_a_cancelled_task(llama: Server, before: int) -> None:
    """Until the server's log says that it has stopped working for one who left."""
    for _ in range(200):
        if cancelled_tasks(llama) > before:
            return
        await asyncio.sleep(0.01)
    pytest.fail("The server still works for a client that has left.")


async def test_closing_a_stream_stops_the_work_in_the_server(
    make_model: MakeModel, llama: Server
):
    model, before = make_model(), cancelled_tasks(llama)
    stream = cast("Generator[AIMessageChunk]", model.stream("/loop"))
    next(stream)
    stream.close()
    await wait_for_a_cancelled_task(llama, before)
    assert model.invoke("hi").text == GREETING


async def test_closing_an_async_stream_stops_the_work_in_the_server(
    make_model: MakeModel, llama: Server
):
    model, before = make_model(), cancelled_tasks(llama)
    stream = cast("AsyncGenerator[AIMessageChunk]", model.astream("/loop"))
    await anext(stream)
    await stream.aclose()
    await wait_for_a_cancelled_task(llama, before)
    assert (await model.ainvoke("hi")).text == GREETING


async def test_cancelling_a_task_stops_the_work_in_the_server(
    make_model: MakeModel, llama: Server
):
    model, before = make_model(), cancelled_tasks(llama)
    started = asyncio.Event()

    async def read() -> None:
        async for _ in model.astream("/loop"):
            started.set()

    task = asyncio.create_task(read())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await wait_for_a_cancelled_task(llama, before)
    assert (await model.ainvoke("hi")).text == GREETING


def test_twenty_streams_at_once_do_not_mix_and_leave_nothing_open(
    make_model: MakeModel,
):
    async def crowd() -> list[str]:
        model, prompts = make_model(), ["hi", "/think"] * 10
        answers = (ask(model, prompt, "astream") for prompt in prompts)
        return [
            f"{bool(reasoning(answer))} {answer.text}"
            for answer in await asyncio.gather(*answers)
        ]

    assert asyncio.run(crowd()) == [f"False {GREETING}", f"True {GREETING}"] * 10
    gc.collect()  # which warns of each connection that is still open


def test_a_batch_in_threads_keeps_its_order(make_model: MakeModel):
    model = make_model(max_tokens=13)
    answers = model.batch(["hi", "/loop"] * 5)
    ticks = "tick tock " * 6 + "tick"
    assert [answer.text for answer in answers] == [GREETING, ticks] * 5
