"""An answer in parts, as a browser shows them: text, and what stands beside it.

Strategy: events become parts in the order of arrival, one for each stretch of text or
reasoning, one for each tool call with its result inside. A part that is done does not
change any more, so its Markdown is made once. All of it is safe Markdown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from langchain_streamkit.adapters._safe_markdown import (
    fenced,
    safe_inline,
    safe_markdown,
)
from langchain_streamkit.events import (
    FinalEvent,
    ReasoningEvent,
    Source,
    StatusEvent,
    StreamEvent,
    TextEvent,
    ToolCallDeltaEvent,
    ToolCallEvent,
    ToolResultEvent,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Part", "Parts"]

_LONGEST_RESULT = 20_000


@dataclass(slots=True)
class Part:
    """One part of an answer.

    Attributes:
        kind: What it is.
        title: What stands above it, as Markdown; empty for text.
        is_done: Whether nothing more will come.
        seconds: How long it took, once it is done.
        id: What its own parts name as their parent.
        parent_id: The part that this one is inside of.
    """

    kind: Literal["text", "reasoning", "tool", "result", "sources", "note"]
    title: str = ""
    is_done: bool = False
    seconds: float | None = None
    id: str | None = None
    parent_id: str | None = None
    begun: float = 0.0
    pieces: list[str] = field(default_factory=list[str])
    _markdown: str | None = None

    def markdown(self) -> str:
        """What it says, as safe Markdown."""
        if self._markdown is None:
            made = self._made("".join(self.pieces))
            if not self.is_done:
                return made
            self._markdown = made
        return self._markdown

    def _made(self, body: str) -> str:
        if self.kind in {"text", "reasoning"}:
            return safe_markdown(body)
        if self.kind == "tool":
            return fenced(body, "json")
        return fenced(body) if self.kind == "result" else body

    def replace(self, body: str) -> None:
        """Say something else instead.

        Args:
            body: The new content.
        """
        self.pieces, self._markdown = [body], None


class Parts:
    """Makes parts of events.

    Args:
        clock: Seconds of a clock that only goes forward.
        reasoning: Whether reasoning is shown.
        tools: Whether tool calls and their results are.

    Attributes:
        shown: The parts so far.
        status: What the stream is busy with, until something comes.
    """

    def __init__(
        self, clock: Callable[[], float], *, reasoning: bool = True, tools: bool = True
    ) -> None:
        self.shown: list[Part] = []
        self.status = ""
        self._clock = clock
        self._reasoning = reasoning
        self._tools = tools
        self._calls: dict[object, Part] = {}

    def add(self, event: StreamEvent) -> None:
        """Take an event in.

        Args:
            event: The next one.
        """
        adding = self._ADDED.get(type(event))
        if adding is not None:
            adding(self, event)

    def end(self, note: str = "") -> None:
        """Say that nothing more comes.

        Args:
            note: Why, where that is not as it should be.
        """
        self.status = ""
        for part in self.shown:
            self._done(part)
        if note:
            part = Part("note", safe_inline(note), is_done=True)
            self.shown.append(part)

    def _status(self, event: StatusEvent) -> None:
        # Who reads this page need not learn where the model is.
        quiet = event.phase in {"connecting", "generating"}
        self.status = event.phase.capitalize() if quiet else event.content

    def _text(self, event: TextEvent) -> None:
        if event.content:
            self._stretch("text", "").pieces.append(event.content)

    def _thought(self, event: ReasoningEvent) -> None:
        if self._reasoning and event.content:
            self._stretch("reasoning", "Thinking").pieces.append(event.content)

    def _call_piece(self, event: ToolCallDeltaEvent) -> None:
        if not self._tools:
            return
        key = event.message_id, event.index
        if key not in self._calls:
            self._calls[key] = self._call_part(event.id, event.name or "")
        self._calls[key].pieces.append(event.args)

    def _call(self, event: ToolCallEvent) -> None:
        if not self._tools:
            return
        part = self._open_call(event.id) or self._call_part(event.id, event.name)
        if event.error is not None:
            part.title = f"⚠️ {safe_inline(event.name)}: {safe_inline(event.error)}"
            part.replace(event.raw_args)
            self._done(part)
            return
        part.title = f"🛠️ {safe_inline(event.name)}"
        part.replace(json.dumps(event.args, ensure_ascii=False, indent=2))

    def _call_part(self, call_id: str | None, name: str) -> Part:
        part = Part("tool", f"🛠️ {safe_inline(name)}", id=call_id)
        self._append(part)
        return part

    def _open_call(self, call_id: str | None) -> Part | None:
        calls = (part for part in self.shown if part.kind == "tool")
        fitting = (part for part in calls if part.id == call_id and not part.is_done)
        return next(fitting, None)

    def _result(self, event: ToolResultEvent) -> None:
        if not self._tools:
            return
        call = self._open_call(event.id)
        if call is not None:
            self._done(call)
        mark = "⚠️" if event.status == "error" else "↩️"
        title = f"{mark} {safe_inline(event.name or 'result')}"
        part = Part("result", title, parent_id=event.id if call else None)
        part.replace(_readable(event.result))
        self._append(part)
        self._done(part)

    def _final(self, event: FinalEvent) -> None:
        self.end()
        if event.sources:
            part = Part("sources", f"Sources ({len(event.sources)})", is_done=True)
            part.replace("\n".join(f"- {_source(source)}" for source in event.sources))
            self.shown.append(part)

    _ADDED: ClassVar[dict[type[StreamEvent], Callable[..., None]]] = {
        StatusEvent: _status,
        TextEvent: _text,
        ReasoningEvent: _thought,
        ToolCallDeltaEvent: _call_piece,
        ToolCallEvent: _call,
        ToolResultEvent: _result,
        FinalEvent: _final,
    }

    def _stretch(self, kind: Literal["text", "reasoning"], title: str) -> Part:
        last = self.shown[-1] if self.shown else None
        if last is not None and last.kind == kind and not last.is_done:
            return last
        part = Part(kind, title)
        self._append(part)
        return part

    def _append(self, part: Part) -> None:
        """Add a part; stretches before it are done, and calls wait for results."""
        self.status = ""
        for before in self.shown:
            if before.kind != "tool" or part.kind in {"text", "reasoning"}:
                self._done(before)
        part.begun = self._clock()
        self.shown.append(part)

    def _done(self, part: Part) -> None:
        if not part.is_done:
            part.is_done = True
            part.seconds = self._clock() - part.begun


def _readable(result: object) -> str:
    """A tool's result as text, bounded."""
    if not isinstance(result, str):
        result = json.dumps(result, ensure_ascii=False, indent=2, default=str)
    if len(result) > _LONGEST_RESULT:
        return f"{result[:_LONGEST_RESULT]}\n… {len(result) - _LONGEST_RESULT} more"
    return result


def _source(source: Source) -> str:
    title = safe_inline(source.title or source.url or "?")
    url = source.url or ""
    if not url.lower().startswith(("http://", "https://")):
        return title
    address = "".join(c if c.isascii() and c.isprintable() else "" for c in url)
    for character in " <>()[]\\`\"'":
        address = address.replace(character, f"%{ord(character):02X}")
    return f"[{title}]({address})"
