"""A request as it is written, and what came back as it came.

Strategy: to find out what a server does, one must see its own bytes, not what the
model makes of them. So a request is any body, an answer is always a value and never
an exception, and nothing is repaired: status, headers, bytes, and the server-sent
events with their times. What bounds an answer (size, time, redirects, compression)
is here, for a server that is asked such questions may do anything.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self

import httpx
from pydantic import SecretStr

from langchain_streamkit._http.faults import to_streamkit_error
from langchain_streamkit._resilience.retry_after import parse_retry_after
from langchain_streamkit._version import __version__
from langchain_streamkit._wire.request import encode_body
from langchain_streamkit._wire.sse import SSEDecoder
from langchain_streamkit.errors import (
    ProtocolError,
    StreamKitError,
    StreamLimitError,
    StreamTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_streamkit._http.connection import Connection

__all__ = ["RawAnswer", "RawClient", "RawEvent", "RawRequest"]

_DONE = b"[DONE]"
_MAX_BYTES = 1024 * 1024
_MAY_PASS = frozenset({429, 500, 502, 503, 529})
_SHORTEST_WAIT = 0.2
_LONGEST_WAIT = 5.0
_SHORTEST_SECRET = 6


class RawEvent(NamedTuple):
    """One server-sent event.

    Attributes:
        data: Its data, as bytes.
        event: Its type.
        seconds: When it came, counted from the start of the request.
    """

    data: bytes
    event: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RawRequest:
    """What to ask; no repr shows a prompt.

    Attributes:
        body: The body for chat completions; None asks for the list of models.
    """

    body: Mapping[str, object] | None = field(default=None, repr=False)


@dataclass(slots=True)
class RawAnswer:
    """What came back; everything in it is the server's, and not to be trusted.

    Attributes:
        status: The HTTP status, 0 if none came.
        headers: The headers, with names in lower case.
        body: The bytes, at most a mebibyte.
        events: The server-sent events among them.
        failure: Why nothing more came: the clock, the connection, a bound.
        seconds: How long it took.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)
    events: list[RawEvent] = field(default_factory=list[RawEvent], repr=False)
    failure: StreamKitError | None = None
    seconds: float = 0.0


