"""All that one answer has said so far, and what is known beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_streamkit._wire.reasoning import ReasoningDetails
from langchain_streamkit._wire.tool_calls import ToolCall
from langchain_streamkit._wire.usage import is_report, parse_usage
from langchain_streamkit.events import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Answer", "AnswerContext"]


@dataclass(slots=True)
class Answer:
    """What a decoder gathers while it reads, and hands over at the end.

    Attributes:
        text_parts: The pieces of the text.
        reasoning_parts: The pieces of the reasoning.
        refusal_parts: The pieces of the refusal.
        media: Images and audio, as standard blocks.
        tool_calls: The calls; settled once the answer has ended.
        function_call: A call in the form that came before tool calls.
        finish_reason: The server's last one.
        usage: The server's last usage object that says anything.
        id: The server's first id.
        model: The server's name of the model.
        created: When the server made it, in seconds since 1970.
        system_fingerprint: The server's.
        service_tier: The server's.
        logprobs: The log probabilities, by ``content`` and ``refusal``.
        details: Reasoning in blocks, as their pieces come.
        sources: What the answer cites.
        extras: What the server sent that nobody knows, by its own names.
    """

    text_parts: list[str] = field(default_factory=list[str])
    reasoning_parts: list[str] = field(default_factory=list[str])
    refusal_parts: list[str] = field(default_factory=list[str])
    media: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    tool_calls: list[ToolCall] = field(default_factory=list[ToolCall])
    function_call: dict[str, str] = field(default_factory=dict[str, str])
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None
    id: str | None = None
    model: str | None = None
    created: int | float | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    logprobs: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    details: ReasoningDetails = field(default_factory=ReasoningDetails)
    sources: list[Source] = field(default_factory=list[Source])
    extras: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self.text_parts)

    @property
    def reasoning(self) -> str:
        """The reasoning so far."""
        return "".join(self.reasoning_parts)

    @property
    def refusal(self) -> str:
        """The refusal so far."""
        return "".join(self.refusal_parts)

    @property
    def reasoning_details(self) -> list[dict[str, Any]]:
        """Reasoning in blocks, whole and in order, to be sent back."""
        return self.details.blocks

    @reasoning_details.setter
    def reasoning_details(self, blocks: list[dict[str, Any]]) -> None:
        self.details = ReasoningDetails()
        for block in blocks:
            self.details.add(block)

    @property
    def usage_metadata(self) -> dict[str, Any] | None:
        """The usage in LangChain's form, or None where the server counted nothing."""
        usage = self.usage
        return parse_usage(usage) if usage is not None and is_report(usage) else None

    @property
    def has_content(self) -> bool:
        """Whether anything has come that a reader could have seen."""
        return bool(
            self.text_parts
            or self.reasoning_parts
            or self.refusal_parts
            or self.media
            or self.tool_calls
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said that is known, not even why there is no more."""
        if self.finish_reason or self.has_content or self.function_call:
            return False
        return bool(self.extras) or self.usage_metadata is None


@dataclass(slots=True)
class AnswerContext:
    """What is known about an answer beside what the server wrote in it.

    Attributes:
        provider: The name of the row of the server.
        requested_model: The model that was asked for.
        request_id: The server's id of the request, from its headers.
        rate_limit: What its headers say of limits, by short names.
        headers: The response headers, where the user asked for them.
        first_token_seconds: From the request to the first content.
        total_seconds: From the request to the end.
        prices: The user's prices, USD per million tokens.
        notes: What was done on the way (learned fields, resumptions), by name.
    """

    provider: str = ""
    requested_model: str = ""
    request_id: str | None = None
    rate_limit: dict[str, str] = field(default_factory=dict[str, str])
    headers: dict[str, str] | None = None
    first_token_seconds: float | None = None
    total_seconds: float | None = None
    prices: Mapping[str, Any] | None = None
    notes: dict[str, Any] = field(default_factory=dict[str, Any])

    def end(self, seconds: float) -> None:
        """Note when the answer was over.

        Args:
            seconds: The time since the request.
        """
        self.total_seconds = seconds
        if self.first_token_seconds is None:
            self.first_token_seconds = seconds
