"""A response for a reader who may lose the connection and come back.

Strategy: a production makes the frames in a task of its own and puts them into a
store; every response, the first one too, reads from the store. So a reader who comes
back gets what follows the last frame that it has, from any worker that shares the
store. What the model does when its reader leaves is a choice: it stops, or it keeps
going for a reader who returns. A frame's id is the stream's name and its number; a
browser sends the last one back as ``Last-Event-ID`` by itself.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal

import anyio
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from typing_extensions import override

from langchain_streamkit.adapters._production import Production
from langchain_streamkit.adapters._sse_response import ProtocolResponse, leaving
from langchain_streamkit.adapters._table import PROTOCOLS, make_encoder

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        Awaitable,
        Callable,
        Mapping,
    )

    from starlette.types import Receive, Scope, Send

    from langchain_streamkit.adapters._encoder import Encoder
    from langchain_streamkit.adapters._failure import ErrorFrame
    from langchain_streamkit.adapters._replay_store import ReplayState, ReplayStore
    from langchain_streamkit.adapters._table import ProtocolName
    from langchain_streamkit.events import StreamEvent

__all__ = ["OnLeave", "ReplayedEvents"]

OnLeave = Literal["stop", "continue"]

_NAME = re.compile(r"[\w.~:-]{1,128}", re.ASCII)
_EXPIRED: ErrorFrame = {
    "type": "error",
    "message": "This stream is no longer kept. Ask again.",
    "code": "stream_expired",
    "retryable": False,
}

_NOT_KEPT: ErrorFrame = {
    "type": "error",
    "message": "The answer is not whole: it could not be kept.",
    "code": "stream_interrupted",
    "retryable": True,
}


class ReplayedEvents(ProtocolResponse):
    """Events as the body of a response, kept in a store.

    Args:
        events: The events; they are closed unread where a reader returns.
        protocol: Their protocol, one of server-sent events.
        options: The encoder's arguments.
        store: Where the frames are kept.
        stream_id: The stream's name; a new one that cannot be guessed if not given.
        on_leave: What the model does when its reader leaves.
        **settings: See ``ProtocolResponse``.

    Raises:
        ValueError: If the protocol has no ids, or the name is not fit for one.
    """

    def __init__(
        self,
        events: AsyncIterable[StreamEvent],
        protocol: ProtocolName,
        options: Mapping[str, Any],
        *,
        store: ReplayStore,
        stream_id: str | None,
        on_leave: OnLeave,
        **settings: Any,
    ) -> None:
        super().__init__(protocol, options, **settings)
        if not PROTOCOLS[protocol].is_event_stream:
            raise ValueError(f"{protocol!r} has no event ids: it cannot be resumed.")
        if stream_id is not None and not _NAME.fullmatch(stream_id):
            raise ValueError("stream_id is 1 to 128 letters, digits and . _ ~ : -")
        self._events = events
        self._protocol, self._options = protocol, options
        self._store = store
        self._stream_id = stream_id
        self._on_leave = on_leave

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            await self._send_head(self._events, scope, receive, send)
            return
        name, after = self._wanted(scope)
        state = await self._store.state(name) if name else None
        if state is None and after is None:
            name = name or secrets.token_urlsafe(18)
            if await self._store.begin(name):
                await self._start(name, scope, receive, send)
                return
            state = await self._store.state(name)  # another request was faster
        await self._close_unread()
        if (no := _nothing_to_read(state, after or 0)) is not None:
            await no(scope, receive, send)
            return
        self.body_iterator = self._numbered(name or "", after or 0)
        await self._send_frames(name or "", scope, receive, send)

    async def _start(
        self, name: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Start the model, and answer its first reader."""
        encoder, told = self._new_encoder(), self._on_error
        production = Production(self._events, encoder, told, self._store, name)
        try:
            async with leaving(receive) as left:
                awaited: set[asyncio.Future[Any]] = {production.opened, left}
                await asyncio.wait(
                    awaited,
                    timeout=self._first_event_timeout,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                has_left = left.done()
            error = production.opened.result() if production.opened.done() else None
            if error is not None:
                await self._refusal(error)(scope, receive, send)
            elif not has_left:
                self.body_iterator = self._whole(name, production)
                await self._send_frames(name, scope, receive, send)
        finally:
            if self._on_leave == "stop":
                with anyio.CancelScope(shield=True):
                    await production.stop()

    async def _send_frames(
        self, name: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self.headers["x-stream-id"] = name
        await super().__call__(scope, receive, send)

    async def _numbered(self, name: str, after: int) -> AsyncGenerator[bytes, None]:
        try:
            async with aclosing(self._store.read(name, after)) as frames:
                async for number, frame in frames:
                    yield f"id: {name}/{number}\n".encode() + frame
        except Exception as error:  # noqa: BLE001 - becomes the last frame
            for frame in self._new_encoder().failed(self._on_error(error)):
                yield frame

    async def _whole(
        self, name: str, production: Production
    ) -> AsyncGenerator[bytes, None]:
        """All frames, and an error where the store did not take all of them."""
        async with aclosing(self._numbered(name, 0)) as frames:
            async for frame in frames:
                yield frame
        if production.has_failed:
            for frame in self._new_encoder().failed(_NOT_KEPT):
                yield frame

    def _new_encoder(self) -> Encoder:
        return make_encoder(self._protocol, self._options)

    def _wanted(self, scope: Scope) -> tuple[str | None, int | None]:
        """The stream that is asked for, and the last frame that the reader has."""
        given = Headers(scope=scope).get("last-event-id", "")
        name, _, number = given.rpartition("/")
        is_ours = _NAME.fullmatch(name) and number.isascii() and number.isdecimal()
        if not is_ours or len(number) > 12 or self._stream_id not in {None, name}:
            return self._stream_id, None
        return name, int(number)

    async def _close_unread(self) -> None:
        aclose: Callable[[], Awaitable[Any]] | None
        aclose = getattr(self._events, "aclose", None)
        if aclose is not None:
            await aclose()


def _nothing_to_read(state: ReplayState | None, after: int) -> Response | None:
    """The response to a reader for whom there is nothing, or None if there is."""
    if state is None or after + 1 < state.first:
        return JSONResponse(_EXPIRED, status_code=410)
    if state.has_ended and after >= state.last:
        return Response(status_code=204)  # tells a browser not to come again
    return None
