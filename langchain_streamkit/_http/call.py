"""What one call asks for, what one attempt sends, and the clocks they go by."""

from __future__ import annotations

import asyncio
import math
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import httpx

from langchain_streamkit._resilience.clocks import Timeouts
from langchain_streamkit._wire.limits import DEFAULT_MAX_EVENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from langchain_streamkit._http.endpoint import Endpoint
    from langchain_streamkit._resilience.runaway import Limits

__all__ = ["Call", "Outgoing", "Runtime", "bounded"]

_SHORTEST_WAIT = 0.001


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a test may replace: the clocks, and chance.

    Attributes:
        monotonic: Seconds of a clock that only goes forward.
        wall_clock: Seconds since 1970.
        chance: A number from 0 to 1.
        sleep: Waits so many seconds.
        asleep: The same for async.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time
    chance: Callable[[], float] = random.random
    sleep: Callable[[float], None] = time.sleep
    asleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class Call:
    """What one call of the model asks for.

    Attributes:
        endpoint: Where it goes.
        model: The model that is asked for.
        body: The request's body.
        is_stream: Whether the answer is wanted in pieces.
        timeout: The bounds of httpx: connecting, writing, each read.
        timeouts: The bounds of the stream.
        max_retries: How many attempts may follow the first.
        reasoning_tags: The tags of inline reasoning, or None.
        max_event_bytes: The most bytes of one event.
        max_response_bytes: The most bytes of the response, or None.
        resume: What follows a cut in the middle of the answer.
        stream_fallback: Whether a whole answer is asked for where no stream comes.
        include_response_headers: Whether the response's headers are reported.
        limits: What an answer may not go beyond, or None.
        record: The folder for recordings, or None.
        hidden_fields: The user's own fields of the body, which no recording shows.
        prices: The user's prices, USD per million tokens.
    """

    endpoint: Endpoint
    model: str
    body: Mapping[str, Any] = field(repr=False)
    is_stream: bool = True
    timeout: httpx.Timeout = field(default_factory=lambda: httpx.Timeout(None))
    timeouts: Timeouts = field(default_factory=Timeouts)
    max_retries: int = 2
    reasoning_tags: tuple[str, str] | None = None
    max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES
    max_response_bytes: int | None = None
    resume: Literal["off", "auto", "prefill", "replay"] = "off"
    stream_fallback: bool = False
    include_response_headers: bool = False
    limits: Limits | None = None
    record: str | None = None
    hidden_fields: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    prices: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request, ready to be sent; its repr shows no query, header or body."""

    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    timeout: httpx.Timeout


def bounded(timeout: httpx.Timeout, seconds_left: float) -> httpx.Timeout:
    """The bounds of httpx: the user's, and none longer than the clocks allow.

    Args:
        timeout: The user's.
        seconds_left: What the clocks allow, perhaps infinity, perhaps nothing.

    Returns:
        Bounds that httpx takes.
    """

    def bound(seconds: float | None) -> float | None:
        left = seconds_left if seconds is None else min(seconds_left, seconds)
        return None if left == math.inf else max(left, _SHORTEST_WAIT)

    return httpx.Timeout(**{k: bound(v) for k, v in timeout.as_dict().items()})
