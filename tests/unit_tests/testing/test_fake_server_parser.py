"""The server's HTTP reader, without sockets."""

from __future__ import annotations

import contextlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit.testing._parser import (
    BadRequestError,
    ParsedRequest,
    RequestParser,
    split_target,
)

PLAIN = b"POST /v1?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
CHUNKED = (
    b"POST /c HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n"
    b"3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n"
)
EMPTY = b"\r\nGET /m HTTP/1.0\r\nConnection: keep-alive\r\nX-A:  1 \r\nx-a:2\r\n\r\n"


BOTH_LENGTHS = (
    b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def read(data: bytes, cuts: list[int]) -> list[ParsedRequest]:
    parser = RequestParser()
    found = []
    ends = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    for start, end in pairwise(ends):
        parser.feed(data[start:end])
        while (request := parser.next_request()) is not None:
            found.append(request)
    assert parser.pending == 0
    return found


@given(st.lists(st.integers(0, 300)))
def test_any_split_of_the_bytes_gives_the_same_requests(cuts) -> None:
    plain, chunked, empty = read(PLAIN + CHUNKED + EMPTY, cuts)
    assert (plain.method, plain.target, plain.body) == ("POST", "/v1?a=1", b"body")
    assert plain.headers["HOST"] == "x"
    assert plain.keep_alive
    assert (chunked.target, chunked.body) == ("/c", b"abc0123456789")
    assert (empty.method, empty.body, empty.keep_alive) == ("GET", b"", True)
    assert empty.headers["X-a"] == "1, 2"
    assert empty.headers.pairs[-2:] == (("X-A", "1"), ("x-a", "2"))


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_waited_for(data) -> None:
    parser = RequestParser()
    parser.feed(data)
    with contextlib.suppress(BadRequestError):
        assert parser.next_request() is None or data.startswith(b"\r\n") or data


@pytest.mark.parametrize(
    ("head", "keep_alive"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nConnection: Close\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
    ],
)
def test_whether_the_client_wants_to_go_on(head, keep_alive) -> None:
    [request] = read(head, [])
    assert request.keep_alive is keep_alive


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/3.0\r\n\r\n", 400),
        (b"G@T / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA\0: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400),
        (BOTH_LENGTHS, 400),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 1100, 400),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n", 413),
        (
            b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
            + b"x" * 70_000,
            431,
        ),
    ],
)
def test_what_is_refused(data, status) -> None:
    parser = RequestParser()
    parser.feed(data)
    with pytest.raises(BadRequestError) as caught:
        parser.next_request()
    assert caught.value.status == status


def test_bodies_are_bounded() -> None:
    parser = RequestParser(max_body=10)
    parser.feed(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    parser.feed(b"8\r\n12345678\r\n")
    assert parser.next_request() is None
    parser.feed(b"3\r\nabc\r\n")
    with pytest.raises(BadRequestError, match="longer than 10 bytes"):
        parser.next_request()


@pytest.mark.parametrize(
    ("target", "origin_form"),
    [
        (b"/a?b", "/a?b"),
        (b"http://host:1/a?b", "/a?b"),
        (b"HTTPS://host", "/"),
        (b"http://host?b", "/?b"),
        (b"host:443", "host:443"),
        (b"*", "*"),
    ],
)
def test_targets_lose_their_origin(target, origin_form) -> None:
    [request] = read(b"CONNECT %b HTTP/1.1\r\n\r\n" % target, [])
    assert request.target == origin_form


def test_a_target_has_a_path_and_a_query() -> None:
    assert split_target("/a%20b?x=1&y=%26&z&x=2") == (
        "/a%20b",
        {"x": "2", "y": "&", "z": ""},
    )
    assert split_target("/a") == ("/a", {})
