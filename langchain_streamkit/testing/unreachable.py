"""A place where nobody opens: for tests of the time that connecting may take."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["unreachable"]

_FILLERS = 3


@contextmanager
def unreachable() -> Generator[str, None, None]:
    """A base URL where connecting neither succeeds nor fails, as behind a firewall.

    It is a socket on this machine whose queue of waiting connections is full, so
    that Linux drops every further attempt; other systems may refuse it. A URL that
    refuses at once is that of a ``FakeServer`` which has stopped.

    Yields:
        The base URL.

    Example:
        >>> with unreachable() as url:
        ...     url.startswith("http://127.0.0.1:")
        True
    """
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(_FILLERS):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            code = filler.connect_ex(listener.getsockname())
            if code not in {0, errno.EINPROGRESS}:
                raise OSError(code, "The queue of connections could not be filled.")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
