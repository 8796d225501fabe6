"""What a decoder gives beside the public events: kinds that only chunks can carry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from langchain_streamkit._wire.answer import Answer
from langchain_streamkit.events import StreamEvent, TextEvent

__all__ = ["AnswerEnd", "MediaDelta", "RefusalDelta", "ScoredTextEvent"]


@dataclass(slots=True)
class ScoredTextEvent(TextEvent):
    """Text with the log probabilities of its tokens."""

    logprobs: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(slots=True)
class RefusalDelta(StreamEvent):
    """A piece of the model's refusal."""

    type: ClassVar[str] = "refusal"
    refusal: str = ""


@dataclass(slots=True)
class MediaDelta(StreamEvent):
    """An image or a piece of audio, as one of LangChain's standard blocks."""

    type: ClassVar[str] = "media"
    block: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(slots=True)
class AnswerEnd(StreamEvent):
    """The end of one answer, with all that was gathered on the way."""

    type: ClassVar[str] = "answer_end"
    answer: Answer = field(default_factory=Answer)
