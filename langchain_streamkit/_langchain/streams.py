"""Batches of events become what a hook yields.

Strategy: one loop for chunks and for protocol events, in a sync and an async twin.
An error leaves with all that had arrived on it. The source is closed when the
reader leaves, at once.
"""

from __future__ import annotations

from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Protocol, TypeVar

from langchain_streamkit._langchain.chunks import partial_of
from langchain_streamkit.errors import StreamKitError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Iterable

    from langchain_streamkit._wire.answer import Answer, AnswerContext
    from langchain_streamkit.events import StreamEvent

__all__ = ["aproject", "project"]

Output = TypeVar("Output")


class _Progress(Protocol):
    """What has come so far, and what is known beside it."""

    @property
    def answer(self) -> Answer: ...

    @property
    def context(self) -> AnswerContext: ...


def project(
    batches: Generator[list[StreamEvent], None, None],
    render: Callable[[StreamEvent], Iterable[Output]],
    progress: _Progress,
) -> Generator[Output, None, None]:
    """Give what each event becomes.

    Args:
        batches: The events, as the reads completed them.
        render: What one event becomes.
        progress: What has come so far, for the partial of an error.

    Yields:
        The outputs, in order.

    Raises:
        StreamKitError: What the source raised, with ``partial`` set.
    """
    with closing(batches):
        try:
            for events in batches:
                for event in events:
                    yield from render(event)
        except StreamKitError as error:
            _attach_partial(error, progress)
            raise


async def aproject(
    batches: AsyncGenerator[list[StreamEvent], None],
    render: Callable[[StreamEvent], Iterable[Output]],
    progress: _Progress,
) -> AsyncGenerator[Output, None]:
    """The async twin of ``project``."""
    async with aclosing(batches):
        try:
            async for events in batches:
                for event in events:
                    for output in render(event):
                        yield output
        except StreamKitError as error:
            _attach_partial(error, progress)
            raise


def _attach_partial(error: StreamKitError, progress: _Progress) -> None:
    if error.partial is None:
        error.partial = partial_of(progress.answer, progress.context)
