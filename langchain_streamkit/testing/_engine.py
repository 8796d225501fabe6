"""The server's thread: an event loop, a listening socket, a task a connection.

Strategy: the listening socket is bound in the thread that calls ``start``, so the
port is known at once and the first client may connect before the loop turns. The
thread is a daemon, but ``stop`` ends it in order, and ``atexit`` does so for a
server that was forgotten. A forked child inherits copies of all sockets, which
would keep connections open that the parent closes; they are closed in the child,
where this server counts as stopped.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import socket
import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from langchain_streamkit.testing._signal import Signal

__all__ = ["Engine"]

_BACKLOG = 4096
_ACCEPTS_AT_ONCE = 64
_PAUSE_WITHOUT_FILES = 0.05


class Engine:
    """Runs a coroutine for each connection, on a thread of its own.

    Args:
        host: The address to listen on.
        port: The port, 0 for a free one.
        converse: Called with each accepted socket; the engine closes the socket.
        signal: Rung whenever a connection comes or goes.
        send_buffer: Bytes of the system's send buffer of each connection.
    """

    def __init__(
        self,
        host: str,
        port: int,
        converse: Callable[[socket.socket], Coroutine[None, None, None]],
        signal: Signal,
        send_buffer: int | None = None,
    ) -> None:
        self._converse = converse
        self._signal = signal
        self._sockets: set[socket.socket] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._abandoned = False
        self._listener = _listen(host, port, send_buffer)
        self.port: int = self._listener.getsockname()[1]
        self._ready = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"FakeServer-{self.port}", daemon=True
        )
        self._thread.start()
        self._ready.wait()
        if self._loop is None:
            message = "The server's event loop could not start."
            raise RuntimeError(message)
        _engines.add(self)
        atexit.register(self.stop)

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._sockets)

    def stop(self) -> None:
        """Close everything and end the thread; a second call does nothing."""
        atexit.unregister(self.stop)
        loop, stopping = self._loop, self._stopping
        if self._abandoned or loop is None or stopping is None:
            return
        if threading.current_thread() is self._thread:
            message = "A FakeServer cannot be stopped from its own handler."
            raise RuntimeError(message)
        self._loop = None
        loop.call_soon_threadsafe(stopping.set)
        self._thread.join()
        _engines.discard(self)

    def abandon(self) -> None:
        """Let go of everything, in a forked child."""
        self._abandoned = True
        self._listener.close()
        for sock in self._sockets:
            sock.close()
        self._sockets.clear()

    def _run(self) -> None:
        loop_factory = asyncio.SelectorEventLoop
        try:
            # Debug mode is for the test's own loop: here it would slow the server
            # down and log about a busy machine.
            with asyncio.Runner(debug=False, loop_factory=loop_factory) as runner:
                runner.run(self._main())
        finally:
            self._ready.set()

    async def _main(self) -> None:
        loop = asyncio.get_running_loop()
        self._loop, self._stopping = loop, asyncio.Event()
        loop.add_reader(self._listener, self._accept)
        self._ready.set()
        await self._stopping.wait()
        loop.remove_reader(self._listener)
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for sock in self._sockets:  # of tasks that were cancelled before they began
            sock.close()
        self._sockets.clear()

    def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(_ACCEPTS_AT_ONCE):
            try:
                sock, _ = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return
            except OSError:  # out of file descriptors: let some connections end
                loop.remove_reader(self._listener)
                loop.call_later(_PAUSE_WITHOUT_FILES, self._resume)
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.add(sock)
            task = loop.create_task(self._converse_and_close(sock))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _resume(self) -> None:
        if self._listener.fileno() >= 0:
            asyncio.get_running_loop().add_reader(self._listener, self._accept)

    async def _converse_and_close(self, sock: socket.socket) -> None:
        self._signal.changed()
        try:
            await self._converse(sock)
        finally:
            sock.close()
            self._sockets.discard(sock)
            self._signal.changed()


def _listen(host: str, port: int, send_buffer: int | None) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if send_buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


def _abandon_all() -> None:
    for engine in list(_engines):
        engine.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)
