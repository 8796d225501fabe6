"""Connections under load, without readers, over TLS, in forks, at the end."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import socket
import ssl
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import httpx
import pytest

from langchain_streamkit.testing import (
    FakeServer,
    Gate,
    Hang,
    Hold,
    Raw,
    Reply,
    Reset,
    Send,
    Stall,
    unreachable,
)
from tests.unit_tests.testing.fake_server_client import (
    ask,
    body,
    message,
    raw_connection,
    read_until,
    request_bytes,
)

pytestmark = pytest.mark.loopback

CERTIFICATE = Path(__file__).parent / "localhost.pem"
STREAMS = 1000


# ── clients that leave, or do not read ──────────────────────────────────────────


def test_a_client_that_leaves_is_noticed_at_once() -> None:
    with FakeServer([Reply("a b", faults=[Stall(after_frames=1)])]) as server:
        with raw_connection(server) as sock:
            sock.sendall(request_bytes())
            read_until(sock, b"data: ")
        left = time.monotonic()
        request = server.requests[0]
        assert request.wait_disconnected()
        assert request.disconnected_at is not None
        assert request.disconnected_at - left < 0.5
        assert request.finished_at is None
        assert "disconnected" in repr(request)
        assert server.wait_connections(0)
        assert server.wait_idle()


@pytest.mark.parametrize("step", [Hang(), Hold(Gate())])
def test_a_client_may_reset(step) -> None:
    with FakeServer([Reply.script(Send(b"~"), step)]) as server:
        with raw_connection(server) as sock:
            sock.sendall(request_bytes())
            read_until(sock, b"~")
            linger = b"\1\0\0\0\0\0\0\0"
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        assert server.requests[0].wait_disconnected()


def test_a_client_that_leaves_during_its_request_is_no_request() -> None:
    with FakeServer() as server:
        with raw_connection(server) as sock:
            sock.sendall(request_bytes()[:-5])
            assert server.wait_connections(1)
        assert server.wait_connections(0)
        assert server.requests == []
        assert ask(server).status_code == 200


def test_a_client_that_does_not_read_stops_the_writing() -> None:
    script = Reply.script(*[Send(b"x" * 10_000)] * 10_000)
    with FakeServer([script], send_buffer=16_384) as server:
        with raw_connection(server) as sock:
            sock.sendall(request_bytes())
            assert server.wait_requests(1)
            request = server.requests[0]
            assert request.wait_blocked()
            written = request.bytes_written
            assert 0 < written < 50_000_000
            received = 0
            while received < written + 1_000_000:
                received += len(sock.recv(1_000_000))
            assert request.bytes_written > written
        assert request.wait_disconnected()
        assert request.blocked is False


def test_other_streams_go_on_beside_one_that_is_not_read() -> None:
    endless = Reply.script(*[Send(b"x" * 60_000)] * 1_000)
    with (
        FakeServer([endless, "Hello"], send_buffer=16_384) as server,
        raw_connection(server) as sock,
    ):
        sock.sendall(request_bytes())
        assert server.wait_requests(1)
        assert server.requests[0].wait_blocked()
        assert message(ask(server))["content"] == "Hello"


def test_what_a_client_sends_during_an_answer_waits() -> None:
    gate = Gate()
    script = Reply.script(Hold(gate), Send(b"one"))
    with FakeServer([script, "two"]) as server, raw_connection(server) as sock:
        sock.sendall(request_bytes())
        assert gate.wait_reached()
        sock.sendall(request_bytes(body()))
        gate.open()
        data = read_until(sock, b'"content":"two"')
        assert b"\r\none\r\n0\r\n\r\n" in data


def test_an_async_handler_is_cancelled_when_the_client_leaves() -> None:
    cancelled = threading.Event()

    async def wait_for_ever(_request):
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with FakeServer(handler=wait_for_ever) as server:
        with raw_connection(server) as sock:
            sock.sendall(request_bytes())
            assert server.wait_requests(1)
        assert cancelled.wait(5)
        assert server.requests[0].wait_disconnected()


# ── many ────────────────────────────────────────────────────────────────────────


async def stream_once(port: int, texts: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request_bytes(None, "Connection: close"))
    texts.append(await reader.read())
    writer.close()
    await writer.wait_closed()


async def test_a_thousand_streams_at_once() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * STREAMS + 200
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(needed, hard), hard))
    gate = Gate()
    reply = Reply.script(Send(b"data: a\n\n"), Hold(gate), Send(b"data: [DONE]\n\n"))
    texts: list[bytes] = []
    async with FakeServer([reply], repeat_last=True) as server:
        async with asyncio.TaskGroup() as group:
            for _ in range(STREAMS):
                group.create_task(stream_once(server.port, texts))
            assert await asyncio.to_thread(server.wait_requests, STREAMS, 30)
            assert server.open_connections == STREAMS
            gate.open()
        assert server.wait_connections(0)
        assert {request.connection for request in server.requests} == {
            *range(1, STREAMS + 1)
        }
    assert len(texts) == STREAMS
    assert all(text.endswith(b"[DONE]\n\n\r\n0\r\n\r\n") for text in texts)


def open_files() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


@pytest.mark.flaky(reruns=3)  # a quarter of a second of real time
def test_it_starts_and_stops_quickly_and_leaves_nothing() -> None:
    before = open_files(), threading.active_count()
    started = time.monotonic()
    for _ in range(20):
        with FakeServer(["x"]) as server:
            ask(server)
    assert (time.monotonic() - started) / 20 < 0.25
    gc.collect()
    assert (open_files(), threading.active_count()) == before


def test_stopping_ends_streams_that_never_end() -> None:
    with FakeServer([Reply.script(Send(b"~"), Hang(), framing="close")]) as server:
        sock = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        sock.sendall(request_bytes())
        read_until(sock, b"~")
    with sock:
        assert sock.recv(100) == b""
    assert server.open_connections == 0


def test_it_cannot_be_stopped_by_its_own_handler() -> None:
    def stop(_request) -> str:
        server.stop()
        return "stopped"

    server = FakeServer(handler=stop)
    with server:
        assert "RuntimeError" in ask(server).json()["error"]["message"]


# ── TLS ─────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def trusting_client() -> httpx.Client:
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    return httpx.Client(verify=context, trust_env=False)


def test_it_speaks_https(tls) -> None:
    replies: list[str | Reply] = [
        "Hello",
        Reply("x" + " x" * 19_999),
        Reply("y", framing="close"),
    ]
    with FakeServer(replies, tls=tls) as server, trusting_client() as client:
        assert server.url.startswith("https://127.0.0.1:")
        url = f"{server.url}/chat/completions"
        assert message(client.post(url, json=body()))["content"] == "Hello"
        long = client.post(url, json=body("x" * 200_000, stream=True))
        assert long.text.count("content") == 20_001
        assert len(server.requests[1].last_user_text) == 200_000
        assert client.post(url, json=body()).status_code == 200
        assert {request.connection for request in server.requests} == {1}


def test_a_client_that_does_not_trust_the_certificate_is_survived(tls) -> None:
    with FakeServer(["Hello"], tls=tls) as server:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(server)
        assert server.requests == []
        with trusting_client() as client:
            answer = client.post(f"{server.url}/chat/completions", json=body())
        assert message(answer)["content"] == "Hello"


def test_plain_http_to_a_tls_port_is_survived(tls) -> None:
    with FakeServer(tls=tls) as server:
        with raw_connection(server) as sock:
            sock.sendall(request_bytes())
            assert b"HTTP" not in sock.recv(100)
        assert server.wait_connections(0)
        assert server.requests == []


def test_a_tls_client_that_leaves_is_noticed(tls) -> None:
    reply = Reply("a b", faults=[Stall(after_frames=1)])
    with FakeServer([reply], tls=tls) as server, trusting_client() as client:
        url = f"{server.url}/chat/completions"
        with client.stream("POST", url, json=body(stream=True)) as response:
            assert response.status_code == 200
        assert server.requests[0].wait_disconnected()


@pytest.mark.parametrize("step", [Reset(), Raw(b"\0" * 20)])
def test_a_handshake_can_fail(tls, step) -> None:
    with FakeServer(tls=tls, on_connect=[step]) as server, trusting_client() as client:
        with pytest.raises(httpx.TransportError):
            client.post(f"{server.url}/chat/completions", json=body())
        assert server.wait_connections(0)


# ── no connection ───────────────────────────────────────────────────────────────


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse at once")
def test_connecting_to_a_full_queue_takes_for_ever() -> None:
    with unreachable() as url, pytest.raises(httpx.ConnectTimeout):
        httpx.get(url, timeout=0.1, trust_env=False)


def test_a_stopped_server_refuses() -> None:
    with FakeServer() as server:
        url = server.url
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


# ── forks, and the end of the interpreter ───────────────────────────────────────


def in_child(work) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside a thread
        pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return pid


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_changes_nothing_for_the_parent() -> None:
    gate = Gate()
    script = Reply.script(Send(b"~"), Hold(gate), framing="close")
    with FakeServer([script, "Hello"]) as server, raw_connection(server) as sock:
        sock.sendall(request_bytes())
        read_until(sock, b"~")
        sleeper, waker = os.pipe()

        def child() -> None:
            server.stop()
            os.close(waker)
            os.read(sleeper, 1)  # live on, to see whether copies of sockets do

        pid = in_child(child)
        gate.open()
        assert sock.recv(100) == b""  # closed by the parent alone
        assert message(ask(server))["content"] == "Hello"
        os.close(waker)
        assert os.waitpid(pid, 0)[1] == 0
        os.close(sleeper)
        assert server.open_connections == 0 or server.wait_connections(0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_may_have_a_server_of_its_own() -> None:
    def child() -> None:
        with FakeServer(["from the child"]) as own:
            assert message(ask(own))["content"] == "from the child"

    with FakeServer(["from the parent"]) as server:
        assert os.waitpid(in_child(child), 0)[1] == 0
        assert message(ask(server))["content"] == "from the parent"


SCRIPTS = {
    "stopped": """
