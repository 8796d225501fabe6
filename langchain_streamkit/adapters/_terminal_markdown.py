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

import re
from contextlib import nullcontext
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment

from langchain_streamkit.adapters._pace import Pace
from langchain_streamkit.adapters._safe_text import TerminalText, show_controls

if TYPE_CHECKING:
    from collections.abc import Callable

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
                _Block(lambda: self._tail, spare_lines=2),
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        self._live.refresh()

    def _print_finished(self) -> None:
        complete = self._tail.rfind("\n") + 1
        *finished, last = _blocks(self._tail[:complete])
        if finished:
            self._tail = last + self._tail[complete:]
            self._print("".join(finished))

    def _print(self, text: str) -> None:
        for block in _blocks(text):
            if block.strip():
                if self._has_printed:
                    self._console.print()
                self._has_printed = True
                self._console.print(_Block(partial(str, block), None))


class _Block:
    """A block of Markdown, and of a long one its last lines if there is a limit."""

    def __init__(self, text: Callable[[], str], spare_lines: int | None) -> None:
        self._text = text
        self._spare_lines = spare_lines

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        markdown = make_markdown(self._text())
        rendered = console.render_lines(
            markdown, options.update(height=None), pad=False
        )
        lines = [_trimmed(line) for line in rendered]
        while lines and not lines[0]:
            del lines[0]
        while lines and not lines[-1]:
            del lines[-1]
        if self._spare_lines is not None:
            lines = lines[-max(1, console.height - self._spare_lines) :]
        for line in lines:
            yield from line
            yield Segment.line()


def _blocks(text: str) -> list[str]:
    """Text cut before each block of the top level; joined, it is the text."""
    starts = [
        token.map[0]
        for token in _PARSER.parse(text)
        if token.level == 0 and token.map is not None and token.nesting >= 0
    ]
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    bounds = [0, *starts[1:], len(lines)]
    return ["".join(lines[begin:end]) for begin, end in pairwise(bounds)]


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
