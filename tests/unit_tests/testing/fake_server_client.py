"""A bare client for tests of the fake server: httpx, or a socket."""

from __future__ import annotations

import json
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_streamkit.testing import FakeServer


PATH = "/v1/chat/completions"


def user(text: object) -> dict[str, Any]:
    return {"role": "user", "content": text}


def body(text: str = "Hello", **fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [user(text)], **fields}


def ask(server: FakeServer, text: str = "Hello", **fields: Any) -> httpx.Response:
    return post(server, body(text, **fields))


def post(
    server: FakeServer, value: object, path: str = PATH, **more: Any
) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.post(f"{server.origin}{path}", json=value, **more)


def message(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()["choices"][0]["message"]
    return found


def data_lines(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


def frames(response: httpx.Response) -> list[dict[str, Any]]:
    """The JSON frames of a stream that ends with [DONE]."""
    assert response.status_code == 200, response.text
    *found, done = data_lines(response.text)
    assert done == "[DONE]"
    return [json.loads(line) for line in found]


def deltas(response: httpx.Response, choice: int = 0) -> list[dict[str, Any]]:
    return [
        found["delta"]
        for frame in frames(response)
        for found in frame["choices"]
        if found["index"] == choice
    ]


def text_of(response: httpx.Response, field: str = "content", choice: int = 0) -> str:
    return "".join(delta.get(field) or "" for delta in deltas(response, choice))


def request_bytes(value: object | None = None, *headers: str) -> bytes:
    data = json.dumps(body(stream=True) if value is None else value).encode()
    lines = [
        f"POST {PATH} HTTP/1.1",
        "Host: localhost",
        f"Content-Length: {len(data)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + data


@contextmanager
def raw_connection(server: FakeServer) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock:
        yield sock


def read_all(sock: socket.socket) -> bytes:
    """Everything until the server ends the connection."""
    parts = []
    while data := sock.recv(65536):
        parts.append(data)
    return b"".join(parts)


def read_until(sock: socket.socket, end: bytes) -> bytes:
    data = b""
    while end not in data:
        more = sock.recv(65536)
        assert more, f"the server ended the connection after {data!r}"
        data += more
    return data
