"""One call of a model, from its request to its last event, without doing any I/O.

Strategy: the two shells (sync and async) send, read and wait; everything they must
decide is asked here, so that both behave alike and so that a test can drive a call
with lists and a clock of its own. An attempt is: ``begin``, ``head``, ``feed`` until
``is_over``, ``close``; whatever ends it badly goes to ``fail``, and then ``recover``
says how long to wait before the next attempt, or raises what the user sees. Before
the first content an attempt may be repeated, corrected or asked for whole; after it,
only a resumption goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_streamkit._http.call import Call, Outgoing, Runtime, bounded
from langchain_streamkit._http.content_coding import ContentDecoder, unpack
from langchain_streamkit._http.corrections import Corrections
from langchain_streamkit._http.faults import (
    PROXY_WANTS_PASSWORD,
    proxy_refusal,
    typed,
)
from langchain_streamkit._http.heads import (
    Head,
    check_readable,
    parse_head,
    redirect_target,
    request_headers,
)
from langchain_streamkit._http.recorder import Recorder
from langchain_streamkit._http.resumption import Resumption
from langchain_streamkit._http.secrecy import Secrets
from langchain_streamkit._http.status_line import StatusLine, StatusSender
from langchain_streamkit._resilience.clocks import StreamClocks
from langchain_streamkit._resilience.resume import DivergedError
from langchain_streamkit._resilience.retry import RetryPolicy
from langchain_streamkit._resilience.runaway import RunawayGuard
from langchain_streamkit._wire.answer import Answer, AnswerContext
from langchain_streamkit._wire.failures import parse_refusal, to_error
from langchain_streamkit._wire.request import encode_body
from langchain_streamkit._wire.stream_decoder import StreamDecoder
from langchain_streamkit._wire.whole_body import WholeBodyDecoder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx
    from pydantic import SecretStr

    from langchain_streamkit.errors import StreamKitError
    from langchain_streamkit.events import StatusPhase, StreamEvent

__all__ = ["MAX_ERROR_BYTES", "Exchange"]

MAX_ERROR_BYTES = 64 * 1024
"""How much of the body of a refusal is read."""

_TIMER_SLACK = 0.05


class _RedirectedError(Exception):
    """The server moved within its own origin; ask there, at once."""


class Exchange:
    """The state of one call.

    Args:
        call: What is asked.
        runtime: The clocks, and chance.
        sender: Who is told of its state, besides the listener of this context.

    Attributes:
        status: What it has to tell of its state; the shells do.
        context: What is known beside the answer; filled while it comes.
        clocks: How long reads may wait.
        is_over: True once nothing more need be read.
        has_failed: True if the attempt ended badly; ask ``recover``.
    """

    def __init__(
        self,
        call: Call,
        runtime: Runtime | None = None,
        sender: StatusSender | None = None,
    ) -> None:
        self.call = call
        self.status = StatusLine(call, sender)
        self.status.note("connecting")
        self.runtime = runtime or Runtime()
        self.context = AnswerContext(
            call.endpoint.provider.name, call.model, prices=call.prices
        )
        self.is_over = self.has_failed = False
        self._started = self.now()
        self.clocks = StreamClocks(call.timeouts, self._started)
        self._policy = RetryPolicy(call.max_retries)
        self._attempt = self._redirects = 0
        self._url = call.endpoint.url
        self._request = Corrections(call, self.where)
        self._resumption = Resumption(
            call.resume, call.endpoint.provider, self._request.body
        )
        self._secrets = Secrets(call)
        self._has_content = False
        self._fault: Exception | None = None
        self._head = Head()
        self._decoder = self._new_decoder()
        self._content = ContentDecoder()
        self._recorder: Recorder | None = None
        self._guard = (
            RunawayGuard(call.limits, self.where, call.body) if call.limits else None
        )

    @property
    def where(self) -> str:
        """The server and the model, for messages."""
        return f"{self.call.endpoint.host} (model {self.call.model!r})"

    @property
    def answer(self) -> Answer:
        """All that has come so far, over all attempts."""
        return self._resumption.merged(self._decoder.answer)

    @property
    def wants_fresh_connection(self) -> bool:
        """Whether an attempt has failed: an old connection might fail alike."""
        return self._attempt > 0

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
        self._attempt += 1
        self._secrets.use_key(key)
        self._decoder = self._new_decoder()
        self._head = Head()
        self.is_over = self.has_failed = False
        self.clocks.begin_attempt(self.now(), is_stream=self._request.is_stream)
        content = encode_body(self._request.body)
        headers = request_headers(
            self.call.endpoint, key, is_stream=self._request.is_stream
        )
        return Outgoing(self._url, headers, content, self._timeout())

    def record(self, request: httpx.Request) -> None:
        """Start a recording, if one is wanted.

        Args:
            request: The request, as it is about to be sent.
        """
        if self.call.record is not None:
            self._recorder = Recorder(
                self.call, request, self._secrets.values(), self.runtime
            )

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
            ProtocolError: If the answer cannot be read.
        """
        if self._recorder is not None:
            self._recorder.head(status, headers)
        head = self._head = parse_head(status, headers, now=self.runtime.wall_clock())
        self.context.request_id = head.request_id
        self.context.rate_limit = head.rate_limit
        if self.call.include_response_headers:
            self.context.headers = head.headers
        if head.is_redirect:
            self._url = redirect_target(self._url, head, self.where, self._redirects)
            self._redirects += 1
            raise _RedirectedError
        self._content = ContentDecoder(head.coding)
        if head.is_success:
            check_readable(head, self.where)
        return head.is_success

    def refuse(self, body: bytes) -> StreamKitError:
        """The error of a refused request.

        Args:
            body: The body of the refusal, or as much of it as could be had.

        Returns:
            The error; it goes to ``fail``.
        """
        if self._head.status == PROXY_WANTS_PASSWORD:
            return proxy_refusal(self._head.status, self.where)
        body = unpack(body, self._head.coding, MAX_ERROR_BYTES)
        if self._recorder is not None:
            self._recorder.read(body)
            self._recorder.finish_reading()
        return to_error(
            parse_refusal(body),
            where=self.where,
            status_code=self._head.status,
            request_id=self._head.request_id,
            retry_after=self._head.retry_after,
            body=self._secrets.hide(body.decode("utf-8", "replace")),
        )

    def feed(self, data: bytes) -> Iterator[list[StreamEvent]]:
        """Take the next bytes of the answer, as they came.

        Args:
            data: Any number of bytes.

        Yields:
            The events that they complete, never an empty list; while the reader holds
            one, the clocks of the server stand still. Look at ``is_over`` afterwards.

        Raises:
            StreamKitError: If a clock has run out, or a limit on runaways is passed.
        """
        decoder, clocks, now = self._decoder, self.clocks, self.runtime.monotonic
        recorder = self._recorder
        for piece in self._content.pieces(data):
            if recorder is not None:
                recorder.read(piece)
            events = decoder.feed(piece)
            self.is_over = decoder.is_done or decoder.failure is not None
            if events:
                came = now()
                self._note_progress(came)
                events = self._resumption.watch(events)
                if events:
                    clocks.hold(came)
                    yield events
                    clocks.release(now())
                    if self._guard is not None and not self.is_over:
                        self._guard.check(events, decoder.answer)
            if self.is_over:
                return
        self.check_clocks()

    def close(self) -> Iterator[list[StreamEvent]]:
        """Say that the answer is over.

        Yields:
            The last events; a stream's also where it was cut after them.

        Raises:
            StreamKitError: If the answer was cut, or the server sent an error.
        """
        if self._recorder is not None and self._decoder.failure is None:
            self._recorder.finish_reading()
        context = self.context
        context.end(self.now() - self._started)
        context.notes |= self._request.notes
        if self._resumption.notes:
            context.notes["resumed"] = self._resumption.notes
        events = self._decoder.close()
        failure = self._decoder.failure
        if failure is None:
            if self._recorder is not None:
                self._recorder.end(None)
            yield self._resumption.watch(events)
            return
        if events and self.call.is_stream:
            self._note_progress(self.now())
            if events := self._resumption.watch(events):
                yield events
        failure.request_id = failure.request_id or context.request_id
        raise failure

    def leave(self) -> None:
        """Say that nobody reads on: the answer is whole, or its reader has gone."""
        self.status.end_interrupt()
        if self._recorder is not None:
            self._recorder.leave()

    def read_seconds(self) -> float | None:
        """How long the next read may wait, in seconds; None for no bound."""
        return self._timeout().read

    def _timeout(self) -> httpx.Timeout:
        return bounded(self.call.timeout, self.clocks.deadline - self.now())

    def check_clocks(self) -> None:
        """Raise the error of the clock that has run out, if one has."""
        now = self.now()
        if now < self.clocks.deadline:  # asked after every read
            return
        error = self.clocks.expired(now, self.where)
        if error is not None:
            raise error

    def fail(self, error: Exception) -> None:
        """Take what ended the attempt badly.

        Args:
            error: What was raised in it, or what ``refuse`` gave.
        """
        self.has_failed = True
        self._fault = error
        if self._recorder is not None:
            has_moved = isinstance(error, _RedirectedError)
            shown = None if has_moved else self._typed(error) or error
            self._recorder.end(error, shown)

    def recover(self) -> float:
        """Decide what follows a failed attempt.

        Returns:
            How many seconds to wait before the next attempt.

        Raises:
            StreamKitError: If there is none: what the user sees, without a trace of
                the request in it.
            Exception: Anything that is none of this package's business.
        """
        fault, self._fault = self._fault, None
        if fault is None or isinstance(fault, _RedirectedError):
            self._attempt -= 1
            return 0.0
        error = self._typed(fault)
        if error is None:
            raise fault
        phase: StatusPhase = "retrying"
        if self._has_content:
            phase, delay = "resumed", self._go_on(fault, error)
        elif self._request.heed(error, is_last=self._attempt > self.call.max_retries):
            is_whole = self._request.is_stream != self.call.is_stream
            phase, delay = "fallback" if is_whole else "connecting", 0.0
            self._attempt -= 1
        else:
            delay = self._delay_after(error)
        if delay is not None:
            self.status.note(phase, self._attempt + 1, delay=delay, error=error)
            return delay
        del fault  # a traceback that shows locals must not
        raise self._secrets.bare(error, self.where)

    def _new_decoder(self) -> StreamDecoder:
        call = self.call
        kind = StreamDecoder if call.is_stream else WholeBodyDecoder
        return kind(
            where=self.where,
            reasoning_tags=call.reasoning_tags,
            max_event_bytes=call.max_event_bytes,
            max_response_bytes=call.max_response_bytes,
        )

    def _note_progress(self, now: float) -> None:
        self.clocks.progress(now)
        if not self._has_content:
            self._has_content = True
            self.status.note("generating", self._attempt)
            self.context.first_token_seconds = now - self._started

    def _typed(self, error: Exception) -> StreamKitError | None:
        late = self.clocks.expired(self.now() + _TIMER_SLACK, self.where)
        return typed(error, self.where, late=late, has_content=self._has_content)

    def _delay_after(self, error: StreamKitError) -> float | None:
        return self._policy.delay_after(
            error,
            attempt=self._attempt,
            seconds_left=self.clocks.seconds_left(self.now()),
            jitter=self.runtime.chance(),
            should_retry=None if self._head.is_success else self._head.should_retry,
        )

    def _go_on(self, fault: Exception, error: StreamKitError) -> float | None:
        """The wait before the attempt that resumes the answer, if one may."""
        if (delay := self._delay_after(error)) is None:
            return None
        kind = fault if isinstance(fault, DivergedError) else error
        body = self._resumption.next_body(kind, self._decoder.answer)
        if body is None:
            return None
        self._request.body = body
        if self.call.resume != "replay":
            self._url = self.call.endpoint.prefill_url or self._url
        return delay
