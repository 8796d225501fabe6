"""Clients without LangChain: the openai SDK, httpx with orjson, a bare socket."""

from __future__ import annotations

import asyncio
import importlib
import json
import socket
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import orjson
from typing_extensions import override

from benchmarks.client import KEY, Client
from benchmarks.replay import expected_characters

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.workloads import Workload

__all__ = ["HttpxClient", "OpenAIClient", "SocketClient"]

BODY: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "x"}],
    "stream": True,
}


class OpenAIClient(Client):
    """The openai SDK without LangChain."""

    def __init__(self) -> None:
        super().__init__()
        self.sdk: Any = importlib.import_module("openai")
        self.make = lru_cache(maxsize=8)(self._make)

    def _make(self, url: str, *, is_async: bool = False) -> Any:
        kind = self.sdk.AsyncOpenAI if is_async else self.sdk.OpenAI
        return kind(base_url=url, api_key=KEY, max_retries=0)

    def stream(self, url: str, workload: Workload) -> int:
        count, characters = SDK_COUNTS[workload.kind], 0
        for chunk in self.make(url).chat.completions.create(**BODY):
            characters += count(chunk.choices[0].delta)
        return characters

    async def read(self, url: str, workload: Workload) -> int:
        count, clock, characters = SDK_COUNTS[workload.kind], self.clock, 0
        client = self.make(url, is_async=True)
        async for chunk in await client.chat.completions.create(**BODY):
            clock.chunk()
            characters += count(chunk.choices[0].delta)
        return characters

    def invoke(self, url: str, workload: Workload) -> int:
        asked = {**BODY, "stream": False}
        answer = self.make(url).chat.completions.create(**asked)
        return len(answer.choices[0].message.content)

    def construct(self, url: str, workload: Workload) -> int:
        self._make(url)
        return expected_characters(workload.kind, workload.chunks)

    def first(self, url: str, workload: Workload) -> int:
        with self.make(url).chat.completions.create(**BODY) as chunks:
            for chunk in chunks:
                if chunk.choices[0].delta.content:
                    break
        return expected_characters(workload.kind, workload.chunks)


SDK_COUNTS: dict[str, Callable[[Any], int]] = {
    "text": lambda delta: len(delta.content or ""),
    "tool": lambda delta: sum(
        len(piece.function.arguments or "") for piece in delta.tool_calls or []
    ),
    "reasoning": lambda delta: len(getattr(delta, "reasoning_content", None) or ""),
}


class HttpxClient(Client):
    """httpx and orjson, and the shortest loop that reads this server."""

    def __init__(self) -> None:
        super().__init__()
        limits = httpx.Limits(max_connections=None)
        self.client = httpx.Client(limits=limits, timeout=60)
        self.async_client = httpx.AsyncClient(limits=limits, timeout=60)

    def _characters(self, kind: str, block: bytes) -> int:
        if not block.startswith(b"data: {"):
            return 0
        delta = orjson.loads(block[6:])["choices"][0]["delta"]
        if kind == "tool":
            pieces = delta.get("tool_calls") or ()
            return sum(len(piece["function"]["arguments"]) for piece in pieces)
        key = "content" if kind == "text" else "reasoning_content"
        return len(delta.get(key) or "")

    def stream(self, url: str, workload: Workload) -> int:
        characters, rest, kind = 0, b"", workload.kind
        url += "/chat/completions"
        with self.client.stream("POST", url, json=BODY) as response:
            for data in response.iter_raw():
                *blocks, rest = (rest + data).split(b"\n\n")
                characters += sum(self._characters(kind, block) for block in blocks)
        return characters

    async def read(self, url: str, workload: Workload) -> int:
        characters, rest, kind = 0, b"", workload.kind
        url += "/chat/completions"
        async with self.async_client.stream("POST", url, json=BODY) as response:
            async for data in response.aiter_raw():
                self.clock.chunk()
                *blocks, rest = (rest + data).split(b"\n\n")
                characters += sum(self._characters(kind, block) for block in blocks)
        return characters

    def invoke(self, url: str, workload: Workload) -> int:
        asked = {**BODY, "stream": False}
        answer = self.client.post(url + "/chat/completions", json=asked)
        return len(orjson.loads(answer.content)["choices"][0]["message"]["content"])

    def first(self, url: str, workload: Workload) -> int:
        url += "/chat/completions"
        with self.client.stream("POST", url, json=BODY) as response:
            for _ in response.iter_raw():
                break
        return expected_characters(workload.kind, workload.chunks)


class SocketClient(Client):
    """A socket that reads bytes and understands nothing: what the system costs."""

    def __init__(self) -> None:
        super().__init__()
        self.open: dict[str, socket.socket] = {}

    def _request(self, url: str) -> bytes:
        body = json.dumps(BODY).encode()
        head = (
            f"POST {urlsplit(url).path}/chat/completions HTTP/1.1\r\n"
            f"host: x\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def _connect(self, url: str) -> socket.socket:
        at = urlsplit(url)
        return socket.create_connection((at.hostname, at.port), timeout=60)

    @override
    def stream(self, url: str, workload: Workload) -> int:
        end = b""
        with self._connect(url) as connection:
            connection.sendall(self._request(url))
            while not end.endswith(b"\r\n0\r\n\r\n"):
                end = end[-9:] + connection.recv(65_536)
        return expected_characters(workload.kind, workload.chunks)

    @override
    async def read(self, url: str, workload: Workload) -> int:
        at = urlsplit(url)
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(
            lambda: ReadingProtocol(self), at.hostname, at.port
        )
        protocol.transport.write(self._request(url))
        await protocol.is_over
        protocol.transport.close()
        return expected_characters(workload.kind, workload.chunks)

    def first(self, url: str, workload: Workload) -> int:
        connection = self.open.pop(url, None) or self._connect(url)
        connection.sendall(self._request(url))
        data = b""
        while b'"content":" word' not in data:
            data += connection.recv(65_536)
        while not data.endswith(b"\r\n0\r\n\r\n"):
            data = data[-9:] + connection.recv(65_536)
        self.open[url] = connection
        return expected_characters(workload.kind, workload.chunks)


class ReadingProtocol(asyncio.Protocol):
    """Reads to the end of a chunked body."""

    transport: asyncio.Transport

    def __init__(self, client: SocketClient) -> None:
        self.client = client
        self.end = b""
        self.is_over = asyncio.get_running_loop().create_future()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        if b"chatcmpl" in data:
            self.client.clock.chunk()
        self.end = self.end[-9:] + data[-9:]
        if self.end.endswith(b"\r\n0\r\n\r\n"):
            self.is_over.set_result(None)
