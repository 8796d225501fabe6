"""What httpx raises becomes one of our errors.

Strategy: a table of httpx's classes, and one of words and causes for those that say
too little. A fault after content is an interrupted answer, whatever its kind; before
content it is a failed connection.
"""

from __future__ import annotations

import errno
import ssl
import zlib
from typing import TYPE_CHECKING

import httpx

from langchain_streamkit._resilience.resume import DivergedError
from langchain_streamkit._resilience.retry import final
from langchain_streamkit.errors import (
    AuthenticationError,
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

__all__ = [
    "PROXY_WANTS_PASSWORD",
    "how_it_broke",
    "proxy_refusal",
    "to_streamkit_error",
    "typed",
]

PROXY_WANTS_PASSWORD = 407

_RESET = (ConnectionResetError, BrokenPipeError)
_BROKEN_HTTP = "broken HTTP"
_UNTRUSTED = "TLS failed (the certificate is not trusted)"
_BY_WORDS = (
    (("reset",), "connection reset"),
    (("refused",), "connection refused"),
    (("peer closed", "disconnected", "incomplete"), "connection closed early"),
    (("certificate",), _UNTRUSTED),
    (("ssl",), "TLS failed"),
    (("name or service", "nodename", "resolve", "resolution"), "unknown host"),
)
_BY_CLASS: tuple[tuple[type[Exception], type[StreamKitError], str], ...] = (
    (
        httpx.ConnectTimeout,
        ConnectTimeoutError,
        (
            "timeout: no connection to {where} in time. Is the address right? "
            "timeout=httpx.Timeout(..., connect=...) sets the bound."
        ),
    ),
    (
        httpx.PoolTimeout,
        ConnectTimeoutError,
        (
            "timeout: no free connection to {where}: the http client's own limits are "
            "reached. Raise its max_connections."
        ),
    ),
    (
        httpx.WriteTimeout,
        ConnectTimeoutError,
        "timeout: {where} did not take the request in time; timeout= sets the bound.",
    ),
    (
        httpx.LocalProtocolError,
        ConfigurationError,
        (
            "A header of the request to {where} cannot be sent: it holds a line break "
            "or a control character."
        ),
    ),
)
# base_url was checked when it was given, so what is no address is a redirect's.
_NO_ADDRESS = (httpx.UnsupportedProtocol, httpx.InvalidURL)
_BAD_REDIRECT = (
    "{where} sends the request on to what is no http or https address. Set base_url "
    "to the right one."
)
_IS_IT_RUNNING = "Is the server running?"
_CERTIFICATE = (
    "Check the certificate; http_client= and http_async_client= take clients that "
    "trust others (httpx.Client(verify=...))."
)
_ADVICE = {
    "connection refused": "Is the server running, and is base_url right?",
    "unknown host": "Check the host in base_url.",
    "TLS failed": "Is it https that base_url should say?",
    _UNTRUSTED: _CERTIFICATE,
    _BROKEN_HTTP: "Check base_url: is it another port, or https?",
}


def typed(
    error: Exception, where: str, *, late: StreamKitError | None, has_content: bool
) -> StreamKitError | None:
    """The error that a caller sees for whatever ended an attempt.

    Args:
        error: What was raised in it.
        where: The server and the model.
        late: The error of a clock that has run out, or None.
        has_content: Whether content had come.

    Returns:
        An error of ours, not raised; None for what is no business of this package.
    """
    if isinstance(error, StreamKitError):
        return error
    if isinstance(error, DivergedError):
        return StreamInterruptedError(
            f"{where} was cut in the middle of its answer, and its next "
            "answer does not go on where the first one stopped."
        )
    if isinstance(error, httpx.HTTPError | httpx.InvalidURL | OSError | zlib.error):
        if late is not None and isinstance(error, httpx.TimeoutException):
            return late
        return to_streamkit_error(error, where, has_content=has_content)
    return None


def to_streamkit_error(
    error: httpx.HTTPError | httpx.InvalidURL | OSError | zlib.error,
    where: str,
    *,
    has_content: bool,
) -> StreamKitError:
    """The error that says what happened, where, and what to do.

    Args:
        error: What httpx, zlib or the operating system raised.
        where: The server and the model.
        has_content: Whether content had come.

    Returns:
        An error of ours, not raised.
    """
    is_timeout = isinstance(error, httpx.TimeoutException)
    if not (is_timeout and _is_refusal(error)):
        for kinds, cls, words in _BY_CLASS:
            if isinstance(error, kinds):
                return cls(words.format(where=where))
        if is_timeout:
            return _read_timeout(where, has_content=has_content)
    if isinstance(error, _NO_ADDRESS) or "location header" in str(error):
        return final(ConnectionFailedError(_BAD_REDIRECT.format(where=where)))
    if isinstance(error, httpx.DecodingError | zlib.error):
        return final(ProtocolError(f"{where} sent a body that cannot be decompressed."))
    if isinstance(error, httpx.ProxyError):
        is_locked = str(PROXY_WANTS_PASSWORD) in str(error)
        return proxy_refusal(PROXY_WANTS_PASSWORD if is_locked else None, where)
    return _broken_connection(how_it_broke(error), where, has_content=has_content)


def _broken_connection(how: str, where: str, *, has_content: bool) -> StreamKitError:
    if has_content:
        return StreamInterruptedError(
            f"{how}: {where} stopped in the middle of its answer. What had arrived "
            "is on this error's partial."
        )
    message = f"{how}: no answer from {where}. {_ADVICE.get(how, _IS_IT_RUNNING)}"
    if how == _BROKEN_HTTP:
        return ProtocolError(message)
    failed = ConnectionFailedError(message)
    return final(failed) if how == _UNTRUSTED else failed


def proxy_refusal(status: int | None, where: str) -> StreamKitError:
    """The error of a proxy that lets nothing through.

    Args:
        status: Its answer, if it is known.
        where: The server and the model behind it.

    Returns:
        An error of ours, not raised.
    """
    if status == PROXY_WANTS_PASSWORD:
        return AuthenticationError(
            f"The proxy on the way to {where} wants a user name and a password: put "
            "them into proxy=, or into the proxy's variable of the environment.",
            status_code=status,
        )
    return ConnectionFailedError(
        f"connection failed: the proxy on the way to {where} does not let it through."
    )


def _read_timeout(where: str, *, has_content: bool) -> StreamKitError:
    if has_content:
        return StallTimeoutError(
            f"timeout: {where} stalled: nothing came within the read part of timeout=."
        )
    return FirstTokenTimeoutError(
        f"timeout: {where} sent nothing within the read part of timeout=."
    )


def how_it_broke(error: BaseException) -> str:
    """What happened to a connection, in a few words.

    Args:
        error: What httpx or the operating system raised.

    Returns:
        For example ``"connection reset"``, ``"connection closed early"``.
    """
    words = str(error).lower()
    for cause in _causes(error):
        if isinstance(cause, _RESET) or getattr(cause, "errno", 0) == errno.ECONNRESET:
            return "connection reset"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _UNTRUSTED
        if isinstance(cause, ssl.SSLError):
            return "TLS failed"
    for phrases, how in _BY_WORDS:
        if any(phrase in words for phrase in phrases):
            return how
    if _is_refusal(error):
        return "connection refused"
    return (
        _BROKEN_HTTP
        if isinstance(error, httpx.RemoteProtocolError)
        else "connection failed"
    )


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
