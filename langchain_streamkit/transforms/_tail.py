"""``tail``: the last characters of an answer, and a count of all of them.

Strategy: the window is cut anew for each item, so an item costs what the window
costs, however long the answer is. The whole is a list that all records share; it is
added up only for a reader who asks.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import add_ai_message_chunks

from langchain_streamkit.events import TextEvent
from langchain_streamkit.transforms._shells import transform

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable

__all__ = ["Tail", "tail"]

Item = TypeVar("Item")

_JOINERS = "\u200d\ufe0e\ufe0f"  # what binds a character to the one before it


@dataclass(slots=True)
class Tail(Generic[Item]):
    """How an answer looks after one more item.

    Attributes:
        text: The last characters of the answer's text.
        total_chars: How many characters the answer has by now.
        item: The item that has come, whole.
    """

    text: str
    total_chars: int
    item: Item
    _items: list[Item] = field(repr=False, compare=False)
    _count: int = field(repr=False, compare=False)

    @property
    def omitted_chars(self) -> int:
        """How many characters of the answer are not in ``text``."""
        return self.total_chars - len(self.text)

    @property
    def full_text(self) -> str:
        """All text so far; joined when it is asked for."""
        return "".join(map(_text_of, self._items[: self._count]))

    @property
    def message(self) -> AIMessageChunk | None:
        """The sum of all chunks so far, with their usage; None of other streams."""
        chunks = [
            item
            for item in cast("list[Any]", self._items[: self._count])
            if isinstance(item, AIMessageChunk)
        ]
        return add_ai_message_chunks(*chunks) if chunks else None


@overload
def tail(
    stream: AsyncIterable[Item], max_chars: int
) -> AsyncGenerator[Tail[Item], None]: ...
@overload
def tail(
    stream: Iterable[Item], max_chars: int
) -> Generator[Tail[Item], None, None]: ...
def tail(
    stream: Iterable[Item] | AsyncIterable[Item], max_chars: int
) -> Generator[Tail[Item], None, None] | AsyncGenerator[Tail[Item], None]:
    """Show the end of an answer that is too long for the screen.

    Args:
        stream: Texts, ``AIMessageChunk``s or events, sync or async.
        max_chars: How many characters to show at the most.

    Returns:
        A record for each item: the last characters, the count of all, the item
        itself, and, for who asks, the whole.

    Raises:
        ValueError: If ``max_chars`` is less than 1.

    Example:
        >>> for view in tail(["It rains ", "in Bergen."], max_chars=8):
        ...     print(f"{view.text!r} of {view.total_chars}")
        't rains ' of 9
        ' Bergen.' of 19
    """
    if max_chars < 1:
        raise ValueError(f"max_chars is {max_chars}; it must be 1 or more")
    return transform(stream, _Window[Item](max_chars))


class _Window(Generic[Item]):
    """The core."""

    def __init__(self, max_chars: int) -> None:
        self._max_chars = max_chars
        self._text = ""
        self._total = 0
        self._items: list[Item] = []

    def feed(self, item: Item) -> list[Tail[Item]]:
        self._items.append(item)
        news = _text_of(item)
        self._total += len(news)
        self._text = (self._text + news)[-self._max_chars :]
        shown = _without_loose_marks(self._text, is_cut=self._total > len(self._text))
        record = Tail(shown, self._total, item, self._items, len(self._items))
        return [record]

    def finish(self) -> list[Tail[Item]]:
        return []


def _text_of(item: object) -> str:
    if isinstance(item, AIMessageChunk):
        return str(item.text)
    if isinstance(item, TextEvent):
        return item.content
    return item if isinstance(item, str) else ""


def _without_loose_marks(text: str, *, is_cut: bool) -> str:
    """The text without accents and the like that have lost their letter."""
    start = 0
    if is_cut:
        while start < len(text) and (
            unicodedata.combining(text[start]) or text[start] in _JOINERS
        ):
            start += 1
    return text[start:]
