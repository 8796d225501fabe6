"""Heads: what a request says, and a response: ids, limits, waits, where to go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from langchain_streamkit._http.content_coding import is_known_coding
from langchain_streamkit._resilience.retry import final
from langchain_streamkit._resilience.retry_after import parse_retry_after
from langchain_streamkit._version import __version__
from langchain_streamkit._wire.failures import clean_text
from langchain_streamkit.errors import ConnectionFailedError, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr

    from langchain_streamkit._http.endpoint import Endpoint

__all__ = [
    "Head",
    "check_readable",
    "parse_head",
    "redirect_target",
    "request_headers",
]

_REQUEST_IDS = ("x-request-id", "request-id", "x-generation-id", "x-ms-request-id")
_RATE_LIMITS = ("x-ratelimit-", "anthropic-ratelimit-", "ratelimit-")
_SHOULD_RETRY = {"true": True, "false": False}
_KEEPS_THE_REQUEST = frozenset({307, 308})
_WAITS = ("retry-after", "retry-after-ms")
_WITHOUT_BODY = frozenset({204, 205})
_MAX_REDIRECTS = 3


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
        coding: The content coding of the body.
        headers: All headers, with names in lower case.
    """

    status: int = 0
    request_id: str | None = None
    retry_after: float | None = None
    should_retry: bool | None = None
    rate_limit: dict[str, str] = field(default_factory=dict[str, str])
    location: str = ""
    coding: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str], repr=False)

    @property
    def is_success(self) -> bool:
        """Whether an answer follows."""
        return 200 <= self.status < 300

    @property
    def is_redirect(self) -> bool:
        """Whether the server sends the request elsewhere."""
        return 300 <= self.status < 400


def request_headers(
    endpoint: Endpoint, key: SecretStr | None, *, is_stream: bool
) -> dict[str, str]:
    """The headers of a request.

    Args:
        endpoint: Where it goes.
        key: The key, or None.
        is_stream: Whether the answer is wanted in pieces.

    Returns:
        Names in lower case; the user's own win.

    Raises:
        ConfigurationError: If the key cannot stand in a header.
    """
    return {
        "accept": "text/event-stream" if is_stream else "application/json",
        "accept-encoding": "identity" if is_stream else "gzip, deflate",
        "content-type": "application/json",
        "user-agent": f"langchain-streamkit/{__version__}",
        **endpoint.key_headers(key),
        **{name.lower(): value for name, value in endpoint.headers.items()},
    }


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
    # Every answer tells when its limits are reset; a wait is meant with a 429 only.
    waits = lower if status == 429 else {n: lower[n] for n in _WAITS if n in lower}
    return Head(
        status=status,
        request_id=next(ids, None),
        retry_after=parse_retry_after(waits, now=now),
        should_retry=_SHOULD_RETRY.get(lower.get("x-should-retry", "")),
        rate_limit={k: v for k, v in lower.items() if k.startswith(_RATE_LIMITS)},
        location=lower.get("location", ""),
        coding=lower.get("content-encoding", "").strip().lower(),
        headers=lower,
    )


def check_readable(head: Head, where: str) -> None:
    """Refuse an answer whose body says nothing, or cannot be unpacked.

    Args:
        head: A head with a status of success.
        where: The server and the model, for the message.

    Raises:
        ProtocolError: If it is one.
    """
    if head.status in _WITHOUT_BODY:
        message = (
            f"{where} answered {head.status}, which means that nothing follows. Check "
            "base_url."
        )
        raise final(ProtocolError(message))
    if not is_known_coding(head.coding):
        message = (
            f"{where} packed its answer as {clean_text(head.coding, 40)!r}, unasked. "
            "The request says 'identity': a proxy on the way may have changed that."
        )
        raise final(ProtocolError(message))


def redirect_target(url: str, head: Head, where: str, hops: int) -> str:
    """Where a redirect leads, if the same request may be sent there.

    Args:
        url: The address that was asked.
        head: What it answered.
        where: The server and the model, for the message.
        hops: How many redirects were followed before.

    Returns:
        An address of the same server.

    Raises:
        ConnectionFailedError: If it is another server, no address, or a redirect
            that would turn the request into another one.
    """
    source = httpx.URL(url)
    try:
        target = source.join(head.location) if head.location else None
    except httpx.InvalidURL:
        target = None
    why = "That is no address."
    place = "nowhere"
    if target is not None:
        if _origin(target) != _origin(source):
            why = "Requests carry a key and are not sent to another origin."
        elif hops >= _MAX_REDIRECTS:
            why = "There were too many redirects."
        elif head.status in _KEEPS_THE_REQUEST:
            return str(target)
        else:
            why = "Only 307 and 308 let a request be sent again as it is."
        place = f"{target.scheme}://{target.netloc.decode('ascii', 'replace')}"
        place = clean_text(place + target.path, 200)
    message = (
        f"{where} answered {head.status} and sends the request on to {place}. {why} "
        "Set base_url to the right address."
    )
    raise final(ConnectionFailedError(message, status_code=head.status))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
