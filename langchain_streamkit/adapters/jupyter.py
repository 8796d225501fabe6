"""A stream in a notebook: ``message = await show(model.astream("..."))``.

One output grows under the cell, at most ten times a second: reasoning in a closed
drawer, Markdown, tool calls, sources, and what it took. Interrupting the cell stops the
model and keeps what came. HTML of the model is shown, not run, and pictures are links.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import AsyncIterable, Iterable
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, Self

from langchain_streamkit.adapters._answer import Answer, aevents_of, events_of
from langchain_streamkit.adapters._lazy import extra
from langchain_streamkit.adapters._pace import Pace, later_in_a_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_core.messages import AIMessage

    from langchain_streamkit.adapters._notebook import Notebook, Printed

__all__ = ["show"]


async def show(
    stream: AsyncIterable[Any] | Iterable[Any],
    *,
    reasoning: bool = True,
    tools: bool = True,
    interval: float = 0.1,
) -> AIMessage:
    """Show a stream under the cell while it comes, and give its message.

    Outside of a notebook the text is printed.

    Args:
        stream: Of any chat model, chain or graph, async or sync, or events of
            ``aiter_events`` or ``iter_events``. A sync stream holds the kernel while
            it waits.
        reasoning: Whether reasoning is shown.
        tools: Whether tool calls and their results are shown.
        interval: Seconds between two updates, at the least.

    Returns:
        The whole message of the last model turn. Where the cell was interrupted: what
        came of it, with ``"interrupted"`` as its finish reason and no tool calls.

    Raises:
        ImportError: If IPython is not installed.
        Exception: What the stream raises; what came before stays under the cell.
            A cancellation that no interrupt of the user caused goes on, too.

    Example:
        >>> message = asyncio.run(show(["Hello", ", you."]))
        Hello, you.
        >>> message.text
        'Hello, you.'
    """
    with extra("jupyter"):
        from langchain_streamkit.adapters._notebook import make_view

    answer = Answer()
    view = make_view(time.monotonic, reasoning=reasoning, tools=tools)
    note = "The answer was cut off here."
    with _Interrupts() as interrupts:
        try:
            if isinstance(stream, AsyncIterable):
                await _follow_async(stream, answer, view, interval)
            else:
                interrupts.raise_at_once()
                _follow(stream, answer, view, interval)
            note = ""
        except (KeyboardInterrupt, asyncio.CancelledError) as stop:
            note = "Stopped."
            if not interrupts.came:
                raise
            if isinstance(stop, asyncio.CancelledError):
                _take_back_the_cancellation()
        finally:
            view.end(note)
    return answer.message()


async def _follow_async(
    stream: AsyncIterable[Any],
    answer: Answer,
    view: Notebook | Printed,
    interval: float,
) -> None:
    pace = Pace(view.draw, interval, asyncio.get_running_loop().call_later)
    try:
        pace.change()
        async with aclosing(aevents_of(stream)) as events:
            async for event in events:
                answer.add(event)
                if view.add(event):
                    pace.change()
    finally:
        pace.stop()


def _follow(
    stream: Iterable[Any], answer: Answer, view: Notebook | Printed, interval: float
) -> None:
    pace = Pace(view.draw, interval, later_in_a_thread)
    try:
        pace.change()
        with closing(events_of(stream)) as events:
            for event in events:
                answer.add(event)
                with pace.lock:
                    if view.add(event):
                        pace.change()
    finally:
        pace.stop()


def _take_back_the_cancellation() -> None:
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()


class _Interrupts:
    """Notes an interrupt of the user on its way to whoever handles it.

    A kernel turns it into a cancellation of the cell's task, which must not be taken
    for a cancellation by somebody else (a time limit, say). It also leaves its event
    loop asleep until something else happens (ipykernel 7.4, 2026-11), so this wakes it.

    Attributes:
        came: Whether there was one.
    """

    def __init__(self) -> None:
        self.came = False
        self._loop = asyncio.get_running_loop()
        self._before: Callable[..., Any] | int | None = None
        self._is_noting = False
        self._raises = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            if callable(before):
                self._before = before
                self._is_noting = True
                signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_noting and signal.getsignal(signal.SIGINT) == self._note:
            signal.signal(signal.SIGINT, self._before)

    def raise_at_once(self) -> None:
        """Let the next ones end a read that blocks the event loop."""
        self._raises = True

    def _note(self, number: int, frame: Any) -> None:
        self.came = True
        if self._raises:
            raise KeyboardInterrupt
        if callable(self._before):
            self._before(number, frame)
        self._loop.call_soon_threadsafe(lambda: None)
