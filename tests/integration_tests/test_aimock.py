"""The model against aimock, a server that fails on command.

Each test has an ``X-Test-Id`` of its own, by which aimock counts the answers of a
sequence and files the requests in its journal. A prompt in brackets selects an entry
of ``servers/aimock_fixtures.json``; what none selects is answered with 404.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessageChunk, ToolMessage
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from langchain_streamkit import ChatStreamKit, errors
from tests.integration_tests.servers.aimock import journal as read_journal
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
    said,
    to_agent,
    total,
    weather_tool,
)

if TYPE_CHECKING:
    from tests.integration_tests.servers._process import Server

pytestmark = [
    pytest.mark.timeout(60, func_only=True),  # the first start installs
    pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning"),
]

GREETING = "Grüße from aimock ☕ 你好 👩‍👩‍👧 👍🏽!"
COUNT = "one two three four five six seven eight nine ten"
ZOE = Person(name="Zoë", age=36)

MakeModel = Callable[..., ChatStreamKit]
Journal = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def make_model(aimock: Server, request: pytest.FixtureRequest) -> MakeModel:
    """Make a model whose requests bear this test's name."""

    def make(*, headers: dict[str, str] | None = None, **fields: Any) -> ChatStreamKit:
        server = {"base_url": aimock.url, "api_key": aimock.api_key}
        own = {"default_headers": {"X-Test-Id": request.node.name} | (headers or {})}
        defaults: dict[str, Any] = {"model": "mock", "max_retries": 0}
        return ChatStreamKit(**(defaults | server | own | fields))

    return make


@pytest.fixture
def journal(aimock: Server, request: pytest.FixtureRequest) -> Journal:
    """Read what the server has received from this test."""
    return functools.partial(read_journal, aimock, request.node.name)


def statuses(journal: Journal) -> list[int]:
    return [entry["response"]["status"] for entry in journal()]


# ── What is said, however it is asked for ───────────────────────────────────────

TEXT = NOTHING_SAID | {"finish_reason": "stop"}
CALL = NOTHING_SAID | {"finish_reason": "tool_calls"}
ANSWERS = {
    "[greeting]": TEXT | {"text": GREETING, "tokens": (3, 10)},
    "[filtered]": TEXT | {"text": "I can", "finish_reason": "content_filter"},
    "[think]": TEXT | {"text": "It is 42.", "reasoning": "Six times seven."},
    "[usage]": TEXT | {"text": "Counted.", "tokens": (9, 12)},
    "[weather]": CALL | {"tool_calls": [PARIS]},
    "[both]": CALL | {"text": "Looking at both.", "tool_calls": [PARIS, ROME]},
    "[call first]": CALL | {"text": "I have asked.", "tool_calls": [PARIS]},
    "[broken call]": CALL | {"invalid_tool_calls": ["get_weather"]},
}
each_answer = pytest.mark.parametrize("prompt", ANSWERS)


@each_answer
async def test_the_four_ways_of_asking_agree(make_model: MakeModel, prompt: str):
    get_weather, _ = weather_tool()
    answers = await ask_each_way(make_model().bind_tools([get_weather]), prompt)
    expected = answers["invoke"] | ANSWERS[prompt]
    assert answers == dict.fromkeys(WAYS, expected)


@each_answer
def test_protocol_events_are_valid_and_say_the_same(make_model: MakeModel, prompt: str):
    get_weather, _ = weather_tool()
    model = make_model().bind_tools([get_weather])
    stream: Any = model.stream_events(prompt, version="v3")
    assert_valid_event_stream(list(stream))
    assert said(stream.output) == said(model.invoke(prompt))


def test_emoji_that_the_server_cuts_in_halves_arrive_whole(make_model: MakeModel):
    chunks = list(make_model().stream("[greeting]"))
    for chunk in chunks:
        chunk.text.encode("utf-8")  # raises if half a character is in it
    assert "".join(chunk.text for chunk in chunks) == GREETING
    assert len(chunks) > len(GREETING) / 2


