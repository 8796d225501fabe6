"""From the stream to a screen: events become the bytes of a protocol.

``encode`` needs nothing but this package (and ``ag-ui-protocol`` for ``"agui"``), so
any web framework can send what it gives. ``adapters.web`` has whole responses for
Starlette and FastAPI.

Example:
    >>> from langchain_streamkit.adapters import encode
    >>> from langchain_streamkit.events import FinalEvent, TextEvent
    >>> for frame in encode([TextEvent("Hi!"), FinalEvent(finish_reason="stop")]):
    ...     print(frame.decode(), end="")
    event: text
    data: {"type":"text","content":"Hi!"}
    <BLANKLINE>
    event: final
    data: {"type":"final","finish_reason":"stop","sources":[]}
    <BLANKLINE>
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable
from typing import TYPE_CHECKING, Any, overload

from langchain_streamkit.adapters._failure import ErrorFrame, describe_error
from langchain_streamkit.adapters._frames import AsyncFrames, Frames
from langchain_streamkit.adapters._table import HEADERS, ProtocolName, make_encoder

if TYPE_CHECKING:
    from langchain_streamkit.events import StreamEvent

__all__ = ["HEADERS", "ErrorFrame", "describe_error", "encode"]


@overload
def encode(
    events: AsyncIterable[StreamEvent],
    protocol: ProtocolName = "sse",
    *,
    on_error: Callable[[Exception], ErrorFrame] = describe_error,
    **options: Any,
) -> AsyncFrames: ...


@overload
def encode(
    events: Iterable[StreamEvent],
    protocol: ProtocolName = "sse",
    *,
    on_error: Callable[[Exception], ErrorFrame] = describe_error,
    **options: Any,
) -> Frames: ...


def encode(
    events: AsyncIterable[StreamEvent] | Iterable[StreamEvent],
    protocol: ProtocolName = "sse",
    *,
    on_error: Callable[[Exception], ErrorFrame] = describe_error,
    **options: Any,
) -> AsyncFrames | Frames:
    r"""Write events as the bytes of a protocol, one frame at a time.

    An event is pulled when a frame is asked for, and not before. A failure of the
    events becomes the protocol's error frame and a clean end (``"text"`` has no place
    for one and raises ``StreamInterruptedError``). Closing the frames, cancelling the
    task that waits for one, and the end close the events, exactly once.

    Args:
        events: An async or a sync iterable of events, as ``aiter_events`` or
            ``iter_events`` gives.
        protocol: ``"sse"`` (our events as server-sent events), ``"ndjson"`` (one
            event a line), ``"text"`` (the answer alone), ``"vercel"`` (the AI SDK's
            UI message stream), ``"agui"`` (AG-UI), ``"openai"`` (chat completion
            chunks). ``HEADERS[protocol]`` are the headers to send.
        on_error: What to tell of an exception; see ``describe_error``.
        **options: ``version`` (5, 6 or 7: the client's ``ai`` package) for
            ``"vercel"``; ``thread_id`` and ``run_id`` for ``"agui"``; ``model``,
            ``id``, ``include_usage`` and ``tool_calls`` for ``"openai"``.

    Returns:
        An iterator of frames: async with ``aclose`` for an async source, sync with
        ``close`` for a sync one.

    Raises:
        ValueError: If there is no such protocol.
        TypeError: If the protocol has no such option.
        ImportError: If the protocol's library is not installed.

    Example:
        >>> from langchain_streamkit.events import TextEvent
        >>> b"".join(encode([TextEvent("<b>Hi</b>\n")], "ndjson"))
        b'{"type":"text","content":"\\u003cb\\u003eHi\\u003c/b\\u003e\\n"}\n'
    """
    encoder = make_encoder(protocol, options)
    if isinstance(events, AsyncIterable):
        return AsyncFrames(events, encoder, on_error)
    return Frames(events, encoder, on_error)
