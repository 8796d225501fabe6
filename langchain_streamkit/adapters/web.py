"""Streams on the web: responses for Starlette and FastAPI, and an OpenAI endpoint.

Needs ``pip install "langchain-streamkit[web]"``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_streamkit._langchain.extras import missing_extra
from langchain_streamkit.adapters._failure import ErrorFrame, describe_error

try:
    from langchain_streamkit.adapters._openai_router import openai_router
    from langchain_streamkit.adapters._replayed_response import OnLeave, ReplayedEvents
    from langchain_streamkit.adapters._sse_response import StreamedEvents
    from langchain_streamkit.adapters._websocket import serve_websocket
except ModuleNotFoundError as error:
    raise missing_extra(error, "web") from error

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Mapping

    from starlette.responses import Response

    from langchain_streamkit.adapters._replay_store import ReplayStore
    from langchain_streamkit.adapters._table import ProtocolName
    from langchain_streamkit.events import StreamEvent

__all__ = ["openai_router", "serve_websocket", "sse_response"]


async def sse_response(
    events: AsyncIterable[StreamEvent],
    protocol: ProtocolName = "sse",
    *,
    ping: float = 15.0,
    first_event_timeout: float = 5.0,
    replay: ReplayStore | None = None,
    stream_id: str | None = None,
    on_leave: OnLeave = "stop",
    on_error: Callable[[Exception], ErrorFrame] = describe_error,
    headers: Mapping[str, str] | None = None,
    **options: Any,
) -> Response:
    """A response that streams events, for an endpoint of Starlette or FastAPI.

    It starts with the first event that is more than a status. A failure before that
    is a real HTTP status (401, 429 with ``Retry-After``, 504 for a timeout) with the
    error as JSON; later it is an error frame and a clean end. The model's connection
    is closed when the reader leaves: while text comes, while the model stalls, and
    before the first token. All of this happens while the response is sent.

    With ``replay`` the frames have ids and are kept. A request whose
    ``Last-Event-ID`` names one, or whose ``stream_id`` is known, gets what follows,
    and its ``events`` are closed unread; 204 says that there is nothing more, 410
    that the stream is no longer kept. The store is the buffer between the model and
    its readers, so a slow reader does not slow the model down then.

    Args:
        events: Of ``aiter_events`` and its like; async, because a sync model behind
            HTTP cannot be cancelled.
        protocol: See ``encode``.
        ping: Seconds between keep-alive comments; 0 for none.
        first_event_timeout: How long a failure may still become a status, in
            seconds; then the stream starts, for proxies give up on silence.
        replay: Where frames are kept for a reader who returns.
        stream_id: The stream's name in the store. Without it the name is new and
            cannot be guessed, and ``Last-Event-ID`` alone brings a reader back.
        on_leave: With ``replay``: ``"stop"`` ends the model when the reader leaves;
            ``"continue"`` lets it go on for a reader who returns. Both end it when
            ``replay.stop(stream_id)`` is called.
        on_error: What to tell of an exception; see ``describe_error``.
        headers: More headers.
        **options: The protocol's; see ``encode``.

    Returns:
        The response, to be returned by the endpoint.

    Raises:
        TypeError: If the events are not async, or the protocol has no such option.
        ValueError: If the arguments contradict each other.

    Example:
        >>> from fastapi import FastAPI
        >>> from langchain_streamkit import ChatStreamKit, aiter_events
        >>> app = FastAPI()
        >>> model = ChatStreamKit(model="m", base_url="http://localhost:11434/v1")
        >>> @app.get("/ask")
        ... async def ask(question: str):
        ...     return await sse_response(aiter_events(model, question))
    """
    if not hasattr(events, "__aiter__"):
        raise TypeError("events must be async: use aiter_events, not iter_events.")
    settings: dict[str, Any] = {
        "ping": ping,
        "first_event_timeout": first_event_timeout,
        "on_error": on_error,
        "headers": headers,
    }
    if replay is not None:
        kept: dict[str, Any] = {
            "store": replay,
            "stream_id": stream_id,
            "on_leave": on_leave,
        }
        return ReplayedEvents(events, protocol, options, **kept, **settings)
    if stream_id is not None or on_leave != "stop":
        raise ValueError("stream_id and on_leave need replay=, a store of frames.")
    return StreamedEvents(events, protocol, options, **settings)
