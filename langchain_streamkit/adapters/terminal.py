"""A stream on a terminal, with rich: ``message = live(model.stream("..."))``.

On a terminal text is Markdown that grows, with a spinner until it begins, and
reasoning, tools and what it took are dim beside it. Text goes to standard output and
all else to standard error, so that ``python ask.py > answer.txt`` holds the answer and
nothing else; what is no terminal gets plain text. Nothing that a model says acts on the
terminal: escape sequences are shown, not sent.
"""

from __future__ import annotations

from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any

from langchain_streamkit.adapters._answer import Answer, aevents_of, events_of
from langchain_streamkit.adapters._lazy import extra

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

    from langchain_core.messages import AIMessage
    from rich.console import Console

    from langchain_streamkit.adapters._terminal_screen import Screen

__all__ = ["alive", "live"]


def live(
    stream: Iterable[Any],
    *,
    console: Console | None = None,
    status_console: Console | None = None,
    markdown: bool = True,
    reasoning: bool = True,
    interval: float | None = 0.1,
) -> AIMessage:
    """Show a stream while it comes, and give its message.

    Args:
        stream: Of any chat model, chain or graph, or events of ``iter_events``.
        console: Where the text goes; standard output if not given.
        status_console: Where all else goes; standard error if not given.
        markdown: Whether text is rendered as Markdown on a terminal.
        reasoning: Whether reasoning is shown on a terminal.
        interval: Seconds between two drawings of the block that grows; None draws
            each block once it is finished, without a spinner, as a screen reader or
            a recording wants it.

    Returns:
        The whole message of the last model turn.

    Raises:
        ImportError: If rich is not installed.
        Exception: What the stream raises. What came before stays on the screen, and
            the stream is closed; the same for ``KeyboardInterrupt``.

    Example:
        >>> message = live(["Hello", ", you."])
        Hello, you.
        >>> message.text
        'Hello, you.'
    """
    answer = Answer()
    screen = _screen(console, status_console, markdown, reasoning, interval)
    with closing(events_of(stream)) as events, screen:
        for event in events:
            answer.add(event)
            screen.show(event)
    return answer.message()


async def alive(
    stream: AsyncIterable[Any],
    *,
    console: Console | None = None,
    status_console: Console | None = None,
    markdown: bool = True,
    reasoning: bool = True,
    interval: float | None = 0.1,
) -> AIMessage:
    """The async twin of ``live``.

    Args:
        stream: An async stream, or events of ``aiter_events``.
        console: See ``live``.
        status_console: See ``live``.
        markdown: See ``live``.
        reasoning: See ``live``.
        interval: See ``live``.

    Returns:
        The whole message of the last model turn.

    Raises:
        ImportError: If rich is not installed.
        Exception: What the stream raises; see ``live``.
    """
    answer = Answer()
    screen = _screen(console, status_console, markdown, reasoning, interval)
    async with aclosing(aevents_of(stream)) as events:
        with screen:
            async for event in events:
                answer.add(event)
                screen.show(event)
    return answer.message()


def _screen(
    console: Console | None,
    status_console: Console | None,
    markdown: bool,
    reasoning: bool,
    interval: float | None,
) -> Screen:
    with extra("rich"):
        from rich.console import Console

        from langchain_streamkit.adapters._terminal_screen import Screen

    return Screen(
        console or Console(),
        status_console or Console(stderr=True),
        markdown=markdown,
        reasoning=reasoning,
        interval=interval,
    )
