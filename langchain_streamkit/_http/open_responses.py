"""Responses that are being read, and those that nobody will read to their end.

Strategy: a stream that was dropped may be closed by the garbage collector, at any
moment, even while this very thread holds the lock of httpcore's pool; to take that
lock again would be to wait for ever. So responses are held here while they are
read, which keeps the collector's hands off httpcore's own iterators; a response
that is left early has its socket closed, which needs no lock; and its pool hears of
it when the next call begins. The owner of the client is held as well, for it closes
the client, and takes the lock, when the collector finds it. A forked child closes its
copies of sockets and touches no lock of its parent, which may be taken for ever.
"""

from __future__ import annotations

import _thread
import os
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import httpx

__all__ = ["bury_abandoned", "reading"]


class _Held(NamedTuple):
    response: httpx.Response
    reads: Iterator[bytes]
    owner: object
    process: int


_open: dict[int, _Held] = {}
_abandoned: deque[_Held] = deque()
_inherited: list[_Held] = []
"""Responses of the parent process: kept, so that nobody collects them."""


@contextmanager
def reading(
    response: httpx.Response, owner: object
) -> Generator[Iterator[bytes], None, None]:
    """Read a response: closed if it was read, its socket closed if it was left.

    Args:
        response: A streamed response.
        owner: What closes the response's client when it is collected.

    Yields:
        Its bytes as they come, still compressed if the server did that.
    """
    reads = raw_bytes(response)
    held = _open[id(response)] = _Held(response, reads, owner, os.getpid())
    try:
        yield reads
    except BaseException:
        _open.pop(id(response), None)
        _leave(held)
        raise
    response.close()
    _open.pop(id(response), None)


def raw_bytes(response: httpx.Response) -> Iterator[bytes]:
    """The body as it comes, or what a hook of the user's client has read of it.

    Args:
        response: A streamed response; what was read before is decompressed, and its
            head says so no more.

    Returns:
        The reads.
    """
    if not response.is_stream_consumed:
        # httpx's own iterator closes at the end, and the connection may serve another
        # call before this one knows whether its answer was whole.
        return iter(cast("httpx.SyncByteStream", response.stream))
    response.headers.pop("content-encoding", None)
    return iter((response.content,))


def bury_abandoned() -> None:
    """Tell the pools of the responses that were left meanwhile."""
    while _abandoned:
        with suppress(IndexError):  # another thread was faster
            _abandoned.popleft().response.close()


def _leave(held: _Held) -> None:
    if held.response.is_closed:
        return  # read to its end: its connection may serve another call by now
    stream: Any = held.response.extensions.get("network_stream")
    if not hasattr(stream, "close"):
        held.response.close()
        return
    is_own = held.process == os.getpid()
    (_abandoned if is_own else _inherited).append(held)
    if held.response.http_version != "HTTP/2" or not is_own:
        stream.close()
        return
    # Others share the connection: the stream alone is ended, by a thread that holds
    # no lock.
    with suppress(RuntimeError):  # the interpreter ends
        _thread.start_new_thread(bury_abandoned, ())


def _let_go() -> None:
    _inherited.extend((*_open.values(), *_abandoned))
    _open.clear()
    _abandoned.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
