"""A connection's bytes, plain or through TLS, on an event loop.

Strategy: the server owns its sockets, instead of handing them to asyncio's
transports, because then every ``send`` is one write to the kernel, nothing is
buffered in between, a client that does not read is noticed at once, and a forked
child can close its copies without touching the parent's event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ByteStream", "SocketStream", "TlsStream"]

_READ_BYTES = 64 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class ByteStream(Protocol):
    """What a connection needs to talk."""

    async def receive(self) -> bytes:
        """The next bytes of the client; empty once it has left."""
        ...

    async def send(self, data: bytes) -> None:
        """Write all of the data, waiting for a client that does not read."""
        ...

    def watch(self, on_data: Callable[[bytes], None]) -> None:
        """Report what comes in while an answer is written; empty once it left."""
        ...

    def unwatch(self) -> None:
        """Stop reporting."""
        ...

    def send_now(self, data: bytes) -> None:
        """Write what the system takes at once, and forget the rest."""
        ...

    def close(self, *, reset: bool = False) -> None:
        """End the connection, with a TCP reset if asked for."""
        ...


class SocketStream:
    """A plain TCP connection.

    Args:
        sock: An accepted, non-blocking socket.
        on_blocked: Called with True when a write has to wait for the client, and
            with False when it goes on.
    """

    def __init__(self, sock: socket.socket, on_blocked: Callable[[bool], None]) -> None:
        self._sock = sock
        self._on_blocked = on_blocked
        self._loop = asyncio.get_running_loop()
        self._watching = False

    async def receive(self) -> bytes:
        """The next bytes of the client; empty once it has left."""
        try:
            return await self._loop.sock_recv(self._sock, _READ_BYTES)
        except OSError:
            return b""

    async def send(self, data: bytes) -> None:
        """Write all of the data; raises OSError if the client has left."""
        view = memoryview(data)
        while view:
            try:
                sent = self._sock.send(view)
            except (BlockingIOError, InterruptedError):
                await self._writable()
            else:
                view = view[sent:]

    def send_now(self, data: bytes) -> None:
        """Write what the system takes at once, and forget the rest."""
        with contextlib.suppress(OSError):
            self._sock.send(data)

    async def _writable(self) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()
        self._on_blocked(True)
        self._loop.add_writer(self._sock, _finish, ready)
        try:
            await ready
        finally:
            self._loop.remove_writer(self._sock)
            self._on_blocked(False)

    def watch(self, on_data: Callable[[bytes], None]) -> None:
        """Report what comes in while an answer is written; empty once it left."""
        self._watching = True
        self._loop.add_reader(self._sock, self._on_readable, on_data)

    def unwatch(self) -> None:
        """Stop reporting."""
        if self._watching:
            self._watching = False
            self._loop.remove_reader(self._sock)

    def _on_readable(self, on_data: Callable[[bytes], None]) -> None:
        try:
            data = self._sock.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self.unwatch()
        on_data(data)

    def close(self, *, reset: bool = False) -> None:
        """End the connection; a second call does nothing."""
        if self._sock.fileno() < 0:
            return
        self.unwatch()
        with contextlib.suppress(OSError):
            if reset:
                self._sock.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE
                )
            else:
                self._sock.shutdown(socket.SHUT_WR)
        self._sock.close()


class TlsStream:
    """TLS over a plain stream, by the standard library's memory buffers.

    Args:
        plain: The connection below.
        context: The server's certificate and its settings.
        received: Bytes of the client that were read before.
    """

    def __init__(
        self, plain: ByteStream, context: ssl.SSLContext, received: bytes
    ) -> None:
        self._plain = plain
        self._incoming = ssl.MemoryBIO()
        self._incoming.write(received)
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    async def handshake(self) -> None:
        """Agree on keys.

        Raises:
            OSError: If the client does not want to, or leaves.
        """
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                data = await self._plain.receive()
                if not data:
                    message = "the client left during the TLS handshake"
                    raise ConnectionAbortedError(message) from None
                self._incoming.write(data)
            except ssl.SSLError:
                await self._flush()  # the alert that tells the client why
                raise
            else:
                return await self._flush()

    async def receive(self) -> bytes:
        """The next bytes of the client; empty once it has left."""
        while True:
            data = self._decrypt()
            if data is not None:
                return data
            data = await self._plain.receive()
            if not data:
                return b""
            self._incoming.write(data)

    async def send(self, data: bytes) -> None:
        """Encrypt and write; raises OSError if the client has left."""
        self._tls.write(data)
        await self._flush()

    def watch(self, on_data: Callable[[bytes], None]) -> None:
        """Report what comes in while an answer is written; empty once it left."""

        def on_ciphertext(data: bytes) -> None:
            self._incoming.write(data)
            plain = self._decrypt() if data else b""
            if plain is not None:
                on_data(plain)

        self._plain.watch(on_ciphertext)

    def unwatch(self) -> None:
        """Stop reporting."""
        self._plain.unwatch()

    def send_now(self, data: bytes) -> None:
        """Encrypt and write what the system takes at once."""
        with contextlib.suppress(OSError):
            self._tls.write(data)
        self._plain.send_now(self._outgoing.read())

    def close(self, *, reset: bool = False) -> None:
        """End the connection; unless it is reset, TLS says goodbye first."""
        if not reset:
            with contextlib.suppress(ssl.SSLError, OSError):
                self._tls.unwrap()
            self._plain.send_now(self._outgoing.read())
        self._plain.close(reset=reset)

    def _decrypt(self) -> bytes | None:
        try:
            return self._tls.read(_READ_BYTES)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLError:
            return b""

    async def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            await self._plain.send(data)


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
