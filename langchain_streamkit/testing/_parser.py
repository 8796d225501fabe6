"""Bytes from a client -> requests, by a hand-written HTTP/1.1 reader without I/O.

Strategy: ``feed`` appends, ``next_request`` takes one whole request from the front
or says that more is needed, so any split of the bytes gives the same requests, and
pipelined ones wait in the buffer. Head and body are bounded. What is not HTTP/1.1
is refused with the status that a real server would send.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import parse_qsl

from langchain_streamkit.testing.requests import Headers

__all__ = ["BadRequestError", "ParsedRequest", "RequestParser", "split_target"]

_MAX_HEAD_BYTES = 64 * 1024
_MAX_BODY_BYTES = 256 * 1024 * 1024
_MAX_CHUNK_LINE = 1024

_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP/1\.([01])")
_HEADER_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\r\n\0]*)")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")


class BadRequestError(Exception):
    """The bytes are no request that the server can read; the connection ends."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """One request off the wire.

    Attributes:
        method: ``"POST"``.
        target: The request target in origin form: path and query.
        headers: The headers.
        body: The body's bytes.
        keep_alive: True if the client would go on with this connection.
    """

    method: str
    target: str
    headers: Headers
    body: bytes
    keep_alive: bool


@dataclass(slots=True)
class _Head:
    method: str
    target: str
    headers: Headers
    keep_alive: bool
    length: int | None  # None: the body comes in chunks


class RequestParser:
    """An incremental reader for one connection."""

    def __init__(
        self, max_head: int = _MAX_HEAD_BYTES, max_body: int = _MAX_BODY_BYTES
    ) -> None:
        self._max_head = max_head
        self._max_body = max_body
        self._buffer = bytearray()
        self._head: _Head | None = None
        self._chunks = bytearray()
        self._in_trailer = False

    @property
    def pending(self) -> int:
        """Bytes that are held and not yet part of a request."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Append what the client has sent."""
        self._buffer += data

    def take_rest(self) -> bytes:
        """Take what is held and not yet part of a request."""
        rest, self._buffer = bytes(self._buffer), bytearray()
        return rest

    def next_request(self) -> ParsedRequest | None:
        """Take the next whole request from the buffer.

        Returns:
            The request, or None if more bytes are needed.

        Raises:
            BadRequestError: If the bytes cannot be read as a request.
        """
        if self._head is None:
            self._head = self._take_head()
        head = self._head
        if head is None:
            return None
        body = self._take_chunks() if head.length is None else self._take(head.length)
        if body is None:
            return None
        self._head = None
        return ParsedRequest(
            head.method, head.target, head.headers, body, head.keep_alive
        )

    def _take(self, count: int) -> bytes | None:
        if len(self._buffer) < count:
            return None
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def _take_head(self) -> _Head | None:
        while self._buffer.startswith(b"\r\n"):  # RFC 9112 2.2: empty lines before
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n", 0, self._max_head + 4)
        if end < 0:
            if len(self._buffer) > self._max_head:
                _refuse(431, f"The head is longer than {self._max_head} bytes.")
            return None
        lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        return self._read_head(lines)

    def _read_head(self, lines: list[bytes]) -> _Head:
        match = _REQUEST_LINE.fullmatch(lines[0])
        if match is None:
            _refuse(400, "The first line is not an HTTP/1.1 request line.")
        headers = Headers(_read_header(line) for line in lines[1:])
        connection = headers.get("connection", "").lower()
        persistent = match[3] == b"1" or "keep-alive" in connection
        return _Head(
            method=match[1].decode("ascii"),
            target=_origin_form(match[2].decode("latin-1")),
            headers=headers,
            keep_alive=persistent and "close" not in connection,
            length=self._body_length(headers),
        )

    def _body_length(self, headers: Headers) -> int | None:
        coding = headers.get("transfer-encoding")
        length = headers.get("content-length")
        if coding is not None:
            if coding.lower() != "chunked":
                _refuse(501, "Of transfer codings only chunked is known.")
            if length is not None:
                _refuse(400, "Both content-length and transfer-encoding were sent.")
            return None
        if length is None:
            return 0
        if not re.fullmatch(r"[0-9]{1,15}", length):
            _refuse(400, "The content-length is not a number.")
        if int(length) > self._max_body:
            _refuse(413, f"The body is longer than {self._max_body} bytes.")
        return int(length)

    def _take_chunks(self) -> bytes | None:
        while not self._in_trailer:
            end = self._buffer.find(b"\r\n", 0, _MAX_CHUNK_LINE + 2)
            if end < 0:
                if len(self._buffer) > _MAX_CHUNK_LINE:
                    _refuse(400, "A chunk's first line is too long.")
                return None
            match = _CHUNK_LINE.fullmatch(bytes(self._buffer[:end]))
            if match is None:
                _refuse(400, "A chunk's first line is not a size.")
            size = int(match[1], 16)
            if len(self._chunks) + size > self._max_body:
                _refuse(413, f"The body is longer than {self._max_body} bytes.")
            if size == 0:
                del self._buffer[: end + 2]
                self._in_trailer = True
                break
            if len(self._buffer) < end + 2 + size + 2:
                return None
            if self._buffer[end + 2 + size : end + 4 + size] != bytearray(b"\r\n"):
                _refuse(400, "A chunk is longer than it says.")
            self._chunks += self._buffer[end + 2 : end + 2 + size]
            del self._buffer[: end + 4 + size]
        return self._take_trailer()

    def _take_trailer(self) -> bytes | None:
        while True:
            end = self._buffer.find(b"\r\n", 0, self._max_head + 2)
            if end < 0:
                if len(self._buffer) > self._max_head:
                    _refuse(431, "The trailer is too long.")
                return None
            del self._buffer[: end + 2]
            if end == 0:
                break
        body, self._chunks, self._in_trailer = bytes(self._chunks), bytearray(), False
        return body


def _refuse(status: int, message: str) -> NoReturn:
    raise BadRequestError(status, message)


def _read_header(line: bytes) -> tuple[str, str]:
    match = _HEADER_LINE.fullmatch(line)
    if match is None:
        _refuse(400, "A header line is malformed.")
    return match[1].decode("ascii"), match[2].decode("latin-1").strip(" \t")


def _origin_form(target: str) -> str:
    """The path and query of a target; a proxy's absolute form loses its origin."""
    origin = re.match(r"https?://[^/?]*", target, re.IGNORECASE)
    if origin is None:
        return target
    rest = target[origin.end() :]
    return rest if rest.startswith("/") else f"/{rest}"


def split_target(target: str) -> tuple[str, dict[str, str]]:
    """The path and the query's parameters of a request target."""
    path, _, query = target.partition("?")
    return path, dict(parse_qsl(query, keep_blank_values=True))