def test_metadata_and_usage_come_once_and_whole(make_model: MakeModel):
    chunks = list(make_model().stream("[greeting]"))
    earlier = chunks[:-1]
    assert chunks[-1].chunk_position == "last"
    assert {chunk.chunk_position for chunk in earlier} == {None}
    assert sum(chunk.usage_metadata is not None for chunk in chunks) == 1
    assert not any("finish_reason" in chunk.response_metadata for chunk in earlier)
    assert len({chunk.id for chunk in chunks}) == 1
    metadata = total(chunks).response_metadata
    assert metadata["finish_reason"] == "stop"
    assert metadata["model_name"] == metadata["model"] == "mock"
    assert metadata["model_provider"] == "streamkit"
    assert metadata["id"].startswith("chatcmpl-")
    assert metadata["request_id"].startswith("req-")
    assert metadata["system_fingerprint"] == "fp_aimock"
    assert metadata["token_usage"]["total_tokens"] == 13
    timing = metadata["timing"]
    assert 0 < timing["first_token_seconds"] <= timing["total_seconds"]


def test_reasoning_is_streamed_before_the_text(make_model: MakeModel):
    stream = make_model().stream("[think]")
    kinds = [block["type"] for chunk in stream for block in chunk.content_blocks]
    assert kinds == ["reasoning"] * 4 + ["text"] * 2


def test_openrouter_comments_and_usage_details_are_understood(
    aimock: Server, make_model: MakeModel
):
    url = aimock.url.removesuffix("/v1") + "/api/v1"
    answer = total(make_model(base_url=url).stream("[usage]"))
    assert answer.text == "Counted."
    assert answer.usage_metadata == {
        "input_tokens": 9,
        "output_tokens": 12,
        "total_tokens": 21,
        "input_token_details": {"cache_read": 4},
        "output_token_details": {"reasoning": 7},
    }
    assert answer.response_metadata["token_usage"]["cost"] == 0.0021


def test_twenty_streams_at_once_do_not_mix_and_leave_nothing_open(
    make_model: MakeModel,
):
    async def crowd() -> list[str]:
        model, prompts = make_model(), ["[greeting]", "[think]"] * 10
        answers = (ask(model, prompt, "astream") for prompt in prompts)
        return [answer.text for answer in await asyncio.gather(*answers)]

    assert asyncio.run(crowd()) == [GREETING, "It is 42."] * 10
    gc.collect()  # which warns of each connection that is still open


def test_a_batch_in_threads_keeps_its_order(make_model: MakeModel):
    answers = make_model().batch(["[greeting]", "[think]", "[filtered]"] * 3)
    assert [answer.text for answer in answers] == [GREETING, "It is 42.", "I can"] * 3


# ── Tools and agents ────────────────────────────────────────────────────────────


def test_an_agent_runs_a_tool_and_sends_back_its_result(
    make_model: MakeModel, journal: Journal
):
    get_weather, cities = weather_tool()
    agent = create_agent(make_model(), [get_weather])
    result = agent.invoke(to_agent("[weather]"))
    assert cities == ["Paris"]
    assert result["messages"][-1].text == "It is sunny in Paris."
    sent = journal()[1]["body"]["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool"]
    assert sent[1]["tool_calls"][0]["id"] == sent[2]["tool_call_id"] == "call_weather"


async def test_a_streaming_agent_runs_two_tools(make_model: MakeModel):
    get_weather, cities = weather_tool()
    agent = create_agent(make_model(), [get_weather])
    stream = agent.astream(to_agent("[both]"), stream_mode="messages")
    messages = [message async for message, _ in stream]
    assert sorted(cities) == ["Paris", "Rome"]
    results = [item for item in messages if isinstance(item, ToolMessage)]
    assert {result.tool_call_id for result in results} == {"call_paris", "call_rome"}
    texts = [item.text for item in messages if isinstance(item, AIMessageChunk)]
    assert "".join(texts) == "Looking at both.Sunny in both."


