"""What httpx raises becomes one of our errors.

Strategy: a table of httpx's classes, the special before the general. A fault after
content is an interrupted answer, whatever its kind; before content it is a failed
connection.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import httpx

from langchain_streamkit.errors import (
    ConfigurationError,
    ConnectionFailedError,
    ConnectTimeoutError,
    FirstTokenTimeoutError,
    ProtocolError,
    StallTimeoutError,
    StreamInterruptedError,
    StreamKitError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["to_streamkit_error"]

_RESET = (ConnectionResetError, BrokenPipeError)
_CLOSED_EARLY = ("peer closed", "disconnected", "incomplete")


def to_streamkit_error(
    error: httpx.HTTPError | httpx.InvalidURL | OSError,
    where: str,
    *,
    has_content: bool,
) -> StreamKitError:
    """The error that says what happened, where, and what to do.

    Args:
        error: What httpx or the operating system raised.
        where: The server and the model.
        has_content: Whether content had come.

    Returns:
        An error of ours, not raised.
    """
    if isinstance(error, httpx.ConnectTimeout) and not _is_refusal(error):
        return ConnectTimeoutError(
            f"timeout: no connection to {where} in time. Is the address right? "
            "timeout=httpx.Timeout(..., connect=...) sets the bound."
        )
    if isinstance(error, httpx.PoolTimeout):
        return ConnectTimeoutError(
            f"timeout: no free connection to {where}: the http client's own limits "
            "are reached. Raise its max_connections."
        )
    if isinstance(error, httpx.WriteTimeout):
        return ConnectTimeoutError(
            f"timeout: {where} did not take the request in time; timeout= sets the "
            "bound."
        )
    if isinstance(error, httpx.TimeoutException) and not _is_refusal(error):
        return _read_timeout(where, has_content=has_content)
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return ConfigurationError(f"The address of {where} is no http or https URL.")
    if isinstance(error, httpx.DecodingError):
        return ProtocolError(
            f"{where} sent a compressed body that cannot be decompressed."
        )
    how = _how(error)
    if has_content:
        return StreamInterruptedError(
            f"{how}: {where} stopped in the middle of its answer. What had arrived "
            "is on this error's partial."
        )
    return ConnectionFailedError(f"{how}: no answer from {where}. {_advice(error)}")


def _read_timeout(where: str, *, has_content: bool) -> StreamKitError:
    if has_content:
        return StallTimeoutError(
            f"timeout: {where} stalled: nothing came within the read part of timeout=."
        )
    return FirstTokenTimeoutError(
        f"timeout: {where} sent nothing within the read part of timeout=."
    )


def _how(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, _RESET) or getattr(cause, "errno", 0) == errno.ECONNRESET:
            return "connection reset"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
    words = str(error).lower()
    if "reset" in words:
        return "connection reset"
    if "refused" in words or _is_refusal(error):
        return "connection refused"
    if any(phrase in words for phrase in _CLOSED_EARLY):
        return "connection closed early"
    if "certificate" in words or "ssl" in words:
        return "TLS failed"
    if "name or service" in words or "nodename" in words or "resolve" in words:
        return "unknown host"
    return "connection failed"


def _advice(error: BaseException) -> str:
    how = _how(error)
    return {
        "connection refused": "Is the server running, and is base_url right?",
        "unknown host": "Check the host in base_url.",
        "TLS failed": "Check the certificate, or give an http client of your own.",
    }.get(how, "Is the server running?")


def _is_refusal(error: BaseException) -> bool:
    """httpx-aiohttp reports a refused connection as a timeout of connecting."""
    return any(
        isinstance(cause, ConnectionRefusedError) or "Connect call failed" in str(cause)
        for cause in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
