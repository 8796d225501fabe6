"""The asynchronous transport of the clients that this package makes itself.

Strategy: a model asks one server, so a pool has little to decide: the connection that
was used last serves again, or a new one is opened. httpcore's pool looks through all
connections whenever a response ends, and for each idle one through all of them again,
which is a tenth of the cost of a hundred streams; here an end costs the same however
many there are. Everything of HTTP is httpcore's: its connections, its requests, its
errors, which get httpx's names. Proxies are not for this: httpx's own transport has
them.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import anyio
import httpcore
import httpx
from typing_extensions import override

from langchain_streamkit._http.network import AsyncioBackend

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, AsyncIterable, Generator

__all__ = ["DirectTransport"]

_ERRORS: dict[type[Exception], type[httpx.TransportError]] = {
    getattr(httpcore, name): getattr(httpx, name)
    for name in (
        *("ConnectTimeout", "ReadTimeout", "WriteTimeout", "PoolTimeout"),
        *("ConnectError", "ReadError", "WriteError"),
        *("LocalProtocolError", "RemoteProtocolError", "UnsupportedProtocol"),
    )
}


class DirectTransport(httpx.AsyncBaseTransport):
    """Sends requests straight to their server, over HTTP/1.1.

    Args:
        ssl_context: What https goes by; None if there will be none.
        max_idle: How many connections are kept for the next requests.
        idle_seconds: For how long they are.
    """

    def __init__(
        self, *, ssl_context: ssl.SSLContext | None, max_idle: int, idle_seconds: float
    ) -> None:
        self._ssl_context = ssl_context
        self._max_idle = max_idle
        self._idle_seconds = idle_seconds
        self._network = AsyncioBackend()
        self._busy: set[httpcore.AsyncHTTPConnection] = set()
        self._idle: deque[httpcore.AsyncHTTPConnection] = deque()

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; see httpx's ``AsyncBaseTransport``."""
        url = request.url
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=url.raw_scheme,
                host=url.raw_host,
                port=url.port,
                target=url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        connection = await self._idle_connection(asked.url.origin)
        if connection is None:
            connection = httpcore.AsyncHTTPConnection(
                asked.url.origin,
                ssl_context=self._ssl_context,
                keepalive_expiry=self._idle_seconds,
                network_backend=self._network,
            )
        self._busy.add(connection)
        response: Any  # httpcore leaves its extensions without a type
        try:
            with _errors_of_httpx():
                response = await connection.handle_async_request(asked)
        except BaseException:
            self._busy.discard(connection)
            await _close(connection)
            raise
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_Body(self, connection, response),
            extensions=response.extensions,
        )

    @override
    async def aclose(self) -> None:
        """Close all connections, also those in use."""
        for connections in (self._idle, self._busy):
            while connections:
                await _close(connections.pop())

    async def release(self, connection: httpcore.AsyncHTTPConnection) -> None:
        """Keep a connection for the next request, if it can serve one.

        Args:
            connection: Its response was closed.
        """
        is_open = connection in self._busy
        self._busy.discard(connection)
        if not (is_open and connection.is_idle()):
            await _close(connection)
            return
        self._idle.append(connection)
        while self._idle and (
            len(self._idle) > self._max_idle or self._idle[0].has_expired()
        ):
            await _close(self._idle.popleft())

    async def _idle_connection(
        self, origin: httpcore.Origin
    ) -> httpcore.AsyncHTTPConnection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.can_handle_request(origin) and not connection.has_expired():
                return connection
            await _close(connection)
        return None


class _Body(httpx.AsyncByteStream):
    """A response's body, whose closing frees its connection."""

    def __init__(
        self,
        transport: DirectTransport,
        connection: httpcore.AsyncHTTPConnection,
        response: httpcore.Response,
    ) -> None:
        self._transport = transport
        self._connection: httpcore.AsyncHTTPConnection | None = connection
        self._response = response

    @override
    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        with _errors_of_httpx():
            async for data in cast("AsyncIterable[bytes]", self._response.stream):
                yield data

    @override
    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with anyio.CancelScope(shield=True):
                await self._response.aclose()
                await self._transport.release(connection)


async def _close(connection: httpcore.AsyncHTTPConnection) -> None:
    with anyio.CancelScope(shield=True):
        await connection.aclose()


@contextmanager
def _errors_of_httpx() -> Generator[None, None, None]:
    try:
        yield
    except tuple(_ERRORS) as error:
        raise _ERRORS[type(error)](str(error)) from error
