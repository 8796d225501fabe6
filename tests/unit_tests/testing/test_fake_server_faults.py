"""What can go wrong on the wire, and that it goes wrong exactly so."""

from __future__ import annotations

import json
import threading
import time
import zlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit.testing import (
    Close,
    Compress,
    Cut,
    Drip,
    ErrorFrame,
    FakeServer,
    Gate,
    Hang,
    Head,
    Hold,
    Insert,
    Raw,
    Reply,
    Reset,
    Rewrite,
    Send,
    Stall,
    Wait,
    broken_json,
)
from langchain_streamkit.testing._frames import Asked
from langchain_streamkit.testing._render import render
from tests.unit_tests.testing.fake_server_client import (
    ask,
    body,
    data_lines,
    raw_connection,
    read_all,
    read_until,
    request_bytes,
)

if TYPE_CHECKING:
    import socket

pytestmark = pytest.mark.loopback

TEXT = "one two three four"
WHOLE = Reply(TEXT)
FRAME_COUNT = 7  # the role, four words, the finish, [DONE]


def frames_of(*faults, reply: Reply = WHOLE) -> list[bytes]:
    """The bytes of each write of the body, without a server."""
    response = render(reply.replace(faults=faults), Asked(model="m", stream=True))
    return [step.data for step in response.steps if isinstance(step, Send)]


def wire(reply: Reply, **fields) -> bytes:
    """Every byte of an answer, up to the end of the connection."""
    with FakeServer([reply]) as server, raw_connection(server) as sock:
        value = body(**{"stream": True, **fields})
        sock.sendall(request_bytes(value, "Connection: close"))
        return read_all(sock)


def body_of(data: bytes) -> tuple[bytes, bool]:
    """The body out of chunked bytes, and whether it came to its end."""
    rest = data.split(b"\r\n\r\n", 1)[1]
    parts: list[bytes] = []
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        count = int(size, 16)
        if count == 0:
            return b"".join(parts), rest == b"\r\n"
        parts.append(rest[:count])
        rest = rest[count + 2 :]
    return b"".join(parts), False


# ── cuts ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("count", range(FRAME_COUNT + 1))
def test_an_orderly_cut_leaves_the_body_incomplete(count) -> None:
    data = wire(WHOLE.replace(faults=[Cut(after_frames=count)]))
    assert body_of(data) == (b"".join(frames_of()[:count]), False)


@pytest.mark.parametrize("count", [0, 3])
def test_a_clean_end_completes_the_body_without_the_rest(count) -> None:
    data = wire(WHOLE.replace(faults=[Cut(after_frames=count, how="end")]))
    assert body_of(data) == (b"".join(frames_of()[:count]), True)


def read_into(received: bytearray, sock: socket.socket) -> None:
    while data := sock.recv(65536):
        received += data


def test_a_reset_comes_after_what_was_sent() -> None:
    reply = WHOLE.replace(faults=[Cut(after_frames=2, how="reset")])
    with FakeServer([reply]) as server, raw_connection(server) as sock:
        sock.sendall(request_bytes())
        received = bytearray()
        with pytest.raises(ConnectionResetError):
            read_into(received, sock)
        assert body_of(bytes(received)) == (b"".join(frames_of()[:2]), False)
        assert server.requests[0].wait_disconnected()
        assert server.requests[0].finished_at is None


@pytest.mark.parametrize("count", [0, 1, 100, 350])
def test_a_cut_may_count_bytes(count) -> None:
    data = wire(WHOLE.replace(faults=[Cut(after_bytes=count)]))
    assert body_of(data) == (b"".join(frames_of())[:count], False)


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_cut_may_come_before_the_headers(how) -> None:
    reply = WHOLE.replace(faults=[Cut(before_headers=True, how=how)])
    with FakeServer([reply, reply]) as server:
        with pytest.raises(
            httpx.RemoteProtocolError if how == "close" else httpx.ReadError
        ):
            ask(server)
        assert server.requests[0].bytes_written == 0


def test_a_body_of_known_length_can_be_short() -> None:
    reply = WHOLE.replace(framing="length", faults=[Cut(after_bytes=10)])
    head, _, body = wire(reply, stream=False).partition(b"\r\n\r\n")
    whole, _, _ = wire(WHOLE, stream=False).partition(b"\r\n\r\n")
    assert len(body) == 10
    assert b"content-length: " in head
    assert head == whole


