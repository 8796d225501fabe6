"""The vocabulary of a stream: one small class for each kind of thing that happens.

Bytes become these events once, and everything else (LangChain chunks, protocol
events, web frames, a terminal) is a projection of them. Every event answers to
the same attributes, so that a loop can read ``event.content`` or
``event.is_final`` without asking first what kind it holds; a class stores only
what its kind has, and the rest are properties of the base class.

Example:
    >>> from langchain_streamkit.events import TextEvent
    >>> event = TextEvent("Hello")
    >>> event.type, event.content, event.is_final
    ('text', 'Hello', False)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from typing_extensions import override

__all__ = [
    "FieldEvent",
    "FinalEvent",
    "MetaEvent",
    "ReasoningEvent",
    "Source",
    "SourceEvent",
    "StatusEvent",
    "StatusPhase",
    "StreamEvent",
    "TextEvent",
    "ToolCallDeltaEvent",
    "ToolCallEvent",
    "ToolResultEvent",
    "Usage",
    "UsageEvent",
]

StatusPhase = Literal[
    "connecting",
    "generating",
    "tool",
    "retrying",
    "resumed",
    "fallback",
    "custom",  # a custom event of a chain: ``metadata`` has its name and its data
]


@dataclass(slots=True)
class Usage:
    """Tokens of one model message, or the sum over several.

    Attributes:
        input_tokens: Tokens of the prompt, cached ones included.
        output_tokens: Tokens of the answer, reasoning included.
        total_tokens: The sum of both.
        cached_tokens: Prompt tokens that the server read from its cache.
        reasoning_tokens: Answer tokens spent on reasoning.
        cost: USD, or None where nobody knows the price.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost: float | None = None


@dataclass(slots=True)
class Source:
    """Something that the answer cites; each field may be None.

    Attributes:
        title: The title of the page or document.
        url: Its address.
        content_excerpt: The words that support the answer.
        relevance_score: The server's own score.
        start_index: Where in the text the citation starts, in characters.
        end_index: Where it ends, in characters (exclusive).
    """

    title: str | None = None
    url: str | None = None
    content_excerpt: str | None = None
    relevance_score: float | None = None
    start_index: int | None = None
    end_index: int | None = None


class StreamEvent:
    """What every event answers to; see the module's first lines."""

    __slots__ = ()

    type: ClassVar[str] = ""

    @property
    def content(self) -> str:
        """What a reader would print for this kind, else an empty string."""
        return ""

    @property
    def delta(self) -> str:
        """Alias of ``content``."""
        return self.content

    @property
    def is_final(self) -> bool:
        """True on the last event of a stream."""
        return False

    @property
    def is_complete(self) -> bool:
        """Alias of ``is_final``."""
        return self.is_final

    @property
    def finish_reason(self) -> str | None:
        """Why a model message ended: on its meta event and on the final event."""
        return None

    @property
    def usage(self) -> Usage | None:
        """Tokens and cost: on the usage event and on the final event."""
        return None

    @property
    def sources(self) -> list[Source]:
        """All sources of the answer: on the final event only."""
        return []

    @property
    def metadata(self) -> dict[str, Any]:
        """More about this event, by name."""
        return {}

    @property
    def message_id(self) -> str | None:
        """The id of the model message that this event belongs to."""
        return None

    @property
    def node(self) -> str | None:
        """The graph node or chain step that this event came from."""
        return None


@dataclass(slots=True)
class StatusEvent(StreamEvent):
    """What the stream is busy with; never part of the answer's text.

    Attributes:
        phase: The state that has just begun.
        content: The same in words, for people.
        attempt: The number of the attempt that is under way or about to start.
        max_attempts: How many attempts there will be at the most.
        delay_seconds: The wait before the next attempt, in seconds.
    """

    type: ClassVar[str] = "status"
    phase: StatusPhase = "connecting"
    content: str = ""
    attempt: int = 1
    max_attempts: int = 1
    delay_seconds: float = 0.0
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    message_id: str | None = None
    node: str | None = None


