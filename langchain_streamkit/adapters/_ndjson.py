"""Newline-delimited JSON: one event a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from langchain_streamkit.adapters._encoder import Encoder
from langchain_streamkit.adapters._json import event_object, write_json
from langchain_streamkit.events import FinalEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_streamkit.adapters._failure import ErrorFrame
    from langchain_streamkit.events import StreamEvent

__all__ = ["JsonLines"]


class JsonLines(Encoder):
    """Our own events, one a line."""

    @override
    def event(self, event: StreamEvent) -> Iterable[bytes]:
        return (write_json(event_object(event)) + b"\n",)

    @override
    def failed(self, error: ErrorFrame) -> Iterable[bytes]:
        return (write_json(error) + b"\n",)

    @override
    def stopped(self) -> Iterable[bytes]:
        return self.event(FinalEvent(finish_reason="stopped"))