@given(st.integers(0, 2000), st.sampled_from(["close", "reset", "end"]))
def test_a_cut_answer_is_a_beginning_of_the_whole(count, how) -> None:
    cut = b"".join(frames_of(Cut(after_bytes=count, how=how)))
    assert cut == b"".join(frames_of())[:count]


# ── time ────────────────────────────────────────────────────────────────────────


def test_delays_lie_where_they_belong() -> None:
    reply = WHOLE.replace(head_delay=1, first_delay=2, frame_delay=3)
    response = render(reply, Asked(model="m", stream=True))
    kinds = [
        step.seconds if isinstance(step, Wait) else type(step).__name__
        for step in response.steps
    ]
    assert kinds == [1, "Head", "Send", 2, "Send", *[3, "Send"] * 5]


def test_a_delay_is_waited_for() -> None:
    with FakeServer([WHOLE.replace(head_delay=0.05, frame_delay=0.01)]) as server:
        ask(server, stream=True)
        request: Any = server.requests[0]
        assert request.wait_finished()
        assert request.first_byte_at - request.received_at >= 0.05
        assert request.finished_at - request.first_byte_at >= 0.05


def test_writes_can_be_joined() -> None:
    one = frames_of()
    grouped = frames_of(reply=WHOLE.replace(frames_per_send=3))
    assert grouped == [b"".join(one[0:3]), b"".join(one[3:6]), b"".join(one[6:])]
    paced = render(
        WHOLE.replace(frames_per_send=3, frame_delay=1),
        Asked(model="m", stream=True),
    )
    waits = [step.seconds for step in paced.steps if isinstance(step, Wait)]
    assert waits == [1, 3, 1]


@pytest.mark.parametrize(
    ("stall", "sent"),
    [
        (Stall(before_headers=True), b""),
        (Stall(), b"\r\n\r\n"),
        (Stall(after_frames=2), b'"content":"one"},"finish_reason":null}]}\n\n\r\n'),
    ],
)
def test_a_stall_lasts_until_the_client_leaves(stall, sent) -> None:
    with FakeServer([WHOLE.replace(faults=[stall])]) as server:
        with raw_connection(server) as sock:
            sock.sendall(request_bytes())
            assert server.wait_requests(1)
            read_until(sock, sent)
            sock.settimeout(0.05)
            with pytest.raises(TimeoutError):
                sock.recv(1)
            assert not server.wait_idle(0)
            left = time.monotonic()
        request: Any = server.requests[0]
        assert request.wait_disconnected()
        assert 0 <= request.disconnected_at - left < 1
        assert server.wait_connections(0)


def test_a_stall_may_end() -> None:
    reply = WHOLE.replace(faults=[Stall(after_frames=2, seconds=0.01)])
    content, complete = body_of(wire(reply))
    assert (content, complete) == (b"".join(frames_of()), True)


def test_a_drip_goes_on_until_the_client_leaves() -> None:
    reply = WHOLE.replace(faults=[Drip(every=0.001, after_frames=1)])
    with FakeServer([reply]) as server:
        with raw_connection(server) as sock:
            sock.sendall(request_bytes())
            received = b""
            while received.count(b": ping\n\n") < 20:
                received += sock.recv(65536)
        assert b"one" not in received
        assert server.requests[0].wait_disconnected()


@pytest.mark.parametrize("stream", [True, False])
def test_a_drip_may_end(stream) -> None:
    drip = Drip(b" \n", every=0, times=3)
    content, complete = body_of(wire(WHOLE.replace(faults=[drip]), stream=stream))
    assert complete
    assert content.startswith(b" \n" * 3)
    if not stream:
        assert json.loads(content)["choices"][0]["message"]["content"] == TEXT


def test_a_gate_holds_an_answer_until_the_test_opens_it() -> None:
    gate = Gate()
    reply = Reply.script(Send(b"before"), Hold(gate), Send(b"after"), framing="close")
    with FakeServer([reply], repeat_last=True) as server:
        with raw_connection(server) as first, raw_connection(server) as second:
            for sock in (first, second):
                sock.sendall(request_bytes())
                read_until(sock, b"before")
            assert gate.wait_reached()
            first.settimeout(0.05)
            with pytest.raises(TimeoutError):
                first.recv(1)
            first.settimeout(5)
            gate.open()
            assert read_all(first) == b"after"
            assert read_all(second) == b"after"
        assert ask(server).text == "beforeafter"  # it stays open


