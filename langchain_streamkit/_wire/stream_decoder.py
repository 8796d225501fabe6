"""The bytes of a response become events and one answer.

Strategy: the first byte that is not white space tells what the server really sent,
whatever its headers say: an event stream, one JSON body (a server that ignores
``stream``), or a page of HTML. Frames are read until ``[DONE]``; what follows is
not looked at. An error inside a read is kept until the good events before it have
been given (``failure``). An end without ``[DONE]`` and without a finish reason is a
cut, never a success.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_streamkit._wire.deltas import AnswerEnd
from langchain_streamkit._wire.failures import (
    NO_TEXT,
    clean_text,
    is_error,
    parse_failure,
    parse_frame_failure,
    to_error,
)
from langchain_streamkit._wire.frames import FrameReader
from langchain_streamkit._wire.limits import DEFAULT_MAX_EVENT_BYTES
from langchain_streamkit._wire.parse_json import parse_json, parse_strict_json
from langchain_streamkit._wire.shapes import as_items, as_mapping, is_mapping
from langchain_streamkit._wire.sse import ServerSentEvent, SSEDecoder
from langchain_streamkit.errors import (
    ProtocolError,
    ServerError,
    StreamInterruptedError,
    StreamKitError,
    StreamLimitError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_streamkit._wire.answer import Answer
    from langchain_streamkit.events import StreamEvent

__all__ = ["StreamDecoder"]

_DONE = b"[DONE]"
_BOM = b"\xef\xbb\xbf"
_EXCERPT = 200
_WHAT = {
    "<": "an HTML page",
    "{": "JSON that is broken, or was cut",
    "[": "JSON that is broken, or was cut",
}
_CUT_JSON = ("{", "[")  # a second attempt may get it whole; a page stays a page
_KEEP_ALIVES = frozenset({"ping", "heartbeat", "keepalive", "keep-alive"})
# An answer that ends so was not ended by its model: DeepSeek, Z.ai, SGLang (2026-11).
_FAILURES = frozenset(
    {"error", "insufficient_system_resource", "network_error", "abort"}
)
_CHECK_URL = (
    "Check base_url: it is the address before /chat/completions, and often ends in /v1."
)


class StreamDecoder:
    r"""Feed it the body of a response, split anywhere, and get events.

    Args:
        where: The server and the model, for the messages of errors.
        reasoning_tags: The tags of inline reasoning, or None.
        max_event_bytes: The most bytes of one event, or of a body that is no stream.
        max_response_bytes: The most bytes of the whole response, or None.

    Attributes:
        is_done: True once the answer is whole; nothing more need be read.
        failure: The error that the server sent, or that its bytes are; raise it
            after the events that ``feed`` gave with it.

    Example:
        >>> decoder = StreamDecoder()
        >>> frame = b'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}}]}'
        >>> decoder.feed(frame + b"\n\ndata: [DONE]\n\n")[0].content
        'Hi'
        >>> decoder.close()[-1].answer.text
        'Hi'
    """

    __slots__ = (
        "_body",
        "_is_stream",
        "_max_event_bytes",
        "_max_response_bytes",
        "_reader",
        "_saw_done",
        "_saw_frame",
        "_size",
        "_sse",
        "_where",
        "_whole",
        "failure",
        "is_done",
    )

    def __init__(
        self,
        *,
        where: str = "The server",
        reasoning_tags: tuple[str, str] | None = None,
        max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES,
        max_response_bytes: int | None = None,
    ) -> None:
        self.is_done = False
        self.failure: StreamKitError | None = None
        self._where = where
        self._reader = FrameReader(
            reasoning_tags=reasoning_tags, max_argument_bytes=max_event_bytes
        )
        self._sse = SSEDecoder(max_event_bytes, has_error_fields=True)
        self._max_event_bytes = max_event_bytes
        self._max_response_bytes = max_response_bytes
        self._is_stream: bool | None = None
        self._saw_done = False
        self._saw_frame = False
        self._body: list[bytes] = []
        self._whole: Any = None
        self._size = 0

    @property
    def answer(self) -> Answer:
        """All that has come so far."""
        return self._reader.answer

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Take the next bytes, and give the events that they complete.

        Args:
            data: Any number of bytes.

        Returns:
            The events, in order. Look at ``failure`` and ``is_done`` afterwards.
        """
        if self.is_done or self.failure is not None:
            return []
        events: list[StreamEvent] = []
        limit = self._max_response_bytes
        is_too_long = limit is not None and self._size + len(data) > limit
        if limit is not None and is_too_long:
            data = data[: limit - self._size]
        self._size += len(data)
        if self._is_stream or self._sniff(data):
            if self._body:
                data = b"".join(self._body)
                self._body.clear()
            self._read_stream(data, events)
        if is_too_long:
            self._end_too_long()
        return events

    def close(self) -> list[StreamEvent]:
        """Say that no more bytes will come, and give the last events.

        Returns:
            The events that were held back, and an ``AnswerEnd``. Empty if the
            answer was cut: then ``failure`` is set.
        """
        if self.failure is not None:
            return []
        events: list[StreamEvent] = []
        if not self._saw_done:
            try:
                if self._is_stream:
                    self._read_tail(events)
                else:
                    self._read_body(b"".join(self._body), events)
            except StreamLimitError as error:
                self.failure = error
        if self.failure is None and not self._saw_done:
            self._check_end()
        if self.failure is not None:
            return events
        events.extend(self._reader.finish())
        if self._is_stream and self.answer.is_empty:
            self.is_done = False
            self.failure = self._no_answer()
            return events
        events.append(AnswerEnd(self.answer))
        self.is_done = True
        return events

    def _end_too_long(self) -> None:
        if not (self.is_done or self.failure):
            self.failure = StreamLimitError(
                f"{self._where} sent more than max_response_bytes="
                f"{self._max_response_bytes} bytes. Raise it if such answers are "
                "expected."
            )

    def _sniff(self, data: bytes) -> bool:
        """Whether these bytes go on as an event stream; if not, they are kept."""
        self._body.append(data)
        if self._is_stream is None and data.strip():
            start = b"".join(self._body)
            text = start.removeprefix(_BOM).lstrip()
            if text and not _BOM.startswith(start):
                self._is_stream = text[:1] not in b"{[<"
        if not self._is_stream and self._size > self._max_event_bytes:
            self._body.clear()
            self.failure = StreamLimitError(
                f"{self._where} sent a body of more than max_event_bytes="
                f"{self._max_event_bytes} bytes. Raise it if such answers are "
                "expected."
            )
        return bool(self._is_stream)

    def _read_stream(self, data: bytes, events: list[StreamEvent]) -> None:
        try:
            for sent in self._sse.feed(data):
                self._read_sent(sent, events)
                if self.is_done or self.failure is not None:
                    return
        except StreamLimitError as error:
            self.failure = error
            return
        self.failure = self._sse.failure

    def _read_sent(self, sent: ServerSentEvent, events: list[StreamEvent]) -> None:
        data = sent.data
        if data[:1] != b"{":
            data = data.strip()
            if data == _DONE:
                self._saw_done = self.is_done = True
                return
            if not data:
                return
        try:
            frame = parse_strict_json(data)
        except ValueError:
            self._read_odd(sent, events)
            return
        if sent.event != "error":
            plain = self._reader.read_plain(frame)
            if plain is not None:
                events += plain
                return
        self._read_frame(frame, sent.event, events)

    def _read_odd(self, sent: ServerSentEvent, events: list[StreamEvent]) -> None:
        """A frame that is no JSON by the standard: odd, or broken."""
        try:
            frame = parse_json(sent.data)
        except ValueError:
            if sent.event not in _KEEP_ALIVES:
                self.failure = self._broken_frame(sent)
        else:
            self._read_frame(frame, sent.event, events)

    def _read_frame(self, frame: Any, event: str, events: list[StreamEvent]) -> None:
        """Any frame; a list of them is read one by one."""
        for one in as_items(frame) or [frame]:
            if is_mapping(one):
                self._read_mapping(one, event, events)
            elif event == "error":
                self.failure = self._error(one)
            if self.failure is not None:
                return

    def _read_mapping(
        self, frame: Mapping[str, Any], event: str, events: list[StreamEvent]
    ) -> None:
        self._saw_frame = True
        failure = parse_frame_failure(frame, event)
        if failure is None or "choices" in frame:
            events.extend(self._reader.read(frame))
        if failure is not None:
            self.failure = to_error(failure, where=self._where)
        elif is_error(self._reader.error):
            self.failure = self._error({"error": self._reader.error})
        elif (reason := self.answer.finish_reason) in _FAILURES:
            self.failure = ServerError(
                f"{self._where} ended its answer with finish_reason {reason!r} and "
                "gave no reason."
            )

    def _read_tail(self, events: list[StreamEvent]) -> None:
        """The unfinished last event: taken if it is whole JSON, else a cut."""
        sent = self._sse.flush()
        if sent is None:
            return
        self._read_sent(sent, events)
        if isinstance(self.failure, ProtocolError):
            self.failure = None
            self.answer.finish_reason = None

    def _read_body(self, body: bytes, events: list[StreamEvent]) -> None:
        """A response that is no event stream: one JSON value, lines of it, or not."""
        text = body.removeprefix(_BOM).strip()
        if not text:
            self.failure = ProtocolError(
                f"{self._where} answered with an empty body. It may have run out of "
                "memory or context; look at its log."
            )
            return
        try:
            value = parse_json(text)
        except ValueError:
            self._read_lines([line for line in text.splitlines() if line], events)
        else:
            self._read_whole(value, events)

    def _read_lines(self, lines: list[bytes], events: list[StreamEvent]) -> None:
        """Frames, one a line, without the form of an event stream."""
        for place, line in enumerate(lines, start=1):
            if line.strip() == _DONE:
                self._saw_done = True
                return
            try:
                value = parse_json(line)
            except ValueError:
                if 1 < place == len(lines):
                    self.answer.finish_reason = None  # the last line was cut
                else:
                    self.failure = self._not_an_answer(b"\n".join(lines))
                return
            self._read_frame(value, "message", events)
            if self.failure is not None:
                return

    def _read_whole(self, value: Any, events: list[StreamEvent]) -> None:
        items = as_items(value)
        value = items[0] if len(items) == 1 else value
        self._whole = value
        self._read_frame(value, "message", events)
        if self.failure is None and not _has_choices(value):
            self.failure = self._without_choices(value)
        self._saw_done = True  # a whole body ends where its JSON does

    def _check_end(self) -> None:
        if self.answer.finish_reason:
            return
        if not self._saw_frame and self._sse.stray_line:
            self.failure = self._not_an_answer(self._sse.stray_line)
            return
        has_content = self.answer.has_content
        after = "in the middle of its answer" if has_content else "before any content"
        self.failure = StreamInterruptedError(
            f"{self._where} closed the stream {after}: neither a finish reason nor "
            "[DONE] came. What had arrived is on this error's partial."
        )

    def _no_answer(self) -> StreamKitError:
        """For a stream that ended as it should, and said nothing."""
        names = clean_text(", ".join(self.answer.extras), _EXCERPT)
        what = f"frames that hold no choices, but {names}" if names else "no answer"
        error = ProtocolError(
            f"{self._where} sent {what}, and then [DONE]. {_CHECK_URL}"
        )
        error.is_retryable = not names
        return error

    def _broken_frame(self, sent: ServerSentEvent) -> StreamKitError:
        excerpt = clean_text(sent.data.decode("utf-8", "replace"), _EXCERPT)
        if sent.event == "error":
            return self._error(excerpt)
        return ProtocolError(
            f"{self._where} sent a frame that is not JSON ({len(sent.data)} bytes). "
            "What had arrived is on this error's partial.",
            body=excerpt,
        )

    def _not_an_answer(self, body: bytes) -> StreamKitError:
        text = body.decode("utf-8", "replace")
        what = _WHAT.get(text.lstrip()[:1], "text that is neither JSON nor a stream")
        said = clean_text(parse_failure(text).message, _EXCERPT)
        error = ProtocolError(
            f"{self._where} answered with {what}: {said} {_CHECK_URL}", body=said
        )
        error.is_retryable = text.lstrip()[:1] in _CUT_JSON
        return error

    def _without_choices(self, value: Any) -> StreamKitError:
        failure = parse_failure(value)
        if failure.message != NO_TEXT:
            return to_error(failure, where=self._where)
        names = ", ".join(as_mapping(value)) or "nothing"
        return ProtocolError(
            f"{self._where} answered with JSON that holds no choices, but "
            f"{clean_text(names, _EXCERPT)}. {_CHECK_URL}"
        )

    def _error(self, body: object) -> StreamKitError:
        return to_error(parse_failure(body), where=self._where)


def _has_choices(value: object) -> bool:
    return any(as_mapping(frame).get("choices") for frame in as_items(value) or [value])
