"""The guard around unit tests holds, in both directions."""

from __future__ import annotations

import asyncio
import os
import socket
import threading

import pytest
from pytest_socket import SocketBlockedError, SocketConnectBlockedError

# The guard warns before it raises: also under `-W error` the error is what counts.
pytestmark = pytest.mark.filterwarnings("ignore:A test tried to use socket")

# An address of the documentation range (RFC 5737): nobody's machine.
ELSEWHERE = ("192.0.2.1", 80)


def serve_one_line(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"hello\n")


def test_sockets_are_refused() -> None:
    with pytest.raises(SocketBlockedError):
        socket.socket(socket.AF_INET, socket.SOCK_STREAM)


def test_sockets_are_refused_in_threads() -> None:
    caught: list[BaseException] = []

    def connect() -> None:
        try:
            socket.create_connection(("127.0.0.1", 9))
        except SocketBlockedError as error:
            caught.append(error)

    thread = threading.Thread(target=connect)
    thread.start()
    thread.join()
    assert len(caught) == 1


def test_names_are_not_resolved() -> None:
    with pytest.raises(SocketBlockedError):
        socket.getaddrinfo("example.com", 443)


async def test_event_loops_run_where_sockets_are_refused() -> None:
    assert await asyncio.to_thread(lambda: 1) == 1
    with pytest.raises(SocketBlockedError):
        await asyncio.open_connection("127.0.0.1", 9)


@pytest.mark.loopback
def test_marked_tests_reach_this_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve_one_line, args=(listener,))
        thread.start()
        with socket.create_connection(listener.getsockname()) as client:
            assert client.recv(16) == b"hello\n"
        thread.join()


@pytest.mark.loopback
async def test_marked_tests_reach_this_machine_with_asyncio() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b"hello\n"
        writer.close()
        await writer.wait_closed()


@pytest.mark.loopback
def test_marked_tests_reach_nothing_else() -> None:
    with pytest.raises(SocketConnectBlockedError):
        socket.create_connection(ELSEWHERE)


@pytest.mark.loopback
async def test_marked_tests_reach_nothing_else_with_asyncio() -> None:
    with pytest.raises(SocketConnectBlockedError):
        await asyncio.open_connection(*ELSEWHERE)


def test_the_fixture_allows_what_the_marker_allows(loopback: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
    with pytest.raises(SocketConnectBlockedError):
        socket.create_connection(ELSEWHERE)


def test_a_developers_keys_and_proxies_are_out_of_sight() -> None:
    telling = ("_API_KEY", "_PROXY", "OPENAI_", "LANGSMITH_", "STREAMKIT_")
    seen = [name for name in os.environ if any(t in name.upper() for t in telling)]
    assert seen == []
