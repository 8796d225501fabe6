"""Any Runnable's stream as typed events.

``iter_events`` and ``aiter_events`` run a chat model, a chain, an agent or a graph and
give what happens as the events of ``langchain_streamkit.events``: what it is busy with,
text, reasoning, tool calls and their results, the fields of a structured answer,
sources, usage, and at last one event with everything. ``events_from`` and
``aevents_from`` do the same with a stream that you have already. Nothing is read ahead
of your loop, and leaving the loop closes the model's connection.

Strategy: a run gives items and news (``_runs``, ``_handler``), pulled one by one
(``_pulling``); a reader makes events of them (``_reader``).
"""

from __future__ import annotations

import time
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any

from langchain_streamkit.events import (
    FieldEvent,
    FinalEvent,
    MetaEvent,
    ReasoningEvent,
    SourceEvent,
    StatusEvent,
    StreamEvent,
    TextEvent,
    ToolCallDeltaEvent,
    ToolCallEvent,
    ToolResultEvent,
    UsageEvent,
)
from langchain_streamkit.streaming._pulling import apull, pull
from langchain_streamkit.streaming._reader import Reader
from langchain_streamkit.streaming._result import StreamResult, acollect, collect
from langchain_streamkit.streaming._runs import Run, events_of_item

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        Callable,
        Collection,
        Generator,
        Iterable,
    )

    from langchain_core.runnables import Runnable, RunnableConfig

__all__ = [
    "StreamResult",
    "acollect",
    "aevents_from",
    "aiter_events",
    "collect",
    "events_from",
    "iter_events",
]

_KINDS = (
    StatusEvent,
    MetaEvent,
    TextEvent,
    ReasoningEvent,
    ToolCallDeltaEvent,
    ToolCallEvent,
    ToolResultEvent,
    FieldEvent,
    SourceEvent,
    UsageEvent,
    FinalEvent,
)
_TYPES = frozenset(kind.type for kind in _KINDS)


def iter_events(
    runnable: Runnable[Any, Any],
    input: Any,  # noqa: A002 - LangChain's name
    config: RunnableConfig | None = None,
    *,
    only: Collection[str] | None = None,
    **kwargs: Any,
) -> Generator[StreamEvent, None, None]:
    """Run something, and give what happens as typed events.

    Args:
        runnable: A chat model, a chain, an agent or a graph.
        input: Its input.
        config: Its config.
        only: The types of the events that are wanted (``{"text", "final"}``); all if
            not given.
        **kwargs: More keywords of its ``stream``.

    Returns:
        The events; the last one is final. Closing it closes the model's connection.

    Raises:
        ValueError: At once, if ``only`` names no type of event.
        Exception: While it is read, what the Runnable raises, after what came before.

    Example:
        >>> from langchain_core.language_models import FakeListChatModel
        >>> model = FakeListChatModel(responses=["Hi"])
        >>> [event.content for event in iter_events(model, "Hello", only={"text"})]
        ['H', 'i']
    """
    run = Run(runnable, input, config, kwargs)
    return _events(_wanted(only), run)


def aiter_events(
    runnable: Runnable[Any, Any],
    input: Any,  # noqa: A002 - LangChain's name
    config: RunnableConfig | None = None,
    *,
    only: Collection[str] | None = None,
    **kwargs: Any,
) -> AsyncGenerator[StreamEvent, None]:
    """The async twin of ``iter_events``.

    Args:
        runnable: A chat model, a chain, an agent or a graph.
        input: Its input.
        config: Its config.
        only: The types of the events that are wanted; all if not given.
        **kwargs: More keywords of its ``astream``.

    Returns:
        The events. Closing it, or cancelling the task that reads it, closes the
        model's connection.

    Raises:
        ValueError: At once, if ``only`` names no type of event.
        Exception: While it is read, what the Runnable raises, after what came before.
    """
    run = Run(runnable, input, config, kwargs)
    return _aevents(_wanted(only), run)


def events_from(
    chunks: Iterable[Any], *, only: Collection[str] | None = None
) -> Generator[StreamEvent, None, None]:
    """Make events of a stream that you have.

    Args:
        chunks: Chunks of any chat model, messages, text, what a LangGraph graph
            gives in the stream modes ``messages`` and ``custom``, or the items of
            core's ``astream_events``. It is closed when the events are.
        only: The types of the events that are wanted; all if not given.

    Returns:
        The events; the last one is final.

    Raises:
        ValueError: At once, if ``only`` names no type of event.

    Example:
        >>> [event.type for event in events_from(["Hello"])]
        ['text', 'final']
    """
    return _from(_wanted(only), chunks)


def aevents_from(
    chunks: AsyncIterable[Any], *, only: Collection[str] | None = None
) -> AsyncGenerator[StreamEvent, None]:
    """The async twin of ``events_from``.

    Args:
        chunks: See ``events_from``.
        only: The types of the events that are wanted; all if not given.

    Returns:
        The events; the last one is final.

    Raises:
        ValueError: At once, if ``only`` names no type of event.
    """
    return _afrom(_wanted(only), chunks)


_Filter = frozenset[str] | None


def _wanted(only: Collection[str] | None) -> _Filter:
    if only is None:
        return None
    names = frozenset({only} if isinstance(only, str) else only)
    unknown = sorted(names - _TYPES)
    if unknown:
        message = (
            f"only={unknown[0]!r} is no type of event. "
            f"There are: {', '.join(sorted(_TYPES))}."
        )
        raise ValueError(message)
    return names


def _filtered(events: list[StreamEvent], wanted: _Filter) -> list[StreamEvent]:
    if wanted is None:
        return events
    return [event for event in events if event.type in wanted]


def _events(wanted: _Filter, run: Run) -> Generator[StreamEvent, None, None]:
    reader = Reader(time.monotonic)
    with closing(pull(run)) as items:
        for item in items:
            events = events_of_item(item, run.kind, reader)
            yield from events if wanted is None else _filtered(events, wanted)
    yield from _filtered(reader.finish(), wanted)


async def _aevents(wanted: _Filter, run: Run) -> AsyncGenerator[StreamEvent, None]:
    reader = Reader(time.monotonic)
    async with aclosing(apull(run)) as items:
        async for item in items:
            events = events_of_item(item, run.kind, reader)
            for event in events if wanted is None else _filtered(events, wanted):
                yield event
    for event in _filtered(reader.finish(), wanted):
        yield event


def _from(wanted: _Filter, chunks: Iterable[Any]) -> Generator[StreamEvent, None, None]:
    reader = Reader(time.monotonic)
    try:
        for item in chunks:
            yield from _filtered(events_of_item(item, "chunks", reader), wanted)
    finally:
        close: Callable[[], object] | None = getattr(chunks, "close", None)
        if close is not None:
            close()
    yield from _filtered(reader.finish(), wanted)


async def _afrom(
    wanted: _Filter, chunks: AsyncIterable[Any]
) -> AsyncGenerator[StreamEvent, None]:
    reader = Reader(time.monotonic)
    try:
        async for item in chunks:
            for event in _filtered(events_of_item(item, "chunks", reader), wanted):
                yield event
    finally:
        close: Callable[[], Any] | None = getattr(chunks, "aclose", None)
        if close is not None:
            await close()
    for event in _filtered(reader.finish(), wanted):
        yield event
