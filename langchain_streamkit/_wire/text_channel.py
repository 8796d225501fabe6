"""Text as the server cuts it becomes text that is said once.

Strategy: three small filters, each idle unless it is needed. ``CumulativeGuard``
notices servers that send all the text so far in every frame (some Qwen routes, some
Perplexity versions) and gives only what is new. ``SurrogateJoiner`` joins halves of
characters. ``TagSplitter``, where the user asked for it, tells inline reasoning from
text, wherever the tags are cut. Once the first frames have shown that a server
sends increments, as nearly all do, text passes untouched (``is_plain``).
"""

from __future__ import annotations

from langchain_streamkit._wire.surrogates import SurrogateJoiner

__all__ = ["CumulativeGuard", "TagSplitter", "TextChannel"]

_WHOLE_REPEAT_CHARACTERS = 16
_LONE_EXTENSION = 3  # characters of a first piece that a second and last repeats
_TELLING_LENGTH = 8
_TELLING_VARIETY = 4


class CumulativeGuard:
    """Tells increments from growing totals, and gives increments.

    Totals begin with all that was said, increments hardly ever do so twice. The first
    piece is given at once. As long as each piece begins with the one before it, and
    is longer, it may be either kind, and waits; a piece that does not shows that all
    were increments, and one that repeats enough text shows that all were totals.
    What repeats must be long and varied: ``=``, ``==``, ``====`` and ``ha``,
    ``haha``, ``hahaha`` are how models draw lines and laugh.

    Example:
        >>> guard = CumulativeGuard()
        >>> [
        ...     guard.feed(piece)
        ...     for piece in ("He", "Hello", "Hello there", "Hello there!")
        ... ]
        ['He', '', '', 'llo there!']
    """

    __slots__ = ("_held", "_total", "is_decided")

    def __init__(self) -> None:
        self.is_decided = False
        """True once the server is known to send increments."""
        self._held: list[str] = []  # the first piece, which was given, and those after
        self._total: str | None = None

    @property
    def is_holding(self) -> bool:
        """True while a piece waits for the next one."""
        return len(self._held) > 1

    def feed(self, piece: str) -> str:
        """Take a piece that is not empty, and give what is new in it."""
        if self.is_decided:
            return piece
        if self._total is not None:
            return self._extend(piece)
        if not self._held:
            self._held.append(piece)
            return piece
        last = self._held[-1]
        begins_alike = piece.startswith(last)
        if begins_alike and self.is_holding and _is_telling(last):
            self._total = self._held[0]
            self._held.clear()
            return self._extend(piece)
        if not begins_alike or piece == last:
            self.is_decided = True
            return self._given() + piece
        self._held.append(piece)
        return ""

    def flush(self) -> str:
        """What waits at the end, where the few pieces that came must decide."""
        if not self.is_holding:
            return ""
        first, last = self._held[0], self._held[-1]
        is_total = len(self._held) > 2 or len(first.strip()) >= _LONE_EXTENSION
        held = self._given()
        return last[len(first) :] if is_total else held

    def _given(self) -> str:
        """What was held, as increments."""
        held = "".join(self._held[1:])
        self._held.clear()
        return held

    def _extend(self, piece: str) -> str:
        total = self._total or ""
        if piece.startswith(total):
            self._total = piece
            return piece[len(total) :]
        if total.startswith(piece):
            return ""
        self._total = total + piece
        return piece


class TagSplitter:
    """Tells inline reasoning from text by its tags, wherever they are cut.

    Args:
        opening: The tag that opens reasoning; empty where the model's template has
            already opened it, so that the stream begins inside.
        closing: The tag that closes it.

    Example:
        >>> splitter = TagSplitter("<think>", "</think>")
        >>> splitter.feed("<thi"), splitter.feed("nk>why</think>so")
        ([], [(True, 'why'), (False, 'so')])
    """

    __slots__ = ("_closing", "_held", "_inside", "_opening")

    def __init__(self, opening: str, closing: str) -> None:
        self._opening = opening
        self._closing = closing
        self._inside = not opening
        self._held = ""

    @property
    def is_holding(self) -> bool:
        """True while what may be a tag waits for its rest."""
        return bool(self._held)

    def feed(self, piece: str) -> list[tuple[bool, str]]:
        """Take a piece, and give what is certain as ``(is_reasoning, text)``."""
        out: list[tuple[bool, str]] = []
        text = self._held + piece
        place = 0
        while place < len(text):
            tag = self._closing if self._inside else self._opening
            found = text.find(tag, place) if tag else -1
            end = found if found >= 0 else len(text) - _partial_suffix(text, place, tag)
            if end > place:
                out.append((self._inside, text[place:end]))
            place = end
            if found < 0:
                break
            place += len(tag)
            self._inside = not self._inside
        self._held = text[place:]
        return out

    def flush(self) -> list[tuple[bool, str]]:
        """What waits at the end: the beginning of a tag that never came."""
        held, self._held = self._held, ""
        return [(self._inside, held)] if held else []


class TextChannel:
    """The filters in their order.

    Args:
        reasoning_tags: The tags of inline reasoning, or None to leave them in.
    """

    __slots__ = ("_guard", "_joiner", "_splitter", "is_plain")

    def __init__(self, reasoning_tags: tuple[str, str] | None = None) -> None:
        self.is_plain = False
        """True while text that orjson has read may bypass this channel."""
        self._guard = CumulativeGuard()
        self._joiner = SurrogateJoiner()
        self._splitter = TagSplitter(*reasoning_tags) if reasoning_tags else None

    @property
    def is_holding(self) -> bool:
        """True while text waits in a filter."""
        return (
            self._guard.is_holding
            or self._joiner.is_holding
            or (self._splitter is not None and self._splitter.is_holding)
        )

    def feed(
        self, piece: str, *, is_last: bool = False, parts: list[str]
    ) -> list[tuple[bool, str]]:
        """Take a piece of content.

        Args:
            piece: Not empty.
            is_last: True in a frame that says why the answer ended; such a frame
                may repeat the whole text (RAGFlow does, 2025-11).
            parts: The text given so far.

        Returns:
            What is new, as ``(is_reasoning, text)``.
        """
        if (
            is_last
            and len(piece) >= _WHOLE_REPEAT_CHARACTERS
            and piece.startswith(parts[0] if parts else piece)
            and piece == "".join(parts)
        ):
            return []
        text = self._joiner.feed(self._guard.feed(piece))
        self.is_plain = (
            self._guard.is_decided
            and self._splitter is None
            and not self._joiner.is_holding
        )
        return self._split(text)

    def flush(self) -> list[tuple[bool, str]]:
        """What the filters still hold, at the end."""
        text = self._joiner.feed(self._guard.flush()) + self._joiner.flush()
        out = self._split(text)
        if self._splitter is not None:
            out += self._splitter.flush()
        return out

    def _split(self, text: str) -> list[tuple[bool, str]]:
        if not text:
            return []
        return self._splitter.feed(text) if self._splitter else [(False, text)]


def _is_telling(repeated: str) -> bool:
    """Whether a piece that begins with this text repeats it, rather than resembles."""
    return len(repeated) >= _TELLING_LENGTH and len(set(repeated)) >= _TELLING_VARIETY


def _partial_suffix(text: str, start: int, tag: str) -> int:
    """How many characters at the end of a text may be the beginning of a tag."""
    for size in range(min(len(text) - start, len(tag) - 1), 0, -1):
        if tag.startswith(text[len(text) - size :]):
            return size
    return 0