def test_a_call_with_broken_arguments_is_shown_and_never_run(make_model: MakeModel):
    get_weather, cities = weather_tool()
    answer = make_model().bind_tools([get_weather]).invoke("[broken call]")
    (call,) = answer.invalid_tool_calls
    assert call["id"] == "call_broken"
    assert (call["args"] or "").startswith('{"city": "Par')
    assert call["error"]
    agent = create_agent(make_model(), [get_weather])
    agent.invoke(to_agent("[broken call]"))
    list(agent.stream(to_agent("[broken call]"), stream_mode="messages"))
    assert cities == []


def test_a_call_that_was_cut_is_never_run(make_model: MakeModel):
    get_weather, cities = weather_tool()
    with pytest.raises(errors.StreamInterruptedError) as caught:
        list(make_model().bind_tools([get_weather]).stream("[cut call]"))
    assert caught.value.partial is not None
    assert caught.value.partial.tool_calls == []
    agent = create_agent(make_model(), [get_weather])
    with pytest.raises(errors.StreamInterruptedError):
        list(agent.stream(to_agent("[cut call]"), stream_mode="messages"))
    assert cities == []


# ── Structured output ───────────────────────────────────────────────────────────


@each_method
async def test_structured_output_is_an_instance(make_model: MakeModel, method: Method):
    chain = make_model().with_structured_output(Person, method=method)
    assert chain.invoke("[person]") == ZOE
    assert await chain.ainvoke("[person]") == ZOE
    assert list(chain.stream("[person]"))[-1] == ZOE
    assert [item async for item in chain.astream("[person]")][-1] == ZOE


@each_method
def test_a_streamed_object_grows_without_half_a_number(
    make_model: MakeModel, method: Method
):
    schema = Person.model_json_schema()
    chain = make_model().with_structured_output(schema, method=method)
    grown: list[Any] = list(chain.stream("[person]"))
    assert grown[-1] == ZOE.model_dump()
    assert len(grown) > 1
    assert {item["age"] for item in grown if "age" in item} == {36}
    assert all("Zoë".startswith(item.get("name", "")) for item in grown)


def test_structured_output_gives_the_raw_message_too(make_model: MakeModel):
    chain = make_model().with_structured_output(Person, include_raw=True)
    result: Any = chain.invoke("[person]")
    assert (result["parsed"], result["parsing_error"]) == (ZOE, None)
    assert result["raw"].response_metadata["model_name"] == "mock"


# ── Failures and clocks ─────────────────────────────────────────────────────────

FAILURES: dict[str, tuple[type[errors.StreamKitError], int, float | None]] = {
    "[error 400]": (errors.InvalidRequestError, 400, None),
    "[error overflow]": (errors.ContextLengthError, 400, None),
    "[error 402]": (errors.QuotaExceededError, 402, None),
    "[error 403]": (errors.PermissionDeniedError, 403, None),
    "[error 429]": (errors.RateLimitError, 429, 7.0),
    "[error 500]": (errors.ServerError, 500, None),
}


@each_way
@pytest.mark.parametrize("prompt", FAILURES)
async def test_a_status_is_an_error_of_its_own_class(
    make_model: MakeModel, aimock: Server, prompt: str, way: str
):
    expected, status, retry_after = FAILURES[prompt]
    with pytest.raises(expected) as caught:
        await ask(make_model(), prompt, way)
    error = caught.value
    assert type(error) is expected
    assert (error.status_code, error.retry_after) == (status, retry_after)
    assert error.is_retryable == (status in {429, 500})
    assert (error.request_id or "").startswith("req-")
    assert aimock.api_key not in f"{error!r} {vars(error)}"
    assert prompt not in f"{error!r} {vars(error)}"


