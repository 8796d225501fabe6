"""What a call says of itself while its reader waits.

Strategy: the exchange notes what it is about to do, at no more than a few places of an
attempt; the shells tell it before they wait, for only they know how (a custom event of
core is awaited in async). If nobody listens nothing is noted.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from langchain_streamkit._resilience.status import status_listener
from langchain_streamkit.errors import StreamInterruptedError
from langchain_streamkit.events import StatusEvent, StatusPhase

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_streamkit._http.call import Call

__all__ = ["StatusLine", "StatusSender"]

_GLANCE_SECONDS = 0.05

_WORDS: dict[StatusPhase, str] = {
    "connecting": "Connecting to {host}",
    "generating": "Generating",
    "retrying": "Retrying {attempt}/{most}{wait}",
    "resumed": "Going on where the answer was cut, {attempt}/{most}{wait}",
    "fallback": "Asking for a whole answer instead of a stream",
}


class StatusSender(Protocol):
    """Tells others than the listener."""

    def send(self, status: StatusEvent) -> None:
        """Tell a status."""
        ...

    async def asend(self, status: StatusEvent) -> None:
        """The async twin of ``send``."""
        ...


class StatusLine:
    """What one call has to tell.

    Args:
        call: The call.
        sender: Who is told besides the listener of this context.

    Attributes:
        news: What was noted and not told yet.
    """

    __slots__ = ("_call", "_listener", "_sender", "news")

    def __init__(self, call: Call, sender: StatusSender | None) -> None:
        self._call = call
        self._sender = sender
        self._listener = status_listener.get()
        self.news: list[StatusEvent] = []

    def note(
        self,
        phase: StatusPhase,
        attempt: int = 1,
        *,
        delay: float = 0.0,
        error: Exception | None = None,
    ) -> None:
        """Note what begins now.

        Args:
            phase: What it is.
            attempt: The attempt that is under way, or about to start.
            delay: Seconds until then.
            error: Why the last attempt failed.
        """
        if self._listener is None and self._sender is None:
            return
        most = self._call.max_retries + 1
        words = _WORDS[phase].format(
            host=self._call.endpoint.host,
            attempt=attempt,
            most=most,
            wait=f" in {delay:.1f} s" if delay else "",
        )
        about = {
            "model": self._call.model,
            "provider": self._call.endpoint.provider.name,
        }
        if error is not None:
            about["error"] = type(error).__name__
        self.news.append(StatusEvent(phase, words, attempt, most, delay, about))

    def tell(self) -> None:
        """Tell what was noted."""
        for status in self._take():
            if self._sender is not None:
                self._sender.send(status)

    async def atell(self) -> None:
        """The async twin of ``tell``."""
        for status in self._take():
            if self._sender is not None:
                await self._sender.asend(status)

    def let_interrupt(self, stream: Any) -> None:
        """Let a listener in another thread end the reads of a connection.

        Args:
            stream: httpcore's network stream.
        """
        if self._listener is not None:
            self._listener.reads(self, lambda: _shut(stream))

    def end_interrupt(self) -> None:
        """Leave the connection alone, which may serve another call soon."""
        if self._listener is not None:
            self._listener.has_read(self)

    def is_closed(self) -> bool:
        """See to it that nothing is asked for, or handed on, for nobody.

        Returns:
            True in the thread that closes the stream: core reads on there what it
            closes, and an error would be nobody's.

        Raises:
            StreamInterruptedError: If the reader has gone, in any other thread: what
                follows the model there must not take the answer for whole.
        """
        if self._listener is None or not self._listener.has_left:
            return False
        if self._listener.closer != threading.get_ident():
            raise StreamInterruptedError("The reader left before the answer was whole.")
        return True

    def wait(self, seconds: float, sleep: Callable[[float], None]) -> None:
        """Wait, but not for a reader who has gone.

        Args:
            seconds: How long.
            sleep: Waits so many seconds.
        """
        if self._listener is None:
            sleep(seconds)
            return
        while seconds > 0 and not self._listener.has_left:
            sleep(min(seconds, _GLANCE_SECONDS))
            seconds -= _GLANCE_SECONDS

    def _take(self) -> list[StatusEvent]:
        news, self.news = self.news, []
        if self._listener is not None:
            for status in news:
                self._listener.tell(status)
        return news


def _shut(stream: Any) -> None:
    """End a read that another thread waits in; no other stream may share it."""
    with suppress(AttributeError, OSError):
        secured = stream.get_extra_info("ssl_object")
        if secured is None or secured.selected_alpn_protocol() != "h2":
            stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
