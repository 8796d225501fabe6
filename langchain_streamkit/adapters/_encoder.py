"""What every protocol's encoder can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from langchain_streamkit.adapters._failure import ErrorFrame
    from langchain_streamkit.events import StreamEvent

__all__ = ["Encoder"]


class Encoder:
    """Turns the events of one stream into frames, each a unit on the wire.

    One encoder serves one stream. It is told of each event, and then, once, of the
    end: ``failed``, ``stopped`` or ``finished``. An encoder either overrides
    ``event`` or has a method ``on_<type>`` for each kind of event that its protocol
    has a word for.
    """

    def event(self, event: StreamEvent) -> Iterable[bytes]:
        """The frames of one event, perhaps none.

        Args:
            event: The next event.
        """
        write: Callable[[Any], Iterable[bytes]] | None
        write = getattr(self, f"on_{event.type}", None)
        return () if write is None else write(event)

    def failed(self, error: ErrorFrame) -> Iterable[bytes]:
        """The last frames of a stream that failed.

        Args:
            error: What may be told.
        """
        raise NotImplementedError

    def refused(self, error: ErrorFrame) -> Mapping[str, Any]:
        """The body of a response that says no, before there was any event.

        Args:
            error: What may be told.
        """
        return error

    def stopped(self) -> Iterable[bytes]:
        """The last frames of a stream that was stopped on purpose."""
        return self.finished()

    def finished(self) -> Iterable[bytes]:
        """The last frames of a stream whose source has ended."""
        return ()
