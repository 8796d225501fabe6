"""Markdown on a terminal, while it grows.

Strategy: what is finished is printed once and never touched again, so that the
terminal's own scrolling works and nothing is printed twice; only the last block,
which may still change, is drawn anew, ten times a second, and cut to the window's
height. A block is finished when a complete line after it belongs to another one.
All drawing is under one lock: rich's own refreshing thread, beside prints of another
thread, may count lines that are no longer there, and erase what was printed (rich
15.0, 2026-11). Rich's parser would drop HTML and hide addresses behind words: ours
shows both.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment

from langchain_streamkit.adapters._pace import Pace
from langchain_streamkit.adapters._safe_text import TerminalText, show_controls

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

__all__ = ["MarkdownWriter", "make_markdown"]

_PARSER = (
    MarkdownIt("commonmark", {"html": False})
    .enable(["strikethrough", "table"])
    .disable("image")
)


def make_markdown(text: str) -> Markdown:
    """Something that rich can print.

    Args:
        text: Markdown without control characters.

    Returns:
        The same for rich: HTML is text, a picture its address.
    """
    markdown = Markdown("", hyperlinks=False)
    markdown.parsed = _PARSER.parse(text)
    for token in markdown.parsed:
        for part in (token, *(token.children or ())):
            part.content = show_controls(part.content)  # entities may spell controls
            for name, value in part.attrs.items():
                part.attrs[name] = show_controls(str(value))
    return markdown


class MarkdownWriter:
    """Writes the text of an answer to a terminal.

    Args:
        console: The terminal.
        interval: Seconds between two drawings of the last block; None draws it only
            when it is finished.
    """

    def __init__(self, console: Console, interval: float | None) -> None:
        self._console = console
        self._safe = TerminalText(console.encoding)
        self._interval = interval
        self._tail = ""
        self._has_printed = False
        self._live: Live | None = None
        self._pace = Pace(self._draw, interval) if interval is not None else None
        self._lock = self._pace.lock if self._pace is not None else nullcontext()

    def write(self, piece: str) -> None:
        """Take a piece of text.

        Args:
            piece: What the model said.
        """
        piece = self._safe.feed(piece)
        with self._lock:
            self._tail += piece
            if "\n" in piece:
                self._print_finished()
            if self._pace is not None and self._tail.strip():
                self._pace.change()

    def finish(self) -> None:
        """Print what is left, and begin anew."""
        with self._lock:
            if self._pace is not None:
                self._pace.stop()
            tail, self._tail = self._tail, ""
            if self._live is not None:
                self._live.stop()
                self._live = None
            self._print(tail)
            self._has_printed = False

    def _draw(self) -> None:
        if self._live is None:
            self._live = Live(
                _Tail(self),
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        self._live.refresh()

    def tail(self) -> str:
        """The block that may still change."""
        return self._tail

    def _print_finished(self) -> None:
        complete = self._tail.rfind("\n") + 1
        lines = self._tail[:complete].split("\n")
        starts = [
            token.map[0]
            for token in _PARSER.parse(self._tail[:complete])
            if token.level == 0 and token.map is not None and token.nesting >= 0
        ]
        if len(starts) < 2:
            return
        length = sum(len(line) + 1 for line in lines[: starts[-1]])
        finished, self._tail = self._tail[:length], self._tail[length:]
        self._print(finished)

    def _print(self, text: str) -> None:
        if not text.strip():
            return
        if self._has_printed:
            self._console.print()
        self._has_printed = True
        self._console.print(make_markdown(text))


class _Tail:
    """The last lines of the last block, as many as the window has."""

    def __init__(self, writer: MarkdownWriter) -> None:
        self._writer = writer

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        markdown = make_markdown(self._writer.tail())
        lines = console.render_lines(markdown, options.update(height=None), pad=False)
        for line in lines[-max(1, console.height - 2) :]:
            yield from _trimmed(line)
            yield Segment.line()


def _trimmed(line: list[Segment]) -> list[Segment]:
    """A line without the blanks at its end: a ^C echoed there stays on the line."""
    while line:
        *before, last = line
        has_ground = last.style is not None and last.style.bgcolor is not None
        text = last.text if has_ground else last.text.rstrip()
        if text:
            return [*before, Segment(text, last.style, last.control)]
        line = before
    return line
