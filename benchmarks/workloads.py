"""What is measured: one row of the table each, with the goal that it has.

A goal is in µs on the machine where the floor's text costs ``GOAL_FLOOR`` µs a chunk;
elsewhere it is scaled by the floor of the same run.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GOAL_FLOOR", "WORKLOADS", "Workload"]

GOAL_FLOOR = 7.8


@dataclass(frozen=True)
class Workload:
    """One row.

    Attributes:
        name: How it is asked for.
        title: What the table says.
        way: The method of a client that does it.
        kind: ``"text"``, ``"tool"`` or ``"reasoning"``.
        chunks: Chunks a stream.
        pace: ``"bulk"``, ``"write"``, or milliseconds between the frames of a stream.
        streams: How many at once.
        repeats: How often in one measurement.
        goal: µs a chunk for this package, or None.
        is_slow: Whether it is measured in fewer rounds.
        only: The clients that take part; empty for all that can.
        unit: What one figure is of.
    """

    name: str
    title: str
    way: str
    kind: str = "text"
    chunks: int = 2_000
    pace: str = "bulk"
    streams: int = 1
    repeats: int = 1
    goal: float | None = None
    is_slow: bool = False
    only: tuple[str, ...] = ()
    unit: str = "µs a chunk"


_GROWING = ("floor", "streamkit", "ChatOpenAI")
# The others keep httpx's own limit of 100 connections.
_MANY_CONNECTIONS = ("streamkit", "ChatOpenAI", "httpx, orjson", "bare socket")

WORKLOADS = (
    Workload("text", "text at once", "stream", goal=0.9 * GOAL_FLOOR),
    Workload("write", "text, a write per frame, sync", "stream", pace="write", goal=15),
    Workload("awrite", "text, a write per frame, async", "astream", pace="write"),
    Workload(
        "paced-100",
        "100 streams, 20 ms apart, async",
        "streams",
        chunks=100,
        pace="20",
        streams=100,
        goal=40,
        is_slow=True,
    ),
    Workload(
        "paced-1000",
        "1,000 streams, 200 ms apart, async",
        "streams",
        chunks=20,
        pace="200",
        streams=1_000,
        is_slow=True,
        only=_MANY_CONNECTIONS,
    ),
    Workload("tool", "tool-call arguments", "stream", kind="tool", goal=12),
    Workload("reasoning", "reasoning", "stream", kind="reasoning"),
    Workload("events", "`iter_events`", "events", only=("streamkit",)),
    Workload("aevents", "`aiter_events`", "aevents", only=("streamkit",)),
    Workload("v2", "`astream_events` v2", "v2"),
    Workload("v3", "`stream_events` v3", "v3", goal=5),
    Workload("av3", "`astream_events` v3", "av3", goal=5),
    Workload("chain", "LCEL chain with StrOutputParser", "chain"),
    Workload("invoke", "`invoke`", "invoke", repeats=30, unit="µs a call"),
    Workload("construct", "construction", "construct", repeats=30, unit="µs each"),
    Workload("first", "time to the first token", "first", repeats=30, unit="µs (wall)"),
    *(
        Workload(
            f"grow-{chunks}",
            f"text at once, {chunks:,} chunks",
            "stream",
            chunks=chunks,
            repeats=max(1, 2_000 // chunks),
            is_slow=True,
            only=_GROWING,
        )
        for chunks in (1_000, 10_000, 50_000, 100_000)
    ),
    *(
        Workload(
            f"tool-{chunks}",
            f"tool-call arguments, {chunks:,} chunks",
            "stream",
            kind="tool",
            chunks=chunks,
            is_slow=True,
            only=("floor", "streamkit"),
        )
        for chunks in (10_000, 100_000)
    ),
)
