"""A request that fails and is cancelled in the same moment leaves nothing open.

The moment is a few turns of the loop long, too short to be met on real sockets, so
the connection is one in memory, below httpcore.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpcore
import httpx
import pytest

from .conftest import make_model

pytestmark = pytest.mark.loopback  # the folder's first request warms up


class Connection(httpcore.AsyncNetworkStream):
    """Breaks when it is read, and has its reader cancelled then."""

    def __init__(self, turns: int) -> None:
        self.is_open = True
        self.turns = turns
        self.reader: asyncio.Task[Any] | None = None

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Take the request."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._cancel_in(self.turns)
        raise httpcore.ReadError("reset")

    def _cancel_in(self, turns: int) -> None:
        assert self.reader is not None
        if turns == 0:
            self.reader.cancel()
        else:
            asyncio.get_running_loop().call_soon(self._cancel_in, turns - 1)

    async def aclose(self) -> None:
        self.is_open = False
        await asyncio.sleep(0)

    def get_extra_info(self, info: str) -> Any:
        return None


class Network(httpcore.AsyncNetworkBackend):
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def connect_tcp(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        return self._connection


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancellation_amid_a_failure_leaves_no_connection(
    turns: int, nothing_left: None
) -> None:
    connection = Connection(turns)
    transport = httpx.AsyncHTTPTransport(verify=False)
    transport._pool = httpcore.AsyncConnectionPool(network_backend=Network(connection))
    async with httpx.AsyncClient(transport=transport) as client:
        model = make_model(
            "http://server.test/v1", http_async_client=client, max_retries=0
        )
        connection.reader = asyncio.create_task(model.ainvoke("Hello"))
        await asyncio.wait([connection.reader])
        for _ in range(20):
            await asyncio.sleep(0)
        assert not connection.is_open
        assert not transport._pool.connections
