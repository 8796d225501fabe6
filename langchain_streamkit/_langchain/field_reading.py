"""An answer on its way to an object becomes a ``FieldEvent`` for each whole field.

Strategy: the same source as for the parser of structured output gives the JSON, from
the text or from one tool call; each value that it closes is judged by the type of its
place. A field is told before what it lies in, and the whole object last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_streamkit._langchain.answer_source import AnswerSource, Input
from langchain_streamkit._wire.json_fields import JsonFields
from langchain_streamkit.events import FieldEvent

if TYPE_CHECKING:
    from langchain_streamkit._langchain.field_types import FieldType
    from langchain_streamkit._wire.json_fields import Path

__all__ = ["FieldReading"]


class FieldReading:
    """Follows one answer.

    Args:
        type: What the answer must be.
        tool_name: The tool whose arguments are the object; None if the text is.
        is_object: False if the root may be an array.

    Example:
        >>> from langchain_streamkit._langchain.field_types import ANYTHING
        >>> reading = FieldReading(ANYTHING)
        >>> [(e.path, e.value) for e in reading.take('{"name": "Ada", "age": 36')]
        [(('name',), 'Ada')]
    """

    __slots__ = ("_is_broken", "_json", "_source", "_type")

    def __init__(
        self,
        type: FieldType,  # noqa: A002 - it is one
        *,
        tool_name: str | None = None,
        is_object: bool = True,
    ) -> None:
        self._type = type
        self._source = AnswerSource(tool_name)
        self._json = JsonFields("{" if is_object else "{[")
        self._is_broken = False

    def take(
        self, message: Input, message_id: str | None = None, node: str | None = None
    ) -> list[FieldEvent]:
        """Take the next piece of the answer, or all of it.

        Args:
            message: A chunk, a message, or text.
            message_id: The message's id, for the events.
            node: Where it came from, for the events.

        Returns:
            The fields that it has closed and that fit.
        """
        text = self._source.take(message)
        if self._is_broken or not text:
            return []
        try:
            closed = self._json.feed(text)
        except ValueError:  # a number of thousands of digits
            self._is_broken = True
            return []
        return [
            FieldEvent(path, valid[0], message_id, node)
            for path, value in closed
            if (valid := self._judged(path, value)) is not None
        ]

    def _judged(self, path: Path, value: object) -> tuple[object] | None:
        """What the type of its place makes of a value; None where it does not fit."""
        type_ = self._type_at(path)
        if type_ is None:
            return None
        try:
            return (type_.validate(value),)
        except Exception:  # noqa: BLE001 - a user's validators may raise any
            return None

    def _type_at(self, path: Path) -> FieldType | None:
        found: FieldType | None = self._type
        for key in path:
            if found is None:
                return None
            found = found.part(key)
        return found
