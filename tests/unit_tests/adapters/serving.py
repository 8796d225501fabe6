"""A real uvicorn on a free port of this machine, in a thread."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def serving(app: Any, **settings: Any) -> Iterator[str]:
    """Serve an application for as long as the context lasts.

    Args:
        app: The ASGI application.
        **settings: More of uvicorn's own.

    Yields:
        Its address, as ``http://127.0.0.1:4711``.
    """
    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            started.set()

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app,
            log_level="error",
            ws="websockets-sansio",
            timeout_graceful_shutdown=5,
            **settings,
        )
        server = Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            assert started.wait(30)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)
        assert not thread.is_alive()
