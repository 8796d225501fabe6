"""An answer that runs away is ended: at once, by a typed error, with what had come."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.errors import (
    ConfigurationError,
    RunawayError,
    StreamLimitError,
)
from langchain_streamkit.testing import Cut, FakeServer, Reply, Stall, ToolCall

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk

    from tests.unit_tests.conftest import MakeModel

pytestmark = pytest.mark.loopback

LOOP = ["I am sorry. "] * 200
PRICES = {"input": 1_000_000.0, "output": 1_000_000.0}


async def run(model: ChatStreamKit, way: str, **kwargs: Any) -> list[AIMessageChunk]:
    chunks: list[Any] = []
    try:
        if way == "stream":
            chunks.extend(model.stream("Hello", **kwargs))
        elif way == "astream":
            async for chunk in model.astream("Hello", **kwargs):
                chunks.append(chunk)  # noqa: PERF401 - what came counts
        elif way == "invoke":
            chunks.append(model.invoke("Hello", **kwargs))
        else:
            chunks.append(await model.ainvoke("Hello", **kwargs))
    except RunawayError as error:
        error.add_note(f"{len(chunks)} chunks")
        raise
    finally:
        model.close()
        await model.aclose()
    return chunks


async def ended(model: ChatStreamKit, way: str, **kwargs: Any) -> RunawayError:
    with pytest.raises(RunawayError) as caught:
        await run(model, way, **kwargs)
    return caught.value


WAYS = pytest.mark.parametrize("way", ["stream", "astream", "invoke", "ainvoke"])


@WAYS
async def test_a_loop_is_ended_with_what_had_come(
    make_model: MakeModel, fake_server: FakeServer, way: str
) -> None:
    model = make_model(
        Reply(LOOP, faults=[Stall(after_frames=150)]), max_repetitions=20
    )
    error = await ended(model, way)
    assert error.limit == "max_repetitions"
    assert isinstance(error, StreamLimitError)
    assert "max_repetitions=20" in str(error)
    assert "sorry" not in str(error)
    assert error.partial.text.startswith("I am sorry. I am sorry. ")
    assert 20 < error.partial.text.count("sorry") < 40
    assert fake_server.requests[0].wait_disconnected(timeout=5)
    assert len(fake_server.requests) == 1
    again = pickle.loads(pickle.dumps(error))
    assert (again.limit, str(again)) == (error.limit, str(error))


@WAYS
@pytest.mark.parametrize(
    "reply",
    [
        Reply("Well", reasoning=LOOP),
        Reply(tool_calls=[ToolCall("write", '{"text": "' + "0" * 2000, pieces=7)]),
    ],
)
async def test_loops_of_thoughts_and_arguments_are_ended(
    make_model: MakeModel, reply: Reply, way: str
) -> None:
    error = await ended(make_model(reply, max_repetitions=20), way)
    assert error.limit == "max_repetitions"
    assert not error.partial.tool_calls


@WAYS
async def test_too_much_thinking_is_ended_by_its_estimate(
    make_model: MakeModel, way: str
) -> None:
    thought = [f"thought {n:07} " for n in range(200)]  # four tokens each
    model = make_model(Reply("Well", reasoning=thought), max_reasoning_tokens=100)
    error = await ended(model, way)
    assert error.limit == "max_reasoning_tokens"
    reasoning = error.partial.additional_kwargs["reasoning_content"]
    assert 400 < len(reasoning) < 600


@pytest.mark.parametrize("counted", [0, 1000])
async def test_the_servers_count_of_thoughts_goes_before_the_estimate(
    make_model: MakeModel, counted: int
) -> None:
    usage = {
        "prompt_tokens": 1,
        "completion_tokens": counted + 1,
        "completion_tokens_details": {"reasoning_tokens": counted},
    }
    reply = Reply("Well, well, well", reasoning=["hm "] * 9, usage=usage)
    model = make_model(reply.replace(usage_place="every"), max_reasoning_tokens=100)
    if counted:
        assert (await ended(model, "stream")).limit == "max_reasoning_tokens"
    else:
        assert await run(model, "stream")


@WAYS
async def test_an_answer_that_costs_too_much_is_ended(
    make_model: MakeModel, way: str
) -> None:
    reply = Reply(["four" * 4] * 300, usage=None)  # four tokens each, at one USD
    error = await ended(make_model(reply, max_cost=100.0, prices=PRICES), way)
    assert error.limit == "max_cost"
    assert "max_cost=100.0" in str(error)
    assert 80 * 4 < len(error.partial.text) < 120 * 4


async def test_the_servers_own_price_goes_before_ours(make_model: MakeModel) -> None:
    def reply(cost: float) -> Reply:
        usage = {"prompt_tokens": 9, "completion_tokens": 9, "cost": cost}
        return Reply(["one ", "two"], usage=usage, usage_place="every")

    model = make_model(
        reply(0.5), reply(2.0), prices={"input": 0.0, "output": 0.0}, max_cost=1.0
    )
    assert await run(model, "stream")
    assert (await ended(model, "stream")).limit == "max_cost"


async def test_prices_of_one_model_and_of_cached_tokens(make_model: MakeModel) -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 90},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    prices = {"input": 1e6, "output": 2e6, "cached_input": 1e5, "reasoning": 3e6}
    reply = Reply(["a", "b"], usage=usage, usage_place="every")  # 10 + 9 + 10 + 15 USD
    model = make_model(reply, reply, prices={"fake": prices})
    assert await run(model, "stream", max_cost=45.0)
    assert (await ended(model, "stream", max_cost=43.9)).limit == "max_cost"


async def test_a_bound_on_the_cost_needs_prices(make_model: MakeModel) -> None:
    model = make_model(prices={"other": {"input": 1.0, "output": 1.0}})
    with pytest.raises(ConfigurationError, match="max_cost needs the prices of 'fake'"):
        await run(model, "stream", max_cost=1.0)


@WAYS
async def test_an_answer_that_has_ended_is_never_refused(
    make_model: MakeModel, way: str
) -> None:
    usage = {"prompt_tokens": 10**6, "completion_tokens": 10**6}
    model = make_model(
        Reply("Short", usage=usage), max_cost=100.0, prices=PRICES, max_retries=0
    )
    assert (await run(model, way))[0].text == "Short"


@pytest.mark.parametrize(
    "parameters", [{"streaming": False}, {"disable_streaming": True}]
)
async def test_who_forbids_streams_gets_none(
    make_model: MakeModel, fake_server: FakeServer, parameters: dict[str, Any]
) -> None:
    model = make_model(Reply(LOOP), max_repetitions=20, **parameters)
    assert await run(model, "invoke")
    assert not fake_server.requests[0].stream


async def test_without_a_limit_nothing_is_ended(
    make_model: MakeModel, fake_server: FakeServer
) -> None:
    model = make_model(Reply(LOOP), Reply(LOOP))
    assert (await run(model, "invoke"))[0].text == "".join(LOOP)
    assert not fake_server.requests[0].stream
    assert len(await run(model, "stream")) > 200


async def test_a_resumed_answer_is_watched_as_one(make_model: MakeModel) -> None:
    whole = Reply(LOOP)
    cut = whole.replace(faults=[Cut(after_frames=15)])
    model = make_model(cut, whole, resume="replay", max_repetitions=20)
    error = await ended(model, "stream")
    assert error.partial.text.count("sorry") > 20


@pytest.mark.parametrize(
    "wrong", [{"max_repetitions": 1}, {"max_reasoning_tokens": 0}, {"max_cost": 0}]
)
def test_a_limit_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ChatStreamKit(model="m", base_url="http://localhost/v1", **wrong)
