"""One call over several attempts, after content has come: what was said, and goes on.

Strategy: the reader has seen some text and must see each further character once. The
next attempt's events pass through here: what repeats is swallowed, what is new goes
on, and at the end the attempts become one answer, whose usage is their sum. Nothing
is resumed inside a tool call, an open thought or a schema, for there the join could
not be checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

from langchain_streamkit._resilience.resume import (
    Continuation,
    DivergedError,
    prefill_messages,
    refusal_to_resume,
)
from langchain_streamkit._wire.answer import Answer
from langchain_streamkit._wire.deltas import AnswerEnd
from langchain_streamkit.errors import StreamKitError
from langchain_streamkit.events import ReasoningEvent, StreamEvent, TextEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_streamkit.providers import Provider

__all__ = ["Resumption"]

_MAX_FIELDS = ("max_tokens", "max_completion_tokens")


class Resumption:
    """Whether and how a cut answer goes on.

    Args:
        resume: What the user asked for.
        provider: The facts about the server.
        body: The request's body.

    Attributes:
        notes: What was done, for ``response_metadata["resumed"]``.
    """

    def __init__(
        self,
        resume: Literal["off", "auto", "prefill", "replay"],
        provider: Provider,
        body: Mapping[str, Any],
    ) -> None:
        how = provider.prefill or ("trailing" if resume == "prefill" else None)
        self._how = how if resume in {"auto", "prefill"} else None
        self._is_replay = resume == "replay"
        self._body = dict(body)
        self._said = Answer()
        self._join: Continuation | None = None
        self._merged: Answer | None = None
        self._is_exact = False
        self._ends_in_text = False
        self.notes: list[dict[str, Any]] = []

    def watch(self, events: list[StreamEvent]) -> list[StreamEvent]:
        """The events of the attempt under way, without what the reader has seen.

        Args:
            events: The decoder's.

        Returns:
            What is new.

        Raises:
            DivergedError: If a resumed answer says something else.
        """
        if events:
            self._ends_in_text = isinstance(events[-1], TextEvent)
        if self._join is None:
            return events
        new: list[StreamEvent] = []
        for event in events:
            if isinstance(event, TextEvent):
                self._say(self._join.feed(event.content), new)
            elif isinstance(event, AnswerEnd):
                self._say(self._join.flush(), new)
                new.append(AnswerEnd(self.merged(event.answer)))
            elif self._join.is_joined:
                new.append(event)
            elif not isinstance(event, ReasoningEvent):
                raise DivergedError
        return new

    def next_body(self, error: Exception, answer: Answer) -> dict[str, Any] | None:
        """The body of the attempt that goes on, if there may be one.

        Args:
            error: Why the last attempt ended.
            answer: What it had said.

        Returns:
            The body, or None if the error must be raised.
        """
        if not (self._is_replay or self._how):
            return None
        if isinstance(error, DivergedError):
            if self._is_replay or self._is_exact:
                return None
            self._is_exact = True
            self._said.usage = self.merged(answer).usage  # it was paid for, too
        elif not self._may_resume(error, answer):
            return None
        else:
            self._is_exact = False
            self._keep(answer, error)
        said = self._said.text
        if self._is_replay:
            self._join = Continuation(said, "replay")
            return dict(self._body)
        self._join = Continuation(said, "prefill", is_exact=self._is_exact)
        return self._prefilled(self._join.prefix)

    def merged(self, answer: Answer) -> Answer:
        """The attempt under way and all before it, as one answer.

        Args:
            answer: The attempt's own.

        Returns:
            The same object, completed; or itself if nothing was resumed.
        """
        if self._join is None or answer is self._merged:
            return answer
        self._merged = answer
        said = self._said
        answer.text_parts = said.text_parts
        answer.reasoning_parts = said.reasoning_parts or answer.reasoning_parts
        answer.usage = _sum_usage(said.usage, answer.usage)
        answer.id = said.id or answer.id
        answer.sources = said.sources + [
            source for source in answer.sources if source not in said.sources
        ]
        answer.reasoning_details = said.reasoning_details or answer.reasoning_details
        return answer

    def _say(self, text: str, new: list[StreamEvent]) -> None:
        if text:
            self._said.text_parts.append(text)
            new.append(TextEvent(text))

    def _may_resume(self, error: Exception, answer: Answer) -> bool:
        is_plain = not (answer.tool_calls or answer.refusal_parts or answer.media)
        return (
            isinstance(error, StreamKitError)
            and error.is_retryable
            and is_plain
            and (self._ends_in_text or self._join is not None)
            and refusal_to_resume(self._body) is None
        )

    def _keep(self, answer: Answer, error: Exception) -> None:
        usage = answer.usage
        if self._join is None:
            self._said = answer
        else:
            self._said.usage = self.merged(answer).usage
        self.notes.append(
            {
                "at_character": len(self._said.text),
                "mode": "replay" if self._is_replay else "prefill",
                "error": type(error).__name__,
                "usage": usage,
            }
        )

    def _prefilled(self, prefix: str) -> dict[str, Any]:
        body = dict(self._body)
        if not prefix or self._how is None:
            return body
        body["messages"], more = prefill_messages(body["messages"], prefix, self._how)
        for name in _MAX_FIELDS:
            if isinstance(body.get(name), int):
                body[name] = max(1, body[name] - len(self._said.text_parts))
        return {**body, **more}


def _sum_usage(
    left: dict[str, Any] | None, right: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Two usage objects as one: counts are added, other values are the later ones."""
    if left is None or right is None:
        return right if left is None else left
    total = {**left, **right}
    for name in left.keys() & right.keys():
        old, new = left[name], right[name]
        if isinstance(old, dict) and isinstance(new, dict):
            total[name] = _sum_usage(
                cast("dict[str, Any]", old), cast("dict[str, Any]", new)
            )
        elif isinstance(old, int | float) and isinstance(new, int | float):
            total[name] = old + new
    return total
