"""Handlers: totals by model and run, a budget that holds, and telemetry."""

from __future__ import annotations

import asyncio
import builtins
import threading
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.runnables import RunnableLambda, RunnableParallel
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.callbacks import (
    BudgetHandler,
    CallReport,
    CostHandler,
    OpenTelemetryHandler,
    TelemetryHandler,
)
from langchain_streamkit.errors import BudgetExceededError, ServerError
from langchain_streamkit.testing import Reply

if TYPE_CHECKING:
    from langchain_streamkit.testing import FakeServer

USAGE = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
REPLY = Reply("One two three", usage=USAGE)
PRICES = {"input": 2.0, "output": 8.0}
COST = 0.006


def make_model(server: FakeServer, name: str = "fake", **more: Any) -> ChatStreamKit:
    return ChatStreamKit(model=name, base_url=server.url, **more)


async def test_costs_are_summed_by_model_and_by_run(fake_server: FakeServer) -> None:
    fake_server.script(REPLY, repeat_last=True)
    costs = CostHandler()
    config: Any = {"callbacks": [costs]}
    one = make_model(fake_server, "one", prices=PRICES)
    two = make_model(fake_server, "two", prices={"input": 4.0, "output": 16.0})
    chain = RunnableParallel(one=one, two=RunnableLambda(two.invoke, two.ainvoke))
    chain.invoke("Hi", config)
    async for _ in one.astream("Hi", config):
        pass
    assert costs.total.calls == 3
    assert costs.total.cost == pytest.approx(4 * COST)
    assert (costs.total.input_tokens, costs.total.output_tokens) == (3000, 1500)
    assert costs.by_model["one"].cost == pytest.approx(2 * COST)
    assert costs.by_model["two"].cost == pytest.approx(2 * COST)
    single, double = sorted(costs.by_run.values(), key=lambda run: run.calls)
    assert (single.calls, double.calls) == (1, 2)
    assert single.cost == pytest.approx(COST)
    assert double.cost == pytest.approx(3 * COST)


def test_an_unknown_price_is_none_and_not_0(fake_server: FakeServer) -> None:
    fake_server.script(REPLY, repeat_last=True)
    costs = CostHandler(prices={"known": PRICES})
    assert costs.total.cost is None
    make_model(fake_server, "known").invoke("Hi", {"callbacks": [costs]})
    assert costs.total.cost == pytest.approx(COST)
    make_model(fake_server, "other").invoke("Hi", {"callbacks": [costs]})
    assert costs.total.cost is None
    assert costs.total.known_cost == pytest.approx(COST)
    assert costs.total.unknown_calls == 1


def test_other_chat_models_are_counted() -> None:
    costs = CostHandler()
    FakeListChatModel(responses=["Hi"]).invoke("Hi", {"callbacks": [costs]})
    assert (costs.total.calls, costs.total.cost) == (1, None)


