"""One frame of a stream, or one whole body, becomes events.

Strategy: no look at who the server is; every known place of every fact is read, and
what nobody knows is kept under its own name. The plain text delta, which is nearly
every frame, is read by ``read_plain``, which gives up on anything unusual; all else
goes the general way. Both give the same events (a property test holds them to it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson

from langchain_streamkit._wire.answer import Answer
from langchain_streamkit._wire.citations import SourceGatherer
from langchain_streamkit._wire.deltas import MediaDelta, RefusalDelta, ScoredTextEvent
from langchain_streamkit._wire.media import parse_media
from langchain_streamkit._wire.reasoning import (
    gather_reasoning_details,
    parse_reasoning,
    thinking_text,
)
from langchain_streamkit._wire.text_channel import TextChannel
from langchain_streamkit._wire.tool_calls import ToolCallAssembler
from langchain_streamkit._wire.usage import is_report
from langchain_streamkit.events import ReasoningEvent, StreamEvent, TextEvent

__all__ = ["FrameReader"]

_FRAME_KEYS = frozenset(
    {
        *("id", "object", "created", "model", "choices", "usage", "system_fingerprint"),
        *("service_tier", "error", "obfuscation", "p", "padding", "x_groq"),
        *("citations", "search_results", "references", "sources"),
    }
)
_CHOICE_KEYS = frozenset(
    {
        *("index", "delta", "message", "finish_reason", "finishReason", "logprobs"),
        *("text", "usage", "error", "obfuscation", "p"),
    }
)
_DELTA_KEYS = frozenset(
    {
        *("role", "content", "tool_calls", "function_call", "refusal", "padding"),
        *("reasoning_content", "reasoning", "reasoning_text", "thinking"),
        *("reasoning_details", "annotations", "audio", "images", "name"),
        *("obfuscation", "p", "sources", "citations", "context", "executed_tools"),
    }
)
_IDENTITY = ("id", "model", "created", "system_fingerprint", "service_tier")
# A frame of these keys alone says nothing new beside its one delta.
_INERT_KEYS = frozenset(
    {*_IDENTITY, "object", "choices", "usage", "obfuscation", "p", "padding"}
)
_PLAIN_DELTAS = {"content"}, {"content", "role"}
_SPEAKING_KEYS = frozenset({"usage", "error", "message", "finishReason"})


class FrameReader:
    """Reads the frames of one answer, in order.

    Args:
        reasoning_tags: The tags of inline reasoning, or None.
        choice: The index of the choice to read, where there are several.
        max_argument_bytes: The most characters of one tool call's arguments.

    Attributes:
        answer: All that was read so far.
    """

    __slots__ = (
        "_assembler",
        "_channel",
        "_choice",
        "_plain_keys",
        "_sources",
        "_thoughts",
        "_unsettled",
        "answer",
    )

    def __init__(
        self,
        *,
        reasoning_tags: tuple[str, str] | None = None,
        choice: int = 0,
        max_argument_bytes: int = 16 * 1024 * 1024,
    ) -> None:
        self.answer = Answer()
        self._choice = choice
        self._channel = TextChannel(reasoning_tags)
        self._thoughts = TextChannel()
        self._assembler = ToolCallAssembler(max_argument_bytes)
        self._sources = SourceGatherer(self.answer.sources)
        self._plain_keys: frozenset[str] | None = None
        self._unsettled: tuple[str, ...] = ()
        self.answer.tool_calls = self._assembler.calls

    def read_plain(self, frame: Any) -> StreamEvent | None:
        """Read a frame that is one plain text delta, like the frames before it.

        Args:
            frame: The parsed frame.

        Returns:
            Its event, or None if it must go the general way.
        """
        try:
            if frame.keys() != self._plain_keys or frame.get("usage") is not None:
                return None
            for key in self._unsettled:
                if frame[key]:
                    return None
            (choice,) = frame["choices"]
            delta = choice["delta"]
            content = delta["content"]
            if (
                delta.keys() not in _PLAIN_DELTAS
                or type(content) is not str
                or not content
                or not self._channel.is_plain
                or not choice.keys() <= _CHOICE_KEYS
                or choice.get("finish_reason")
                or choice.get("logprobs") is not None
                or choice.get("index", 0) != self._choice
                or not _SPEAKING_KEYS.isdisjoint(choice)
            ):
                return None
        except (AttributeError, KeyError, TypeError, ValueError):
            return None
        self.answer.text_parts.append(content)
        return TextEvent(content)

    def read(self, frame: Mapping[str, Any]) -> list[StreamEvent]:
        """Read any frame.

        Args:
            frame: The parsed frame, without an error in it.

        Returns:
            Its events, in order.

        Raises:
            StreamLimitError: If its tool calls pass a bound.
        """
        self._read_identity(frame)
        self._read_usage(frame.get("usage"))
        self._read_usage(_mapping(frame.get("x_groq")).get("usage"))
        self._sources.feed(frame)
        self._keep_unknown(frame, _FRAME_KEYS)
        choice = self._pick_choice(frame.get("choices"))
        self._plain_keys = frozenset(frame) if frame.keys() <= _INERT_KEYS else None
        self._unsettled = tuple(
            key for key in _IDENTITY if key in frame and not getattr(self.answer, key)
        )
        return self._read_choice(choice) if choice is not None else []

    def finish(self) -> list[StreamEvent]:
        """Give what was still held back, and settle the tool calls."""
        thoughts = [(True, thought) for _, thought in self._thoughts.flush()]
        events = self._text_events([*thoughts, *self._channel.flush()])
        events.extend(self._assembler.finish(self.answer.finish_reason))
        return events

    def _read_identity(self, frame: Mapping[str, Any]) -> None:
        """The first value of each that is not empty stays."""
        for key in _IDENTITY:
            value = frame.get(key)
            if value and not getattr(self.answer, key):
                is_known = isinstance(value, int | float if key == "created" else str)
                if is_known:
                    setattr(self.answer, key, value)

    def _read_usage(self, usage: object) -> None:
        if is_report(usage) or (usage and self.answer.usage is None):
            value = _mapping(usage)
            if value:
                self.answer.usage = dict(value)

    def _pick_choice(self, choices: object) -> Mapping[str, Any] | None:
        if not isinstance(choices, Sequence) or isinstance(choices, str):
            return None
        items = cast("Sequence[Any]", choices)
        candidates = [
            cast("Mapping[str, Any]", item)
            for item in items
            if isinstance(item, Mapping)
        ]
        for choice in candidates:
            index = choice.get("index")
            if index == self._choice or (index is None and self._choice == 0):
                return choice
        return None

    def _read_choice(self, choice: Mapping[str, Any]) -> list[StreamEvent]:
        answer = self.answer
        self._read_usage(choice.get("usage"))
        self._keep_unknown(choice, _CHOICE_KEYS)
        reason = _text(choice.get("finish_reason")) or _text(choice.get("finishReason"))
        answer.finish_reason = reason or answer.finish_reason
        delta = choice.get("delta")
        message = choice.get("message")
        events: list[StreamEvent] = []
        if isinstance(delta, Mapping):
            events = self._read_delta(
                cast("Mapping[str, Any]", delta),
                is_last=bool(reason),
                logprobs=choice.get("logprobs"),
            )
        if isinstance(message, Mapping):
            whole = cast("Mapping[str, Any]", message)
            events += self._read_message(whole, choice.get("logprobs"))
        elif not isinstance(delta, Mapping) and _text(choice.get("text")):
            events = self._read_content(choice["text"], is_last=bool(reason))
        return events

    def _read_message(
        self, message: Mapping[str, Any], logprobs: object
    ) -> list[StreamEvent]:
        """A whole message: all of a body, or the repetition that ends a stream."""
        if not self.answer.has_content:
            return self._read_delta(message, is_last=False, logprobs=logprobs)
        self._sources.feed(message)
        said, content = self.answer.text, message.get("content")
        is_sure = not self._channel.is_holding
        if is_sure and isinstance(content, str) and content.startswith(said):
            return self._read_content(content[len(said) :], is_last=False)
        return []

    def _read_delta(
        self, delta: Mapping[str, Any], *, is_last: bool, logprobs: object
    ) -> list[StreamEvent]:
        answer = self.answer
        self._keep_unknown(delta, _DELTA_KEYS)
        self._sources.feed(delta)
        gather_reasoning_details(answer.reasoning_details, delta)
        thought = parse_reasoning(delta)
        events = self._reasoning_events(thought) if thought else []
        events += self._read_content(delta.get("content"), is_last=is_last)
        events = self._score(events, logprobs)
        refusal = _text(delta.get("refusal"))
        if refusal:
            answer.refusal_parts.append(refusal)
            events.append(RefusalDelta(refusal))
        for block in parse_media(delta):
            answer.media.append(block)
            events.append(MediaDelta(block))
        for piece in _pieces(delta.get("tool_calls")):
            events.extend(self._assembler.feed(piece))
        self._read_function_call(_mapping(delta.get("function_call")))
        return events

    def _read_content(self, content: object, *, is_last: bool) -> list[StreamEvent]:
        """Content is a string; or parts; or, where a server slips, a bare value."""
        if content is None or content == "":
            return []
        if isinstance(content, Sequence) and not isinstance(content, str):
            parts = cast("Sequence[Any]", content)
            return [event for part in parts for event in self._read_part(part)]
        text = content if isinstance(content, str) else orjson.dumps(content).decode()
        pieces = self._channel.feed(
            text, is_last=is_last, parts=self.answer.text_parts
        )
        return self._text_events(pieces)

    def _read_part(self, part: object) -> list[StreamEvent]:
        if isinstance(part, str):
            return self._read_content(part, is_last=False)
        if not isinstance(part, Mapping):
            return []
        block = cast("Mapping[str, Any]", part)
        if block.get("type") == "thinking":
            thought = thinking_text(block)
            return self._reasoning_events(thought) if thought else []
        text = block.get("text")
        if isinstance(text, str):
            return self._read_content(text, is_last=False)
        self._sources.feed({"references": [block]})
        return [MediaDelta(image) for image in parse_media({"images": [block]})]

    def _text_events(self, pieces: list[tuple[bool, str]]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for is_reasoning, text in pieces:
            if is_reasoning:
                self.answer.reasoning_parts.append(text)
                events.append(ReasoningEvent(text))
            else:
                self.answer.text_parts.append(text)
                events.append(TextEvent(text))
        return events

    def _reasoning_events(self, thought: str) -> list[StreamEvent]:
        pieces = self._thoughts.feed(thought, parts=self.answer.reasoning_parts)
        return self._text_events([(True, text) for _, text in pieces])

    def _score(self, events: list[StreamEvent], logprobs: object) -> list[StreamEvent]:
        """Put log probabilities on the text that they belong to."""
        scores = {
            key: value
            for key, value in _mapping(logprobs).items()
            if isinstance(value, list) and value
        }
        if not scores:
            return events
        for key, value in scores.items():
            self.answer.logprobs.setdefault(key, []).extend(value)
        for place, event in enumerate(events):
            if type(event) is TextEvent:
                events[place] = ScoredTextEvent(event.content, logprobs=scores)
                return events
        return [*events, ScoredTextEvent("", logprobs=scores)]

    def _read_function_call(self, call: Mapping[str, Any]) -> None:
        for key in ("name", "arguments"):
            text = _text(call.get(key))
            if text:
                kept = self.answer.function_call
                kept[key] = kept.get(key, "") + text

    def _keep_unknown(self, holder: Mapping[str, Any], known: frozenset[str]) -> None:
        for key in holder.keys() - known:
            value = holder[key]
            if value is not None and value != "" and value != [] and value != {}:
                self.answer.extras[key] = value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _pieces(value: object) -> list[Mapping[str, Any]]:
    """``tool_calls`` is a list, or one object (TGI before 3.1, 2025-03)."""
    if isinstance(value, Mapping):
        return [cast("Mapping[str, Any]", value)]
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    items = cast("Sequence[Any]", value)
    return [item for item in items if isinstance(item, Mapping)]
