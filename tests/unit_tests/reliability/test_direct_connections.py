"""The connections below httpcore, and which of them serve again."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpcore
import httpx
import pytest

from langchain_streamkit._http import network, transport
from langchain_streamkit._http.network import AsyncioBackend
from langchain_streamkit._http.transport import DirectTransport

from .running import CERTIFICATE, server_tls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

pytestmark = pytest.mark.loopback

BIG = b"x" * 4_000_000
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Server:
    """A server of this loop: counts its connections, and ends with all of them."""

    def __init__(self, serve: Serve) -> None:
        self.serve = serve
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.port = 0

    async def handle(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        self.writers.append(writer)
        with suppress(OSError, asyncio.IncompleteReadError):  # the client has gone
            await self.serve(reader, writer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


@asynccontextmanager
async def serving(serve: Serve, **options: Any) -> AsyncIterator[Server]:
    server = Server(serve)
    opened = await asyncio.start_server(server.handle, "127.0.0.1", 0, **options)
    server.port = opened.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        opened.close()
        for writer in server.writers:
            writer.transport.abort()
        for _ in range(5):
            await asyncio.sleep(0)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await writer.wait_closed()


async def connect(server: Server, **more: Any) -> Any:
    return await AsyncioBackend().connect_tcp("127.0.0.1", server.port, **more)


async def read_all(stream: Any) -> bytes:
    data = b""
    while piece := await stream.read(65_536):
        data += piece
    return data


def client(**more: Any) -> httpx.AsyncClient:
    options: dict[str, Any] = {"max_idle": 2, "idle_seconds": 30.0, **more}
    return httpx.AsyncClient(transport=DirectTransport(ssl_context=None, **options))


# ── reading and writing ─────────────────────────────────────────────────────────


async def test_what_is_written_comes_back() -> None:
    async with serving(echo) as server:
        stream = await connect(server)
        await stream.write(b"")
        await stream.write(b"hello")
        assert await stream.read(2) == b"he"
        assert await stream.read(65_536, timeout=30) == b"llo"
        await stream.aclose()


async def test_little_is_read_ahead_of_the_reader() -> None:
    written = asyncio.Event()

    async def pour(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for start in range(0, len(BIG), 65_536):
            writer.write(BIG[start : start + 65_536])
            await writer.drain()
            written.set()
        writer.close()

    async with serving(pour) as server:
        stream = await connect(server)
        await written.wait()
        for _ in range(200):
            await asyncio.sleep(0)
        assert len(stream._buffer) <= network._READ_AHEAD + 256 * 1024  # one more read
        assert await read_all(stream) == BIG
        await stream.aclose()


async def test_a_read_that_waits_too_long_ends_and_the_next_can_wait() -> None:
    async with serving(echo) as server:
        stream = await connect(server)
        for seconds in (0.05, 0.01):
            with pytest.raises(httpcore.ReadTimeout):
                await stream.read(10, timeout=seconds)
        await stream.write(b"later")
        assert await stream.read(10, timeout=30) == b"later"
        with pytest.raises(httpcore.ReadTimeout):  # the timer was set for later
            await stream.read(10, timeout=0.01)
        await stream.aclose()
        assert stream._timer is None


async def test_a_cancelled_read_loses_nothing() -> None:
    async with serving(echo) as server:
        stream = await connect(server)
        reading = asyncio.create_task(stream.read(10, timeout=30))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading])
        assert reading.cancelled()
        await stream.write(b"still")
        assert await stream.read(10) == b"still"
        await stream.aclose()


async def test_a_write_that_nobody_takes_ends() -> None:
    async with serving(deaf, limit=1_024) as server:
        stream = await connect(server)
        with pytest.raises(httpcore.WriteTimeout):
            await stream.write(BIG * 4, timeout=0.05)
        await stream.aclose()


async def test_a_reset_comes_after_what_came_before_it() -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"before")
        await writer.drain()
        linger = b"\1\0\0\0\0\0\0\0"
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, linger
        )

    async with serving(reset) as server:
        stream = await connect(server)
        assert await stream.read(6) == b"before"
        server.writers[0].transport.abort()
        with pytest.raises(httpcore.ReadError) as raised:
            await stream.read(10)
        assert isinstance(raised.value.__cause__, ConnectionResetError)
        with pytest.raises(httpcore.WriteError):
            await stream.write(b"too late")
        await stream.aclose()


async def test_a_closed_connection_is_closed_at_once() -> None:
    async with serving(silent) as server:
        stream = await connect(server)
        opened = stream.get_extra_info("socket")
        reading = asyncio.create_task(stream.read(10))
        await asyncio.sleep(0)
        await stream.aclose()
        assert opened.fileno() < 0
        assert stream.get_extra_info("is_readable")
        with pytest.raises(httpcore.ReadError):
            await reading
        with pytest.raises(httpcore.WriteError):
            await stream.write(b"too late")
        await stream.aclose()


async def test_a_connection_says_what_it_is() -> None:
    async with serving(silent) as server:
        options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
        stream = await connect(
            server, local_address="127.0.0.1", socket_options=options
        )
        opened = stream.get_extra_info("socket")
        assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert stream.get_extra_info("server_addr") == ("127.0.0.1", server.port)
        assert stream.get_extra_info("client_addr") == opened.getsockname()
        assert stream.get_extra_info("ssl_object") is None
        assert stream.get_extra_info("anything") is None
        assert not stream.get_extra_info("is_readable")
        await stream.aclose()


@pytest.mark.skipif(
    not hasattr(asyncio, "start_unix_server"), reason="the system has no such sockets"
)
async def test_a_socket_of_this_machine_will_do(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    server = Server(echo)
    async with await asyncio.start_unix_server(server.handle, path):
        stream = await AsyncioBackend().connect_unix_socket(path, timeout=30)
        await stream.write(b"hello")
        assert await stream.read(10) == b"hello"
        await stream.aclose()
        server.writers[0].transport.abort()
        await asyncio.sleep(0)
    with pytest.raises(httpcore.ConnectError):
        await AsyncioBackend().connect_unix_socket(f"{path}-none")


# ── connecting ──────────────────────────────────────────────────────────────────


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    async def found(*_: Any, **__: Any) -> list[Any]:
        families = (
            socket.AF_INET6 if ":" in each else socket.AF_INET for each in addresses
        )
        return [
            (family, socket.SOCK_STREAM, 6, "", (each, 0))
            for family, each in zip(families, addresses, strict=True)
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)


class Connecting:
    """asyncio's own connecting, save that some addresses never answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, silent: str) -> None:
        loop = asyncio.get_running_loop()
        self.silent = silent
        self.tried: list[str] = []
        self.cancelled: list[str] = []
        self.connect = loop.create_connection
        monkeypatch.setattr(loop, "create_connection", self)

    async def __call__(self, factory: Any, host: str, port: int, **more: Any) -> Any:
        self.tried.append(host)
        if host != self.silent:
            resolved: Any = await self.connect(factory, "127.0.0.1", port)
            return resolved
        try:
            return await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.append(host)
            raise


