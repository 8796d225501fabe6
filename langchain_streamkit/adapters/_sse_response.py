"""A response for Starlette and FastAPI that streams events.

Strategy: sse-starlette sends, pings and listens for the reader's leaving. What is
added happens before it starts to: the response waits, while it listens, for the
first event, because a failure can be a real HTTP status only as long as no header was
sent; after a few seconds it starts all the same, for a proxy gives up on a server
that sends no header. The waiting is done inside the response's call, not before it is
made, because only there a reader who leaves can be heard.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import JSONResponse, Response
from typing_extensions import override

from langchain_streamkit.adapters._failure import (
    ErrorFrame,
    describe_error,
    http_headers,
    http_status,
)
from langchain_streamkit.adapters._frames import AsyncFrames
from langchain_streamkit.adapters._opening import Opening
from langchain_streamkit.adapters._table import HEADERS, PROTOCOLS, make_encoder

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        Awaitable,
        Callable,
        Mapping,
    )

    from starlette.types import Receive, Scope, Send

    from langchain_streamkit.adapters._table import ProtocolName
    from langchain_streamkit.events import StreamEvent

__all__ = ["ProtocolResponse", "StreamedEvents", "leaving"]

_NEVER = 10**8  # seconds; to early versions of sse-starlette 0 means "at once"


class ProtocolResponse(EventSourceResponse):
    """A response in a protocol, without a body so far.

    Args:
        protocol: The protocol.
        options: The encoder's arguments.
        ping: Seconds between keep-alive comments; 0 for none.
        first_event_timeout: How long a failure may still become a status, in seconds.
        on_error: What to tell of an exception.
        headers: Headers of the response, besides the protocol's own.
    """

    def __init__(
        self,
        protocol: ProtocolName,
        options: Mapping[str, Any],
        *,
        ping: float = 15.0,
        first_event_timeout: float = 5.0,
        on_error: Callable[[Exception], ErrorFrame] = describe_error,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._encoder = make_encoder(protocol, options)
        self._first_event_timeout = first_event_timeout
        self._on_error = on_error
        own = {k: v for k, v in HEADERS[protocol].items() if k != "content-type"}
        row = PROTOCOLS[protocol]
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            iter(()),
            headers={**own, **(headers or {})},
            media_type=row.media_type,
            ping=ping if ping and row.is_event_stream else _NEVER,
            ping_message_factory=_ping,
            sep="\n",
        )

    async def _send_head(
        self, unread: object, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer a request that wants no body: no model is asked."""
        aclose: Callable[[], Awaitable[Any]] | None = getattr(unread, "aclose", None)
        if aclose is not None:
            await aclose()
        await Response(headers=dict(self.headers))(scope, receive, send)

    def _refusal(self, error: Exception) -> Response:
        """The response for a failure before the first event."""
        return JSONResponse(
            self._encoder.refused(self._on_error(error)),
            status_code=http_status(error),
            headers=http_headers(error),
        )


class StreamedEvents(ProtocolResponse):
    """Events as the body of a response: the model stops when the reader leaves.

    Args:
        events: The events.
        protocol: Their protocol.
        options: The encoder's arguments.
        **settings: See ``ProtocolResponse``.
    """

    def __init__(
        self,
        events: AsyncIterable[StreamEvent],
        protocol: ProtocolName,
        options: Mapping[str, Any],
        **settings: Any,
    ) -> None:
        super().__init__(protocol, options, **settings)
        self._opening = Opening(events)
        self._frames = AsyncFrames(self._opening, self._encoder, self._on_error)
        self.body_iterator = self._frames

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            await self._send_head(self._frames, scope, receive, send)
            return
        try:
            async with leaving(receive) as left:
                is_there = await self._opening.begin(self._first_event_timeout, left)
        except Exception as error:  # noqa: BLE001 - becomes the response
            await self._close()
            await self._refusal(error)(scope, receive, send)
            return
        except BaseException:
            await self._close()
            raise
        try:
            if is_there:
                await super().__call__(scope, receive, send)
        finally:
            await self._close()

    async def _close(self) -> None:
        with anyio.CancelScope(shield=True):
            await self._frames.aclose()


@asynccontextmanager
async def leaving(receive: Receive) -> AsyncGenerator[asyncio.Future[None], None]:
    """Listen for the reader's leaving, for as long as the context lasts.

    Args:
        receive: The request's channel; nobody else may receive meanwhile.

    Yields:
        A future that is done when the reader has left.
    """
    task = asyncio.ensure_future(_wait_for_disconnect(receive))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _ping() -> ServerSentEvent:
    return ServerSentEvent(comment="ping", sep="\n")
