"""What a stream has said so far, and the message that is left of it."""

from __future__ import annotations

from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AIMessage, message_chunk_to_message

from langchain_streamkit.events import (
    FinalEvent,
    MetaEvent,
    ReasoningEvent,
    StreamEvent,
    TextEvent,
    Usage,
)
from langchain_streamkit.streaming import aevents_from, events_from

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable

__all__ = ["Answer", "aevents_of", "describe", "events_of"]


def events_of(stream: Iterable[Any]) -> Generator[StreamEvent, None, None]:
    """The events of a stream, which may have events already, up to the final one.

    Args:
        stream: What ``events_from`` takes, or events.

    Yields:
        Events; closing them closes the stream.
    """
    with closing(events_from(stream)) as events:
        for event in events:
            yield event
            if event.is_final:
                return


async def aevents_of(stream: AsyncIterable[Any]) -> AsyncGenerator[StreamEvent, None]:
    """The async twin of ``events_of``."""
    async with aclosing(aevents_from(stream)) as events:
        async for event in events:
            yield event
            if event.is_final:
                return


class Answer:
    """Gathers events for the message at the end.

    Attributes:
        final: The final event, once it has come.
    """

    def __init__(self) -> None:
        self.final: FinalEvent | None = None
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._has_ended = False

    def add(self, event: StreamEvent) -> None:
        """Take an event in.

        Args:
            event: The next one.
        """
        if isinstance(event, TextEvent | ReasoningEvent):
            if self._has_ended:  # a new message begins
                self._text, self._reasoning, self._has_ended = [], [], False
            said = self._text if isinstance(event, TextEvent) else self._reasoning
            said.append(event.content)
        elif isinstance(event, MetaEvent):
            self._has_ended = True
        elif isinstance(event, FinalEvent):
            self.final = event

    def message(self) -> AIMessage:
        """The whole message, or what came of it.

        Returns:
            The final event's message. Before it has come: the text and the reasoning
            of the last message with ``"interrupted"`` as its finish reason, and none
            of its tool calls, for they may be cut.
        """
        if self.final is not None and isinstance(self.final.message, AIMessage):
            message = cast("AIMessage", message_chunk_to_message(self.final.message))
            if message.content or message.tool_calls or not self._text:
                return message
        reason = "interrupted" if self.final is None else self.final.finish_reason
        thought = "".join(self._reasoning)
        return AIMessage(
            "".join(self._text),
            additional_kwargs={"reasoning_content": thought} if thought else {},
            response_metadata={"finish_reason": reason} if reason else {},
        )


def describe(final: FinalEvent) -> str:
    """What an answer took, in one line.

    Args:
        final: Its last event.

    Returns:
        The model, the tokens, the speed and the cost, as far as they are known, and
        that it is incomplete if it is. The model's name is the server's, as it came.

    Example:
        >>> describe(FinalEvent(metadata={"model": "m"}, usage=Usage(5, 7, 12)))
        'm · 7 tokens'
    """
    timing: dict[str, float | None] = final.metadata.get("timing") or {}
    first, speed = timing.get("first_token_seconds"), timing.get("tokens_per_second")
    usage = final.usage or Usage()
    facts = (
        str(final.metadata.get("model") or ""),
        f"{usage.output_tokens} tokens" if final.usage else "",
        f"{speed:.0f} a second" if speed else "",
        f"first after {first:.2f} s" if first is not None else "",
        f"${usage.cost:.4f}" if usage.cost is not None else "",
        "ended by the token limit" if final.finish_reason == "length" else "",
    )
    return " · ".join(fact for fact in facts if fact)