async def test_the_next_address_is_tried_where_one_refuses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(echo) as server:
        resolve(monkeypatch, "127.0.0.2", "127.0.0.1")
        stream = await AsyncioBackend().connect_tcp("name.test", server.port)
        assert stream.get_extra_info("server_addr")[0] == "127.0.0.1"
        await stream.aclose()


async def test_an_address_that_never_answers_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network, "_NEXT_ADDRESS_SECONDS", 0.01)
    async with serving(echo) as server:
        connecting = Connecting(monkeypatch, silent="::1")
        resolve(monkeypatch, "::1", "::2", "127.0.0.1")
        stream = await AsyncioBackend().connect_tcp("name.test", server.port)
        await asyncio.sleep(0)
        assert connecting.tried == ["::1", "127.0.0.1"]  # the families in turn
        assert connecting.cancelled == ["::1"]
        await stream.aclose()


async def test_a_connection_that_comes_too_late_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(silent) as server:
        resolve(monkeypatch, "127.0.0.1")
        for turns in range(12):
            connecting = asyncio.create_task(
                AsyncioBackend().connect_tcp("name.test", server.port)
            )
            for _ in range(turns):
                await asyncio.sleep(0)
            connecting.cancel()
            await asyncio.wait([connecting])
            if not connecting.cancelled():
                await connecting.result().aclose()
        del connecting
        await (await connect(server)).aclose()  # the server has met all before it
        gc.collect()  # warns of a socket that was forgotten


async def test_where_nobody_listens_the_first_reason_is_told() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(httpcore.ConnectError) as raised:
            await AsyncioBackend().connect_tcp("127.0.0.1", unused.getsockname()[1])
    assert isinstance(raised.value.__cause__, ConnectionRefusedError)


