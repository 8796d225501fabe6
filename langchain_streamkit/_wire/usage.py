"""The server's count of tokens becomes one true figure.

Strategy: servers report usage once, in every frame, as a growing total, as zeros
until the end, or with nulls; in the frame, in the choice, or in a field of their
own. A reader keeps the last report that says anything (``is_report``), whole and
as it came (but see ``merge_usage``), and turns it once, at the end, into LangChain's
standard form.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from langchain_streamkit._wire.shapes import as_mapping, is_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["is_report", "merge_usage", "parse_usage"]

_MOST_DIGITS = 15

_COUNTS = (
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "input_tokens",
    "output_tokens",
)
# Each figure by the names that servers give it, the most common first.
_INPUT = (("prompt_tokens",), ("input_tokens",))
_OUTPUT = (("completion_tokens",), ("output_tokens",))
_TOTAL = (("total_tokens",),)
_CACHE_READ = (
    ("prompt_tokens_details", "cached_tokens"),
    ("input_tokens_details", "cached_tokens"),
    ("prompt_cache_hit_tokens",),
    ("cached_tokens",),
    ("num_cached_tokens",),
    ("cache_read_input_tokens",),
)
_CACHE_CREATION = (
    ("prompt_tokens_details", "cache_write_tokens"),
    ("prompt_tokens_details", "cache_creation_tokens"),
    ("cache_creation_input_tokens",),
)
_INPUT_AUDIO = (("prompt_tokens_details", "audio_tokens"),)
_OUTPUT_AUDIO = (("completion_tokens_details", "audio_tokens"),)
_REASONING = (
    ("completion_tokens_details", "reasoning_tokens"),
    ("output_tokens_details", "reasoning_tokens"),
    ("reasoning_tokens",),
)


def is_report(usage: object) -> bool:
    """Whether a usage object says anything: some count of tokens is not zero.

    Args:
        usage: What a server sent under ``usage``.

    Returns:
        False for null, for an object of zeros or nulls, and for anything else.

    Example:
        >>> is_report({"prompt_tokens": 3}), is_report({"total_tokens": 0})
        (True, False)
    """
    if not is_mapping(usage):
        return False
    return any(_count(usage.get(key)) for key in _COUNTS)


def parse_usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """LangChain's ``usage_metadata`` of a server's usage object.

    Reasoning tokens that a server counts beside its completion tokens are added to
    the output: where total = prompt + completion + reasoning, as xAI counts
    (recordings of 2025-07 to 2025-10).

    Args:
        usage: The server's object, in any of the known shapes.

    Returns:
        ``input_tokens``, ``output_tokens``, ``total_tokens``, and the details of
        both sides where the server gave any.

    Example:
        >>> parse_usage({"prompt_tokens": 3, "completion_tokens": 4})
        {'input_tokens': 3, 'output_tokens': 4, 'total_tokens': 7}
    """
    input_tokens = _first(usage, _INPUT) or 0
    output_tokens = _first(usage, _OUTPUT) or 0
    reasoning = _first(usage, _REASONING)
    total = _first(usage, _TOTAL) or input_tokens + output_tokens
    if reasoning and total == input_tokens + output_tokens + reasoning:
        output_tokens += reasoning
    result: dict[str, Any] = {
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "total_tokens": total,
    }
    input_details = _known(
        audio=_first(usage, _INPUT_AUDIO),
        cache_creation=_first(usage, _CACHE_CREATION),
        cache_read=_first(usage, _CACHE_READ),
    )
    output_details = _known(audio=_first(usage, _OUTPUT_AUDIO), reasoning=reasoning)
    if input_details:
        result["input_token_details"] = input_details
    if output_details:
        result["output_token_details"] = output_details
    return result


def _known(**counts: int | None) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count is not None}


def _first(usage: Mapping[str, Any], paths: tuple[tuple[str, ...], ...]) -> int | None:
    for path in paths:
        value: Any = usage
        for key in path:
            value = as_mapping(value).get(key)
        count = _count(value)
        if count is not None:
            return count
    return None


def merge_usage(
    earlier: Mapping[str, Any] | None, latest: Mapping[str, Any]
) -> dict[str, Any]:
    """The latest report, with a side that only an earlier one has counted.

    Some gateways count the prompt in the first frame and the answer in the last,
    with the other side missing or zero (those in front of Anthropic's own API do).

    Args:
        earlier: The report that counted so far, if there was one.
        latest: The one that came now.

    Returns:
        The latest as it is, where it has both sides.

    Example:
        >>> merge_usage({"prompt_tokens": 3}, {"completion_tokens": 4})
        {'completion_tokens': 4, 'prompt_tokens': 3}
    """
    kept = {
        path[0]: earlier[path[0]]
        for paths in (_INPUT, _OUTPUT)
        if earlier and not _first(latest, paths)
        for path in paths
        if _count(earlier.get(path[0]))
    }
    if not kept:
        return dict(latest)
    merged = {**latest, **kept}
    counted = (_first(merged, _INPUT) or 0) + (_first(merged, _OUTPUT) or 0)
    if (_first(merged, _TOTAL) or 0) < counted:
        merged.pop("total_tokens", None)
    return merged


def _count(value: object) -> int | None:
    if isinstance(value, str) and len(value) <= _MOST_DIGITS and value.isdecimal():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return int(value) if value >= 0 else None
