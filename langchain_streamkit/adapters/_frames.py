"""Iterators of frames over iterators of events, sync and async.

Strategy: pull one event, give its frames, pull the next: nothing is read ahead. They
are objects rather than generators because a generator that was never started closes
nothing: a source that somebody has begun to read must be closed all the same, once,
whether the reader leaves, the task is cancelled or the stream ends by itself.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterable,
        Awaitable,
        Callable,
        Iterable,
    )

    from langchain_streamkit.adapters._encoder import Encoder
    from langchain_streamkit.adapters._failure import ErrorFrame
    from langchain_streamkit.events import StreamEvent

__all__ = ["AsyncFrames", "Frames"]


class _Pending:
    """What both have: the encoder, and frames that were made and not yet given."""

    def __init__(
        self, encoder: Encoder, on_error: Callable[[Exception], ErrorFrame]
    ) -> None:
        self._encoder = encoder
        self._on_error = on_error
        self._frames: deque[bytes] = deque()
        self._is_closed = self._has_ended = False

    def _take(self, event: StreamEvent) -> None:
        self._frames.extend(self._encoder.event(event))

    def _fail(self, error: Exception) -> None:
        self._has_ended = True
        self._frames.extend(self._encoder.failed(self._on_error(error)))

    def _finish(self) -> None:
        self._has_ended = True
        self._frames.extend(self._encoder.finished())


class Frames(_Pending):
    """Frames of a sync iterator of events; ``close`` closes that.

    Args:
        events: The events.
        encoder: The protocol's encoder.
        on_error: What to tell of an exception.
    """

    def __init__(
        self,
        events: Iterable[StreamEvent],
        encoder: Encoder,
        on_error: Callable[[Exception], ErrorFrame],
    ) -> None:
        super().__init__(encoder, on_error)
        self._events = iter(events)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        while not self._frames:
            if self._is_closed:
                raise StopIteration
            self._pull()
        return self._frames.popleft()

    def _pull(self) -> None:
        try:
            self._take(next(self._events))
        except StopIteration:
            self._finish()
            self._close_source()
        except Exception as error:  # noqa: BLE001 - becomes the last frame
            with suppress(Exception):  # the first error is the one to tell
                self._close_source()
            self._fail(error)
        except BaseException:
            self._close_source()
            raise

    def close(self) -> None:
        """Close the source of the events; nothing more comes."""
        self._frames.clear()
        self._close_source()

    def _close_source(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            close: Callable[[], Any] | None = getattr(self._events, "close", None)
            if close is not None:
                close()


class AsyncFrames(_Pending):
    """Frames of an async iterator of events; ``aclose`` closes that.

    Args:
        events: The events.
        encoder: The protocol's encoder.
        on_error: What to tell of an exception.
    """

    def __init__(
        self,
        events: AsyncIterable[StreamEvent],
        encoder: Encoder,
        on_error: Callable[[Exception], ErrorFrame],
    ) -> None:
        super().__init__(encoder, on_error)
        self._events = aiter(events)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._frames:
            if self._is_closed:
                raise StopAsyncIteration
            await self._pull()
        return self._frames.popleft()

    async def _pull(self) -> None:
        try:
            self._take(await anext(self._events))
        except StopAsyncIteration:
            self._finish()
            await self._close_source()
        except Exception as error:  # noqa: BLE001 - becomes the last frame
            with suppress(Exception):  # the first error is the one to tell
                await self._close_source()
            self._fail(error)
        except BaseException:
            await self._close_source()
            raise

    async def aclose(self) -> None:
        """Close the source of the events; nothing more comes."""
        self._frames.clear()
        await self._close_source()

    async def stop(self) -> None:
        """Close the source; what comes now are the protocol's last frames.

        It may follow the cancellation of a task that waited for a frame.
        """
        await self._close_source()
        if not self._has_ended:
            self._has_ended = True
            self._frames.extend(self._encoder.stopped())

    async def _close_source(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            aclose: Callable[[], Awaitable[Any]] | None
            aclose = getattr(self._events, "aclose", None)
            if aclose is not None:
                await aclose()
