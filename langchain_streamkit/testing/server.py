"""A scriptable OpenAI-compatible server on this machine, for tests and demos."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Self

from typing_extensions import override

from langchain_streamkit.testing._connection import Connection
from langchain_streamkit.testing._dispatch import (
    Dispatcher,
    Handler,
    ReplyLike,
    Rule,
    Script,
)
from langchain_streamkit.testing._engine import Engine
from langchain_streamkit.testing._frames import Asked
from langchain_streamkit.testing._guards import RateGuard, RateLimit
from langchain_streamkit.testing._parser import split_target
from langchain_streamkit.testing._recordings import load_replies
from langchain_streamkit.testing._render import render
from langchain_streamkit.testing._signal import Signal
from langchain_streamkit.testing._tokens import PromptCache
from langchain_streamkit.testing._values import (
    as_number,
    as_object,
    as_text,
    is_object,
    load_json,
)
from langchain_streamkit.testing.replies import Reply
from langchain_streamkit.testing.requests import ReceivedRequest

if TYPE_CHECKING:
    import os
    import socket
    import ssl
    from collections.abc import Callable, Collection, Mapping, Sequence
    from types import TracebackType

    from langchain_streamkit.testing._parser import BadRequestError, ParsedRequest
    from langchain_streamkit.testing._values import JsonObject
    from langchain_streamkit.testing.steps import Response, Step

__all__ = ["FakeServer"]


class FakeServer:
    """A chat completions server on a free port, on real HTTP.

    Without arguments it has a model of its own: deterministic, without a mind, but
    with tools, JSON schemas, images, reasoning, usage and bounds on tokens (see
    ``langchain_streamkit.testing.assistant``). Otherwise it says what it is told.

    In a pytest suite::

        import pytest
        from langchain_streamkit import ChatStreamKit
        from langchain_streamkit.testing import FakeServer, Reply


        @pytest.fixture
        def server():
            with FakeServer() as server:
                yield server


        @pytest.fixture
        def model(server):
            return ChatStreamKit(model="any", base_url=server.url)


        def test_my_chain_survives_a_busy_server(server, model):
            server.script(Reply.error(429, "slow down", retry_after=0.01), "Here I am")
            assert model.invoke("Hello").text == "Here I am"
            assert len(server.requests) == 2
            assert server.requests[-1].last_user_text == "Hello"

    One server may serve a whole session: ``reset`` makes it as new. It may be used
    from any thread, inside a running event loop (``async with``), and by a thousand
    streams at once. Requests that a strict server refuses are refused here, too,
    with a 400 that names the field.

    Who answers a request to a path that ends in ``/chat/completions``, by the first
    that does: the check of the key, the rate limit, the check of the body, a rule,
    the handler, the script, the model of its own. A path that ends in ``/models``
    gives the list of models, and other paths are looked up in ``routes``.

    Args:
        replies: The script: one reply for each request, in order; after the last
            one comes a 500 that says so. A str is ``Reply(text)``, and a dict is a
            JSON body as it is.
        rules: Replies for requests that meet a condition; the first one counts.
        handler: A function from a request to a reply, or to None for what comes
            after it. It runs on the server's thread, so it must not block; it may
            be async. What it raises is a 500, and ``request.error``.
        routes: Replies for exact paths, as ``"/path"`` or ``"POST /path"``, before
            anything else is looked at; a function as for ``handler``.
        repeat_last: True if the script's last reply is given for ever.
        api_key: The key, or several, that requests must bear (as a bearer token or
            in ``api-key``); without it they get a 401.
        rate_limit: How many requests are taken in how many seconds, before 429.
        refuse_fields: Body fields that get a 400 as unknown; dots lead into objects
            and lists (``"tools.function.strict"``).
        validate: False if malformed requests are answered, too.
        models: The models that exist; others get a 404. None for any.
        host: The address to listen on.
        port: The port; 0 for a free one.
        send_buffer: Bytes of the system's send buffer per connection; a small one
            shows early whether a client that is not read stops reading.
        tls: A context with a certificate, for https.
        on_connect: Steps on each new connection, before TLS and any request.
        clock: Gives the time in seconds for the rate limit.
        keep_requests: How many of the latest requests are kept; None for all.

    Example:
        >>> import httpx
        >>> from langchain_streamkit.testing import FakeServer
        >>> hello = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
        >>> with FakeServer(["Good morning"]) as server:
        ...     answer = httpx.post(f"{server.url}/chat/completions", json=hello)
        >>> answer.json()["choices"][0]["message"]["content"]
        'Good morning'
    """

    def __init__(
        self,
        replies: Sequence[ReplyLike | Handler] | None = None,
        *,
        rules: Sequence[Rule] = (),
        handler: Handler | None = None,
        routes: Mapping[str, ReplyLike | Handler] | None = None,
        repeat_last: bool = False,
        api_key: str | Collection[str] | None = None,
        rate_limit: RateLimit | None = None,
        refuse_fields: Collection[str] = (),
        validate: bool = True,
        models: Sequence[str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        send_buffer: int | None = None,
        tls: ssl.SSLContext | None = None,
        on_connect: Sequence[Step] = (),
        clock: Callable[[], float] = time.monotonic,
        keep_requests: int | None = None,
    ) -> None:
        keys = (api_key,) if isinstance(api_key, str) else api_key or ()

        def dispatcher() -> Dispatcher:
            return Dispatcher(
                routes=routes or {},
                keys=keys,
                rate=RateGuard(rate_limit, clock) if rate_limit else None,
                models=models,
                refused=refuse_fields,
                validates=validate,
                rules=rules,
                handler=handler,
                script=(
                    None
                    if replies is None
                    else Script(replies, repeat_last=repeat_last)
                ),
            )

        self._new_dispatcher = dispatcher
        self._listen_on = (host, port)
        self._send_buffer = send_buffer
        self._tls = tls
        self._on_connect = tuple(on_connect)
        self._signal = Signal()
        self._engine: Engine | None = None
        self._port = port
        self._connections = 0
        self._keep_requests = keep_requests
        self.reset()

    @classmethod
    def replay(
        cls,
        path: str | os.PathLike[str],
        *,
        speed: float | None = 1.0,
        repeat_last: bool = True,
    ) -> Self:
        """A server that answers as a recording does: same bytes, times and end.

        Args:
            path: A file that ``ChatStreamKit(record=...)`` wrote, or a folder of
                them: then one after another, in the order of the requests.
            speed: 2 for twice as fast; 0 or None for at once.
            repeat_last: False if requests after the last recording get a 500.

        Raises:
            OSError: If the file cannot be read.
            ValueError: If it is no recording; the message names the line.
        """
        replies = load_replies(path, speed)
        return cls(replies, repeat_last=repeat_last, validate=False)

    # Starting and stopping ------------------------------------------------------------

    def start(self) -> Self:
        """Listen from now on, in a thread of the server's own.

        Raises:
            RuntimeError: If it runs already.
            OSError: If the port is taken.
        """
        if self._engine is not None:
            message = f"This FakeServer runs already, at {self.url}."
            raise RuntimeError(message)
        host, port = self._listen_on
        self._engine = Engine(
            host, port, self._converse, self._signal, self._send_buffer
        )
        self._port = self._engine.port
        return self

    def stop(self) -> None:
        """Close all connections and end the thread; a second call does nothing."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()  # it takes a millisecond, and waits for no client

    @override
    def __repr__(self) -> str:
        """Say where it is, and what it has seen."""
        state = "running" if self._engine is not None else "stopped"
        return f"<FakeServer {self.url} {state} requests={self._received}>"

    # What tests tell it ---------------------------------------------------------------

    def script(self, *replies: ReplyLike | Handler, repeat_last: bool = False) -> None:
        """Set the script from here on, in place of the one before.

        Args:
            *replies: One for each request to come, in order.
            repeat_last: True if the last one is given for ever.
        """
        self._dispatcher.script = Script(replies, repeat_last=repeat_last)

    def reset(self) -> None:
        """Forget all requests, and start script and rate limit anew."""
        self._dispatcher = self._new_dispatcher()
        self._prompts = PromptCache()
        self._requests: deque[ReceivedRequest] = deque(maxlen=self._keep_requests)
        self._received = 0

    # What tests ask it ----------------------------------------------------------------

    @property
    def origin(self) -> str:
        """Scheme, host and port: ``"http://127.0.0.1:43210"``."""
        host = self._listen_on[0]
        host = f"[{host}]" if ":" in host else host
        return f"{'https' if self._tls else 'http'}://{host}:{self._port}"

    @property
    def url(self) -> str:
        """The base URL for a client: ``"http://127.0.0.1:43210/v1"``."""
        return f"{self.origin}/v1"

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._port

    @property
    def requests(self) -> list[ReceivedRequest]:
        """All requests so far, in order of arrival."""
        return list(self._requests)

    @property
    def open_connections(self) -> int:
        """How many connections are open, idle ones included."""
        return 0 if self._engine is None else self._engine.connections

    def wait_requests(self, count: int = 1, timeout: float | None = 5.0) -> bool:
        """Wait until so many requests have arrived.

        Args:
            count: How many in all.
            timeout: Seconds, or None for as long as it takes.

        Returns:
            False if the time ran out.
        """
        return self._signal.wait(lambda: self._received >= count, timeout)

    def wait_idle(self, timeout: float | None = 5.0) -> bool:
        """Wait until no answer is under way; see ``wait_requests``."""
        return self._signal.wait(
            lambda: all(request.ended for request in list(self._requests)), timeout
        )

    def wait_connections(self, count: int = 0, timeout: float | None = 5.0) -> bool:
        """Wait until exactly so many connections are open; see ``wait_requests``."""
        return self._signal.wait(lambda: self.open_connections == count, timeout)

    # What happens on its thread -------------------------------------------------------

    async def _converse(self, sock: socket.socket) -> None:
        self._connections += 1
        number = self._connections
        connection = Connection(
            sock,
            begin=lambda parsed: self._begin(parsed, number),
            respond=self._respond,
            refuse=_refuse,
        )
        if await connection.open(self._on_connect, self._tls):
            await connection.serve()

    def _begin(self, parsed: ParsedRequest, connection: int) -> ReceivedRequest:
        path, query = split_target(parsed.target)
        request = ReceivedRequest(
            number=self._received + 1,
            method=parsed.method,
            path=path,
            query=query,
            headers=parsed.headers,
            raw=parsed.body,
            body=_json_object(parsed.body),
            connection=connection,
            signal=self._signal,
        )
        self._requests.append(request)
        self._received += 1
        self._signal.changed()
        return request

    async def _respond(self, request: ReceivedRequest) -> Response:
        try:
            reply = await self._dispatcher.reply(request)
            return render(reply, self._asked(request, reply))
        except Exception as error:  # noqa: BLE001 - the test's own code may raise all
            request.error = error
            message = f"The reply failed: {type(error).__name__}: {error}"
            failure = Reply.error(500, message, headers={"x-should-retry": "false"})
            return render(failure, Asked(number=request.number))

    def _asked(self, request: ReceivedRequest, reply: Reply) -> Asked:
        body = request.body
        if body is None or reply.steps is not None:
            return Asked(number=request.number)
        options = as_object(body.get("stream_options"))
        top_logprobs = int(as_number(body.get("top_logprobs")) or 0)
        return Asked(
            number=request.number,
            model=request.model,
            stream=request.stream,
            include_usage=options.get("include_usage") is True,
            choices=int(as_number(body.get("n")) or 1),
            top_logprobs=top_logprobs if body.get("logprobs") is True else None,
            service_tier=as_text(body.get("service_tier")) or None,
            prompt=self._prompts.measure(body),
        )


def _json_object(data: bytes) -> JsonObject | None:
    try:
        value = load_json(data)
    except (ValueError, RecursionError):
        return None
    return value if is_object(value) else None


def _refuse(error: BadRequestError) -> Response:
    reply = Reply.error(error.status, str(error), headers={"connection": "close"})
    return render(reply, Asked())
