"""One frame of a stream, or one whole body, becomes events.

Strategy: no look at who the server is; every known place of every fact is read, and
what nobody knows is kept under its own name. A frame that says one thing (a piece of
text, of a thought, of a call's arguments), which is nearly every frame, is read by
``read_plain``, which gives up on anything unusual; all else goes the general way.
Both give the same events (a property test holds them to it).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from langchain_streamkit._wire.answer import Answer
from langchain_streamkit._wire.choices import ChoicePicker
from langchain_streamkit._wire.citations import SourceGatherer
from langchain_streamkit._wire.deltas import MediaDelta, RefusalDelta, ScoredTextEvent
from langchain_streamkit._wire.frame_keys import (
    CHOICE_KEYS,
    DELTA_KEYS,
    FRAME_KEYS,
    IDENTITY,
    IMAGE_PARTS,
    MEDIA_KEYS,
    NO_REASONS,
    REPEATED,
)
from langchain_streamkit._wire.media import parse_media
from langchain_streamkit._wire.plain_frames import (
    SILENT,
    PlainShape,
    names_of,
    shape_of,
)
from langchain_streamkit._wire.reasoning import (
    REASONING_FIELDS,
    is_thinking,
    parse_reasoning,
    thinking_text,
)
from langchain_streamkit._wire.shapes import (
    as_items,
    as_mapping,
    as_text,
    is_mapping,
    mappings,
)
from langchain_streamkit._wire.text_channel import TextChannel
from langchain_streamkit._wire.tool_calls import ToolCallAssembler, arguments_text
from langchain_streamkit._wire.usage import is_report, merge_usage
from langchain_streamkit.events import ReasoningEvent, StreamEvent, TextEvent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["FrameReader"]

_MAX_SHAPES = 16


class FrameReader:
    """Reads the frames of one answer, in order.

    Args:
        reasoning_tags: The tags of inline reasoning, or None.
        choice: The index of the choice to read, where there are several.
        max_argument_bytes: The most characters of one tool call's arguments.

    Attributes:
        answer: All that was read so far.
        error: What the choice itself holds as its error, if anything.
    """

    __slots__ = (
        "_assembler",
        "_channel",
        "_choice",
        "_missing",
        "_picker",
        "_shapes",
        "_sources",
        "_thoughts",
        "answer",
        "error",
    )

    def __init__(
        self,
        *,
        reasoning_tags: tuple[str, str] | None = None,
        choice: int = 0,
        max_argument_bytes: int = 16 * 1024 * 1024,
    ) -> None:
        self.answer = Answer()
        self.error: object = None
        self._picker = ChoicePicker(choice)
        self._choice = choice  # the index that the picker goes by
        self._channel = TextChannel(reasoning_tags)
        self._thoughts = TextChannel()
        self._assembler = ToolCallAssembler(max_argument_bytes)
        self._sources = SourceGatherer(self.answer.sources)
        self._missing: tuple[str, ...] = IDENTITY  # what no frame has said so far
        self._shapes: dict[tuple[str | None, ...], PlainShape] = {}
        self.answer.tool_calls = self._assembler.calls

    def read_plain(self, frame: Any) -> list[StreamEvent] | None:
        """Read a frame that says one thing, like the frames before it.

        Args:
            frame: The parsed frame.

        Returns:
            Its events, or None if it must go the general way.
        """
        try:
            (choice,) = frame["choices"]
            delta = choice["delta"]
            shape = self._shapes.get((*frame, None, *choice, None, *delta))
            if shape is None or choice.get("index", 0) != self._choice:
                return None
            for holder, quiet in (
                (frame, shape.quiet_frame),
                (choice, shape.quiet_choice),
            ):
                for key in quiet:
                    if holder[key]:
                        return None
            speaker, said = "", None
            for key in shape.speakers:
                value = delta[key]
                if value or value not in SILENT:
                    if speaker:
                        return None
                    speaker, said = key, value
        except (AttributeError, KeyError, TypeError, ValueError):
            return None
        if speaker == "content" and type(said) is str and self._channel.is_plain:
            self.answer.text_parts.append(said)
            return [TextEvent(said)]
        return self._read_other(speaker, said) if speaker else []

    def _read_other(self, speaker: str, said: object) -> list[StreamEvent] | None:
        """What a delta says that is no text, if the filters have nothing to do."""
        if speaker in REASONING_FIELDS:
            if type(said) is str and self._thoughts.is_plain:
                self.answer.reasoning_parts.append(said)
                return [ReasoningEvent(said)]
        elif speaker == "tool_calls" and type(said) is list:
            return self._assembler.feed_arguments(cast("list[Any]", said))
        return None

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
        if "x_groq" in frame:
            self._read_usage(as_mapping(frame["x_groq"]).get("usage"))
        self._sources.feed(frame)
        self._keep_unknown(frame, FRAME_KEYS)
        events: list[StreamEvent] = []
        for choice in self._picker.pick(frame.get("choices")):
            self._learn(frame, choice)
            events += self._read_choice(choice)
        self._choice = self._picker.index
        return events

    def finish(self) -> list[StreamEvent]:
        """Give what was still held back, and settle the tool calls."""
        events = [e for c in self._picker.flush() for e in self._read_choice(c)]
        thoughts = [(True, thought) for _, thought in self._thoughts.flush()]
        events += self._text_events([*thoughts, *self._channel.flush()])
        events.extend(self._assembler.finish(self.answer.finish_reason))
        return events

    def _learn(self, frame: Mapping[str, Any], choice: Mapping[str, Any]) -> None:
        """Let frames of this shape be read by ``read_plain`` from now on."""
        delta = choice.get("delta")
        is_alone = len(as_items(frame["choices"])) == 1
        if is_alone and is_mapping(delta) and len(self._shapes) < _MAX_SHAPES:
            shape = shape_of(frame, choice, delta, self._missing)
            if shape is not None:
                self._shapes[names_of(frame, choice, delta)] = shape

    def _read_identity(self, frame: Mapping[str, Any]) -> None:
        """The first value of each that is not empty stays."""
        for key in self._missing:
            value = frame.get(key)
            kind = int | float if key == "created" else str
            if value and isinstance(value, kind):
                setattr(self.answer, key, value)
                self._missing = tuple(name for name in self._missing if name != key)
                self._shapes.clear()  # they were judged by what was missing

    def _read_usage(self, usage: object) -> None:
        if not usage:
            return
        if is_report(usage) or self.answer.usage is None:
            self.answer.usage = (
                merge_usage(self.answer.usage, as_mapping(usage)) or self.answer.usage
            )

    def _read_choice(self, choice: Mapping[str, Any]) -> list[StreamEvent]:
        answer = self.answer
        self._read_usage(choice.get("usage"))
        self._keep_unknown(choice, CHOICE_KEYS)
        self.error = self.error or choice.get("error")
        reason = _reason(choice.get("finish_reason")) or _reason(
            choice.get("finishReason")
        )
        answer.finish_reason = reason or answer.finish_reason
        delta, message = (
            as_mapping(choice.get("delta")),
            as_mapping(choice.get("message")),
        )
        events: list[StreamEvent] = []
        if delta:
            events = self._read_delta(
                delta, is_last=bool(reason), logprobs=choice.get("logprobs")
            )
        if message:
            events += self._read_message(message, choice.get("logprobs"))
        elif not isinstance(choice.get("delta"), dict):
            text = as_text(choice.get("text"))  # of a server of plain completions
            events = self._read_content(text, is_last=bool(reason))
        return events

    def _read_message(
        self, message: Mapping[str, Any], logprobs: object
    ) -> list[StreamEvent]:
        """A whole message: all of a body, or what ends a stream and repeats it."""
        answer = self.answer
        repeated = {
            name
            for parts, names in REPEATED.items()
            if getattr(answer, parts)
            for name in names
        }
        if "reasoning" in repeated and not answer.details:
            answer.details.feed(message)
        news = {k: value for k, value in message.items() if k not in repeated}
        if answer.text_parts or self._channel.is_holding:
            news["content"] = self._unsaid(message.get("content"))
        logprobs = None if answer.logprobs else logprobs
        return self._read_delta(news, is_last=False, logprobs=logprobs)

    def _unsaid(self, content: object) -> str | None:
        """What a whole text adds to the pieces that came before it."""
        said = self.answer.text
        if not isinstance(content, str) or self._channel.is_holding:
            return None
        return content[len(said) :] if content.startswith(said) else None

    def _read_delta(
        self, delta: Mapping[str, Any], *, is_last: bool, logprobs: object
    ) -> list[StreamEvent]:
        answer = self.answer
        self._keep_unknown(delta, DELTA_KEYS)
        self._sources.feed(delta)
        self._read_usage(delta.get("usage"))
        if "reasoning_details" in delta:
            answer.details.feed(delta)
        thought = parse_reasoning(delta)
        events = self._reasoning_events(thought) if thought else []
        content = delta.get("content")
        if thought and (parts := as_items(content)):  # maybe the same, in a part
            content = [part for part in parts if not is_thinking(part)]
        events += self._read_content(content, is_last=is_last)
        if logprobs:
            events = self._score(events, logprobs)
        if refusal := as_text(delta.get("refusal")):
            events += self._refuse(refusal)
        if not MEDIA_KEYS.isdisjoint(delta):
            events.extend(self._read_media(delta))
        for piece in _pieces(delta.get("tool_calls")):
            events.extend(self._assembler.feed(piece))
        if not answer.tool_calls:  # of which it may be a twin
            self._read_function_call(as_mapping(delta.get("function_call")))
        return events

    def _read_content(self, content: object, *, is_last: bool) -> list[StreamEvent]:
        """Content is a string; or parts; or, where a server slips, a bare value."""
        if content is None or content == "":
            return []
        if not isinstance(content, str):
            parts, part = as_items(content), as_mapping(content)
            if parts or is_thinking(part) or _is_text(part):
                return self._read_parts(parts or [part])
            if content in ([], {}):
                return []
            content = json.dumps(content, ensure_ascii=False)
        parts_said = self.answer.text_parts
        pieces = self._channel.feed(content, is_last=is_last, parts=parts_said)
        return self._text_events(pieces)

    def _read_parts(self, parts: Sequence[Any]) -> list[StreamEvent]:
        """Parts in their order; texts that follow each other are one text."""
        events: list[StreamEvent] = []
        said: list[str] = []
        for part in parts:
            block = as_mapping(part)
            text = part if isinstance(part, str) else as_text(block.get("text"))
            if text and not is_thinking(block):
                said.append(text)
                continue
            events += self._read_content("".join(said), is_last=False)
            said.clear()
            events += self._read_block(block)
        return events + self._read_content("".join(said), is_last=False)

    def _read_block(self, block: Mapping[str, Any]) -> list[StreamEvent]:
        if is_thinking(block):
            thought = thinking_text(block)
            return self._reasoning_events(thought) if thought else []
        if refusal := as_text(block.get("refusal")):
            return self._refuse(refusal)
        if block.get("type") in IMAGE_PARTS:
            return self._read_media({"images": [block]})
        self._sources.feed({"references": [block]})
        return []

    def _read_media(self, holder: Mapping[str, Any]) -> list[StreamEvent]:
        blocks = parse_media(holder)
        self.answer.media.extend(blocks)
        return [MediaDelta(block) for block in blocks]

    def _refuse(self, refusal: str) -> list[StreamEvent]:
        self.answer.refusal_parts.append(refusal)
        return [RefusalDelta(refusal)]

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
            key: list(items)
            for key, value in as_mapping(logprobs).items()
            if (items := as_items(value))
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
            text = arguments_text(call.get(key))
            if text:
                kept = self.answer.function_call
                kept[key] = kept.get(key, "") + text

    def _keep_unknown(self, holder: Mapping[str, Any], known: frozenset[str]) -> None:
        if known.issuperset(holder):
            return
        for key in holder.keys() - known:
            value = holder[key]
            if value is not None and value not in ("", [], {}):
                self.answer.extras[key] = value


def _is_text(part: Mapping[str, Any]) -> bool:
    return isinstance(part.get("text"), str)


def _reason(value: object) -> str | None:
    return value if isinstance(value, str) and value not in NO_REASONS else None


def _pieces(value: object) -> list[Mapping[str, Any]]:
    """``tool_calls`` is a list, or one object (TGI before 3.1, 2025-03)."""
    return [value] if is_mapping(value) else mappings(value)
