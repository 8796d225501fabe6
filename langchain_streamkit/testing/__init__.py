"""A server for tests: it answers, and fails, as it is told.

Example:
    >>> from langchain_streamkit.testing import FakeServer, Reply
    >>> with FakeServer(["Hello there!", Reply.error(503)]) as server:
    ...     server.url.endswith("/v1")
    True
"""

from __future__ import annotations

from langchain_streamkit.testing._dispatch import Rule
from langchain_streamkit.testing._guards import RateLimit
from langchain_streamkit.testing.faults import (
    Compress,
    Cut,
    Drip,
    ErrorFrame,
    Fault,
    Insert,
    Rewrite,
    Stall,
    broken_json,
)
from langchain_streamkit.testing.replies import Reply, ToolCall
from langchain_streamkit.testing.requests import ReceivedRequest
from langchain_streamkit.testing.server import FakeServer
from langchain_streamkit.testing.steps import (
    Close,
    Gate,
    Hang,
    Head,
    Hold,
    Raw,
    Reset,
    Send,
    Wait,
    WaitUntil,
)
from langchain_streamkit.testing.unreachable import unreachable

__all__ = [
    "Close",
    "Compress",
    "Cut",
    "Drip",
    "ErrorFrame",
    "FakeServer",
    "Fault",
    "Gate",
    "Hang",
    "Head",
    "Hold",
    "Insert",
    "RateLimit",
    "Raw",
    "ReceivedRequest",
    "Reply",
    "Reset",
    "Rewrite",
    "Rule",
    "Send",
    "Stall",
    "ToolCall",
    "Wait",
    "WaitUntil",
    "broken_json",
    "unreachable",
]