class RawClient:
    """Asks one server, a few requests at a time; use it as a context.

    Args:
        connection: Where requests go, and the key for them.
        seconds: How long one request may take, all in all.
        total_seconds: How long all of them may take, from entering the context.
        at_once: How many requests may be under way.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        seconds: float = 30.0,
        total_seconds: float = 300.0,
        at_once: int = 2,
    ) -> None:
        self._connection = connection
        self._seconds = seconds
        self._total_seconds = total_seconds
        self._at_once = at_once
        self._runner = asyncio.Runner()
        self._deadline = 0.0
        self.where = connection.endpoint("").host

    def __enter__(self) -> Self:
        self._deadline = self._runner.get_loop().time() + self._total_seconds
        return self

    def __exit__(self, *_: object) -> None:
        with self._runner as runner:
            runner.run(self._connection.clients.aclose())

    @property
    def seconds_left(self) -> float:
        """How long requests may still take, in seconds; never negative."""
        return max(0.0, self._deadline - self._runner.get_loop().time())

    def hide(self, text: str) -> str:
        """A text without the key, which a server may quote.

        Args:
            text: Any text, also JSON or code in which the key stands escaped.

        Returns:
            The same, with ``[hidden]`` in the key's place.
        """
        key = self._key()
        secret = key.get_secret_value() if key is not None else ""
        if len(secret) < _SHORTEST_SECRET:
            return text
        escaped = json.dumps(secret)[1:-1]
        for form in {secret, repr(secret)[1:-1], escaped, escaped.replace("/", "\\/")}:
            text = text.replace(form, "[hidden]")
        return text

    def ask(
        self,
        requests: Sequence[RawRequest],
        on_answer: Callable[[], None] | None = None,
    ) -> list[RawAnswer]:
        """Send requests, and wait for all of their answers.

        An answer of 429 or of a broken server is asked for once more, after the
        wait that it names.

        Args:
            requests: What to ask.
            on_answer: Called after each answer.

        Returns:
            The answers, in the order of the requests.
        """
        return self._runner.run(self._ask_all(requests, on_answer or _nothing))

    async def _ask_all(
        self, requests: Sequence[RawRequest], on_answer: Callable[[], None]
    ) -> list[RawAnswer]:
        slots = asyncio.Semaphore(self._at_once)

        async def ask(request: RawRequest) -> RawAnswer:
            async with slots:
                answer = await self._ask(request)
            on_answer()
            return answer

        return list(await asyncio.gather(*map(ask, requests)))

    async def _ask(self, request: RawRequest) -> RawAnswer:
        now = asyncio.get_running_loop().time
        until = min(now() + self._seconds, self._deadline)
        answer = await self._attempt(request, until)
        if answer.status in _MAY_PASS:
            asked = parse_retry_after(answer.headers, now=time.time()) or 0.0
            wait = max(asked, _SHORTEST_WAIT)
            if wait <= _LONGEST_WAIT and now() + wait < until:
                await asyncio.sleep(wait)
                answer = await self._attempt(request, until)
        return answer

    async def _attempt(self, request: RawRequest, until: float) -> RawAnswer:
        now = asyncio.get_running_loop().time
        started, answer = now(), RawAnswer()
        try:
            async with asyncio.timeout_at(until):
                await self._exchange(request, answer, started)
        except TimeoutError:
            answer.failure = self._timed_out(answer, until - started)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            answer.failure = to_streamkit_error(
                error, self.where, has_content=bool(answer.body)
            )
        answer.seconds = now() - started
        return answer

    async def _exchange(
        self, request: RawRequest, answer: RawAnswer, started: float
    ) -> None:
        now = asyncio.get_running_loop().time
        client = await self._connection.clients.aget()
        out = self._render(client, request)
        response = await client.send(out, stream=True, follow_redirects=False)
        decoder = SSEDecoder(_MAX_BYTES)
        pieces: list[bytes] = []
        size = 0
        try:
            answer.status = response.status_code
            answer.headers = {k.lower(): v for k, v in response.headers.items()}
            answer.failure = self._unreadable(answer)
            async for data in response.aiter_raw():
                size += len(data)
                pieces.append(data)
                seconds = now() - started
                sent = [RawEvent(e.data, e.event, seconds) for e in decoder.feed(data)]
                answer.events += sent
                if size > _MAX_BYTES:
                    answer.failure = self._too_long()
                if answer.failure is not None or any(
                    e.data.strip() == _DONE for e in sent
                ):
                    return
            last = decoder.flush()
            if last is not None:
                answer.events.append(RawEvent(last.data, last.event, now() - started))
        finally:
            answer.body = b"".join(pieces)[:_MAX_BYTES]
            await response.aclose()

    def _render(self, client: httpx.AsyncClient, request: RawRequest) -> httpx.Request:
        body = request.body
        endpoint = self._connection.endpoint(str((body or {}).get("model", "")))
        headers = {
            "accept": "application/json, text/event-stream",
            "accept-encoding": "identity",
            "user-agent": f"langchain-streamkit/{__version__}",
            **endpoint.key_headers(self._key()),
        }
        if body is None:
            url = f"{endpoint.base_url}/models"
            return client.build_request("GET", url, headers=headers, timeout=None)
        headers["content-type"] = "application/json"
        return client.build_request(
            "POST",
            endpoint.url,
            headers=headers,
            content=encode_body(body),
            timeout=None,  # asyncio.timeout_at bounds the whole
        )

    def _key(self) -> SecretStr | None:
        key = self._connection.endpoint("").key
        return key if isinstance(key, SecretStr) else None

    def _unreadable(self, answer: RawAnswer) -> StreamKitError | None:
        coding = answer.headers.get("content-encoding", "identity")
        if coding.strip().lower() in {"", "identity"}:
            return None
        return ProtocolError(f"{self.where} compresses its answer, unasked.")

    def _too_long(self) -> StreamKitError:
        return StreamLimitError(f"{self.where} sent more than {_MAX_BYTES} bytes.")

    def _timed_out(self, answer: RawAnswer, seconds: float) -> StreamKitError:
        if seconds <= 0:
            return StreamTimeoutError(
                f"timed out: no time was left for asking {self.where}."
            )
        how = "did not finish its answer" if answer.status else "sent nothing"
        return StreamTimeoutError(
            f"timed out: {self.where} {how} within {seconds:.3g} seconds."
        )


def _nothing() -> None:
    """Nobody wants to hear of each answer."""
