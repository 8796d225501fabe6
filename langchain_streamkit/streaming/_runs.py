"""How each kind of Runnable is asked for its stream, and what its items mean.

Strategy: a chat model gives its chunks itself. A LangGraph graph is asked for its own
stream modes. Any other chain gives its output, and a handler in its config hears the
models and the tools inside it. Nothing here waits or reads ahead.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal, cast

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.runnables import RunnableConfig, RunnableWithFallbacks
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.runnables.config import merge_configs
from langchain_core.runnables.configurable import DynamicRunnable

from langchain_streamkit.events import StatusEvent, StreamEvent
from langchain_streamkit.streaming._formats import Formats
from langchain_streamkit.streaming._handler import (
    Ended,
    RunHandler,
    Said,
    custom_status,
    node_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from langchain_core.runnables import Runnable

    from langchain_streamkit.streaming._reader import Reader

__all__ = ["Kind", "Run", "events_of_item", "kind_of"]

Kind = Literal["model", "graph", "chain", "chunks"]
_WAITS: dict[Kind, Literal["never", "first", "each"]] = {
    "model": "first",
    "chain": "each",
    "graph": "never",  # its own stream carries the news
}
_PIECES = frozenset({"text", "reasoning", "tool_call_delta"})
_GRAPH_MODES = ["messages", "custom"]


class Run:
    """One run of a Runnable.

    Args:
        runnable: What runs.
        input: Its input.
        config: The user's config.
        kwargs: More keywords of the run.

    Attributes:
        kind: How it is asked.
        waits: See ``Source``.
    """

    def __init__(
        self,
        runnable: Runnable[Any, Any],
        input: Any,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None,
        kwargs: dict[str, Any],
    ) -> None:
        self.kind: Kind = kind_of(runnable)
        self.waits: Literal["never", "first", "each"] = _WAITS[self.kind]
        self._runnable = runnable
        self._input = input
        self._config = config
        self._kwargs = kwargs

    def stream(self, tell: Callable[[Any], None]) -> Iterator[Any]:
        """Its stream, not begun.

        Args:
            tell: Takes what is heard beside the items.

        Returns:
            The items.
        """
        config, kwargs = self._asked(tell)
        return self._runnable.stream(self._input, config, **kwargs)

    def astream(self, tell: Callable[[Any], None]) -> AsyncIterator[Any]:
        """The async twin of ``stream``."""
        config, kwargs = self._asked(tell)
        return self._runnable.astream(self._input, config, **kwargs)

    def teller(self, tell: Callable[[Any], None]) -> Callable[[Any], None]:
        """What takes the news: a graph's go through its own stream, in order."""
        if self.kind != "graph":
            return tell
        from langgraph.config import get_config, get_stream_writer

        def through_graph(news: Any) -> None:
            try:
                write = get_stream_writer()
            except (KeyError, RuntimeError):  # not inside a node
                tell(news)
                return
            if isinstance(news, StatusEvent) and news.node is None:
                news.node = node_of(get_config().get("metadata"))
            write(news)

        return through_graph

    def _asked(
        self, tell: Callable[[Any], None]
    ) -> tuple[RunnableConfig | None, dict[str, Any]]:
        if self.kind == "model":
            return self._config, self._kwargs
        hears_models = self.kind == "chain"
        formats = Formats(self._runnable)
        handler = RunHandler(tell, hears_models=hears_models, reading=formats.reading)
        config = merge_configs(self._config, {"callbacks": [handler]})
        if self.kind == "graph":
            modes = {"stream_mode": _GRAPH_MODES, "subgraphs": True}
            return config, {**self._kwargs, **modes}
        return config, self._kwargs


def kind_of(runnable: object) -> Kind:
    """How a Runnable is asked for its stream.

    Args:
        runnable: A model, a graph, or anything else; what is bound to it, and other
            wrappings that leave its stream as it is, are looked through.

    Returns:
        Its kind.
    """
    if isinstance(runnable, BaseChatModel):
        return "model"
    if isinstance(runnable, RunnableBindingBase):
        return kind_of(cast("Any", runnable).bound)
    if isinstance(runnable, DynamicRunnable):
        return kind_of(cast("Any", runnable).default)
    if isinstance(runnable, RunnableWithFallbacks):
        kinds = {kind_of(one) for one in cast("Any", runnable).runnables}
        return "model" if kinds == {"model"} else "chain"
    protocol = sys.modules.get("langgraph.pregel.protocol")
    if protocol is not None and isinstance(runnable, protocol.PregelProtocol):
        return "graph"
    return "chain"


def events_of_item(item: Any, kind: Kind, reader: Reader) -> list[StreamEvent]:
    """The events of one item of a stream, or of something heard beside it.

    Args:
        item: A chunk, a message, text, a pair of a graph's stream, or what a handler
            or a listener told.
        kind: Where it comes from.
        reader: Reads the messages.

    Returns:
        Its events; none for an item that says nothing new.
    """
    if item.__class__ is AIMessageChunk and kind != "chain":
        return reader.chunk(item)
    if isinstance(item, Said):
        return _said(item, reader)
    if isinstance(item, Ended):
        return reader.end(item.message_id)
    if isinstance(item, StreamEvent):
        return [item]
    if isinstance(item, BaseMessage):
        is_known = kind == "chain" and reader.knows(item.id)
        return [] if is_known else reader.message(item)
    if isinstance(item, str):
        if kind == "chain" and reader.has_messages:
            return []
        return reader.text(item)
    if isinstance(item, tuple):
        return _graph_events(cast("tuple[Any, ...]", item), reader)
    if isinstance(item, dict) and kind == "chunks":
        return _core_events(cast("dict[str, Any]", item), reader)
    return []


def _said(said: Said, reader: Reader) -> list[StreamEvent]:
    """The events of a message, the fields that it closes among them.

    They follow the words that they are made of, and precede what ends the message.
    """
    events = reader.message(said.message, said.node)
    if said.fields is None:
        return events
    fields = said.fields.take(said.message, said.message.id, said.node)
    kinds = [event.type in _PIECES for event in events]
    place = kinds.index(False) if False in kinds else len(kinds)
    return [*events[:place], *fields, *events[place:]]


def _core_events(item: dict[str, Any], reader: Reader) -> list[StreamEvent]:
    """The events of an item of core's own ``astream_events``, versions 1 and 2."""
    node = node_of(item.get("metadata"))
    match item.get("event"), item.get("data"):
        case "on_chat_model_stream", {"chunk": BaseMessage() as message}:
            return reader.message(message, node)
        case "on_chat_model_end", {"output": BaseMessage() as message}:
            if reader.knows(message.id):
                return reader.end(message.id)
            return reader.message(message, node)
        case "on_tool_end", {"output": BaseMessage() as result}:
            return reader.message(result, node)
        case "on_custom_event", StatusEvent() as status:
            return [status]
        case "on_custom_event", data:
            return [custom_status(item.get("name"), data, node)]
        case _:
            return []


def _graph_events(item: tuple[Any, ...], reader: Reader) -> list[StreamEvent]:
    """The events of LangGraph's items: with a namespace, with a mode, or without."""
    if item and isinstance(item[0], tuple):
        item = item[1:]
    if len(item) == 1 and isinstance(item[0], tuple):
        item = cast("tuple[Any, ...]", item[0])
    match item:
        case "messages", (BaseMessage() as message, metadata):
            return reader.message(message, node_of(metadata))
        case (BaseMessage() as message, metadata):
            return reader.message(message, node_of(metadata))
        case "custom", StatusEvent() as status:
            return [status]
        case "custom", data:
            return [custom_status(None, data, None)]
        case _:
            return []
