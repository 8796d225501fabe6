"""The httpx clients of one model: one a process, and one an event loop.

Strategy: clients are made when they are first needed. A connection belongs to the
process and, if it is asynchronous, to the event loop that made it, so a forked child
and every loop get clients of their own, and nobody is told of a closed loop. An
async generator that the loop knows holds each asynchronous client, so that
``asyncio.run`` closes it when it ends, and a finalizer does when the model is
dropped before. Attempts after a failed one go through a second client, which keeps no
connection, so that they never meet the dead or the ailing peer of an old one.
Asynchronous ones have a transport of our own, save where a proxy is on the way. Clients
that the user gave are used as they are and never closed.
"""

from __future__ import annotations

import asyncio
import functools
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

import httpx

from langchain_streamkit._http.closing import close_soon
from langchain_streamkit._http.open_responses import bury_abandoned

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Callable

__all__ = ["Clients"]

_KEEPALIVE_SECONDS = 30.0
_MAX_IDLE = 100
_inherited: list[object] = []
"""Clients of the parent process: kept, so that no child closes what it shares."""


@functools.lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    """One context for all clients: reading the certificates takes long."""
    return httpx.create_ssl_context()


class Clients:
    """Hands out the client for the place where the caller runs.

    Args:
        base_url: The server's address; an http one needs no certificates.
        proxy: A proxy's URL, or None to follow the environment.
        client: A client of the user's, or None.
        async_client: The same for the asynchronous side.
    """

    def __init__(
        self,
        base_url: str,
        *,
        proxy: str | None = None,
        client: httpx.Client | None = None,
        async_client: httpx.AsyncClient | None = None,
    ) -> None:
        self._is_https = base_url.startswith("https")
        self._proxy = proxy
        self._given = client
        self._async_given = async_client
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._own: dict[bool, httpx.Client] = {}
        self._by_loop: dict[tuple[int, bool], _LoopClient] = {}

    def get(self, *, fresh: bool = False) -> httpx.Client:
        """The client of this process.

        Args:
            fresh: Whether the connection must be a new one.
        """
        bury_abandoned()
        if self._given is not None:
            return self._given
        self._notice_fork()
        client = self._own.get(fresh)
        if client is None:
            with self._lock:
                client = self._own.get(fresh)
                if client is None:
                    client = httpx.Client(**self._options(fresh=fresh))
                    weakref.finalize(self, _close_own, client, self._pid)
                    self._own[fresh] = client
        return client

    async def aget(self, *, fresh: bool = False) -> httpx.AsyncClient:
        """The client of the running event loop; see ``get``."""
        if self._async_given is not None:
            return self._async_given
        self._notice_fork()
        loop = asyncio.get_running_loop()
        held = self._by_loop.get((id(loop), fresh))
        if held is None or held.loop() is not loop or held.client.is_closed:
            self._forget_closed_loops()
            client = self._new_async_client(fresh=fresh)
            held = self._by_loop[id(loop), fresh] = _LoopClient(self, loop, client)
            await anext(held.holder)
        return held.client

    def close(self) -> None:
        """Close this process's own clients; the next call makes a new one."""
        bury_abandoned()
        own, self._own = self._own, {}
        for client in own.values():
            client.close()

    async def aclose(self) -> None:
        """Close the running loop's own clients; the next call makes a new one."""
        for fresh in (False, True):
            key = (id(asyncio.get_running_loop()), fresh)
            held = self._by_loop.pop(key, None)
            if held is not None:
                held.finalizer.detach()
                await held.holder.aclose()

    def _new_async_client(self, *, fresh: bool) -> httpx.AsyncClient:
        if self._proxy is not None or getproxies():
            return httpx.AsyncClient(**self._options(fresh=fresh))
        # Imported when it is first needed, as httpx does with httpcore.
        from langchain_streamkit._http.transport import (  # noqa: PLC0415
            DirectTransport,
        )

        transport = DirectTransport(
            ssl_context=_ssl_context() if self._is_https else None,
            max_idle=0 if fresh else _MAX_IDLE,
            idle_seconds=_KEEPALIVE_SECONDS,
        )
        return httpx.AsyncClient(transport=transport, follow_redirects=False)

    def _options(self, *, fresh: bool) -> dict[str, Any]:
        # Without TLS on the way, the certificates need not be read.
        needs_tls = self._is_https or self._proxy is not None or bool(getproxies())
        return {
            "verify": _ssl_context() if needs_tls else False,
            "proxy": self._proxy,
            "follow_redirects": False,
            "limits": httpx.Limits(
                max_connections=None,
                max_keepalive_connections=0 if fresh else _MAX_IDLE,
                keepalive_expiry=_KEEPALIVE_SECONDS,
            ),
        }

    def _notice_fork(self) -> None:
        if self._pid != os.getpid():
            _inherited.extend((*self._own.values(), *self._by_loop.values()))
            self._own, self._by_loop, self._pid = {}, {}, os.getpid()
            self._lock = threading.Lock()

    def _forget_closed_loops(self) -> None:
        for key, held in list(self._by_loop.items()):
            loop = held.loop()
            if loop is None or loop.is_closed() or held.client.is_closed:
                held.finalizer.detach()
                if self._by_loop.get(key) is held:  # no new loop has its number
                    self._by_loop.pop(key, None)


def _close_own(client: httpx.Client, process: int) -> None:
    """Close a client, save in a forked child, where its lock may be taken for ever."""
    if process == os.getpid():
        client.close()


class _LoopClient:
    """A client, the loop that it belongs to, and what closes it with either end.

    The loop closes the holder when it shuts down. If the model is dropped first, the
    finalizer has the loop close it; until then the finalizer keeps the client out of
    the garbage collector's reach, which would warn of each open connection.
    """

    def __init__(
        self,
        owner: Clients,
        loop: asyncio.AbstractEventLoop,
        client: httpx.AsyncClient,
    ) -> None:
        self.loop = weakref.ref(loop)
        self.client = client
        self.holder = _hold(client)
        self.finalizer = weakref.finalize(owner, _release, self.loop, self.holder)
        self.finalizer.atexit = False


async def _hold(client: httpx.AsyncClient) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await client.aclose()


async def _close(holder: AsyncGenerator[None, None]) -> None:
    await holder.aclose()


def _release(
    loop_of: Callable[[], asyncio.AbstractEventLoop | None],
    holder: AsyncGenerator[None, None],
) -> None:
    loop = loop_of()
    if loop is not None and not loop.is_closed():
        loop.call_soon_threadsafe(_close_soon, loop, holder)


def _close_soon(
    loop: asyncio.AbstractEventLoop, holder: AsyncGenerator[None, None]
) -> None:
    close_soon(loop, _close(holder))
