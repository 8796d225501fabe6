"""Server-sent events: the event's type as ``event:``, the event as ``data:``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from langchain_streamkit.adapters._encoder import Encoder
from langchain_streamkit.adapters._json import event_object, event_stream_frame
from langchain_streamkit.events import FinalEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_streamkit.adapters._failure import ErrorFrame
    from langchain_streamkit.events import StreamEvent

__all__ = ["ServerSentEvents"]


class ServerSentEvents(Encoder):
    """Our own events, one a frame."""

    @override
    def event(self, event: StreamEvent) -> Iterable[bytes]:
        return (event_stream_frame(event_object(event), event.type),)

    @override
    def failed(self, error: ErrorFrame) -> Iterable[bytes]:
        return (event_stream_frame(error, "error"),)

    @override
    def stopped(self) -> Iterable[bytes]:
        return self.event(FinalEvent(finish_reason="stopped"))
