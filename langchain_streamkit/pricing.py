"""What an answer has cost, in USD; None where nobody knows, never 0 instead.

Strategy: the server's own figure comes first, for it knows discounts and tools; then
the prices that the user gave; then, where the extra ``cost`` is installed, the table of
``genai-prices``, asked for the provider that has answered and for no other.

Example:
    >>> from langchain_streamkit.pricing import cost_of
    >>> usage = {"input_tokens": 1_000, "output_tokens": 500}
    >>> cost_of(usage, {"input": 2.0, "output": 8.0})
    0.006
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from langchain_streamkit.errors import ConfigurationError

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage

__all__ = [
    "PRICE_NAMES",
    "check_prices",
    "cost_of",
    "cost_of_message",
    "price_of",
    "reported_cost",
]

PRICE_NAMES = ("input", "output", "cached_input", "reasoning")
"""What has a price, in USD per million tokens; the first two are needed."""

_MILLION = 1_000_000
_TICKS = 10**10  # a USD of xAI's (docs.x.ai/developers/cost-tracking, 2026-06)
_NO_SELLER = "_compatible"  # a server that speaks like OpenAI has prices of its own

_Prices = Mapping[str, float] | Mapping[str, Mapping[str, float]]


def cost_of(
    usage_metadata: Mapping[str, Any],
    prices: _Prices | None = None,
    *,
    model: str | None = None,
    provider: str | None = None,
) -> float | None:
    """The cost of so many tokens.

    Cached tokens are part of the input and reasoning tokens part of the output, as in
    LangChain's ``usage_metadata``; either is priced apart where it has a price of its
    own, else like the rest of its side.

    Args:
        usage_metadata: LangChain's ``usage_metadata``.
        prices: USD per million tokens by ``PRICE_NAMES``, or that per model name.
        model: The model that answered, to find it in prices per model, and in the
            table of ``genai-prices``.
        provider: Who answered; without it that table is not asked.

    Returns:
        USD, or None if no price is known.
    """
    price = price_of(prices, model)
    if price is not None:
        return _priced(usage_metadata, price)
    return _listed(usage_metadata, model, provider)


def cost_of_message(message: AIMessage, prices: _Prices | None = None) -> float | None:
    """The cost of one answer of any chat model.

    Args:
        message: The answer, with its ``usage_metadata`` and ``response_metadata``.
        prices: USD per million tokens, or that per model name.

    Returns:
        The server's own figure, or what the prices or the table make of its tokens,
        or None.

    Example:
        >>> from langchain_core.messages import AIMessage
        >>> usage = {"token_usage": {"prompt_tokens": 9, "cost": 0.25}}
        >>> cost_of_message(AIMessage("Hi", response_metadata=usage))
        0.25
    """
    facts = message.response_metadata
    known = _amount(facts.get("cost"))
    if known is None:
        known = reported_cost(facts.get("token_usage"))
    if known is not None or message.usage_metadata is None:
        return known
    model = _text(facts.get("model_name")) or _text(facts.get("model"))
    provider = _text(facts.get("provider")) or _text(facts.get("model_provider"))
    return cost_of(message.usage_metadata, prices, model=model, provider=provider)


def reported_cost(usage: object) -> float | None:
    """The cost that a server reports in its usage object.

    OpenRouter sends ``cost`` as a number, Perplexity as an object with ``total_cost``
    (recordings of 2025 and 2026), xAI ``cost_in_usd_ticks``.

    Args:
        usage: The server's usage object, or anything.

    Returns:
        USD, or None.

    Example:
        >>> reported_cost({"cost_in_usd_ticks": 37_756_000})
        0.0037756
    """
    if not _is_mapping(usage):
        return None
    cost = usage.get("cost")
    if _is_mapping(cost):
        cost = cost.get("total_cost")
    ticks = _amount(usage.get("cost_in_usd_ticks"))
    return _amount(cost) if ticks is None else ticks / _TICKS


def check_prices(prices: object) -> None:
    """Check what a user gives as prices.

    Args:
        prices: None, prices by name, or that per model name.

    Raises:
        ConfigurationError: If a name or a number is wrong, or one is missing.

    Example:
        >>> check_prices({"input": 2.0, "output": 8.0})
    """
    if prices is None:
        return
    if not _is_mapping(prices) or not prices:
        raise ConfigurationError(f"prices must be a dict, for example {_EXAMPLE}.")
    if any(_is_mapping(value) for value in prices.values()):
        for model, price in prices.items():
            _check_price(price, f"prices[{model!r}]")
    else:
        _check_price(prices, "prices")


_EXAMPLE = '{"input": 2.5, "output": 10.0}'


def _check_price(price: object, where: str) -> None:
    if not _is_mapping(price):
        raise ConfigurationError(f"{where} must be a dict, for example {_EXAMPLE}.")
    for name, value in price.items():
        if name not in PRICE_NAMES:
            raise ConfigurationError(
                f"{where} has no price called {name!r}. "
                f"There are: {', '.join(PRICE_NAMES)}, in USD per million tokens."
            )
        if _amount(value) is None:
            raise ConfigurationError(
                f"{where}[{name!r}] must be a number of USD per million tokens, "
                "0 or more."
            )
    missing = [name for name in PRICE_NAMES[:2] if name not in price]
    if missing:
        raise ConfigurationError(f"{where} needs a price called {missing[0]!r}, too.")


def price_of(prices: _Prices | None, model: str | None) -> Mapping[str, float] | None:
    """The prices of one model.

    Args:
        prices: USD per million tokens by ``PRICE_NAMES``, or that per model name.
        model: The model's name.

    Returns:
        Its prices by name, or None where there are none.

    Example:
        >>> price_of({"m": {"input": 2.0, "output": 8.0}}, "m")
        {'input': 2.0, 'output': 8.0}
    """
    if not prices:
        return None
    if not any(_is_mapping(value) for value in prices.values()):
        return cast("Mapping[str, float]", prices)
    return cast("Mapping[str, Mapping[str, float]]", prices).get(model or "")


def _priced(usage: Mapping[str, Any], price: Mapping[str, float]) -> float:
    cached = _count(usage, "input_token_details", "cache_read")
    reasoning = _count(usage, "output_token_details", "reasoning")
    total: float = (
        max(usage["input_tokens"] - cached, 0) * price["input"]
        + cached * price.get("cached_input", price["input"])
        + max(usage["output_tokens"] - reasoning, 0) * price["output"]
        + reasoning * price.get("reasoning", price["output"])
    )
    return total / _MILLION


def _listed(
    usage: Mapping[str, Any], model: str | None, provider: str | None
) -> float | None:
    """The cost by the table of ``genai-prices``, if it is there and knows."""
    if not model or not provider or provider.endswith(_NO_SELLER):
        return None
    try:
        from genai_prices import Usage, calc_price
    except ImportError:
        return None
    counts = Usage(
        input_tokens=usage["input_tokens"],
        output_tokens=usage["output_tokens"],
        cache_read_tokens=_count(usage, "input_token_details", "cache_read") or None,
        cache_write_tokens=(
            _count(usage, "input_token_details", "cache_creation") or None
        ),
    )
    try:
        return float(calc_price(counts, model, provider_id=provider).total_price)
    except (LookupError, ValueError):  # unknown to it, or counts that contradict
        return None


def _count(usage: Mapping[str, Any], details: str, name: str) -> int:
    found = usage.get(details)
    count = found.get(name) if _is_mapping(found) else None
    return count if isinstance(count, int) else 0


def _amount(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)