def test_many_threads_may_share_a_handler(fake_server: FakeServer) -> None:
    fake_server.script(REPLY, repeat_last=True)
    costs = CostHandler(max_runs=5)
    model = make_model(fake_server, prices=PRICES)
    threads = [
        threading.Thread(target=model.invoke, args=("Hi", {"callbacks": [costs]}))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert costs.total.calls == 12
    assert costs.total.cost == pytest.approx(12 * COST)
    assert len(costs.by_run) == 5


@pytest.mark.parametrize("is_async", [False, True])
def test_a_budget_stops_before_the_next_call(
    fake_server: FakeServer, is_async: bool
) -> None:
    fake_server.script(REPLY, repeat_last=True)
    budget = BudgetHandler(1.5 * COST)
    model = make_model(fake_server, prices=PRICES)

    def call() -> None:
        config: Any = {"callbacks": [budget]}
        if is_async:
            asyncio.run(model.ainvoke("Hi", config))
        else:
            list(model.stream("Hi", config))

    call()
    assert budget.left == pytest.approx(0.5 * COST)
    call()
    assert budget.left == 0
    with pytest.raises(BudgetExceededError, match=r"2 calls cost 0\.012000 USD"):
        call()
    assert len(fake_server.requests) == 2


def test_a_budget_does_not_trust_unknown_prices(fake_server: FakeServer) -> None:
    fake_server.script(REPLY, repeat_last=True)
    model = make_model(fake_server)
    budget = BudgetHandler(1.0)
    model.invoke("Hi", {"callbacks": [budget]})
    with pytest.raises(BudgetExceededError, match="Nobody knows the price of fake"):
        model.invoke("Hi", {"callbacks": [budget]})
    trusting = BudgetHandler(1.0, ignore_unknown=True)
    for _ in range(2):
        model.invoke("Hi", {"callbacks": [trusting]})
    assert len(fake_server.requests) == 3


@pytest.mark.parametrize("budget", [-1.0, float("nan")])
def test_a_budget_is_a_sum_of_money(budget: float) -> None:
    with pytest.raises(ValueError, match="USD"):
        BudgetHandler(budget)


def test_a_budget_of_nothing_lets_nothing_pass() -> None:
    model = FakeListChatModel(responses=["Hi"])
    with pytest.raises(BudgetExceededError):
        model.invoke("Hi", {"callbacks": [BudgetHandler(0.0)]})


async def test_telemetry_reports_each_call(fake_server: FakeServer) -> None:
    fake_server.script(REPLY, REPLY, Reply.error(500))
    reports: list[CallReport] = []
    telemetry = TelemetryHandler(reports.append)
    config: Any = {"callbacks": [telemetry]}
    model = make_model(fake_server, prices=PRICES, max_retries=0)
    list(model.stream("Hi", config))
    await model.ainvoke("Hi", config)
    with pytest.raises(ServerError):
        model.invoke("Hi", config)
    streamed, whole, failed = reports
    assert list(telemetry.calls) == reports
    assert (streamed.model, streamed.provider) == ("fake", "custom")
    assert (streamed.input_tokens, streamed.output_tokens) == (1000, 500)
    assert streamed.cost == pytest.approx(COST)
    assert streamed.finish_reason == "stop"
    first, total = (
        streamed.timing[name] for name in ("first_token_seconds", "total_seconds")
    )
    assert first is not None
    assert total is not None
    assert 0 < first <= total
    assert streamed.timing["tokens_per_second"]
    assert whole.timing["first_token_seconds"] is None
    assert (failed.error, failed.cost) == ("ServerError", None)


def test_opentelemetry_gets_spans_and_metrics(fake_server: FakeServer) -> None:
    fake_server.script(REPLY, Reply.error(500))
    spans, metrics = InMemorySpanExporter(), InMemoryMetricReader()
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(spans))
    metering = MeterProvider([metrics])
    handler = OpenTelemetryHandler(tracer_provider=tracing, meter_provider=metering)
    model = make_model(fake_server, temperature=0.5, max_retries=0)
    list(model.stream("A secret question", {"callbacks": [handler]}))
    with pytest.raises(ServerError):
        list(model.stream("A secret question", {"callbacks": [handler]}))
    good, bad = spans.get_finished_spans()
    assert (good.name, good.kind) == ("chat fake", SpanKind.CLIENT)
    assert dict(good.attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "custom",
        "gen_ai.request.model": "fake",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.model": "fake",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 500,
    }
    assert bad.status.status_code is StatusCode.ERROR
    assert (bad.attributes or {})["error.type"] == "ServerError"
    assert "secret" not in good.to_json() + bad.to_json()
    data = metrics.get_metrics_data()
    assert data is not None
    found = {
        metric.name: list(metric.data.data_points)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert len(found["gen_ai.client.operation.duration"]) == 2
    assert found["gen_ai.client.operation.time_to_first_chunk"][0].count == 1
    assert found["gen_ai.client.operation.time_per_output_chunk"][0].count == 2
    tokens = {
        point.attributes["gen_ai.token.type"]: point.sum
        for point in found["gen_ai.client.token.usage"]
    }
    assert tokens == {"input": 1000, "output": 500}
    tracing.shutdown()
    metering.shutdown()


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    importing = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("opentelemetry"):
            raise ImportError(name)
        return importing(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"langchain-streamkit\[otel\]"):
        OpenTelemetryHandler()
