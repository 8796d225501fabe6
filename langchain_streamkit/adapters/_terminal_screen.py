"""An answer on a terminal: its text, and beside it what is going on.

Strategy: the answer's text goes to one console, all else to another (a program's
output and its errors), and each kind of event has one method. On a terminal text is
Markdown and the rest is dim; elsewhere text is text, and of the rest only what a log
wants is left. One thing is on the screen at a time: each kind ends the one before.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Self

from rich.text import Text

from langchain_streamkit.adapters._answer import describe
from langchain_streamkit.adapters._safe_text import TerminalText, one_line
from langchain_streamkit.adapters._terminal_markdown import MarkdownWriter
from langchain_streamkit.events import (
    FinalEvent,
    ReasoningEvent,
    Source,
    StatusEvent,
    StreamEvent,
    TextEvent,
    ToolCallEvent,
    ToolResultEvent,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from rich.status import Status

__all__ = ["Screen", "is_rich"]

_ENDINGS = {"KeyboardInterrupt": "stopped", "CancelledError": "stopped"}
_QUIET_PHASES = frozenset({"connecting", "generating"})


def is_rich(console: Console) -> bool:
    """Whether a console can show more than plain text."""
    return (
        console.is_terminal
        and not console.is_dumb_terminal
        and console.encoding.lower().startswith("utf")
    )


class Screen:
    """Shows one answer; use it as a context.

    Args:
        out: Where its text goes.
        err: Where all else goes.
        markdown: Whether text is rendered, where ``out`` is a terminal.
        reasoning: Whether reasoning is shown, where ``err`` is a terminal.
        interval: Seconds between two drawings; None for none while it grows.
        summary: The last line, where ``err`` is a terminal.
    """

    def __init__(
        self,
        out: Console,
        err: Console,
        *,
        markdown: bool = True,
        reasoning: bool = True,
        interval: float | None = 0.1,
        summary: Callable[[FinalEvent], str] = describe,
    ) -> None:
        self._out = out
        self._err = err
        self._summary = summary
        self._shows_reasoning = reasoning and err.is_terminal
        self._is_animated = interval is not None and is_rich(err)
        self._markdown = (
            MarkdownWriter(out, interval) if markdown and is_rich(out) else None
        )
        self._plain = TerminalText(out.encoding)
        self._thought = TerminalText(err.encoding)
        self._spinner: Status | None = None
        self._kind = ""
        self._line_is_open = False

    def __enter__(self) -> Self:
        self._spin("waiting")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with suppress(BrokenPipeError):  # the reader has gone, and knows the rest
            self._begin("")
            if kind is not None and self._err.is_terminal:
                self._note(f"({_ENDINGS.get(kind.__name__, 'cut off here')})", "dim")

    def show(self, event: StreamEvent) -> None:
        """Show an event.

        Args:
            event: The next one.
        """
        showing = self._SHOWN.get(type(event))
        if showing is not None:
            showing(self, event)

    def _text(self, event: TextEvent) -> None:
        self._begin("text")
        if self._markdown is not None:
            self._markdown.write(event.content)
            return
        text = self._plain.feed(event.content)
        self._out.file.write(text)
        self._out.file.flush()
        self._line_is_open = not text.endswith("\n") if text else self._line_is_open

    def _reasoning(self, event: ReasoningEvent) -> None:
        if not self._shows_reasoning:
            return
        self._begin("reasoning")
        text = self._thought.feed(event.content)
        self._err.print(Text(text, "dim"), end="", soft_wrap=True)
        self._line_is_open = not text.endswith("\n") if text else self._line_is_open

    def _status(self, event: StatusEvent) -> None:
        words = one_line(event.content or event.phase)
        if self._spinner is None and event.phase not in _QUIET_PHASES:
            self._begin("status")
        if self._is_animated:
            if self._spinner is not None or event.phase not in _QUIET_PHASES:
                self._spin(words)
        elif event.phase not in _QUIET_PHASES:
            self._note(words, "dim")

    def _call(self, event: ToolCallEvent) -> None:
        if event.error is not None:
            self._note(f"✗ {one_line(event.name)}: {one_line(event.error)}", "red")
            return
        self._note(f"→ {one_line(event.name)} {one_line(event.args)}", "green")
        self._spin(one_line(event.name))

    def _result(self, event: ToolResultEvent) -> None:
        mark, style = ("✗", "red") if event.status == "error" else ("←", "dim")
        name, result = one_line(event.name or ""), one_line(event.result)
        self._note(f"{mark} {name} {result}", style)
        self._spin("waiting")

    def _final(self, event: FinalEvent) -> None:
        self._begin("final")
        if not self._err.is_terminal:
            return
        for number, source in enumerate(event.sources, start=1):
            self._note(f"[{number}] {_source(source)}", "dim")
        self._note(one_line(self._summary(event)), "dim")

    _SHOWN: ClassVar[dict[type[StreamEvent], Callable[..., None]]] = {
        TextEvent: _text,
        ReasoningEvent: _reasoning,
        StatusEvent: _status,
        ToolCallEvent: _call,
        ToolResultEvent: _result,
        FinalEvent: _final,
    }

    def _begin(self, kind: str) -> None:
        """End what is on the screen if another kind follows it."""
        if kind == self._kind:
            return
        before, self._kind = self._kind, kind
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None
        if before == "text" and self._markdown is not None:
            self._markdown.finish()
        if self._line_is_open:
            self._line_is_open = False
            (self._out if before == "text" else self._err).print()
        if before == "reasoning" and kind == "text":
            self._err.print()

    def _note(self, line: str, style: str) -> None:
        self._begin("note")
        if line:
            safe = TerminalText(self._err.encoding).feed(line)
            self._err.print(Text(safe, style), soft_wrap=True)

    def _spin(self, words: str) -> None:
        if not self._is_animated:
            return
        self._begin("status")
        if self._spinner is None:
            self._spinner = self._err.status(Text(words, "dim"))
            self._spinner.start()
        else:
            self._spinner.update(Text(words, "dim"))


def _source(source: Source) -> str:
    named = (source.title, source.url)
    return " · ".join(one_line(part) for part in named if part) or "?"