def test_a_wrong_key_is_an_authentication_error_without_the_key(make_model: MakeModel):
    with pytest.raises(errors.AuthenticationError) as caught:
        make_model(api_key="sk-somebody-elses").invoke("[greeting]")
    assert caught.value.status_code == 401
    assert "sk-somebody-elses" not in f"{caught.value!r} {vars(caught.value)}"


def test_an_unknown_model_is_not_found(make_model: MakeModel):
    with pytest.raises(errors.NotFoundError, match="no-such-model") as caught:
        make_model(model="no-such-model").invoke("[greeting]")
    assert caught.value.code == "model_not_found"


@each_way
async def test_a_body_that_is_not_json_is_a_protocol_error(
    make_model: MakeModel, way: str
):
    with pytest.raises(errors.ProtocolError):
        await ask(make_model(), "[malformed]", way)


@each_way
async def test_a_server_that_hangs_up_is_asked_again_and_then_reported(
    make_model: MakeModel, journal: Journal, way: str
):
    with pytest.raises(errors.ConnectionFailedError):
        await ask(make_model(max_retries=1), "[hung up]", way)
    assert len(journal()) == 2


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("prompt", ["[cut after chunks]", "[cut after time]"])
async def test_a_cut_answer_is_an_error_that_holds_what_came(
    make_model: MakeModel, journal: Journal, prompt: str, way: str
):
    with pytest.raises(errors.StreamInterruptedError) as caught:
        await ask(make_model(max_retries=2), prompt, way)
    assert caught.value.partial is not None
    partial = caught.value.partial.text
    assert 0 < len(partial) < len(COUNT)
    assert COUNT.startswith(partial)
    assert statuses(journal) == [200]  # never asked again after the first content


@each_way
async def test_a_busy_server_is_asked_again_when_it_says(
    make_model: MakeModel, journal: Journal, way: str
):
    started = time.monotonic()
    answer = await ask(make_model(max_retries=2), "[busy]", way)
    assert answer.text == "Waited, and served."
    assert statuses(journal) == [429, 200]
    assert time.monotonic() - started >= 1  # Retry-After: 1


@each_way
async def test_an_overloaded_server_is_asked_again(
    make_model: MakeModel, journal: Journal, way: str
):
    answer = await ask(make_model(max_retries=2), "[overloaded]", way)
    assert answer.text == "Recovered."
    assert statuses(journal) == [503, 200]


def test_a_field_that_the_server_refuses_is_left_out_from_then_on(
    make_model: MakeModel, journal: Journal
):
    model = make_model()
    assert total(model.stream("[old server]")).text == "Understood."
    assert total(model.stream("[old server]")).text == "Understood at once."
    sent = ["stream_options" in entry["body"] for entry in journal()]
    assert sent == [True, False, False]


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize(
    ("prompt", "clock", "expected"),
    [
        ("[slow]", {"total_timeout": 0.45}, errors.TotalTimeoutError),
        ("[stall]", {"stall_timeout": 0.3}, errors.StallTimeoutError),
    ],
)
async def test_a_clock_ends_an_answer_and_gives_what_came(
    make_model: MakeModel,
    prompt: str,
    clock: dict[str, float],
    expected: type[errors.StreamKitError],
    way: str,
):
    with pytest.raises(expected) as caught:
        await ask(make_model(**clock), prompt, way)
    assert caught.value.partial is not None
    partial = caught.value.partial.text
    assert partial
    assert COUNT.startswith(partial)


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_the_first_token_timeout_ends_the_wait_for_an_answer(
    make_model: MakeModel, way: str
):
    late = {"X-AIMock-Chaos-Latency": "3000"}  # milliseconds
    started = time.monotonic()
    with pytest.raises(errors.FirstTokenTimeoutError):
        await ask(make_model(headers=late, first_token_timeout=0.3), "[greeting]", way)
    assert time.monotonic() - started < 2
