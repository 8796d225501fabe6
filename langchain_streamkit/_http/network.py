"""httpcore's asynchronous connections, straight on asyncio's own transports.

Strategy: httpcore reads through anyio, which pauses the socket after every read and
enters a cancel scope for the next: two system calls and a dozen objects for each frame
of a stream that is written slowly. Here the socket is read as data comes, into a buffer
that readers take from; it pauses only where more than a read lies there. A read that
waits is one future, and all reads of a connection share one timer. Addresses are tried
side by side, each by asyncio, and whatever loses, or comes too late, is closed.
httpcore's documented ``network_backend`` takes this in.
"""

from __future__ import annotations

import asyncio
import select
import socket
from contextlib import asynccontextmanager
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, cast

import httpcore
from typing_extensions import override

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Iterable

__all__ = ["AsyncioBackend"]

_READ_AHEAD = 64 * 1024
_NEXT_ADDRESS_SECONDS = 0.25
_LONGEST_HANDSHAKE = 3600.0
"""asyncio would end a handshake after a minute; ``timeout`` bounds it here."""
_EXTRA_INFO = {
    "client_addr": "sockname",
    "server_addr": "peername",
    "socket": "socket",
    "ssl_object": "ssl_object",
}


class AsyncioBackend(httpcore.AsyncNetworkBackend):
    """Opens connections of the running event loop, which must be asyncio's."""

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a host; see httpcore's ``AsyncNetworkBackend``."""
        async with _connecting(timeout):
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(each[4][0] for each in _alternating(found)))
            local = (local_address, 0) if local_address else None
            stream = await _first(addresses, port, local)
        stream.set_options(socket_options)
        return stream

    @override
    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a socket of this machine."""
        async with _connecting(timeout):
            loop = asyncio.get_running_loop()
            _, stream = await loop.create_unix_connection(_Stream, path)
        stream.set_options(socket_options)
        return stream

    @override
    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class _Stream(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """One connection: first what asyncio tells it, then what httpcore asks of it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._is_paused = self._is_over = self._is_closed = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._read_until: float | None = None
        self._can_write = True

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        # A write ends when it is written. Not 0: at that TLS never says so.
        self._transport.set_write_buffer_limits(1, 0)
        self._pause_if_full()

    @override
    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._pause_if_full()
        _wake(self._reader)

    @override
    def eof_received(self) -> None:
        self._is_over = True
        _wake(self._reader)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._is_over = True
        self._error = exc
        _wake(self._reader)
        _wake(self._writer)

    @override
    def pause_writing(self) -> None:
        self._can_write = False

    @override
    def resume_writing(self) -> None:
        self._can_write = True
        _wake(self._writer)

    @override
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        buffer = self._buffer
        if buffer or self._is_over:
            await asyncio.sleep(0)  # others have their turn, a cancellation its moment
        else:
            await self._wait_for_data(timeout)
        if not buffer:
            if self._is_closed:
                raise httpcore.ReadError("The connection was closed.")
            if self._error is not None:
                raise httpcore.ReadError(str(self._error)) from self._error
            return b""
        data = bytes(buffer[:max_bytes])
        del buffer[:max_bytes]
        if self._is_paused and len(buffer) <= _READ_AHEAD:
            self._is_paused = False
            self._open_transport().resume_reading()
        return data

    @override
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        transport = self._open_transport()
        if not buffer:
            return
        if transport.is_closing():
            raise httpcore.WriteError("The connection was closed.") from self._error
        transport.write(buffer)
        if self._can_write:
            return
        self._writer = self._loop.create_future()
        try:
            async with asyncio.timeout(timeout):
                await self._writer
        except TimeoutError as error:
            raise httpcore.WriteTimeout from error
        if not self._can_write:
            raise httpcore.WriteError(str(self._error)) from self._error

    @override
    async def aclose(self) -> None:
        self._is_closed = self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._open_transport().abort()
        await asyncio.sleep(0)  # asyncio closes the socket in its next turn

    @override
    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        stream = _Stream()
        try:
            async with _connecting(timeout):
                transport = await self._loop.start_tls(
                    self._open_transport(),
                    stream,
                    ssl_context,
                    server_hostname=server_hostname,
                    ssl_handshake_timeout=_LONGEST_HANDSHAKE,
                )
                if transport is None:
                    raise ConnectionResetError("closed in the handshake")
        except BaseException:
            await self.aclose()
            raise
        stream.connection_made(transport)
        return stream

    @override
    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._is_over or bool(self._buffer) or self._has_pending_data()
        name = _EXTRA_INFO.get(info)
        return self._open_transport().get_extra_info(name) if name else None

    def set_options(self, options: Iterable[Any] | None) -> None:
        for option in options or ():
            self.get_extra_info("socket").setsockopt(*option)

    def _open_transport(self) -> asyncio.Transport:
        if self._transport is None:
            raise httpcore.ReadError("The connection was never open.")
        return self._transport

    def _pause_if_full(self) -> None:
        if len(self._buffer) > _READ_AHEAD and not self._is_paused and self._transport:
            self._is_paused = True
            self._transport.pause_reading()

    def _has_pending_data(self) -> bool:
        """Whether the system has what a loop that did not run has not read."""
        opened: socket.socket | None = self.get_extra_info("socket")
        if opened is None or opened.fileno() < 0:
            return True
        if not hasattr(select, "poll"):  # Windows
            return bool(select.select([opened], [], [], 0)[0])
        poll = select.poll()
        poll.register(opened, select.POLLIN)
        return bool(poll.poll(0))

    async def _wait_for_data(self, seconds: float | None) -> None:
        self._reader = self._loop.create_future()
        if seconds is not None:
            self._read_until = self._loop.time() + seconds
            if self._timer is None or self._read_until < self._timer.when():
                self._set_timer(self._read_until)
        try:
            await self._reader
        finally:
            self._reader = self._read_until = None

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._ring)

    def _ring(self) -> None:
        """A read has waited for too long, or its successor waits since a while."""
        self._timer = None
        if self._reader is None or self._read_until is None or self._reader.done():
            return
        if self._read_until > self._loop.time():
            self._set_timer(self._read_until)
        else:
            self._reader.set_exception(httpcore.ReadTimeout())


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)


