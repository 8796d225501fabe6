"""Responses that are being read, and those that nobody will read to their end.

Strategy: a stream that was dropped may be closed by the garbage collector, at any
moment, even while this very thread holds the lock of httpcore's pool; to take that
lock again would be to wait for ever. So responses are held here while they are
read, which keeps the collector's hands off httpcore's own iterators; a response
that is left early has its socket closed, which needs no lock; and its pool hears of
it when the next call begins.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import httpx

__all__ = ["bury_abandoned", "reading"]

_open: dict[int, tuple[httpx.Response, Iterator[bytes]]] = {}
_abandoned: deque[tuple[httpx.Response, Iterator[bytes]]] = deque()


@contextmanager
def reading(response: httpx.Response) -> Generator[Iterator[bytes], None, None]:
    """Read a response: closed if it was read, its socket closed if it was left.

    Args:
        response: A streamed response.

    Yields:
        Its bytes, decompressed, as the reads come.
    """
    reads = response.iter_bytes()
    _open[id(response)] = (response, reads)
    try:
        yield reads
    except BaseException:
        stream: Any = response.extensions.get("network_stream")
        held = _open.pop(id(response))
        if hasattr(stream, "close"):
            stream.close()
            _abandoned.append(held)
        else:
            response.close()
        raise
    response.close()
    _open.pop(id(response), None)


def bury_abandoned() -> None:
    """Tell the pools of the responses that were left meanwhile."""
    while _abandoned:
        with suppress(IndexError):  # another thread was faster
            response, _ = _abandoned.popleft()
            response.close()
