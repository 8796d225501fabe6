"""The clocks of a synchronous read.

Strategy: httpcore takes the read timeout once when a body begins, but the wait for
the first token and the wait between tokens differ, and comments must not count. Its
documented ``network_stream`` is the connection itself; while a body is read, every
read on it asks the clocks how long it may wait. Where there is none (a transport
of the user's), the timeout of the request and a look after each read must do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from langchain_streamkit._http.exchange import Exchange

__all__ = ["SocketClock"]


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
        self._read: Callable[..., bytes] = getattr(self._stream, "read", _no_read)

    def __enter__(self) -> Self:
        if self._read is not _no_read and hasattr(self._stream, "__dict__"):
            self._stream.read = self._timed_read
        return self

    def __exit__(self, *_: object) -> None:
        if self._read is not _no_read:
            attributes: dict[str, Any] = vars(self._stream)
            attributes.pop("read", None)

    def _timed_read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self._exchange.read_seconds()
        if left is not None and (timeout is None or left < timeout):
            timeout = left
        return self._read(max_bytes, timeout=timeout)


def _no_read(*_: object, **__: object) -> bytes:
    """Stands where a transport has no connection to show."""
    return b""
