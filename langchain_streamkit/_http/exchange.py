"""One call of a model, from its request to its last event, without doing any I/O.

Strategy: the two shells (sync and async) send, read and wait; everything they must
decide is asked here, so that both behave alike and so that a test can drive a call
with lists and a clock of its own. An attempt is: ``begin``, ``head``, ``feed`` until
``is_over``, ``close``; whatever is raised on the way goes to ``recover``, which
says how long to wait before the next attempt, or raises what the user sees. Before
the first content an attempt may be repeated, corrected or asked for whole; after
it, only a resumption goes on.
"""

from __future__ import annotations

import logging
import math
from functools import reduce
from typing import TYPE_CHECKING, Any

import httpx

from langchain_streamkit._http.call import Call, Outgoing, Runtime
from langchain_streamkit._http.faults import to_streamkit_error
from langchain_streamkit._http.heads import Head, parse_head, same_origin
from langchain_streamkit._http.resumption import Resumption
from langchain_streamkit._resilience.clocks import StreamClocks
from langchain_streamkit._resilience.learning import (
    LessonBook,
    apply_lesson,
    find_lesson,
)
from langchain_streamkit._resilience.resume import DivergedError
from langchain_streamkit._resilience.retry import RetryPolicy
from langchain_streamkit._version import __version__
from langchain_streamkit._wire.answer import Answer, AnswerContext
from langchain_streamkit._wire.failures import parse_failure, refuses_stream, to_error
from langchain_streamkit._wire.parse_json import parse_json
from langchain_streamkit._wire.request import encode_body
from langchain_streamkit._wire.stream_decoder import StreamDecoder
from langchain_streamkit._wire.whole_body import WholeBodyDecoder
from langchain_streamkit.errors import (
    ConnectionFailedError,
    InvalidRequestError,
    StreamInterruptedError,
    StreamKitError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr

    from langchain_streamkit.events import StreamEvent

__all__ = ["MAX_ERROR_BYTES", "Exchange", "lessons"]

MAX_ERROR_BYTES = 64 * 1024
"""How much of the body of a refusal is read."""

lessons = LessonBook()
"""What servers were found to refuse, for the whole process."""

_log = logging.getLogger("langchain_streamkit")
_MAX_REDIRECTS = 3
_MAX_LESSONS = 2
_SHORTEST_SECRET = 6
_TIMER_SLACK = 0.05


class _RedirectedError(Exception):
    """The server moved within its own origin; ask there, at once."""


class Exchange:
    """The state of one call.

    Args:
        call: What is asked.
        runtime: The clocks, and chance.

    Attributes:
        context: What is known beside the answer; filled while it comes.
        clocks: How long reads may wait.
        is_over: True once nothing more need be read.
    """

    def __init__(self, call: Call, runtime: Runtime | None = None) -> None:
        self.call = call
        self.runtime = runtime or Runtime()
        self.context = AnswerContext(
            provider=call.endpoint.provider.name, requested_model=call.model
        )
        self.is_over = False
        self._started = self.now()
        self.clocks = StreamClocks(call.timeouts, self._started)
        self._policy = RetryPolicy(call.max_retries)
        self._attempt = self._learned = self._redirects = 0
        self._url = call.endpoint.url
        self._lessons = list(lessons.known(call.endpoint.base_url, call.model))
        self._body = reduce(apply_lesson, self._lessons, dict(call.body))
        self._resumption = Resumption(call.resume, call.endpoint.provider, self._body)
        self._key: SecretStr | None = None
        self._head = Head()
        self._has_content = False
        self._is_stream = call.is_stream
        self._decoder = self._new_decoder()

    @property
    def where(self) -> str:
        """The server and the model, for messages."""
        return f"{self.call.endpoint.host} (model {self.call.model!r})"

    @property
    def answer(self) -> Answer:
        """All that has come so far, over all attempts."""
        return self._resumption.merged(self._decoder.answer)

    def now(self) -> float:
        """Seconds of the clock that this call goes by."""
        return self.runtime.monotonic()

    def begin(self, key: SecretStr | None) -> Outgoing:
        """Start an attempt.

        Args:
            key: The key, fresh for this attempt.

        Returns:
            The request to send.

        Raises:
            ConfigurationError: If the key cannot stand in a header.
            UnsendableInputError: If the body cannot be written as JSON.
        """
        endpoint = self.call.endpoint
        self._attempt += 1
        self._key = key
        self._decoder = self._new_decoder()
        self.is_over = False
        self.clocks.begin_attempt(self.now())
        headers = {
            "accept": "text/event-stream" if self._is_stream else "application/json",
            "accept-encoding": "identity" if self._is_stream else "gzip, deflate",
            "content-type": "application/json",
            "user-agent": f"langchain-streamkit/{__version__}",
            **endpoint.key_headers(key),
            **{name.lower(): value for name, value in endpoint.headers.items()},
        }
        content = encode_body(self._body)
        return Outgoing(self._url, headers, content, self._read_timeout())

    def head(self, status: int, headers: Mapping[str, str]) -> bool:
        """Take the head of the response.

        Args:
            status: The HTTP status.
            headers: The headers.

        Returns:
            True if an answer follows, False if it is a refusal, whose body (at most
            ``MAX_ERROR_BYTES``) goes to ``refuse``.

        Raises:
            ConnectionFailedError: If it sends the request to another origin.
        """
        head = self._head = parse_head(status, headers, now=self.runtime.wall_clock())
        self.context.request_id = head.request_id
        self.context.rate_limit = head.rate_limit
        if self.call.include_response_headers:
            self.context.headers = head.headers
        if head.is_redirect:
            self._redirect(head.location)
        return head.is_success

    def refuse(self, body: bytes) -> StreamKitError:
        """The error of a refused request.

        Args:
            body: The body of the refusal.

        Returns:
            The error; raise it.
        """
        text = body.decode("utf-8", "replace")
        try:
            value = parse_json(body)
        except ValueError:
            value = text
        return to_error(
            parse_failure(value),
            where=self.where,
            status_code=self._head.status,
            request_id=self._head.request_id,
            retry_after=self._head.retry_after,
            body=text,
        )

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Take the next bytes of the answer.

        Args:
            data: Any number of bytes.

        Returns:
            The events that they complete. Look at ``is_over`` afterwards.
        """
        decoder = self._decoder
        events = decoder.feed(data)
        self.is_over = decoder.is_done or decoder.failure is not None
        if events:
            now = self.now()
            self.clocks.progress(now)
            if not self._has_content:
                self._has_content = True
                self.context.first_token_seconds = now - self._started
            return self._resumption.watch(events)
        return events

    def close(self) -> list[StreamEvent]:
        """Say that the answer is over.

        Returns:
            The last events.

        Raises:
            StreamKitError: If the answer was cut, or the server sent an error.
        """
        context = self.context
        context.total_seconds = self.now() - self._started
        if context.first_token_seconds is None:
            context.first_token_seconds = context.total_seconds
        if self._lessons:
            context.notes["adapted"] = [str(lesson) for lesson in self._lessons]
        if self._resumption.notes:
            context.notes["resumed"] = self._resumption.notes
        events = self._decoder.close()
        failure = self._decoder.failure
        if failure is not None:
            failure.request_id = failure.request_id or context.request_id
            raise failure
        return self._resumption.watch(events)

    def read_seconds(self) -> float | None:
        """How long the next read may wait, in seconds; None for no bound."""
        left = self.clocks.deadline - self.now()
        return None if left == math.inf else max(left, 0.001)

    def check_clocks(self) -> None:
        """Raise the error of the clock that has run out, if one has."""
        error = self.clocks.expired(self.now(), self.where)
        if error is not None:
            raise error

    def recover(self, error: Exception) -> float:
        """Decide what follows a failed attempt.

        Args:
            error: What was raised in it.

        Returns:
            How many seconds to wait before the next attempt.

        Raises:
            StreamKitError: If there is none: what the user sees.
            Exception: Anything that is none of this package's business.
        """
        if isinstance(error, _RedirectedError):
            return 0.0
        final = self._typed(error)
        if final is None:
            raise error
        if self._has_content:
            delay = self._go_on(error, final)
        elif self._learn(final) or self._fall_back(final):
            delay = 0.0
        else:
            delay = self._delay_after(final)
        if delay is not None:
            return delay
        self._hide_key(final)
        raise final

    def _new_decoder(self) -> StreamDecoder:
        call = self.call
        kind = StreamDecoder if call.is_stream else WholeBodyDecoder
        return kind(
            where=self.where,
            reasoning_tags=call.reasoning_tags,
            max_event_bytes=call.max_event_bytes,
            max_response_bytes=call.max_response_bytes,
        )

    def _typed(self, error: Exception) -> StreamKitError | None:
        if isinstance(error, StreamKitError):
            return error
        if isinstance(error, DivergedError):
            return StreamInterruptedError(
                f"{self.where} was cut in the middle of its answer, and its next "
                "answer does not go on where the first one stopped."
            )
        if isinstance(error, httpx.HTTPError | httpx.InvalidURL | OSError):
            late = self.clocks.expired(self.now() + _TIMER_SLACK, self.where)
            if late is not None and isinstance(error, httpx.TimeoutException):
                return late
            return to_streamkit_error(error, self.where, has_content=self._has_content)
        return None

    def _delay_after(self, error: StreamKitError) -> float | None:
        return self._policy.delay_after(
            error,
            attempt=self._attempt,
            seconds_left=self.clocks.seconds_left(self.now()),
            jitter=self.runtime.chance(),
            should_retry=self._head.should_retry,
        )

    def _go_on(self, error: Exception, final: StreamKitError) -> float | None:
        """The wait before the attempt that resumes the answer, if one may."""
        delay = self._delay_after(final)
        if delay is None:
            return None
        kind = error if isinstance(error, DivergedError) else final
        body = self._resumption.next_body(kind, self._decoder.answer)
        if body is None:
            return None
        self._body = body
        other_url = self.call.endpoint.prefill_url
        if other_url is not None and self.call.resume != "replay":
            self._url = other_url
        return delay

    def _learn(self, error: StreamKitError) -> bool:
        """Whether a refusal taught something that is worth another attempt."""
        if not isinstance(error, InvalidRequestError) or error.status_code is None:
            return False
        lesson = find_lesson(
            self._body, message=error.message, param=error.param, code=error.code
        )
        if lesson is None or self._learned >= _MAX_LESSONS:
            return False
        self._learned += 1
        self._attempt -= 1
        self._lessons.append(lesson)
        self._body = apply_lesson(self._body, lesson)
        endpoint, model = self.call.endpoint.base_url, self.call.model
        if lessons.learn(endpoint, model, lesson):
            _log.warning("%s refuses a field: %s from now on", self.where, lesson)
        return True

    def _fall_back(self, error: StreamKitError) -> bool:
        """Whether a whole answer is asked for, because no stream can be had."""
        if not (self.call.stream_fallback and self._is_stream):
            return False
        is_last = self._attempt > self.call.max_retries and error.is_retryable
        if not (is_last or refuses_stream(error.message, error.param)):
            return False
        self._is_stream = False
        dropped = {"stream", "stream_options"}
        self._body = {k: v for k, v in self._body.items() if k not in dropped}
        self.context.notes["stream_fallback"] = True
        return True

    def _read_timeout(self) -> httpx.Timeout:
        """The bound on each read: the user's, and no longer than the clocks allow."""
        timeout: Any = self.call.timeout
        left = (
            self.read_seconds()
            if self._is_stream
            else self.clocks.seconds_left(self.now())
        )
        bounds = {
            name: value if left is None else max(0.001, min(value or left, left))
            for name in ("connect", "read")
            for value in (getattr(timeout, name),)
        }
        return httpx.Timeout(**bounds, write=timeout.write, pool=timeout.pool)

    def _redirect(self, location: str) -> None:
        is_same, target = same_origin(self._url, location)
        self._redirects += 1
        is_kept = self._head.status in {307, 308} and self._redirects <= _MAX_REDIRECTS
        if is_same and location and is_kept:
            self._url = str(target)
            self._attempt -= 1
            raise _RedirectedError
        self._policy = RetryPolicy(0)
        raise ConnectionFailedError(
            f"{self.where} answered {self._head.status} and sends the request on to "
            f"{target.host if location else 'nowhere'}. Requests carry a key and are "
            "not sent to another origin: set base_url to the right address.",
            status_code=self._head.status,
        )

    def _hide_key(self, error: StreamKitError) -> None:
        """A server may quote the key in its error; nobody else gets to see it."""
        key = self._key.get_secret_value() if self._key is not None else ""
        if len(key) < _SHORTEST_SECRET:
            return
        error.args = tuple(
            part.replace(key, "[hidden]") if isinstance(part, str) else part
            for part in error.args
        )
        if error.body:
            error.body = error.body.replace(key, "[hidden]")
