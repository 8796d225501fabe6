"""What a store of frames must be able to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["GONE", "ReplayState", "ReplayStore"]

GONE = "Frames that the reader has not seen are no longer kept."


class ReplayState(NamedTuple):
    """What is kept of a stream.

    Attributes:
        first: The number of the oldest frame that is kept.
        last: The number of the newest frame; 0 before the first.
        has_ended: True once nothing more will come.
    """

    first: int
    last: int
    has_ended: bool


class ReplayStore(Protocol):
    """What a store must be able to do."""

    async def begin(self, stream_id: str) -> bool:
        """Claim a stream for its producer.

        Args:
            stream_id: The stream's name.

        Returns:
            False if it exists already.
        """
        ...

    async def append(self, stream_id: str, frame: bytes) -> None:
        """Keep the next frame.

        Args:
            stream_id: The stream's name.
            frame: The frame.
        """
        ...

    async def end(self, stream_id: str) -> None:
        """Say that nothing more will come.

        Args:
            stream_id: The stream's name.
        """
        ...

    async def state(self, stream_id: str) -> ReplayState | None:
        """What is kept of a stream.

        Args:
            stream_id: The stream's name.

        Returns:
            Its state, or None if there is no such stream (any more).
        """
        ...

    def read(
        self, stream_id: str, after: int = 0
    ) -> AsyncGenerator[tuple[int, bytes], None]:
        """Follow a stream to its end.

        Args:
            stream_id: The stream's name.
            after: The number of the last frame that the reader has.

        Returns:
            Each later frame, with its number.

        Raises:
            StreamInterruptedError: If a frame is gone, or the producer is.
        """
        ...

    async def stop(self, stream_id: str) -> None:
        """Ask the producer to stop, wherever it runs.

        Args:
            stream_id: The stream's name.
        """
        ...

    async def wait_for_stop(self, stream_id: str) -> None:
        """Return when somebody asks the producer to stop.

        Args:
            stream_id: The stream's name.
        """
        ...