async def test_connecting_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    connecting = Connecting(monkeypatch, silent="127.0.0.1")
    with pytest.raises(httpcore.ConnectTimeout):
        await AsyncioBackend().connect_tcp("127.0.0.1", 1, timeout=0.02)
    await asyncio.sleep(0)
    assert connecting.cancelled == ["127.0.0.1"]


# ── TLS ─────────────────────────────────────────────────────────────────────────


async def test_tls_carries_much_in_both_directions() -> None:
    async with serving(echo, ssl=server_tls()) as server:
        trusting = ssl.create_default_context(cafile=str(CERTIFICATE))
        plain = await connect(server)
        stream: Any = await plain.start_tls(trusting, "127.0.0.1", timeout=30)
        assert stream.get_extra_info("ssl_object").version().startswith("TLS")
        opened = stream.get_extra_info("socket")
        writing = asyncio.create_task(stream.write(BIG))
        data = b""
        while len(data) < len(BIG):
            data += await stream.read(65_536, timeout=30)
        await writing
        assert data == BIG
        await stream.aclose()
        assert opened.fileno() < 0


async def test_a_certificate_that_is_not_trusted_closes_the_connection() -> None:
    async with serving(silent, ssl=server_tls()) as server:
        plain = await connect(server)
        with pytest.raises(httpcore.ConnectError) as raised:
            await plain.start_tls(ssl.create_default_context(), "127.0.0.1")
        assert isinstance(raised.value.__cause__, ssl.SSLCertVerificationError)
        assert plain.get_extra_info("socket").fileno() < 0


async def test_a_handshake_is_bounded() -> None:
    async with serving(silent) as server:
        plain = await connect(server)
        with pytest.raises(httpcore.ConnectTimeout):
            await plain.start_tls(ssl.create_default_context(), "x", timeout=0.02)
        assert plain.get_extra_info("socket").fileno() < 0


# ── which connections serve again ───────────────────────────────────────────────


async def test_a_connection_serves_again() -> None:
    async with serving(answer) as server, client() as asking:
        for _ in range(3):
            assert (await asking.get(server.url)).text == "ok"
        assert server.connections == 1


async def test_a_connection_that_the_server_has_closed_does_not() -> None:
    async with serving(answer) as server, client() as asking:
        await asking.get(server.url)
        server.writers[0].transport.abort()
        await asyncio.sleep(0)
        assert (await asking.get(server.url)).text == "ok"
        assert server.connections == 2


async def test_no_more_are_kept_than_wanted() -> None:
    async with serving(answer) as server, client(max_idle=2) as asking:
        await asyncio.gather(*(asking.get(server.url) for _ in range(5)))
        direct: Any = asking._transport
        assert server.connections == 5
        assert len(direct._idle) == 2
        assert not direct._busy


async def test_what_has_been_idle_for_long_is_closed() -> None:
    async with serving(answer) as server, client(idle_seconds=-1.0) as asking:
        for _ in range(2):
            await asking.get(server.url)
        direct: Any = asking._transport
        assert server.connections == 2
        assert not direct._idle


async def test_closing_the_client_closes_what_is_in_use() -> None:
    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart")

    async with serving(begin) as server:
        asking = client()
        response = await asking.send(
            asking.build_request("GET", server.url), stream=True
        )
        opened = response.extensions["network_stream"].get_extra_info("socket")
        await asking.aclose()
        assert opened.fileno() < 0
        await response.aclose()
        await response.aclose()
        direct: Any = asking._transport
        assert not direct._busy
        assert not direct._idle


@pytest.mark.parametrize("turns", range(12))
async def test_a_request_cancelled_at_any_turn_leaves_no_connection(turns: int) -> None:
    async with serving(answer) as server, client() as asking:
        getting = asyncio.create_task(asking.get(server.url))
        for _ in range(turns):
            await asyncio.sleep(0)
        getting.cancel()
        await asyncio.wait([getting])
        assert (await asking.get(server.url)).text == "ok"
        direct: Any = asking._transport
        assert not direct._busy


def test_every_error_of_httpcore_has_its_name_in_httpx() -> None:
    def kinds(base: type[Exception]) -> set[type[Exception]]:
        return {base}.union(*map(kinds, base.__subclasses__()))

    raised = {
        kind
        for base in (httpcore.TimeoutException, httpcore.NetworkError)
        for kind in kinds(base) - {base}
    }
    assert raised <= set(transport._ERRORS)
    assert all(old.__name__ == new.__name__ for old, new in transport._ERRORS.items())
