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
from typing import TYPE_CHECKING, Any, Literal

import anyio
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import JSONResponse
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
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from langchain_streamkit.adapters._encoder import Encoder
    from langchain_streamkit.adapters._table import ProtocolName
    from langchain_streamkit.events import StreamEvent

__all__ = ["StreamedEvents", "leaving", "refusal"]


class StreamedEvents(EventSourceResponse):
    """Events as the body of a response.

    Args:
        events: The events.
        protocol: Their protocol.
        options: The encoder's arguments.
        ping: Seconds between keep-alive comments; 0 for none.
        first_event_timeout: How long a failure may still become a status, in seconds.
        on_error: What to tell of an exception.
        headers: Headers of the response, besides the protocol's own.
    """

    def __init__(
        self,
        events: AsyncIterable[StreamEvent],
        protocol: ProtocolName,
        options: Mapping[str, Any],
        *,
        ping: float = 15.0,
        first_event_timeout: float = 5.0,
        on_error: Callable[[Exception], ErrorFrame] = describe_error,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._encoder = make_encoder(protocol, options)
        self._opening = Opening(events)
        self._frames = AsyncFrames(self._opening, self._encoder, on_error)
        self._first_event_timeout = first_event_timeout
        self._on_error = on_error
        own = {k: v for k, v in HEADERS[protocol].items() if k != "content-type"}
        super().__init__(
            self._frames,
            headers={**own, **(headers or {})},
            media_type=PROTOCOLS[protocol].media_type,
            ping=ping if PROTOCOLS[protocol].is_event_stream else 0,
            ping_message_factory=_ping,
            sep="\n",
        )

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with leaving(receive) as left:
                is_there = await self._opening.begin(self._first_event_timeout, left)
        except Exception as error:  # noqa: BLE001 - becomes the response
            await self._close()
            no = refusal(error, self._encoder, self._on_error)
            await no(scope, receive, send)
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


def refusal(
    error: Exception, encoder: Encoder, on_error: Callable[[Exception], ErrorFrame]
) -> Response:
    """The response for a failure before the first event.

    Args:
        error: What was raised.
        encoder: The protocol's encoder, which knows its shape of an error.
        on_error: What to tell of it.

    Returns:
        A response with the status that fits.
    """
    return JSONResponse(
        encoder.refused(on_error(error)),
        status_code=http_status(error),
        headers=http_headers(error),
    )


@asynccontextmanager
async def leaving(receive: Receive) -> AsyncIterator[asyncio.Future[None]]:
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
