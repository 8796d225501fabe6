"""Which part of a message is open, for protocols that open and close their parts.

Strategy: text and reasoning of one message take turns, and models that run side by
side interleave. So each message has at most one open part; a piece of another kind
closes it, and the end of the message, a failure or a stop closes what is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from langchain_streamkit.events import StreamEvent

__all__ = ["Kind", "OpenParts", "Part"]

Kind = Literal["text", "reasoning"]


class Part(NamedTuple):
    """A part: its kind, and an id of its own in the stream."""

    kind: Kind
    id: str


class OpenParts:
    """The open part of each message.

    Example:
        >>> from langchain_streamkit.events import ReasoningEvent, TextEvent
        >>> parts = OpenParts()
        >>> parts.switch(ReasoningEvent("Hm."), "reasoning")
        (Part(kind='reasoning', id='reasoning-1'), None, True)
        >>> parts.switch(TextEvent("Yes"), "text")
        (Part(kind='text', id='text-2'), Part(kind='reasoning', id='reasoning-1'), True)
    """

    def __init__(self) -> None:
        self._open: dict[tuple[str | None, str | None], Part] = {}
        self._count = 0

    def switch(self, event: StreamEvent, kind: Kind) -> tuple[Part, Part | None, bool]:
        """The part that a piece belongs to.

        Args:
            event: The piece.
            kind: What it is a piece of.

        Returns:
            The part, the part that ends here, and whether the first is new.
        """
        key = (event.message_id, event.node)
        part = self._open.get(key)
        if part is not None and part.kind == kind:
            return part, None, False
        self._count += 1
        new = self._open[key] = Part(kind, f"{kind}-{self._count}")
        return new, part, True

    def close(self, event: StreamEvent) -> list[Part]:
        """End the part of one message.

        Args:
            event: Any event of that message.

        Returns:
            The part, if one was open.
        """
        part = self._open.pop((event.message_id, event.node), None)
        return [part] if part else []

    def close_all(self) -> list[Part]:
        """End everything.

        Returns:
            The parts that were open, the oldest first.
        """
        parts = list(self._open.values())
        self._open.clear()
        return parts
