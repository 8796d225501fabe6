"""When a stream has gone far enough: it repeats itself, thinks or costs too much.

Strategy: what comes is counted while it comes. The server's own figures are taken
where it sends them on the way, and what came after the last of them is estimated from
its characters; most servers count at the end only, which is too late. An answer that
has ended is never refused, whatever it cost: its end is nothing that could be saved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from langchain_streamkit._resilience.repetition import LoopDetector
from langchain_streamkit._resilience.token_estimates import (
    estimate_message_tokens,
    weigh_tokens,
)
from langchain_streamkit.errors import ConfigurationError, RunawayError
from langchain_streamkit.events import ReasoningEvent, TextEvent, ToolCallDeltaEvent
from langchain_streamkit.pricing import cost_of, price_of, reported_cost

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_streamkit.events import StreamEvent

__all__ = ["LIMITS", "Limits", "RunawayGuard", "limits_of"]

LIMITS = ("max_repetitions", "max_reasoning_tokens", "max_cost")
"""The parameters that end a stream."""

_MILLION = 1_000_000
_WHY = {
    "max_repetitions": "it says the same again and again. Raise the limit if such "
    "answers are expected; if not, try a higher temperature or frequency_penalty.",
    "max_reasoning_tokens": "it thinks for too long. Raise the limit, or ask for less "
    "with reasoning_effort='low'.",
    "max_cost": "its answer costs more. Raise the limit, or bound the answer by "
    "max_tokens.",
}


class _Answer(Protocol):
    """What has come so far."""

    usage: dict[str, Any] | None
    finish_reason: str | None

    @property
    def usage_metadata(self) -> dict[str, Any] | None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What one answer may not go beyond; None for no bound.

    Attributes:
        repetitions: How often a passage may come in a row.
        reasoning_tokens: Tokens of reasoning.
        cost: USD.
        prices: USD per million tokens, by name, where the cost is bounded.
    """

    repetitions: int | None = None
    reasoning_tokens: int | None = None
    cost: float | None = None
    prices: Mapping[str, float] | None = None


def limits_of(options: Mapping[str, Any], model: str) -> Limits | None:
    """The limits that parameters set.

    Args:
        options: The parameters of the model and of the call.
        model: The model's name, for its prices.

    Returns:
        The limits, or None if there are none.

    Raises:
        ConfigurationError: If the cost is bounded and there are no prices.

    Example:
        >>> limits_of({"max_repetitions": 20}, "any").repetitions
        20
    """
    values = [options.get(name) for name in LIMITS]
    if not any(values):
        return None
    repetitions, tokens, cost = values
    prices = price_of(options.get("prices"), model) if cost else None
    if cost and prices is None:
        message = (
            f"max_cost needs the prices of {model!r}: pass prices={{'input': ..., "
            "'output': ...}, in USD per million tokens."
        )
        raise ConfigurationError(message)
    return Limits(repetitions, tokens, cost, prices)


class RunawayGuard:
    """Watches one answer, over all its attempts.

    Args:
        limits: What it may not go beyond.
        where: The server and the model, for messages.
        body: The request, to estimate what it costs.
    """

    __slots__ = (
        "_answer",
        "_cost",
        "_has_ended",
        "_limits",
        "_loops",
        "_prompt_cost",
        "_thought",
        "_usage",
        "_where",
    )

    def __init__(self, limits: Limits, where: str, body: Mapping[str, Any]) -> None:
        self._limits = limits
        self._where = where
        prices = limits.prices
        self._prompt_cost = 0.0
        if prices is not None:
            self._prompt_cost = _prompt_tokens(body) * prices["input"] / _MILLION
        self._cost, self._thought = _Meter(), _Meter()
        self._loops: dict[str, LoopDetector] = {}
        self._answer: _Answer | None = None
        self._usage: dict[str, Any] | None = None
        self._has_ended = False

    def check(self, events: Sequence[StreamEvent], answer: _Answer) -> None:
        """Take what came, after the reader has got it.

        Args:
            events: The events of one read.
            answer: All that has come so far.

        Raises:
            RunawayError: If a limit is passed, and the answer goes on.
        """
        if answer is not self._answer:
            self._begin_attempt(answer)
        period = None
        for event in events:
            period = self._count(event) or period
        if answer.usage is not self._usage:
            self._usage = answer.usage
            self._take_count(answer)
        is_end = answer.finish_reason is not None and not self._has_ended
        self._has_ended = answer.finish_reason is not None
        if is_end:
            return
        limits = self._limits
        if period is not None:
            self._end("max_repetitions", limits.repetitions)
        most = limits.reasoning_tokens
        if most is not None and self._thought.total > most:
            self._end("max_reasoning_tokens", most)
        if limits.cost is not None and self._cost.total > limits.cost:
            self._end("max_cost", limits.cost)

    def _end(self, limit: str, value: object) -> None:
        message = (
            f"{self._where} was stopped at {limit}={value}: {_WHY[limit]} What had "
            "arrived is on this error's partial."
        )
        raise RunawayError(message, limit=limit)

    def _begin_attempt(self, answer: _Answer) -> None:
        self._answer, self._usage = answer, None
        self._cost.begin(self._prompt_cost)
        self._thought.begin(0.0)

    def _count(self, event: StreamEvent) -> int | None:
        """Count one event; the length of the passage if it belongs to a loop."""
        if not isinstance(event, TextEvent | ReasoningEvent | ToolCallDeltaEvent):
            return None
        limits, is_thought = self._limits, isinstance(event, ReasoningEvent)
        if limits.prices is not None or is_thought:
            tokens = weigh_tokens(event.content)
            self._thought.recent += tokens if is_thought else 0.0
            if limits.prices is not None:
                prices = limits.prices
                price = prices["output"]
                if is_thought:
                    price = prices.get("reasoning", price)
                self._cost.recent += tokens * price / _MILLION
        if limits.repetitions is None:
            return None
        loop = self._loops.get(event.type)
        if loop is None:
            loop = self._loops[event.type] = LoopDetector(limits.repetitions)
        return loop.feed(event.content)

    def _take_count(self, answer: _Answer) -> None:
        counts = answer.usage_metadata
        if counts is None or not counts.get("output_tokens"):
            return  # zeros until the end, as some servers send
        details: dict[str, int] = counts.get("output_token_details") or {}
        if details.get("reasoning"):
            self._thought.settle(details["reasoning"])
        if self._limits.prices is not None:
            own = reported_cost(answer.usage)
            self._cost.settle(own or cost_of(counts, self._limits.prices) or 0.0)


class _Meter:
    """A figure: of earlier attempts, as the server counts, and since it counted.

    Attributes:
        recent: What came after the last count, by estimate.
    """

    __slots__ = ("_before", "_counted", "recent")

    def __init__(self) -> None:
        self._before = self._counted = self.recent = 0.0

    @property
    def total(self) -> float:
        """All together."""
        return self._before + self._counted + self.recent

    def begin(self, amount: float) -> None:
        """A new attempt, which starts with so much."""
        self._before, self._counted, self.recent = self.total, amount, 0.0

    def settle(self, counted: float) -> None:
        """The server has counted this attempt so far."""
        self._counted, self.recent = counted, 0.0


def _prompt_tokens(body: Mapping[str, Any]) -> int:
    def objects(name: str) -> list[dict[str, Any]]:
        items: object = body.get(name)
        given = cast("list[Any]", items) if isinstance(items, list) else []
        return [item for item in given if isinstance(item, dict)]

    return estimate_message_tokens(objects("messages"), objects("tools"))