@dataclass(slots=True)
class MetaEvent(StreamEvent):
    """Facts about one model message, once it has ended."""

    type: ClassVar[str] = "meta"
    finish_reason: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    message_id: str | None = None
    node: str | None = None


@dataclass(slots=True)
class TextEvent(StreamEvent):
    """A piece of the answer's text."""

    type: ClassVar[str] = "text"
    content: str = ""
    message_id: str | None = None
    node: str | None = None


@dataclass(slots=True)
class ReasoningEvent(StreamEvent):
    """A piece of what the model thinks before and between its answers."""

    type: ClassVar[str] = "reasoning"
    content: str = ""
    message_id: str | None = None
    node: str | None = None


@dataclass(slots=True)
class ToolCallDeltaEvent(StreamEvent):
    """A piece of a tool call's arguments, as text.

    Attributes:
        index: The call's place among the calls of its message, from 0.
        id: The call's id.
        name: The tool's name.
        args: The next piece of the JSON text of the arguments.
    """

    type: ClassVar[str] = "tool_call_delta"
    index: int = 0
    id: str | None = None
    name: str | None = None
    args: str = ""
    message_id: str | None = None
    node: str | None = None

    @property
    @override
    def content(self) -> str:
        """The piece of the arguments' text."""
        return self.args


@dataclass(slots=True)
class ToolCallEvent(StreamEvent):
    """A tool call whose arguments are complete, or broken for good.

    Attributes:
        id: The call's id.
        name: The tool's name.
        args: The arguments; empty where ``error`` is set.
        error: Why this call must not run, or None for a good one.
        raw_args: The arguments' text as the server sent it.
    """

    type: ClassVar[str] = "tool_call"
    id: str | None = None
    name: str = ""
    args: dict[str, Any] = field(default_factory=dict[str, Any])
    error: str | None = None
    raw_args: str = ""
    message_id: str | None = None
    node: str | None = None


@dataclass(slots=True)
class ToolResultEvent(StreamEvent):
    """What a tool gave back.

    Attributes:
        id: The id of the call that it answers.
        name: The tool's name.
        status: ``"success"`` or ``"error"``.
        result: The tool message's content.
    """

    type: ClassVar[str] = "tool_result"
    id: str | None = None
    name: str | None = None
    status: Literal["success", "error"] = "success"
    result: Any = None
    message_id: str | None = None
    node: str | None = None


@dataclass(slots=True)
class SourceEvent(StreamEvent):
    """A source that the answer cites, as soon as it is known."""

    type: ClassVar[str] = "source"
    source: Source = field(default_factory=Source)
    message_id: str | None = None
    node: str | None = None


@dataclass(slots=True)
class FieldEvent(StreamEvent):
    """A field of a structured answer, as soon as it is complete and valid.

    Attributes:
        path: Where it stands: keys of objects and indexes of lists, from the outermost
            to its own; ``()`` for the whole object.
        value: What it holds, as the schema's class makes it: a date, an instance, a
            list of them; plain JSON where the schema is no Pydantic class.
    """

    type: ClassVar[str] = "field"
    path: tuple[str | int, ...] = ()
    value: Any = None
    message_id: str | None = None
    node: str | None = None


@dataclass(slots=True)
class UsageEvent(StreamEvent):
    """The tokens and the cost of one model message."""

    type: ClassVar[str] = "usage"
    usage: Usage | None = None
    message_id: str | None = None
    node: str | None = None


@dataclass(slots=True)
class FinalEvent(StreamEvent):
    """The end of the stream, with all that was gathered on the way.

    Attributes:
        message: The whole message of the last model turn.
        finish_reason: Why it ended.
        usage: The sum over all model messages.
        sources: Every source, in the order of arrival.
        metadata: ``model``, ``tokens``, ``provider`` and ``timing``.
    """

    type: ClassVar[str] = "final"
    message: Any = None
    finish_reason: str | None = None
    usage: Usage | None = None
    sources: list[Source] = field(default_factory=list[Source])
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    message_id: str | None = None
    node: str | None = None

    @property
    @override
    def is_final(self) -> bool:
        """True: nothing follows."""
        return True
