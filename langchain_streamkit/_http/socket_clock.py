"""The clocks of a synchronous read.

Strategy: httpcore takes a read timeout when it begins to wait for the head, and one
when a body begins; a server that sends a byte now and then outlasts both, and the
first token and a stall have clocks of their own. httpcore's documented
``network_stream`` is the connection itself, and its ``trace`` tells of each new one.
So every read on it asks the clocks how long it may wait: while the head is awaited
those of the call that this thread waits for, while a body is read those of its own
call. Where there is none (a transport of the user's), or where streams share it
(HTTP/2), the timeout of the request and a look after each read must do.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    import httpx

    from langchain_streamkit._http.exchange import Exchange

__all__ = ["SocketClock", "awaiting_head", "watch_connections"]

_waiting = threading.local()


@contextmanager
def awaiting_head(exchange: Exchange) -> Generator[None, None, None]:
    """Bound the reads of this thread, on connections that are watched.

    Args:
        exchange: The call whose head is awaited.
    """
    before: Exchange | None = getattr(_waiting, "exchange", None)
    _waiting.exchange = exchange
    try:
        yield
    finally:
        _waiting.exchange = before


def watch_connections(name: str, info: Mapping[str, Any]) -> None:
    """Watch a connection that was opened: httpcore's ``trace``.

    Args:
        name: What has happened.
        info: The connection is its ``return_value``.
    """
    stream: Any = info.get("return_value")
    opened = name.endswith(("connect_tcp.complete", "start_tls.complete"))
    if opened and hasattr(stream, "__dict__"):
        stream.read = partial(_read_head, stream.read)


def _read_head(
    read: Callable[..., bytes], max_bytes: int, timeout: float | None = None
) -> bytes:
    exchange: Exchange | None = getattr(_waiting, "exchange", None)
    if exchange is not None:
        exchange.status.let_interrupt(getattr(read, "__self__", None))
        timeout = exchange.read_seconds()
    return read(max_bytes, timeout=timeout)


class SocketClock:
    """Bounds the reads of one response while it is entered.

    Args:
        exchange: The call, whose clocks say how long a read may take.
        response: The response that is read.
    """

    __slots__ = ("_exchange", "_read", "_stream")

    def __init__(self, exchange: Exchange, response: httpx.Response) -> None:
        self._exchange = exchange
        self._stream: Any = response.extensions.get("network_stream")
        self._read: Callable[..., bytes] | None = None
        if response.http_version != "HTTP/2" and hasattr(self._stream, "__dict__"):
            self._read = getattr(self._stream, "read", None)

    def __enter__(self) -> Self:
        if self._read is not None:
            self._exchange.status.let_interrupt(self._stream)
            self._stream.read = self._timed_read
        return self

    def __exit__(self, *_: object) -> None:
        if self._read is not None:
            self._exchange.status.end_interrupt()
            self._stream.read = self._read

    def _timed_read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout  # it is the one that the head was awaited with
        read = self._read
        return read(max_bytes, timeout=self._exchange.read_seconds()) if read else b""
