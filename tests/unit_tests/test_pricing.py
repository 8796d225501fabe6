"""Costs: the server's figure, the user's prices, the table, or None."""

from __future__ import annotations

import builtins
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from langchain_streamkit import ChatStreamKit, iter_events
from langchain_streamkit.errors import ConfigurationError
from langchain_streamkit.pricing import (
    check_prices,
    cost_of,
    cost_of_message,
    reported_cost,
)
from langchain_streamkit.testing import FakeServer, Reply

USAGE = {
    "input_tokens": 1000,
    "output_tokens": 400,
    "total_tokens": 1400,
    "input_token_details": {"cache_read": 600},
    "output_token_details": {"reasoning": 300},
}
WIRE_USAGE = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}


@pytest.mark.parametrize(
    ("prices", "cost"),
    [
        ({"input": 2, "output": 10}, 1000 * 2 + 400 * 10),
        ({"input": 2, "output": 10, "cached_input": 1}, 400 * 2 + 600 + 400 * 10),
        ({"input": 2, "output": 10, "reasoning": 20}, 1000 * 2 + 100 * 10 + 300 * 20),
        ({"input": 0, "output": 0}, 0),
    ],
)
def test_cached_and_reasoning_tokens_have_prices_of_their_own(
    prices: dict[str, float], cost: float
) -> None:
    assert cost_of(USAGE, prices) == pytest.approx(cost / 1e6)


def test_prices_per_model_are_found_by_its_name() -> None:
    prices = {"a": {"input": 1.0, "output": 1.0}, "b": {"input": 2.0, "output": 2.0}}
    assert cost_of(USAGE, prices, model="b") == pytest.approx(2 * 1400 / 1e6)
    assert cost_of(USAGE, prices, model="c") is None
    assert cost_of(USAGE, prices) is None


@given(
    st.integers(0, 10**7),
    st.integers(0, 10**7),
    st.integers(0, 10**7),
    st.floats(0, 1000),
    st.floats(0, 1000),
)
def test_a_cost_is_never_negative_and_grows_with_the_tokens(
    tokens: int, cached: int, more: int, price: float, cheaper: float
) -> None:
    prices = {"input": price, "output": price, "cached_input": cheaper}

    def cost(count: int) -> float:
        details = {"input_token_details": {"cache_read": cached}}
        found = cost_of({"input_tokens": count, "output_tokens": 0, **details}, prices)
        assert found is not None
        return found

    assert 0 <= cost(tokens) <= cost(tokens + more)


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0.25}, 0.25),
        ({"cost": 0}, 0.0),
        ({"cost": {"total_cost": 0.005, "input_tokens_cost": 0.001}}, 0.005),
        ({"cost_in_usd_ticks": 37_756_000}, 0.0037756),
        ({"cost": -1}, None),
        ({"cost": float("nan")}, None),
        ({"cost": True}, None),
        ({"cost": "0.25"}, None),
        ({"cost": {"total_cost": None}}, None),
        ({"cost": None}, None),
        ({}, None),
        (None, None),
        ([], None),
    ],
)
def test_the_figure_of_a_server_is_read_or_refused(usage: Any, cost: Any) -> None:
    assert reported_cost(usage) == cost


def message(**facts: Any) -> AIMessage:
    return AIMessage("Hi", usage_metadata=USAGE, response_metadata=facts)


def test_the_order_of_sources() -> None:
    prices = {"input": 1.0, "output": 1.0}
    served = message(token_usage={"cost": 7.0}, provider="openai", model_name="gpt-4o")
    assert cost_of_message(served, prices) == 7.0
    listed = message(provider="openai", model_name="gpt-4o")
    assert cost_of_message(listed, prices) == pytest.approx(1400 / 1e6)
    by_table = cost_of_message(listed)
    assert by_table is not None
    assert by_table > 0
    assert cost_of_message(message(provider="openai", model_name="none such")) is None
    assert cost_of_message(AIMessage("Hi"), prices) is None


@pytest.mark.parametrize("provider", ["custom", "openai_compatible", "vllm", None])
def test_a_server_of_ones_own_has_no_price_of_another(provider: str | None) -> None:
    assert cost_of_message(message(provider=provider, model_name="gpt-4o")) is None


def test_without_the_extra_the_price_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    importing = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("genai_prices"):
            raise ImportError(name)
        return importing(name, *rest, **more)

    monkeypatch.delitem(sys.modules, "genai_prices", raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)
    assert cost_of(USAGE, model="gpt-4o", provider="openai") is None


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        ({}, "must be a dict"),
        (3.0, "must be a dict"),
        ({"input": 1.0}, "needs a price called 'output'"),
        ({"input": 1.0, "output": -1.0}, "0 or more"),
        ({"input": 1.0, "output": "2"}, "must be a number"),
        ({"input": 1.0, "output": 2.0, "cached": 1.0}, "no price called 'cached'"),
        ({"gpt-4o": {"input": 1.0}}, r"prices\['gpt-4o'\] needs"),
        ({"gpt-4o": {"input": 1.0, "output": 1.0}, "x": 3}, r"prices\['x'\] must be"),
    ],
)
def test_wrong_prices_are_refused_in_words(prices: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        check_prices(prices)
    with pytest.raises(ConfigurationError, match=words):
        ChatStreamKit(model="any", base_url="http://localhost:1/v1", prices=prices)


def cost_of_stream(server: FakeServer, reply: Reply, **parameters: Any) -> Any:
    server.script(reply)
    model = ChatStreamKit(model="asked", base_url=server.url, **parameters)
    *_, usage, final = iter_events(model, "Hi")
    assert final.usage.cost == usage.usage.cost
    assert final.message.response_metadata.get("cost") == usage.usage.cost
    server.script(reply)
    whole = model.invoke("Hi").response_metadata.get("cost")
    assert whole == usage.usage.cost
    return usage.usage.cost


def test_events_carry_the_cost(fake_server: FakeServer) -> None:
    plain = Reply("Hi", usage=WIRE_USAGE)
    served = Reply("Hi", usage={**WIRE_USAGE, "cost": 0.5})
    prices = {"input": 2.0, "output": 8.0}
    assert cost_of_stream(fake_server, plain) is None
    assert cost_of_stream(fake_server, plain, prices=prices) == pytest.approx(0.006)
    assert cost_of_stream(fake_server, served, prices=prices) == 0.5
    per_model = {"asked": prices}
    assert cost_of_stream(fake_server, plain, prices=per_model) == pytest.approx(0.006)
    assert cost_of_stream(fake_server, plain, prices={"other": prices}) is None
