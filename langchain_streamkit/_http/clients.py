"""The httpx clients of one model: one a process, and one an event loop.

Strategy: clients are made when they are first needed. A connection belongs to the
process and, if it is asynchronous, to the event loop that made it, so a forked child
and every loop get clients of their own, and nobody is told of a closed loop. An
async generator that the loop knows holds each asynchronous client, so that
``asyncio.run`` closes it when it ends, and a finalizer does when the model is
dropped before. Clients that the user gave are used as they
are and never closed.
"""

from __future__ import annotations

import asyncio
import functools
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

import httpx
from typing_extensions import override

from langchain_streamkit._http.open_responses import bury_abandoned

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Callable

__all__ = ["Clients"]

_KEEPALIVE_SECONDS = 30.0
_MAX_IDLE = 100
_inherited: list[object] = []
"""Clients of the parent process: kept, so that no child closes what it shares."""
_closing: set[asyncio.Task[None]] = set()
"""Tasks that close clients; a loop keeps no reference of its own to a task."""


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
        self._base_url = base_url
        self._proxy = proxy
        self._given = client
        self._async_given = async_client
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._own: httpx.Client | None = None
        self._by_loop: dict[int, _LoopClient] = {}

    def get(self) -> httpx.Client:
        """The client of this process."""
        bury_abandoned()
        if self._given is not None:
            return self._given
        self._notice_fork()
        if self._own is None:
            with self._lock:
                if self._own is None:
                    self._own = httpx.Client(**self._options())
                    weakref.finalize(self, self._own.close)
        return self._own

    async def aget(self) -> httpx.AsyncClient:
        """The client of the running event loop."""
        if self._async_given is not None:
            return self._async_given
        self._notice_fork()
        loop = asyncio.get_running_loop()
        held = self._by_loop.get(id(loop))
        if held is None or held.loop() is not loop or held.client.is_closed:
            self._forget_closed_loops()
            held = _LoopClient(self, loop, httpx.AsyncClient(**self._options()))
            self._by_loop[id(loop)] = held
            await anext(held.holder)
        return held.client

    def close(self) -> None:
        """Close this process's own client; the next call makes a new one."""
        bury_abandoned()
        own, self._own = self._own, None
        if own is not None:
            own.close()

    async def aclose(self) -> None:
        """Close the running loop's own client; the next call makes a new one."""
        held = self._by_loop.pop(id(asyncio.get_running_loop()), None)
        if held is not None:
            held.finalizer.detach()
            await held.holder.aclose()

    def _options(self) -> dict[str, Any]:
        needs_tls = self._base_url.startswith("https") or self._proxy is not None
        return {
            "verify": _ssl_context() if needs_tls else False,
            "proxy": self._proxy,
            "follow_redirects": False,
            "limits": httpx.Limits(
                max_connections=None,
                max_keepalive_connections=_MAX_IDLE,
                keepalive_expiry=_KEEPALIVE_SECONDS,
            ),
        }

    def _notice_fork(self) -> None:
        if self._pid != os.getpid():
            _inherited.extend((self._own, *self._by_loop.values()))
            self._own, self._by_loop, self._pid = None, {}, os.getpid()
            self._lock = threading.Lock()

    def _forget_closed_loops(self) -> None:
        for key, held in list(self._by_loop.items()):
            loop = held.loop()
            if loop is None or loop.is_closed() or held.client.is_closed:
                held.finalizer.detach()
                self._by_loop.pop(key, None)


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


class _ClosingTask(asyncio.Task[None]):
    """A task that ``asyncio.run`` waits for at its end instead of cancelling it.

    Half a close would leave connections that nobody knows any more.
    """

    @override
    def cancel(self, msg: object = None) -> bool:
        """Do nothing: closing takes a few turns of the loop only."""
        return False


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
    task = _ClosingTask(_close(holder), loop=loop)
    _closing.add(task)
    task.add_done_callback(_closing.discard)
