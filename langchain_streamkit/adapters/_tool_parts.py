"""The tool calls of one stream, each by an id that never changes.

Strategy: a piece of a call may come without id and name, known by its message and
index alone; a whole call may come without pieces; some servers start to count their
ids anew with each message. Protocols want one id for one call, everywhere. So a call
is opened by its first piece, and has an id here that no other call has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_streamkit.events import (
        ToolCallDeltaEvent,
        ToolCallEvent,
        ToolResultEvent,
    )

__all__ = ["Call", "ToolCalls"]


@dataclass(slots=True)
class Call:
    """One call.

    Attributes:
        id: An id that is unique in the stream: the model's own where it is.
        name: The tool's name.
        index: Its place among all calls of the stream, from 0.
        given_id: The model's id of it, or None.
        is_whole: True once its arguments are complete.
    """

    id: str
    name: str
    index: int
    given_id: str | None
    is_whole: bool = False


class ToolCalls:
    """The calls of one stream so far."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._by_place: dict[tuple[str | None, str | None, int], Call] = {}

    def piece(self, event: ToolCallDeltaEvent) -> tuple[Call, bool]:
        """The call that a piece belongs to.

        Args:
            event: The piece.

        Returns:
            The call, and whether it is new.
        """
        place = (event.message_id, event.node, event.index)
        call = self._by_place.get(place)
        is_same = call is not None and event.id in {None, "", call.given_id}
        if call is not None and is_same and not call.is_whole:
            return call, False
        call = self._by_place[place] = self._open(event.id, event.name)
        return call, True

    def whole(self, event: ToolCallEvent) -> tuple[Call, bool]:
        """The call that is complete now.

        Args:
            event: The complete call.

        Returns:
            The call, and whether nothing of it was sent before.
        """
        known = (
            call
            for call in self._calls
            if not call.is_whole
            and call.given_id == (event.id or None)
            and (event.id or call.name == event.name)
        )
        found = next(known, None)
        call = found or self._open(event.id, event.name)
        call.is_whole = True
        return call, found is None

    def answered(self, event: ToolResultEvent) -> Call | None:
        """The call that a result answers: the latest one of that id.

        Args:
            event: The result.

        Returns:
            The call, or None if the stream had none.
        """
        same = (call for call in reversed(self._calls) if call.given_id == event.id)
        return next(same, None)

    def _open(self, given: str | None, name: str | None) -> Call:
        index = len(self._calls)
        taken = {call.id for call in self._calls}
        id_ = given if given and given not in taken else f"{given or 'call'}-{index}"
        call = Call(id_, name or "", index, given or None)
        self._calls.append(call)
        return call
