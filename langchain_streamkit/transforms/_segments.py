"""``segments``: text and code apart, while they come.

Strategy: a fence tracker for each message, since each message is a document of its
own. Items that are no text are handed through in a segment of their own kind, in
their place, so that one loop sees everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, overload

from langchain_streamkit._wire.fences import FenceTracker, Piece
from langchain_streamkit.transforms._items import atoms_of, message_of
from langchain_streamkit.transforms._shells import transform

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        Generator,
        Hashable,
        Iterable,
    )

__all__ = ["Segment", "segments"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of an answer, of one kind.

    Attributes:
        kind: ``"text"``, ``"code"``, or ``"other"`` for what is neither.
        content: The next characters. Those of a fence are left out; the fence itself
            is a code segment without content.
        language: The first word after the opening fence, for code.
        block: The number of the block of text or code that this belongs to, from 0
            in each message.
        raw: The characters of the answer that this stands for, fences included.
        item: What was handed through, for ``"other"``: a tool call, usage, ...
    """

    kind: Literal["text", "code", "other"]
    content: str = ""
    language: str = ""
    block: int = 0
    raw: str = ""
    item: Any = None

    @property
    def delta(self) -> str:
        """Alias of ``content``."""
        return self.content


@overload
def segments(stream: AsyncIterable[object]) -> AsyncGenerator[Segment, None]: ...
@overload
def segments(stream: Iterable[object]) -> Generator[Segment, None, None]: ...
def segments(
    stream: Iterable[object] | AsyncIterable[object],
) -> Generator[Segment, None, None] | AsyncGenerator[Segment, None]:
    r"""Follow the code fences of Markdown, wherever the stream is cut.

    The rules are CommonMark's (section 4.5) for fences at the root of a document.
    Only what may be a fence waits, until the rest of it shows.

    Args:
        stream: Texts, ``AIMessageChunk``s or events, sync or async.

    Returns:
        ``Segment``s. All ``raw`` together are the answer's text; pieces with the same
        ``block`` go on with each other.

    Example:
        >>> for segment in segments(["Run:\n``", "`sh\nls\n", "```\nDone."]):
        ...     print(segment.kind, segment.language, repr(segment.content))
        text  'Run:\n'
        code sh ''
        code sh 'ls\n'
        code sh ''
        text  'Done.'
    """
    return transform(stream, _Segmenting())


class _Segmenting:
    """The core: a tracker for each message."""

    def __init__(self) -> None:
        self._trackers: dict[Hashable, FenceTracker] = {}

    def feed(self, item: object) -> list[Segment]:
        parts = atoms_of(item)
        key = message_of(item)
        out: list[Segment] = []
        for atom in parts.atoms:
            if atom.kind == "text":
                tracker = self._trackers.setdefault(key, FenceTracker())
                out += map(_segment, tracker.feed(atom.text))
            else:
                thought = atom.with_text(atom.text)
                out.append(Segment("other", item=thought))
        if parts.is_last:
            out += self.finish()
        if parts.rest is not None:
            out.append(Segment("other", item=parts.rest))
        return out

    def finish(self) -> list[Segment]:
        trackers, self._trackers = self._trackers, {}
        return [
            _segment(piece)
            for tracker in trackers.values()
            for piece in tracker.finish()
        ]


def _segment(piece: Piece) -> Segment:
    kind: Literal["text", "code"] = "code" if piece.is_code else "text"
    return Segment(kind, piece.content, piece.language, piece.block, piece.raw)
