"""Hears what happens inside a chain: models, tools and custom events.

Strategy: one handler for a run, given through its config, called inline (core would
send a plain one through a thread for each token). It makes no events and decides
nothing: it hands on what it heard, in order, to whoever reads the run. As core's
marker for handlers that want tokens it also makes ``invoke`` inside a chain stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import ToolMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, LLMResult
from langchain_core.tracers._streaming import _StreamingCallbackHandler
from typing_extensions import override

from langchain_streamkit._langchain.status_events import STATUS_EVENT
from langchain_streamkit.events import StatusEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from uuid import UUID

    from langchain_core.messages import BaseMessage

    from langchain_streamkit._langchain.field_reading import FieldReading

__all__ = ["Ended", "RunHandler", "Said", "custom_status", "node_of"]

_NO_STREAM = "nostream"


class Said(NamedTuple):
    """A chunk or a message, the node that it came from, and what reads its fields."""

    message: BaseMessage
    node: str | None = None
    fields: FieldReading | None = None


class Ended(NamedTuple):
    """A model message has ended."""

    message_id: str | None


class RunHandler(BaseCallbackHandler, _StreamingCallbackHandler[Any]):
    """Hands on what happens in one run.

    Args:
        tell: Takes a ``Said``, an ``Ended`` or a ``StatusEvent``; it must not wait.
        hears_models: Whether models are listened to, or tools and events alone.
        reading: What reads the fields of a run, by its options.
    """

    run_inline = True

    def __init__(
        self,
        tell: Callable[[Said | Ended | StatusEvent], None],
        *,
        hears_models: bool,
        reading: Callable[[object], FieldReading | None],
    ) -> None:
        self._tell = tell
        self._reading = reading
        self._fields: dict[UUID, FieldReading | None] = {}
        self._hears_models = hears_models
        self._nodes: dict[UUID, str | None] = {}
        self._ids: dict[UUID, str | None] = {}
        self._tools: dict[UUID, str] = {}

    @property
    @override
    def ignore_llm(self) -> bool:
        """Core skips this handler for tokens that nobody wants."""
        return not self._hears_models

    @property
    @override
    def ignore_chat_model(self) -> bool:
        """See ``ignore_llm``."""
        return not self._hears_models

    @override
    def tap_output_aiter(self, run_id: UUID, output: AsyncIterator[Any]) -> Any:
        """Part of core's marker; nothing is tapped."""
        return output

    @override
    def tap_output_iter(self, run_id: UUID, output: Iterator[Any]) -> Any:
        """Part of core's marker; nothing is tapped."""
        return output

    @override
    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A model begins."""
        if not (tags and _NO_STREAM in tags):
            self._nodes[run_id] = node_of(metadata)
            self._fields[run_id] = self._reading(kwargs.get("options"))

    @override
    def on_llm_new_token(
        self,
        token: str | list[str | dict[str, Any]],
        *,
        chunk: Any = None,
        run_id: UUID,
        **kwargs: Any,
    ) -> None:
        """A chunk has come."""
        if run_id in self._nodes and isinstance(chunk, ChatGenerationChunk):
            message = chunk.message
            self._ids[run_id] = message.id
            self._tell(Said(message, self._nodes[run_id], self._fields[run_id]))

    @override
    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """A model has ended; one that did not stream says everything now."""
        if run_id not in self._nodes:
            return
        node, fields = self._nodes.pop(run_id), self._fields.pop(run_id)
        if run_id in self._ids:
            self._tell(Ended(self._ids.pop(run_id)))
            return
        for generations in response.generations:
            for generation in generations[:1]:
                if isinstance(generation, ChatGeneration):
                    self._tell(Said(generation.message, node, fields))

    @override
    def on_llm_error(
        self, error: BaseException, *, run_id: UUID, **kwargs: Any
    ) -> None:
        """A model has failed."""
        self._nodes.pop(run_id, None)
        self._fields.pop(run_id, None)
        if run_id in self._ids:
            self._tell(Ended(self._ids.pop(run_id)))

    @override
    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A tool begins."""
        name = kwargs.get("name") or serialized.get("name") or "tool"
        self._tell(
            StatusEvent(
                "tool",
                f"Running {name}",
                metadata={"tool": name, "tool_call_id": kwargs.get("tool_call_id")},
                node=node_of(metadata),
            )
        )

    @override
    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """A tool has given its result."""
        if self._hears_models and isinstance(output, ToolMessage):
            self._tell(Said(output))

    @override
    def on_custom_event(
        self,
        name: str,
        data: Any,
        *,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Somebody in the chain reports something."""
        if name != STATUS_EVENT:  # the listener has heard it from the model itself
            self._tell(custom_status(name, data, node_of(metadata)))


def custom_status(name: str | None, data: Any, node: str | None) -> StatusEvent:
    """The status of a custom event.

    Args:
        name: The event's name.
        data: Anything.
        node: Where it came from.

    Returns:
        A status whose words are the data, if that is text, or its ``message``.
    """
    given: object = data
    if isinstance(data, dict):
        given = cast("dict[str, object]", data).get("message")
    return StatusEvent(
        "custom",
        given if isinstance(given, str) else name or "",
        metadata={"name": name, "data": data},
        node=node,
    )


def node_of(metadata: object) -> str | None:
    """The graph node that a run's metadata names.

    Args:
        metadata: What core or LangGraph hands out.

    Returns:
        The node's name, or None outside of graphs.
    """
    if not isinstance(metadata, dict):
        return None
    node = cast("dict[str, object]", metadata).get("langgraph_node")
    return node if isinstance(node, str) else None
