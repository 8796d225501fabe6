"""Handlers that watch calls of any chat model: what they cost, and how fast they are.

Give one in a config (``{"callbacks": [handler]}``), to a model or to a chain: it sees
every model call below.

Example:
    >>> from langchain_streamkit import ChatStreamKit
    >>> from langchain_streamkit.callbacks import CostHandler
    >>> from langchain_streamkit.testing import FakeServer
    >>> costs = CostHandler(prices={"input": 2.0, "output": 8.0})
    >>> with FakeServer(["Hello, you."]) as server:
    ...     model = ChatStreamKit(model="any", base_url=server.url)
    ...     _ = model.invoke("Hi", {"callbacks": [costs]})
    >>> costs.total.calls, costs.total.output_tokens
    (1, 2)
"""

from __future__ import annotations

from langchain_streamkit.callbacks._cost import BudgetHandler, CostHandler, CostTotals
from langchain_streamkit.callbacks._opentelemetry import OpenTelemetryHandler
from langchain_streamkit.callbacks._telemetry import CallReport, TelemetryHandler

__all__ = [
    "BudgetHandler",
    "CallReport",
    "CostHandler",
    "CostTotals",
    "OpenTelemetryHandler",
    "TelemetryHandler",
]
