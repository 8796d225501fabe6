"""What the head of a response says: ids, limits, waits, and where it sends us."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from langchain_streamkit._resilience.retry_after import parse_retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Head", "parse_head", "same_origin"]

_REQUEST_IDS = ("x-request-id", "request-id", "x-generation-id", "x-ms-request-id")
_RATE_LIMITS = ("x-ratelimit-", "anthropic-ratelimit-", "ratelimit-")
_SHOULD_RETRY = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Head:
    """The facts of a response's head; no repr shows its headers.

    Attributes:
        status: The HTTP status.
        request_id: The server's id of the request.
        retry_after: Seconds that it asks to wait.
        should_retry: Its own word on whether to try again.
        rate_limit: The headers about limits.
        location: Where a redirect points.
        headers: All headers, with names in lower case.
    """

    status: int = 0
    request_id: str | None = None
    retry_after: float | None = None
    should_retry: bool | None = None
    rate_limit: dict[str, str] = field(default_factory=dict[str, str])
    location: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str], repr=False)

    @property
    def is_success(self) -> bool:
        """Whether an answer follows."""
        return 200 <= self.status < 300

    @property
    def is_redirect(self) -> bool:
        """Whether the server sends the request elsewhere."""
        return 300 <= self.status < 400


def parse_head(status: int, headers: Mapping[str, str], *, now: float) -> Head:
    """Read the head of a response.

    Args:
        status: The HTTP status.
        headers: Its headers, names in any case.
        now: The time, in seconds since 1970, for dates.

    Returns:
        The facts.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    ids = (lower[name] for name in _REQUEST_IDS if name in lower)
    return Head(
        status=status,
        request_id=next(ids, None),
        retry_after=parse_retry_after(lower, now=now),
        should_retry=_SHOULD_RETRY.get(lower.get("x-should-retry", "")),
        rate_limit={k: v for k, v in lower.items() if k.startswith(_RATE_LIMITS)},
        location=lower.get("location", ""),
        headers=lower,
    )


def same_origin(url: str, location: str) -> tuple[bool, httpx.URL]:
    """Where a redirect leads, and whether that is the same server.

    Args:
        url: The address that was asked.
        location: What the redirect says, absolute or relative.

    Returns:
        Whether scheme, host and port are the same, and the target.
    """
    source = httpx.URL(url)
    target = source.join(location)
    origins = [(part.scheme, part.host, part.port) for part in (source, target)]
    return origins[0] == origins[1], target
