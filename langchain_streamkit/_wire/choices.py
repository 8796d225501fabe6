"""Which choice of a frame is the answer.

Strategy: the choice of the wanted index, or of the wanted place where a server writes
no indices. An only choice of another index waits for the next one, which shows what it
is: a choice that nobody asked for if the wanted one follows; else the answer, of a
server that counts from 1, or that counts its tokens there (TGI before 2.0, 2024-04).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_streamkit._wire.shapes import as_items, as_mapping, is_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ChoicePicker"]

_MAX_INDEX = 1 << 31


class ChoicePicker:
    """Picks the choices of one answer, frame by frame.

    Args:
        choice: The place of the answer among those of its request, from 0.

    Attributes:
        index: The index that its next choice bears.

    Example:
        >>> picker = ChoicePicker()
        >>> picker.pick([{"index": 1, "text": "b"}, {"index": 0, "text": "a"}])
        [{'index': 0, 'text': 'a'}]
    """

    __slots__ = ("_first", "_held", "_is_decided", "index")

    def __init__(self, choice: int = 0) -> None:
        self.index = self._first = choice
        self._is_decided = False
        self._held: tuple[int, Mapping[str, Any]] | None = None

    def pick(self, choices: object) -> list[Mapping[str, Any]]:
        """The choices of this answer, once it is certain that they are its own.

        Args:
            choices: What the frame holds under ``choices``: a list, or one object.

        Returns:
            Nearly always one or none; one that waited comes before its follower.
        """
        items = [choices] if is_mapping(choices) else as_items(choices)
        by_index: dict[int, Mapping[str, Any]] = {}
        for place, item in enumerate(items):
            if choice := as_mapping(item):
                by_index.setdefault(_index(choice.get("index"), place), choice)
        if by_index and not self._is_decided and len(by_index) > 1:
            self._decide(self._first + min(by_index))
        elif len(by_index) == 1 and self.index not in by_index:
            return self._pick_other(*by_index.popitem())
        found = by_index.get(self.index)
        if found is None:
            return []
        self._decide(self.index)
        return [found]

    def flush(self) -> list[Mapping[str, Any]]:
        """What still waits at the end, and is all that came."""
        held, self._held = self._held, None
        return [] if held is None else [held[1]]

    def _pick_other(
        self, index: int, choice: Mapping[str, Any]
    ) -> list[Mapping[str, Any]]:
        """An only choice of an index that is not the wanted one."""
        if self._held is not None and index - self._held[0] in {0, 1}:
            found = [*self.flush(), choice]
            self._decide(index)
            return found
        if not self._is_decided and self._held is None:
            self._held = index, choice
        elif self.index > self._first and index == self.index + 1:
            self.index = index
            return [choice]
        return []

    def _decide(self, index: int) -> None:
        self.index, self._is_decided, self._held = index, True, None


def _index(index: object, place: int) -> int:
    if isinstance(index, str) and index.isdecimal() and index.isascii():
        index = int(index[:4])
    if isinstance(index, bool) or not isinstance(index, int | float):
        return place
    return int(index) if 0 <= index < _MAX_INDEX else place
