"""How many tokens a text has, without a tokenizer.

Strategy: every server has its own vocabulary, and fetching one needs the network.
An estimate from the kinds of characters is near enough to trim a history: about four
letters of Latin script a token, about one sign of Chinese, Japanese or Korean, two
characters of anything else.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["estimate_message_tokens", "estimate_tokens", "weigh_tokens"]

_WIDE = re.compile(
    "[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff]"
)
_LATIN = re.compile(r"[\x00-\x7f\u00c0-\u024f]")
_PER_MESSAGE = 4
_PER_MEDIUM = 800
_LETTERS_PER_TOKEN = 4.0
_OTHERS_PER_TOKEN = 2.0


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has.

    Args:
        text: Any text.

    Returns:
        An estimate; 0 for an empty text only.

    Example:
        >>> estimate_tokens("Hello, world")
        3
    """
    return math.ceil(weigh_tokens(text))


def weigh_tokens(text: str) -> float:
    """The same before it is rounded: the weights of pieces add up.

    Args:
        text: A piece of a text, cut anywhere.

    Returns:
        Tokens, in fractions.
    """
    if text.isascii():
        return len(text) / _LETTERS_PER_TOKEN
    wide = len(_WIDE.findall(text))
    latin = len(_LATIN.findall(text))
    others = len(text) - wide - latin
    return wide + latin / _LETTERS_PER_TOKEN + others / _OTHERS_PER_TOKEN


def estimate_message_tokens(
    messages: Iterable[dict[str, Any]],
    tools: Sequence[dict[str, Any]] = (),
    *,
    count: Callable[[str], int] = estimate_tokens,
) -> int:
    """About how many tokens a request has.

    Args:
        messages: The messages as they go over the wire.
        tools: The tools as they go over the wire.
        count: How many tokens a text has.

    Returns:
        An estimate; an image or a file counts as 800 tokens, whatever its size.
    """
    total = sum(count(_text(tool)) for tool in tools)
    for message in messages:
        total += _PER_MESSAGE
        for key, value in message.items():
            if key == "content" and isinstance(value, list):
                parts = cast("list[dict[str, Any]]", value)
                total += sum(_part_tokens(part, count) for part in parts)
            elif key != "role" and value:
                total += count(_text(value))
    return total


def _part_tokens(part: dict[str, Any], count: Callable[[str], int]) -> int:
    text = part.get("text")
    return count(text) if isinstance(text, str) else _PER_MEDIUM


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
