"""What stands before an answer: the key, the rate, fields that are not taken."""

from __future__ import annotations

import hmac
import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_streamkit.testing._values import as_list, as_object
from langchain_streamkit.testing.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from langchain_streamkit.testing._values import JsonObject
    from langchain_streamkit.testing.requests import Headers

__all__ = ["RateGuard", "RateLimit", "check_fields", "check_key"]


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most so many requests within any span of so many seconds.

    Attributes:
        requests: How many.
        per_seconds: The span.
    """

    requests: int
    per_seconds: float = 1.0


class RateGuard:
    """Counts requests in a sliding window.

    Args:
        limit: The limit.
        clock: Gives the time in seconds.
    """

    def __init__(self, limit: RateLimit, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._admitted: deque[float] = deque()

    def check(self) -> Reply | None:
        """Admit a request, or say how long to wait: refused ones are not counted."""
        now = self._clock()
        limit = self._limit
        while self._admitted and now - self._admitted[0] >= limit.per_seconds:
            self._admitted.popleft()
        if len(self._admitted) < limit.requests:
            self._admitted.append(now)
            return None
        wait = limit.per_seconds
        if self._admitted:
            wait -= now - self._admitted[0]
        return Reply.error(
            429,
            f"Rate limit reached: {limit.requests} requests in {limit.per_seconds:g} "
            f"seconds. Please try again in {wait:.3f} s.",
            type="requests",
            code="rate_limit_exceeded",
            retry_after=math.ceil(wait),
            headers={
                "retry-after-ms": str(math.ceil(wait * 1000)),
                "x-ratelimit-limit-requests": str(limit.requests),
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": f"{wait:.3f}s",
            },
        )


def check_key(headers: Headers, keys: Collection[str]) -> Reply | None:
    """Refuse a request without one of the keys; no keys means that none is needed."""
    if not keys:
        return None
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    sent = bearer if scheme.lower() == "bearer" else headers.get("api-key", "")
    if not sent:
        return _unauthorised("No API key was sent.", None)
    given = sent.strip().encode("latin-1", "replace")
    if any(hmac.compare_digest(given, key.encode()) for key in keys):
        return None
    return _unauthorised("The API key that was sent is not known.", "invalid_api_key")


def _unauthorised(message: str, code: str | None) -> Reply:
    return Reply.error(
        401,
        f"{message} Send it as 'Authorization: Bearer KEY'.",
        type="invalid_request_error",
        code=code,
    )


def check_fields(body: JsonObject, refused: Collection[str]) -> Reply | None:
    """Refuse a request that has one of the fields; dots lead into objects and lists.

    Example:
        >>> check_fields(
        ...     {"tools": [{"function": {"strict": True}}]}, ["tools.function.strict"]
        ... ).status
        400
    """
    for path in refused:
        if _has(body, path.split(".")):
            return Reply.error(
                400,
                f"Unrecognized request argument supplied: {path}",
                type="invalid_request_error",
                param=path,
                code="unknown_parameter",
            )
    return None


def _has(value: object, names: list[str]) -> bool:
    items = as_list(value)
    if items:
        return any(_has(item, names) for item in items)
    fields = as_object(value)
    if names[0] not in fields:
        return False
    return len(names) == 1 or _has(fields[names[0]], names[1:])
