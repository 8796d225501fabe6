"""A network in memory, where httpcore would open sockets.

Strategy: a peer lays out what the server sends and knows when each piece is due; two
thin twins wait for it, one by the event loop and one by moving the clock. Everything
that httpx, httpcore and h11 do above is the real thing.
"""

from __future__ import annotations

import asyncio
import json
import math
from typing import TYPE_CHECKING, Any

import httpcore

from .loop import HungError
from .server import FIN, RESET, Piece, Served, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .world import World

__all__ = ["AsyncNetwork", "Network", "Peer"]

_HEAD_END = b"\r\n\r\n"


class Peer:
    """The server's side of one connection.

    Args:
        world: Where it is.
        served: The request that the connection was opened for.
    """

    def __init__(self, world: World, served: Served) -> None:
        self.world = world
        self.served: Served = served
        self.is_open = True
        self._pieces: Iterator[Piece] | None = None
        self._received = b""
        self._data = b""
        self._end = b""
        self._due = 0.0

    @property
    def is_between_requests(self) -> bool:
        """Whether all of the last response was read, and the server keeps it open."""
        ends = self.served.ends
        is_whole = bool(ends) and ends[-1][2] == "end"
        return is_whole and self.served.read >= self.served.sent and not self._end

    def receive(self, data: bytes) -> None:
        """Take what the client writes; a whole request begins the answer."""
        if not data:
            return  # the end of a body is an empty write
        if self._pieces is not None and not self._received:
            self.served = self.world.begin_request()
            self._pieces = None
        if self.served.attempt.fault == "reset_while_writing":
            raise httpcore.WriteError("reset") from ConnectionResetError()
        self._received += data
        head, found, body = self._received.partition(_HEAD_END)
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if not found or len(body) < int(length):
            return
        self._received = b""
        self.served.asked = json.loads(body)
        self.world.note("asked", self.served.asked)
        self._pieces = serve(self.world.script, self.served)
        self._due = self.world.clock.now
        self._next()

    def due_in(self) -> float:
        """Seconds until a read would not wait; infinity for never."""
        if not self.is_open:
            return 0.0
        return max(0.0, self._due - self.world.clock.now)

    def take(self, max_bytes: int) -> bytes:
        """What there is to read."""
        if not self.is_open:
            raise httpcore.ReadError("closed")
        if self._end == RESET:
            raise httpcore.ReadError("reset") from ConnectionResetError()
        if self._end == FIN:
            return b""
        size = min(max_bytes, self.served.attempt.reads)
        data, self._data = self._data[:size], self._data[size:]
        self.world.read(self.served, data)
        if not self._data:
            self._next()
        if self.is_between_requests:
            self.world.end(self.served)
        return data

    def close(self) -> None:
        """The client closes the connection."""
        if self.is_open:
            self.is_open = False
            self.world.note("closed")
            self.world.end(self.served)

    def _next(self) -> None:
        piece = next(self._pieces, None) if self._pieces is not None else None
        if piece is None:
            self._due = math.inf
            return
        self._due += piece.delay
        is_end = piece.data in {FIN, RESET}
        self._end, self._data = (piece.data, b"") if is_end else (b"", piece.data)


class _Stream:
    """What both kinds of connection have."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def get_extra_info(self, info: str) -> Any:
        """Whether an idle connection was closed by the server is all that is asked."""
        return self._peer.due_in() == 0 if info == "is_readable" else None


class _SyncStream(_Stream, httpcore.NetworkStream):
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        world = self._peer.world
        world.step()
        seconds = self._peer.due_in()
        if timeout is not None and seconds > timeout:
            world.clock.wait(timeout)
            raise httpcore.ReadTimeout("read")
        if seconds == math.inf or world.is_too_late:
            raise HungError("a read without a bound")
        world.clock.wait(seconds)
        return self._peer.take(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._peer.world.step()
        self._peer.receive(buffer)

    def close(self) -> None:
        self._peer.close()


class _AsyncStream(_Stream, httpcore.AsyncNetworkStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        seconds = self._peer.due_in()
        if timeout is not None and seconds > timeout:
            await asyncio.sleep(timeout)
            raise httpcore.ReadTimeout("read")
        if seconds == math.inf:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(seconds)
        return self._peer.take(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await asyncio.sleep(0)
        self._peer.receive(buffer)

    async def aclose(self) -> None:
        self._peer.close()  # anyio closes first, and then waits
        for _ in range(self._peer.served.attempt.closing_turns):
            await asyncio.sleep(0)


class Network(httpcore.NetworkBackend):
    """Opens connections that wait by moving the clock."""

    def __init__(self, world: World) -> None:
        self._world = world

    def connect_tcp(self, *_: Any, timeout: float | None = None, **__: Any) -> Any:
        self._world.step()
        served = self._world.begin_request()
        if served.attempt.fault == "connect_for_ever":
            if timeout is None:
                raise HungError("connecting without a bound")
            self._world.clock.wait(timeout)
            raise self._world.refuse(served, httpcore.ConnectTimeout("connect"))
        if served.attempt.fault == "refuse_connection":
            raise self._world.refuse(served, httpcore.ConnectError("refused"))
        return _SyncStream(self._world.new_peer(served))


class AsyncNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections that wait by the event loop."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def connect_tcp(
        self, *_: Any, timeout: float | None = None, **__: Any
    ) -> Any:
        served = self._world.begin_request()
        try:
            await asyncio.sleep(0)
            if served.attempt.fault == "connect_for_ever":
                await asyncio.sleep(math.inf if timeout is None else timeout)
        except asyncio.CancelledError:
            self._world.end(served)
            raise
        if served.attempt.fault == "connect_for_ever":
            raise self._world.refuse(served, httpcore.ConnectTimeout("connect"))
        if served.attempt.fault == "refuse_connection":
            raise self._world.refuse(served, httpcore.ConnectError("refused"))
        return _AsyncStream(self._world.new_peer(served))
