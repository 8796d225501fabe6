"""Where a notebook's answer is drawn: one output that is replaced, or plain text.

Strategy: in a kernel each drawing replaces the whole of one output, by its display id
(the messages ``display_data`` and ``update_display_data`` of Jupyter's protocol 5.1);
clearing the cell's output instead would flicker. The Markdown is safe before our own
few tags are put around it. Where there is no kernel, an output cannot be replaced, so
text is printed as it comes.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol, cast

import IPython.display
from IPython.core.getipython import get_ipython

from langchain_streamkit.adapters._answer import describe
from langchain_streamkit.adapters._browser_parts import Part, Parts
from langchain_streamkit.adapters._safe_markdown import closed, safe_inline
from langchain_streamkit.adapters._safe_text import TerminalText
from langchain_streamkit.events import (
    FieldEvent,
    FinalEvent,
    MetaEvent,
    StreamEvent,
    TextEvent,
    UsageEvent,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Notebook", "Printed", "make_view"]


class _Handle(Protocol):
    def update(self, obj: object, *, raw: bool) -> None: ...


_display: Callable[..., _Handle | None] = cast("Any", IPython.display).display


def make_view(
    clock: Callable[[], float], *, reasoning: bool, tools: bool
) -> Notebook | Printed:
    """What fits the place where this runs.

    Args:
        clock: Seconds of a clock that only goes forward.
        reasoning: Whether reasoning is shown.
        tools: Whether tool calls are shown.

    Returns:
        One of both.
    """
    if getattr(get_ipython(), "kernel", None) is None:
        return Printed()
    return Notebook(Parts(clock, reasoning=reasoning, tools=tools))


class Notebook:
    """One output of a cell.

    Args:
        parts: The answer's parts.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._parts.status = "waiting"
        self._footer = ""
        self._handle: _Handle | None = None

    def add(self, event: StreamEvent) -> bool:
        """Take an event in.

        Args:
            event: The next one.

        Returns:
            Whether there is something new to draw.
        """
        self._parts.add(event)
        if isinstance(event, FinalEvent):
            self._footer = describe(event)
        return not isinstance(event, MetaEvent | UsageEvent | FieldEvent)

    def draw(self) -> None:
        """Show the parts as they are now."""
        bundle = {"text/markdown": self.markdown(), "text/plain": self.plain()}
        if self._handle is None:
            self._handle = _display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)

    def end(self, note: str) -> None:
        """Show it for the last time.

        Args:
            note: What is not as it should be, or an empty string.
        """
        self._parts.end(note)
        self.draw()

    def markdown(self) -> str:
        """All parts as Markdown."""
        shown = [_markdown(part) for part in self._parts.shown]
        if self._parts.status:
            shown.append(f"*{safe_inline(self._parts.status)}…*")
        if self._footer:
            shown.append(f"<small>{safe_inline(self._footer)}</small>")
        return "\n\n".join(shown)

    def plain(self) -> str:
        """The text alone, for places that cannot show Markdown."""
        texts = ("".join(p.pieces) for p in self._parts.shown if p.kind == "text")
        return TerminalText("utf-8").feed("\n\n".join(texts))


class Printed:
    """Standard output, where there is no notebook."""

    def __init__(self) -> None:
        self._text = TerminalText(sys.stdout.encoding or "utf-8")
        self._line_is_open = False

    def add(self, event: StreamEvent) -> bool:
        """Print an event's text.

        Args:
            event: The next one.

        Returns:
            False: nothing waits to be drawn.
        """
        if isinstance(event, TextEvent) and event.content:
            text = self._text.feed(event.content)
            sys.stdout.write(text)
            sys.stdout.flush()
            self._line_is_open = not text.endswith("\n")
        return False

    def draw(self) -> None:
        """All there is has been printed."""

    def end(self, _: str) -> None:
        """End the last line."""
        if self._line_is_open:
            sys.stdout.write("\n")


def _markdown(part: Part) -> str:
    if part.kind == "text":
        return closed(part.markdown())
    if part.kind == "note":
        return f"*{part.title}*"
    is_open = " open" if part.kind == "reasoning" and not part.is_done else ""
    took = f" ({part.seconds:.1f} s)" if part.seconds and part.seconds >= 0.1 else ""
    summary = f"<summary>{part.title}{took}</summary>"
    return f"<details{is_open}>{summary}\n\n{closed(part.markdown())}\n\n</details>"
