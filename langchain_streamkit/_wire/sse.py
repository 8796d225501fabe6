"""Bytes of an event stream become server-sent events.

Strategy: bytes are cut at line ends before anything is decoded, so a character
that arrives in two reads is never torn, and only CR, LF and CRLF end a line (text
iterators also cut at U+2028 and U+0085, which JSON may hold). A CR ends its line at
once; a LF that follows in the next read is skipped, so no event waits for a byte
that may not come. A block that is one plain ``data:`` line, which is nearly every
block, is taken whole; any other goes line by line. Both ways give the same events.

Rules: WHATWG HTML, section 9.2.6 "Interpreting an event stream" (2026-11).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from langchain_streamkit._wire.limits import DEFAULT_MAX_EVENT_BYTES
from langchain_streamkit.errors import StreamLimitError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SSEDecoder", "ServerSentEvent"]

_BOM = b"\xef\xbb\xbf"
_MAX_RETRY_DIGITS = 18
_STRAY_BYTES = 500
_BARE_ERROR = re.compile(rb'\{\s*"error"\s*:')
# Half the time of the class's own way to make one, once a frame.
_new: Callable[[type[ServerSentEvent], tuple[object, ...]], ServerSentEvent]
_new = vars(tuple)["__new__"]


class ServerSentEvent(NamedTuple):
    """One event of the stream.

    Attributes:
        data: The data lines, joined by LF, as bytes.
        event: The event's type.
        id: The last event id at the time of this event.
        retry: The reconnection time that came with it, in milliseconds.
    """

    data: bytes
    event: str = "message"
    id: str = ""
    retry: int | None = None


class SSEDecoder:
    r"""An incremental decoder: feed it bytes, split anywhere, and get events.

    Args:
        max_event_bytes: The most bytes that the lines of one event may have; a
            comment counts only while it is read.
        has_error_fields: Whether a field ``error``, which the standard does not
            know, is an event of that type: old llama.cpp servers report a failure
            that way (llama.cpp before 2025-09); and a line of JSON that begins
            with one, which a gateway writes as if nothing had been sent before.

    Attributes:
        failure: Set once an event is too large; raise it after the events that
            ``feed`` gave with it. Nothing more is read then.
        stray_line: The beginning of the first line that is no field of the standard;
            of a body that is no stream at all, its first words.

    Example:
        >>> decoder = SSEDecoder()
        >>> decoder.feed(b"data: one\n\ndata: t")
        [ServerSentEvent(data=b'one', event='message', id='', retry=None)]
        >>> [event.data for event in decoder.feed(b"wo\n\n")]
        [b'two']
    """

    __slots__ = (
        "_at_start",
        "_data",
        "_event",
        "_has_error_fields",
        "_id",
        "_max_event_bytes",
        "_pending_id",
        "_pieces",
        "_retry",
        "_size",
        "_skip_line_feed",
        "_unfinished",
        "failure",
        "stray_line",
    )

    def __init__(
        self,
        max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES,
        *,
        has_error_fields: bool = False,
    ) -> None:
        self.failure: StreamLimitError | None = None
        self.stray_line = b""
        self._max_event_bytes = max_event_bytes
        self._has_error_fields = has_error_fields
        self._pieces: list[bytes] = []
        self._unfinished = 0  # bytes of the line that has not ended
        self._size = 0  # bytes of this event's lines before it
        self._data: list[bytes] = []
        self._event = b""
        self._id = ""
        self._pending_id: str | None = None
        self._retry: int | None = None
        self._skip_line_feed = False
        self._at_start = True

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Take the next bytes, and give the events that they complete.

        Args:
            data: Any number of bytes.

        Returns:
            The events, in order; often none. Look at ``failure`` afterwards.
        """
        events: list[ServerSentEvent] = []
        if self.failure is not None:
            return events
        if self._skip_line_feed and data:
            self._skip_line_feed = False
            if data[0] == 0x0A:
                data = data[1:]
        if b"\r" in data:
            self._skip_line_feed = data[-1] == 0x0D
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if self._pieces or self._at_start:
            self._pieces.append(data)
            if b"\n" not in data:
                self._unfinished += len(data)
                self._fits(self._unfinished)
                return events
            data = b"".join(self._pieces)
            self._pieces.clear()
            if self._at_start:
                self._at_start = False
                data = data.removeprefix(_BOM)
        self._read_blocks(data, events)
        return events

    def flush(self) -> ServerSentEvent | None:
        """The last event, if the stream ended without its closing blank line.

        The standard discards such an event; servers leave whole JSON there, so the
        caller decides whether it can be trusted.

        Returns:
            The unfinished event, or None if nothing is left.
        """
        if self.failure is not None:
            return None
        tail = b"".join(self._pieces)
        self._pieces.clear()
        events: list[ServerSentEvent] = []
        if self._at_start:
            tail = tail.removeprefix(_BOM)
        if tail:
            self._read_line(tail, events)
        self._dispatch(events)
        return events[0] if events else None

    def _read_blocks(self, data: bytes, events: list[ServerSentEvent]) -> None:
        blocks = data.split(b"\n\n")
        rest = blocks.pop()
        is_clean = self._is_clean()
        for block in blocks:
            if is_clean and block[:6] == b"data: " and b"\n" not in block:
                if len(block) > self._max_event_bytes:
                    self._fits(len(block))
                    return
                values = block[6:], "message", self._id, None
                events.append(_new(ServerSentEvent, values))
            elif self._read_lines(block.split(b"\n"), events):
                self._dispatch(events)
                is_clean = self._is_clean()
            else:
                return
        if not rest:
            self._unfinished = 0
            return
        lines = rest.split(b"\n")
        tail = lines.pop()
        if self._read_lines(lines, events):
            self._unfinished = len(tail)
            if tail and self._fits(len(tail)):
                self._pieces.append(tail)

    def _is_clean(self) -> bool:
        return not (
            self._data
            or self._event
            or self._pending_id is not None
            or self._retry is not None
            or self._size
        )

    def _read_lines(self, lines: list[bytes], events: list[ServerSentEvent]) -> bool:
        """Read whole lines; False once one of them is too much."""
        for line in lines:
            if not line:
                self._dispatch(events)
            elif self._fits(len(line)):
                self._read_line(line, events)
            else:
                return False
        return True

    def _read_line(self, line: bytes, events: list[ServerSentEvent]) -> None:
        name, _, value = line.partition(b":")
        if not name:
            return
        self._size += len(line)
        if value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            self._data.append(value)
        elif self._has_error_fields and name == b"error" and value:
            events.append(ServerSentEvent(value, "error", self._id))
        elif self._has_error_fields and _BARE_ERROR.match(line):
            events.append(ServerSentEvent(line, "error", self._id))
        elif not self._read_field(name, value) and not self.stray_line:
            self.stray_line = line[:_STRAY_BYTES]

    def _read_field(self, name: bytes, value: bytes) -> bool:
        """A field that says something about the event; False if there is no such."""
        if name == b"event":
            self._event = value
        elif name == b"id":
            if b"\0" not in value:
                self._pending_id = value.decode("utf-8", "replace")
        elif name == b"retry":
            if value.isdigit() and len(value) <= _MAX_RETRY_DIGITS:
                self._retry = int(value)
        else:
            return False
        return True

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        if self._pending_id is not None:
            self._id = self._pending_id
        if self._data:
            event = self._event.decode("utf-8", "replace") or "message"
            data = b"\n".join(self._data)
            events.append(ServerSentEvent(data, event, self._id, self._retry))
        self._data.clear()
        self._event = b""
        self._pending_id = None
        self._retry = None
        self._size = 0

    def _fits(self, size: int) -> bool:
        """Whether a line of this size has room in the event; if not, all ends."""
        if self._size + size > self._max_event_bytes:
            self._pieces.clear()
            self.failure = StreamLimitError(
                f"The server sent an event of more than {self._max_event_bytes} bytes "
                "without ending it. Raise max_event_bytes if such answers are expected."
            )
        return self.failure is None
