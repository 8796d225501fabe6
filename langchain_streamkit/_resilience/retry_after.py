"""How long a server asks to wait, by whatever header it says so.

Rules: RFC 9110 section 10.2.3 (seconds or a date), ``retry-after-ms`` as OpenAI and
Azure send it, ``x-ratelimit-reset-*`` as Groq and OpenAI send them ("1m30.5s", read
2026-11).
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["parse_retry_after"]

_PART = re.compile(r"(\d++(?:\.\d++)?)(ms|s|m|h|d)", re.ASCII)
_DURATION = re.compile(rf"(?:{_PART.pattern})++", re.ASCII)
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\dT", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_KINDS = ("-requests", "-tokens", "")
_EPOCH_FROM = 1_000_000_000.0


def parse_retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """The wait that the headers of a refusal ask for.

    Args:
        headers: The response's, with names in lower case.
        now: The time, in seconds since 1970, for dates.

    Returns:
        Seconds, never negative, or None if the headers do not say, or say nonsense.

    Example:
        >>> parse_retry_after({"retry-after": "2"}, now=0.0)
        2.0
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    said = headers.get("retry-after")
    if said is not None:
        return _first(_number(said), _duration(said), _until(said, now))
    general = headers.get("x-ratelimit-reset")
    left = {kind: headers.get(f"x-ratelimit-remaining{kind}") for kind in _KINDS}
    for kind, count in left.items():
        if _number(count) == 0:
            own = headers.get(f"x-ratelimit-reset{kind}")
            return _first(_reset(own, now), _reset(general, now))
    if any(left.values()):  # of every limit: no reason to wait until one is reset
        return None
    # Which limit was passed is not said: the last to be reset is the sure one.
    resets = [_reset(headers.get(f"x-ratelimit-reset{kind}"), now) for kind in _KINDS]
    return max((reset for reset in resets if reset is not None), default=None)


def _first(*waits: float | None) -> float | None:
    return next((wait for wait in waits if wait is not None), None)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _until(date: str, now: float) -> float | None:
    try:
        is_iso = _ISO_DATE.match(date.strip())
        parse = datetime.fromisoformat if is_iso else parsedate_to_datetime
        moment = parse(date.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, moment.timestamp() - now)
    except (ValueError, OverflowError, TypeError):
        return None


def _reset(text: str | None, now: float) -> float | None:
    value = _number(text)
    if value is None:
        return _first(_duration(text or ""), _until(text or "", now))
    if value > _EPOCH_FROM * 1000:
        value /= 1000
    return max(0.0, value - now) if value > _EPOCH_FROM else value


def _duration(text: str) -> float | None:
    text = text.strip()
    if not _DURATION.fullmatch(text):
        return None
    parts = _PART.findall(text)
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return total if math.isfinite(total) else None
