"""One call of a model, from its request to its last event, without doing any I/O.

Strategy: the two shells (sync and async) send, read and wait; everything they must
decide is asked here, so that both behave alike and so that a test can drive a call
with lists and a clock of its own. An attempt is: ``begin``, ``head``, ``feed`` until
``is_over``, ``close``; whatever is raised on the way goes to ``recover``, which
says how long to wait before the next attempt, or raises what the user sees.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import SecretStr

from langchain_streamkit._http.endpoint import Endpoint
from langchain_streamkit._http.faults import to_streamkit_error
from langchain_streamkit._resilience.clocks import StreamClocks, Timeouts
from langchain_streamkit._resilience.retry import RetryPolicy
from langchain_streamkit._resilience.retry_after import parse_retry_after
from langchain_streamkit._version import __version__
from langchain_streamkit._wire.answer import Answer, AnswerContext
from langchain_streamkit._wire.failures import parse_failure, to_error
from langchain_streamkit._wire.parse_json import parse_json
from langchain_streamkit._wire.request import encode_body
from langchain_streamkit._wire.sse import DEFAULT_MAX_EVENT_BYTES
from langchain_streamkit._wire.stream_decoder import StreamDecoder
from langchain_streamkit._wire.whole_body import WholeBodyDecoder
from langchain_streamkit.errors import ConnectionFailedError, StreamKitError
from langchain_streamkit.events import StreamEvent

__all__ = ["MAX_ERROR_BYTES", "Call", "Exchange", "Outgoing", "Runtime"]

MAX_ERROR_BYTES = 64 * 1024
"""How much of the body of a refusal is read."""

_REQUEST_IDS = ("x-request-id", "request-id", "x-generation-id", "x-ms-request-id")
_RATE_LIMITS = ("x-ratelimit-", "anthropic-ratelimit-", "ratelimit-")
_SHOULD_RETRY = {"true": True, "false": False}
_MAX_REDIRECTS = 3
_SHORTEST_SECRET = 6
_TIMER_SLACK = 0.05


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a test may replace: the clocks, and chance.

    Attributes:
        monotonic: Seconds of a clock that only goes forward.
        wall_clock: Seconds since 1970.
        chance: A number from 0 to 1.
        sleep: Waits so many seconds.
        asleep: The same for async.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time
    chance: Callable[[], float] = random.random
    sleep: Callable[[float], None] = time.sleep
    asleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class Call:
    """What one call of the model asks for.

    Attributes:
        endpoint: Where it goes.
        model: The model that is asked for.
        body: The request's body.
        is_stream: Whether the answer is wanted in pieces.
        timeout: The bounds of httpx: connecting, writing, each read.
        timeouts: The bounds of the stream.
        max_retries: How many attempts may follow the first.
        reasoning_tags: The tags of inline reasoning, or None.
        max_event_bytes: The most bytes of one event.
        max_response_bytes: The most bytes of the response, or None.
        include_response_headers: Whether the response's headers are reported.
    """

    endpoint: Endpoint
    model: str
    body: Mapping[str, Any] = field(repr=False)
    is_stream: bool = True
    timeout: httpx.Timeout = field(default_factory=lambda: httpx.Timeout(None))
    timeouts: Timeouts = field(default_factory=Timeouts)
    max_retries: int = 2
    reasoning_tags: tuple[str, str] | None = None
    max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES
    max_response_bytes: int | None = None
    include_response_headers: bool = False


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request, ready to be sent; its repr shows no header and no body."""

    url: str
    headers: dict[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    timeout: httpx.Timeout


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
        self.context = AnswerContext(
            provider=call.endpoint.provider.name, requested_model=call.model
        )
        self.is_over = False
        self.runtime = runtime or Runtime()
        self._policy = RetryPolicy(call.max_retries)
        self._started = self.now()
        self.clocks = StreamClocks(call.timeouts, self._started)
        self._attempt = 0
        self._redirects = 0
        self._url = call.endpoint.url
        self._content: bytes | None = None
        self._key: SecretStr | None = None
        self._has_content = False
        self._should_retry: bool | None = None
        self._status = 0
        self._retry_after: float | None = None
        self._decoder = self._new_decoder()

    @property
    def where(self) -> str:
        """The server and the model, for messages."""
        return f"{self.call.endpoint.host} (model {self.call.model!r})"

    @property
    def answer(self) -> Answer:
        """All that has come so far."""
        return self._decoder.answer

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
        call = self.call
        self._attempt += 1
        self._key = key
        self._decoder = self._new_decoder()
        self.is_over = False
        now = self.now()
        self.clocks.begin_attempt(now)
        if self._content is None:
            self._content = encode_body(call.body)
        accept = "text/event-stream" if call.is_stream else "application/json"
        headers = {
            "accept": accept,
            "accept-encoding": "identity" if call.is_stream else "gzip, deflate",
            "content-type": "application/json",
            "user-agent": f"langchain-streamkit/{__version__}",
            **call.endpoint.key_headers(key),
            **{name.lower(): value for name, value in call.endpoint.headers.items()},
        }
        return Outgoing(self._url, headers, self._content, self._read_timeout(now))

    def head(self, status: int, headers: Mapping[str, str]) -> bool:
        """Take the head of the response.

        Args:
            status: The HTTP status.
            headers: The headers, with names in lower case.

        Returns:
            True if an answer follows, False if it is a refusal, whose body (at most
            ``MAX_ERROR_BYTES``) goes to ``refuse``.

        Raises:
            ConnectionFailedError: If it sends the request to another origin.
        """
        self._status = status
        self._should_retry = _SHOULD_RETRY.get(headers.get("x-should-retry", ""))
        self._retry_after = parse_retry_after(headers, now=self.runtime.wall_clock())
        ids = (headers[name] for name in _REQUEST_IDS if name in headers)
        self.context.request_id = next(ids, None)
        self.context.rate_limit = {
            name: value
            for name, value in headers.items()
            if name.startswith(_RATE_LIMITS)
        }
        if self.call.include_response_headers:
            self.context.headers = dict(headers)
        if 300 <= status < 400:  # noqa: PLR2004 - the class of redirects
            self._redirect(headers.get("location", ""))
        return 200 <= status < 300  # noqa: PLR2004 - the class of successes

    def refuse(self, body: bytes) -> StreamKitError:
        """The error of a refused request.

        Args:
            body: The body of the refusal.

        Returns:
            The error; raise it.
        """
        try:
            value = parse_json(body)
        except ValueError:
            value = body.decode("utf-8", "replace")
        return to_error(
            parse_failure(value),
            where=self.where,
            status_code=self._status,
            request_id=self.context.request_id,
            retry_after=self._retry_after,
            body=body.decode("utf-8", "replace"),
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
        if events:
            now = self.now()
            self.clocks.progress(now)
            if not self._has_content:
                self._has_content = True
                self.context.first_token_seconds = now - self._started
        self.is_over = decoder.is_done or decoder.failure is not None
        return events

    def close(self) -> list[StreamEvent]:
        """Say that the answer is over.

        Returns:
            The last events.

        Raises:
            StreamKitError: If the answer was cut, or the server sent an error.
        """
        decoder = self._decoder
        self.context.total_seconds = self.now() - self._started
        events = decoder.close()
        if decoder.failure is not None:
            failure = decoder.failure
            failure.request_id = failure.request_id or self.context.request_id
            raise failure
        if self.context.first_token_seconds is None:
            self.context.first_token_seconds = self.context.total_seconds
        return events

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
        if not self._has_content:
            now = self.now()
            delay = self._policy.delay_after(
                final,
                attempt=self._attempt,
                seconds_left=self.clocks.seconds_left(now),
                jitter=self.runtime.chance(),
                should_retry=self._should_retry,
            )
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
        if isinstance(error, httpx.HTTPError | httpx.InvalidURL | OSError):
            late = self.clocks.expired(self.now() + _TIMER_SLACK, self.where)
            if late is not None and isinstance(error, httpx.TimeoutException):
                return late
            return to_streamkit_error(
                error, self.where, has_content=self._has_content
            )
        return None

    def _read_timeout(self, now: float) -> httpx.Timeout:
        """The bound on each read: the user's, and no longer than the clocks allow."""
        timeout = self.call.timeout
        left = (
            self.read_seconds()
            if self.call.is_stream
            else self.clocks.seconds_left(now)
        )
        return _bounded(timeout, left)

    def _redirect(self, location: str) -> None:
        target = httpx.URL(self._url).join(location)
        source = httpx.URL(self._url)
        same = (target.scheme, target.host, target.port) == (
            source.scheme,
            source.host,
            source.port,
        )
        self._redirects += 1
        if same and location and self._status in {307, 308}:
            if self._redirects <= _MAX_REDIRECTS:
                self._url = str(target)
                self._attempt -= 1
                raise _RedirectedError
        error = ConnectionFailedError(
            f"{self.where} answered {self._status} and sends the request on to "
            f"{target.host or 'nowhere'}. Requests carry a key and are not sent to "
            "another origin: set base_url to the right address.",
            status_code=self._status,
        )
        self._should_retry = False
        raise error

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


def _bounded(timeout: httpx.Timeout, left: float | None) -> httpx.Timeout:
    def shorter(own: float | None) -> float | None:
        if left is None:
            return own
        return max(0.001, left if own is None else min(own, left))

    return httpx.Timeout(
        connect=shorter(timeout.connect),
        read=shorter(timeout.read),
        write=timeout.write,
        pool=timeout.pool,
    )
