"""One connection: requests in, steps out.

Strategy: one task a connection reads a request, asks the server for the response,
and takes the response's steps one by one. While it does so, the socket is watched:
a client that leaves cancels the task at whatever step it is, which is how ``Hang``
ends and how the time of a disconnect is known to the millisecond.
"""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from langchain_streamkit.testing._parser import BadRequestError, RequestParser
from langchain_streamkit.testing._sockets import SocketStream, TlsStream
from langchain_streamkit.testing.steps import (
    Close,
    Hang,
    Head,
    Hold,
    Raw,
    Reset,
    Response,
    Send,
    Wait,
    WaitUntil,
)

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Awaitable, Callable, Coroutine, Iterable

    from langchain_streamkit.testing._parser import ParsedRequest
    from langchain_streamkit.testing._sockets import ByteStream
    from langchain_streamkit.testing.requests import ReceivedRequest
    from langchain_streamkit.testing.steps import Step

__all__ = ["Connection"]

_MAX_PIPELINED_BYTES = 1024 * 1024
_SENDS_BETWEEN_TURNS = 16
_LINGER_SECONDS = 1.0

_T = TypeVar("_T")


class _EndedError(Exception):
    """The connection is over: by a step, or because the client has left."""


class Connection:
    """The conversation with one client.

    Args:
        sock: The accepted socket.
        begin: Makes the record of a request that has arrived.
        respond: Decides the answer to it.
        refuse: Makes the answer to bytes that are no request.
    """

    def __init__(
        self,
        sock: socket.socket,
        begin: Callable[[ParsedRequest], ReceivedRequest],
        respond: Callable[[ReceivedRequest], Awaitable[Response]],
        refuse: Callable[[BadRequestError], Response],
    ) -> None:
        self._stream: ByteStream = SocketStream(sock, self._on_blocked)
        self._begin = begin
        self._respond = respond
        self._refuse = refuse
        self._parser = RequestParser()
        self._request: ReceivedRequest | None = None
        self._sends = 0
        self._asked_at = 0.0

    def _on_blocked(self, blocked: bool) -> None:
        if self._request is not None:
            self._request.blocked = blocked
            self._request.signal.changed()

    async def open(self, steps: Iterable[Step], tls: ssl.SSLContext | None) -> bool:
        """Take the steps that come before any request, then speak TLS if asked to.

        Returns:
            False if the connection ended meanwhile.
        """
        try:
            await self._until_gone(self._play(Response(steps, framing="raw")))
            if tls is not None:
                secured = TlsStream(self._stream, tls, self._parser.take_rest())
                await secured.handshake()
                self._stream = secured
        except (_EndedError, OSError):
            return False
        return True

    async def serve(self) -> None:
        """Answer one request after another, until one side has enough."""
        try:
            while await self._serve_one():
                pass
        except BadRequestError as error:
            await self._complain(error)

    async def _serve_one(self) -> bool:
        while (parsed := self._parser.next_request()) is None:
            data = await self._stream.receive()
            if not data:
                return False
            self._parser.feed(data)
        self._asked_at = time.monotonic()
        request = self._begin(parsed)
        self._request = request
        try:
            return await self._until_gone(self._answer(request, parsed.keep_alive))
        except _EndedError:
            request.disconnected_at = time.monotonic()
            return False
        finally:
            self._request = None
            request.signal.changed()

    async def _answer(self, request: ReceivedRequest, keep_alive: bool) -> bool:
        response = await self._respond(request)
        request.status = response.status
        ends = response.framing in {"close", "raw"} or any(
            name.lower() == "connection" and value.lower() == "close"
            for name, value in response.headers
        )
        await self._play(response)
        request.finished_at = time.monotonic()
        return keep_alive and not ends

    async def _until_gone(self, work: Coroutine[None, None, _T]) -> _T:
        """Do the work unless the client leaves; then stop it at its next wait."""
        task = asyncio.current_task()
        gone = False

        def on_data(data: bytes) -> None:
            nonlocal gone
            if not data:
                gone = True
                if task is not None:
                    task.cancel()
                return
            self._parser.feed(data)
            if self._parser.pending > _MAX_PIPELINED_BYTES:
                self._stream.unwatch()

        self._stream.watch(on_data)
        try:
            return await work
        except asyncio.CancelledError:
            if not gone:
                raise
            if task is not None:
                task.uncancel()
            raise _EndedError from None
        except OSError:
            raise _EndedError from None
        finally:
            self._stream.unwatch()

    async def _play(self, response: Response) -> None:
        chunked = response.framing == "chunked"
        try:
            for step in response.steps:
                await self._take(step, response, chunked=chunked)
        except (_EndedError, OSError):
            raise
        except Exception as error:  # a callable of the test, run by a step
            if self._request is not None:
                self._request.error = error
            self._stream.close()
            raise _EndedError from error
        if chunked:
            await self._write(b"0\r\n\r\n")

    async def _take(self, step: Step, response: Response, *, chunked: bool) -> None:
        match step:
            case Send(data) if chunked:
                if data:
                    await self._write(b"%x\r\n%b\r\n" % (len(data), data))
            case Send(data) | Raw(data):
                await self._write(data)
            case Head():
                if response.framing != "raw":
                    await self._write(_head(response))
            case Wait() | WaitUntil():
                await asyncio.sleep(self._seconds_of(step))
            case Hold(gate):
                await gate.passed()
            case Hang():
                await asyncio.get_running_loop().create_future()
            case Reset() | Close():
                self._stream.close(reset=isinstance(step, Reset))
                raise _EndedError

    def _seconds_of(self, step: Wait | WaitUntil) -> float:
        if isinstance(step, Wait):
            return step.seconds
        return self._asked_at + step.seconds - time.monotonic()

    async def _write(self, data: bytes) -> None:
        await self._stream.send(data)
        request = self._request
        if request is not None:
            if request.first_byte_at is None:
                request.first_byte_at = time.monotonic()
            request.bytes_written += len(data)
        self._sends += 1
        if self._sends % _SENDS_BETWEEN_TURNS == 0:
            await asyncio.sleep(0)  # so that other streams, and leavers, have a turn

    async def _complain(self, error: BadRequestError) -> None:
        """Refuse, then read what still comes: closing at once would reset."""
        try:
            await self._play(self._refuse(error))
            async with asyncio.timeout(_LINGER_SECONDS):
                while await self._stream.receive():
                    pass
        except (OSError, TimeoutError, _EndedError):
            pass


def _head(response: Response) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {_reason(response.status)}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    if response.framing == "chunked":
        lines.append("transfer-encoding: chunked")
    if response.framing == "close":
        lines.append("connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
