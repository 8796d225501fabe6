"""The bytes of a response become events and one answer.

Strategy: the first byte that is not white space tells what the server really sent,
whatever its headers say: an event stream, one JSON body (a server that ignores
``stream``), or a page of HTML. Frames are read until ``[DONE]``; what follows is
not looked at. An error inside a read is kept until the good events before it have
been given (``failure``). An end without ``[DONE]`` and without a finish reason is a
cut, never a success.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_streamkit._wire.answer import Answer
from langchain_streamkit._wire.deltas import AnswerEnd
from langchain_streamkit._wire.failures import (
    clean_text,
    parse_failure,
    parse_frame_failure,
    to_error,
)
from langchain_streamkit._wire.frames import FrameReader
from langchain_streamkit._wire.parse_json import parse_json
from langchain_streamkit._wire.sse import (
    DEFAULT_MAX_EVENT_BYTES,
    SSEDecoder,
    ServerSentEvent,
)
from langchain_streamkit.errors import (
    ProtocolError,
    ServerError,
    StreamInterruptedError,
    StreamKitError,
    StreamLimitError,
)
from langchain_streamkit.events import StreamEvent

__all__ = ["StreamDecoder"]

_DONE = b"[DONE]"
_EXCERPT = 200


class StreamDecoder:
    """Feed it the body of a response, split anywhere, and get events.

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
        >>> decoder.feed(frame + b"\\n\\ndata: [DONE]\\n\\n")[0].content
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
        self._sse = SSEDecoder(max_event_bytes)
        self._max_event_bytes = max_event_bytes
        self._max_response_bytes = max_response_bytes
        self._is_stream: bool | None = None
        self._saw_done = False
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
        self._size += len(data)
        if (
            self._max_response_bytes is not None
            and self._size > self._max_response_bytes
        ):
            self.failure = StreamLimitError(
                f"{self._where} sent more than max_response_bytes="
                f"{self._max_response_bytes} bytes. Raise it if such answers are "
                "expected."
            )
            return []
        if not self._is_stream and not self._sniff(data):
            return []
        if self._body:
            data = b"".join(self._body)
            self._body.clear()
        events: list[StreamEvent] = []
        try:
            for sent in self._sse.feed(data):
                self._read_sent(sent, events)
                if self.is_done or self.failure is not None:
                    return events
            self._read_stray_fields()
        except StreamLimitError as error:
            self.failure = error
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
        events.append(AnswerEnd(self.answer))
        self.is_done = True
        return events

    def _sniff(self, data: bytes) -> bool:
        """Whether these bytes go on as an event stream; if not, they are kept."""
        self._body.append(data)
        if self._is_stream is None:
            start = b"".join(self._body).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
            if not start:
                return False
            self._is_stream = start not in b"{[<"
        if not self._is_stream and sum(map(len, self._body)) > self._max_event_bytes:
            self.failure = StreamLimitError(
                f"{self._where} sent a body of more than max_event_bytes="
                f"{self._max_event_bytes} bytes."
            )
        return self._is_stream

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
            frame = parse_json(data)
        except ValueError:
            self.failure = self._broken_frame(sent)
            return
        event = self._reader.read_plain(frame)
        if event is not None and sent.event != "error":
            events.append(event)
            return
        self._read_frame(frame, sent.event, events)

    def _read_frame(
        self, frame: Any, event: str, events: list[StreamEvent]
    ) -> None:
        if isinstance(frame, Sequence) and not isinstance(frame, str) and frame:
            frame = cast("Sequence[Any]", frame)[0]
        if not isinstance(frame, Mapping):
            if event == "error":
                self.failure = self._error(frame)
            return
        frame = cast("Mapping[str, Any]", frame)
        failure = parse_frame_failure(frame, event)
        if failure is not None and "choices" not in frame:
            self.failure = to_error(failure, where=self._where)
            return
        events.extend(self._reader.read(frame))
        if failure is not None:
            self.failure = to_error(failure, where=self._where)
        else:
            self._check_choice(frame)

    def _check_choice(self, frame: Mapping[str, Any]) -> None:
        """Errors that stand inside a choice, or are only a finish reason."""
        choices = frame.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        error = (
            cast("Mapping[str, Any]", first).get("error")
            if isinstance(first, Mapping)
            else None
        )
        if error:
            self.failure = self._error({"error": error})
        elif self.answer.finish_reason == "error":
            self.failure = ServerError(
                f"{self._where} ended its answer with finish_reason 'error' and gave "
                "no reason."
            )

    def _read_stray_fields(self) -> None:
        for _, value in self._sse.stray_fields:
            try:
                body = parse_json(value)
            except ValueError:
                body = value.decode("utf-8", "replace")
            self.failure = self._error(body)

    def _read_tail(self, events: list[StreamEvent]) -> None:
        """The unfinished last event: taken if it is whole JSON, else a cut."""
        sent = self._sse.flush()
        self._read_stray_fields()
        if sent is None or self.failure is not None:
            return
        self._read_sent(sent, events)
        if isinstance(self.failure, ProtocolError):
            self.failure = None
            self.answer.finish_reason = None

    def _read_body(self, body: bytes, events: list[StreamEvent]) -> None:
        """A response that is no event stream: one JSON value, lines of it, or not."""
        text = body.strip()
        if not text:
            self.failure = ProtocolError(
                f"{self._where} answered with an empty body. It may have run out of "
                "memory or context; look at its log."
            )
            return
        for line in [text] if _is_json(text) else text.split(b"\n"):
            if self.failure is not None:
                return
            try:
                value = parse_json(line)
            except ValueError:
                self.failure = self._not_an_answer(body)
                return
            self._read_whole(value, events)

    def _read_whole(self, value: Any, events: list[StreamEvent]) -> None:
        self._whole = value
        has_choices = isinstance(value, Mapping) and "choices" in value
        self._read_frame(value, "message", events)
        if self.failure is None and not has_choices:
            self.failure = self._error(value)
        elif self.failure is None and not self.answer.finish_reason:
            self._saw_done = True  # a whole body ends where its JSON does

    def _check_end(self) -> None:
        if self.answer.finish_reason:
            return
        has_content = self.answer.has_content
        after = "in the middle of its answer" if has_content else "before any content"
        self.failure = StreamInterruptedError(
            f"{self._where} closed the stream {after}: neither a finish reason nor "
            "[DONE] came. What had arrived is on this error's partial."
        )

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
        is_page = text.lstrip()[:1] == "<"
        what = "an HTML page" if is_page else "text that is neither JSON nor a stream"
        said = clean_text(parse_failure(text).message, _EXCERPT)
        return ProtocolError(
            f"{self._where} answered with {what}: {said} "
            "Check base_url: it is the address before /chat/completions, and often "
            "ends in /v1.",
            body=said,
        )

    def _error(self, body: object) -> StreamKitError:
        return to_error(parse_failure(body), where=self._where)


def _is_json(text: bytes) -> bool:
    try:
        parse_json(text)
    except ValueError:
        return False
    return True