async def test_gates_and_requests_can_be_awaited() -> None:
    gate = Gate()
    async with FakeServer([Reply.script(Hold(gate), Send(b"x"))]) as server:
        thread = threading.Thread(target=ask, args=(server,))
        thread.start()
        assert await gate.await_reached()
        gate.open()
        request = server.requests[0]
        assert await request.await_finished()
        assert not await request.await_disconnected(0.01)
        assert not await request.await_blocked(0.01)
        thread.join()


def test_a_gate_that_is_opened_after_its_server_stopped_is_no_error() -> None:
    gate = Gate()
    with (
        FakeServer([Reply.script(Hold(gate))]) as server,
        raw_connection(server) as sock,
    ):
        sock.sendall(request_bytes())
        assert gate.wait_reached()
    gate.open()
    assert gate.is_open


# ── frames ──────────────────────────────────────────────────────────────────────


def test_bytes_can_be_inserted_anywhere() -> None:
    plain = frames_of()
    for place in range(FRAME_COUNT + 1):
        found = frames_of(Insert(b": ping\n\n", after_frames=place))
        assert found == [*plain[:place], b": ping\n\n", *plain[place:]]


def test_frames_can_be_changed_dropped_and_doubled() -> None:
    plain = frames_of()
    broken = frames_of(Rewrite(broken_json, after_frames=2))
    assert broken[:2] + broken[3:] == plain[:2] + plain[3:]
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(data_lines(broken[2].decode())[0])
    dropped = frames_of(Rewrite(lambda _: b"", after_frames=0))
    assert dropped == plain[1:]
    doubled = frames_of(Rewrite(lambda frame: frame * 2))
    assert doubled == [frame * 2 for frame in plain]


def test_faults_are_applied_one_after_another() -> None:
    plain = frames_of()
    found = frames_of(Insert(b"x", after_frames=1), Cut(after_frames=3))
    assert found == [plain[0], b"x", plain[1]]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("openai", {"error": {"message": "no", "type": "server_error",
                              "param": None, "code": "c"}}),
        ("string", {"error": "no"}),
        ("object", {"object": "error", "message": "no", "type": "server_error",
                    "param": None, "code": "c"}),
        ("message", {"code": "c", "message": "no"}),
        ("anthropic", {"type": "error", "error": {
            "type": "server_error", "message": "no"}}),
        ("openrouter", {"error": {"message": "no", "code": "c", "metadata": {
            "provider_name": "Upstream", "raw": "no"}}}),
    ],
)  # fmt: skip
def test_an_error_inside_a_stream_ends_it(shape, expected) -> None:
    reply = WHOLE.replace(faults=[ErrorFrame("no", shape, after_frames=2, code="c")])
    content, complete = body_of(wire(reply))
    assert complete
    *before, last = data_lines(content.decode())
    assert len(before) == 2
    assert json.loads(last) == expected


@pytest.mark.parametrize(
    ("shape", "form"),
    [
        ("event", b'event: error\ndata: {"error":'),
        ("event-message", b'event: error\ndata: {"message":"no"}'),
        ("field", b'error: {"code":500,"message":"no"}'),
        ("choice", b'data: {"error":{"message":"no","code":500'),
        ("finish", b'data: {"object":"chat.completion.chunk","choices":'),
    ],
)
def test_error_frames_that_are_no_plain_data(shape, form) -> None:
    frame = frames_of(ErrorFrame("no", shape))[0]
    assert frame.startswith(form)
    assert frame.endswith(b"\n\n")
    assert (b'"finish_reason":"error"' in frame) == (shape in {"choice", "finish"})


def test_an_error_frame_may_be_followed_by_the_rest() -> None:
    found = frames_of(ErrorFrame("no", after_frames=6, ends=False))
    assert found[-1] == b"data: [DONE]\n\n"
    assert len(found) == FRAME_COUNT + 1


# ── compression ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_compressed_answer_can_be_read(coding, stream) -> None:
    reply = WHOLE.replace(id="same", usage=None)
    with FakeServer([reply, reply.replace(faults=[Compress(coding)])]) as server:
        plain = ask(server, stream=stream)
        packed = ask(server, stream=stream)
    assert packed.headers["content-encoding"] == coding
    assert packed.text == plain.text