def _alternating(found: list[Any]) -> Iterable[Any]:
    """The addresses of both families in turn: one of them may lead nowhere."""
    family = found[0][0]
    preferred = [each for each in found if each[0] == family]
    others = [each for each in found if each[0] != family]
    return filter(None, chain.from_iterable(zip_longest(preferred, others)))


async def _first(
    addresses: list[str], port: int, local: tuple[str, int] | None
) -> _Stream:
    """Connect to the first address that answers; the next has a turn soon."""
    loop = asyncio.get_running_loop()
    opening: list[asyncio.Task[tuple[Any, _Stream]]] = []
    failures: list[BaseException] = []
    chosen: asyncio.Task[tuple[Any, _Stream]] | None = None
    left = iter(addresses)
    pending: set[asyncio.Task[tuple[Any, _Stream]]] = set()
    try:
        while True:
            address = next(left, None)
            if address is not None:
                made = loop.create_connection(_Stream, address, port, local_addr=local)
                opening.append(loop.create_task(made))
                pending.add(opening[-1])
            elif not pending:
                raise failures[0]
            done, pending = await asyncio.wait(
                pending,
                timeout=None if address is None else _NEXT_ADDRESS_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                error = task.exception()
                if error is None:
                    chosen = task
                    return task.result()[1]
                failures.append(error)
    finally:
        for task in opening:
            if task is not chosen:
                task.cancel()
                task.add_done_callback(_abort)


def _abort(task: asyncio.Task[tuple[Any, _Stream]]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result()[0].abort()


@asynccontextmanager
async def _connecting(seconds: float | None) -> AsyncGenerator[None, None]:
    """Bound what connects, and raise httpcore's errors."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(str(error)) from error
    except OSError as error:  # also socket.gaierror and ssl.SSLError
        raise httpcore.ConnectError(str(error)) from error
