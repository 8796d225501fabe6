"""A cable between a client and a server, which a test can cut and mend."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Proxy"]


class Proxy:
    """Hands bytes on, to and fro, while it is whole.

    Args:
        url: The server's address.

    Attributes:
        url: The address for the client.
    """

    def __init__(self, url: str) -> None:
        server = urlsplit(url)
        self._server = (server.hostname or "", server.port or 80)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._lock = threading.Lock()
        self._is_whole = True
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def cut(self) -> None:
        """End all connections, and refuse new ones."""
        with self._lock:
            self._is_whole = False
            for end in self._ends:
                with contextlib.suppress(OSError):  # it has ended before
                    end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Take connections again."""
        with self._lock:
            self._is_whole = True

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.cut()
        self._listening.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in (self._listening, *self._ends):
            end.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # told to stop
            while True:
                client, _ = self._listening.accept()
                with self._lock:
                    if not self._is_whole:
                        client.close()
                        continue
                    server = socket.create_connection(self._server)
                    self._ends += [client, server]
                    for pair in ((client, server), (server, client)):
                        self._threads.append(threading.Thread(target=_pump, args=pair))
                        self._threads[-1].start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