with FakeServer() as server:
    ask(server)
""",
    "forgotten": """
server = FakeServer().start()
ask(server)
""",
    "forgotten while a stream hangs": """
server = FakeServer([Reply.script(Send(b"~"), Hang())]).start()
import socket
sock = socket.create_connection(("127.0.0.1", server.port))
sock.sendall(request_bytes())
while not sock.recv(100).endswith(b"~\\r\\n"): pass
sock.close()
""",
    "forked child exits": """
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)
with FakeServer() as server:
    ask(server)
    pid = os.fork()
    if pid:
        assert os.waitpid(pid, 0)[1] == 0
        ask(server)
""",
    "collected": """
import gc
FakeServer().start().stop()
gc.collect()
""",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_nothing_is_left_at_exit(name) -> None:
    code = (
        "from langchain_streamkit.testing import FakeServer, Hang, Reply, Send\n"
        "from tests.unit_tests.testing.fake_server_client import ask, request_bytes\n"
        + SCRIPTS[name]
    )
    run = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_importing_it_needs_no_langchain_and_no_http_client() -> None:
    code = (
        "import sys, langchain_streamkit\n"
        "before = set(sys.modules)\n"
        "from langchain_streamkit.testing import FakeServer, Reply\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(new & {'httpx', 'aiohttp', 'starlette', 'langchain_core'}))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert run.stdout.strip() == ""
