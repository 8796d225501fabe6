"""A real uvicorn on a free port of this machine, in a thread, for a whole run.

Starting and stopping one for each test would take longer than the tests. Each
application gets a path of its own on it.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["serving", "stop_serving"]

_LIMIT = 30


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve an application for as long as the context lasts.

    Args:
        app: The ASGI application; its lifespan is not run, but ``app.state.aclose``
            is, at the end.

    Yields:
        Its address, as ``http://127.0.0.1:4711/1``.
    """
    server = _Server.running()
    path = f"/{next(server.numbers)}"
    server.apps[path] = app
    try:
        yield f"http://127.0.0.1:{server.port}{path}"
    finally:
        del server.apps[path]
        aclose = getattr(getattr(app, "state", None), "aclose", None)
        if aclose is not None:  # on the loop where its connections were opened
            asyncio.run_coroutine_threadsafe(aclose(), server.loop).result(_LIMIT)


def stop_serving() -> None:
    """Stop the server, if there is one."""
    if _Server.current is not None:
        _Server.current.stop()
        _Server.current = None


class _Server(uvicorn.Server):
    """Uvicorn with a table of applications."""

    current: _Server | None = None

    def __init__(self) -> None:
        config = uvicorn.Config(
            self._serve_one,
            log_level="error",
            interface="asgi3",
            lifespan="off",
            ws="websockets-sansio",
            timeout_graceful_shutdown=5,
        )
        super().__init__(config)
        self.apps: dict[str, Any] = {}
        self.numbers = itertools.count(1)
        self._has_started = threading.Event()
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self.run, args=([self._listener],))

    @classmethod
    def running(cls) -> _Server:
        """The server of this run, started if it is not."""
        if cls.current is None:
            cls.current = cls()
            cls.current._thread.start()
            assert cls.current._has_started.wait(_LIMIT)
        return cls.current

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self._has_started.set()

    def stop(self) -> None:
        """Stop, and wait for the end."""
        self.should_exit = True
        self._thread.join(_LIMIT)
        self._listener.close()
        assert not self._thread.is_alive()

    async def _serve_one(self, scope: Any, receive: Any, send: Any) -> None:
        name, slash, rest = scope["path"][1:].partition("/")
        path = slash + rest or "/"
        inner = {**scope, "path": path, "raw_path": path.encode()}
        await self.apps[f"/{name}"](inner, receive, send)