def test_each_frame_of_a_compressed_stream_can_be_read_at_once() -> None:
    unpack = zlib.decompressobj(wbits=31)
    plain = frames_of()
    packed = frames_of(Compress())
    assert [unpack.decompress(data) for data in packed] == [*plain, b""]


def test_corrupt_compression_cannot_be_read() -> None:
    reply = WHOLE.replace(faults=[Compress(corrupt=True)])
    with FakeServer([reply]) as server, pytest.raises(httpx.DecodingError):
        ask(server, stream=True)


def test_an_unknown_coding_is_a_header() -> None:
    reply = WHOLE.replace(headers={"content-encoding": "zstd-from-the-future"})
    assert b"content-encoding: zstd-from-the-future\r\n" in wire(reply)


# ── single steps ────────────────────────────────────────────────────────────────


def test_a_script_is_one_chunk_per_send() -> None:
    data = wire(Reply.script(Send(b"ab"), Send(b""), Send(b"c\xff"), Wait(0)))
    assert data.split(b"\r\n\r\n", 1)[1] == b"2\r\nab\r\n2\r\nc\xff\r\n0\r\n\r\n"
    assert b"content-type: text/event-stream\r\n" in data


def test_the_head_may_wait() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    data = wire(Reply.script(Raw(early), Wait(0.001), Head(), Send(b"x")))
    assert data.startswith(early + b"HTTP/1.1 200 OK\r\n")


def test_bytes_may_break_every_rule() -> None:
    answer = b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 5\r\n\r\nab"
    assert wire(Reply.script(Raw(answer), framing="raw")) == answer
    assert wire(Reply.script(Send(answer), Close(), framing="raw")) == answer
    data = wire(Reply.script(Raw(b"5\r\nab"), Close()))
    assert data.endswith(b"\r\n\r\n5\r\nab")


def test_a_lie_about_the_length_is_kept() -> None:
    script = Reply.script(
        Send(b"ab"), headers={"Content-Length": "5"}, framing="length"
    )
    assert b"content-length: 5\r\n" in wire(script)


@pytest.mark.parametrize("status", [204, 304, 407, 418, 520, 529, 599])
def test_every_status_can_be_sent(status) -> None:
    data = wire(Reply.script(status=status, framing="length"))
    assert data.startswith(b"HTTP/1.1 %d " % status)


def test_a_step_that_raises_cuts_the_answer_and_is_kept() -> None:
    def explode(frame: bytes) -> bytes:
        raise ZeroDivisionError(frame)

    with FakeServer(
        [WHOLE.replace(faults=[Rewrite(explode, after_frames=2)])]
    ) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            ask(server, stream=True)
        assert isinstance(server.requests[0].error, ZeroDivisionError)


@pytest.mark.parametrize("step", [Reset(), Close()])
def test_a_connection_may_end_before_any_request(step) -> None:
    with FakeServer(on_connect=[Wait(0.001), step]) as server:
        with pytest.raises(httpx.TransportError):
            ask(server)
        assert server.requests == []
        assert server.wait_connections(0)


def test_a_connection_may_hang_before_any_request() -> None:
    with FakeServer(on_connect=[Hang()]) as server, raw_connection(server) as sock:
        sock.sendall(request_bytes())
        sock.settimeout(0.05)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        assert server.requests == []
        sock.close()
        assert server.wait_connections(0)


def test_a_greeting_may_come_before_any_request() -> None:
    greeting = Raw(b"220 smtp?\r\n")
    with (
        FakeServer(["Hello"], on_connect=[greeting]) as server,
        raw_connection(server) as sock,
    ):
        assert read_until(sock, b"\r\n") == greeting.data
        sock.sendall(request_bytes())
        assert b"Hello" in read_until(sock, b"[DONE]")


def test_sends_arrive_one_by_one() -> None:
    gates = [Gate() for _ in range(3)]
    steps: list[Send | Hold] = []
    for number, gate in enumerate(gates):
        steps += [Send(b"%d" % number), Hold(gate)]
    script = Reply.script(*steps, framing="close")
    with FakeServer([script]) as server, raw_connection(server) as sock:
        sock.sendall(request_bytes())
        read_until(sock, b"\r\n\r\n0")
        for number, gate in enumerate(gates[:-1], start=1):
            gate.open()
            assert sock.recv(100) == b"%d" % number
        gates[-1].open()
        assert sock.recv(100) == b""
