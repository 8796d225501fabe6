"""What tokens cost, by prices that the user gave.

Strategy: plain arithmetic on counts and prices per token. Cached tokens are part of
the input and reasoning tokens part of the output, as LangChain's ``usage_metadata``
counts them; each has the price of its whole where it has none of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Prices", "cost_of", "prices_for"]

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """USD per token.

    Attributes:
        input: Of a token of the prompt.
        output: Of a token of the answer.
        cached_input: Of a token that the server had in its cache.
        reasoning: Of a token of reasoning.
    """

    input: float
    output: float
    cached_input: float
    reasoning: float


def prices_for(prices: Mapping[str, Any] | None, model: str) -> Prices | None:
    """The prices of one model.

    Args:
        prices: USD per million tokens, by ``input``, ``output``, ``cached_input``
            and ``reasoning``; or such tables by the names of models.
        model: The model's name.

    Returns:
        Prices per token, or None where the table has none.

    Example:
        >>> prices_for({"m": {"input": 2.0, "output": 8.0}}, "m").output
        8e-06
    """
    table: object = prices
    if prices and any(isinstance(value, dict) for value in prices.values()):
        table = prices.get(model)
    if not isinstance(table, dict) or not table:
        return None
    values = cast("dict[str, float]", table)
    per_token = {name: value / _MILLION for name, value in values.items()}
    incoming, outgoing = per_token.get("input", 0.0), per_token.get("output", 0.0)
    return Prices(
        input=incoming,
        output=outgoing,
        cached_input=per_token.get("cached_input", incoming),
        reasoning=per_token.get("reasoning", outgoing),
    )


def cost_of(usage: Mapping[str, Any], prices: Prices) -> float:
    """What one answer costs.

    Args:
        usage: Counts of tokens in LangChain's form.
        prices: The prices.

    Returns:
        USD.

    Example:
        >>> usage = {"input_tokens": 1000, "output_tokens": 500}
        >>> prices = prices_for({"input": 1.0, "output": 2.0}, "any")
        >>> round(cost_of(usage, prices), 6)
        0.002
    """
    cached = _detail(usage, "input_token_details", "cache_read")
    reasoning = _detail(usage, "output_token_details", "reasoning")
    plain_input = max(usage.get("input_tokens", 0) - cached, 0)
    plain_output = max(usage.get("output_tokens", 0) - reasoning, 0)
    cost: float = plain_input * prices.input + plain_output * prices.output
    return cost + cached * prices.cached_input + reasoning * prices.reasoning


def _detail(usage: Mapping[str, Any], details: str, name: str) -> int:
    counts: dict[str, int] = usage.get(details) or {}
    return counts.get(name) or 0
