"""Whether a text has begun to repeat itself and will not stop.

Strategy: a loop of period p is a text whose last characters are those that stood p
places before. Its period is looked for at fixed places of the text, by where the end
of the text occurred before: the last q characters, found again at most q places
earlier, give the smallest period, and it is the loop's. q doubles from 64 to 1,024,
so that short loops are found early, and each q looks again after q more characters. A
period once found is only compared on. So a character costs the same wherever it
stands, 4,096 of them are remembered, and how the text is cut into pieces changes
nothing.
"""

from __future__ import annotations

__all__ = ["LONGEST_PASSAGE", "LoopDetector"]

LONGEST_PASSAGE = 1000
"""Characters; a longer passage is not known again."""

_STEP = 64
_SPANS = (64, 128, 256, 512, 1024)
_REMEMBERED = 4 * _SPANS[-1]
_SHORTEST_LOOP = 200
_SHORTEST_LINE = 2000


class LoopDetector:
    """Watches one text for a passage that comes again and again, back to back.

    A loop is a passage of at most 1,000 characters that stands there more than
    ``max_repetitions`` times in a row, with nothing between, over at least 200
    characters; or over 2,000 if it has no letter and no digit, for lines of dashes,
    indents and empty rows of tables are no loops.

    Args:
        max_repetitions: How often a passage may stand there in a row, at least 2.

    Example:
        >>> detector = LoopDetector(20)
        >>> detector.feed("I am sorry. " * 18)
        >>> detector.feed("I am sorry. " * 18)
        12
    """

    __slots__ = ("_kept", "_place", "_repetitions", "_rest", "_searches")

    def __init__(self, max_repetitions: int) -> None:
        self._repetitions = max_repetitions
        self._kept = ""
        self._rest = ""
        self._place = 0
        self._searches = [_Search(span) for span in _SPANS]

    def feed(self, text: str) -> int | None:
        """Take the next piece of the text.

        Args:
            text: The piece.

        Returns:
            The length of the passage, in characters, if the text is a loop by now.
        """
        text = self._rest + text
        whole = len(text) - len(text) % _STEP
        self._rest = text[whole:]
        for start in range(0, whole, _STEP):
            self._kept = (self._kept + text[start : start + _STEP])[-_REMEMBERED:]
            self._place += _STEP
            for search in self._searches:
                search.look(self._kept, self._place)
                if search.run >= _SHORTEST_LOOP and self._is_loop(search):
                    return search.period
        return None

    def _is_loop(self, search: _Search) -> bool:
        passage = self._kept[-search.period :]
        has_words = any(character.isalnum() for character in passage)
        shortest = _SHORTEST_LOOP if has_words else _SHORTEST_LINE
        return search.run >= max((self._repetitions + 1) * search.period, shortest)


class _Search:
    """Looks for one period of at most ``span`` characters at the end of a text.

    Attributes:
        period: The period, or 0 while there is none.
        run: For how many characters it has held.
    """

    __slots__ = ("_span", "period", "run")

    def __init__(self, span: int) -> None:
        self._span = span
        self.period = self.run = 0

    def look(self, kept: str, place: int) -> None:
        """Take one step more of the text: ``kept`` ends with it."""
        period = self.period
        if period:
            if kept[-_STEP:] == kept[-_STEP - period : -period]:
                self.run += _STEP
                return
            self.period = self.run = 0
        if place % self._span == 0 and place >= 2 * self._span:
            self._find(kept)

    def _find(self, kept: str) -> None:
        backwards = kept[: -2 * self._span - 1 : -1]
        period = backwards.find(backwards[: self._span], 1)
        if period > 0:
            self.period = period
            self.run = self._span + period
            while self._held_before(kept):
                self.run += _STEP

    def _held_before(self, kept: str) -> bool:
        """Whether the period held a step earlier, too."""
        end = len(kept) - self.run
        start = end - _STEP
        moved = kept[start + self.period : end + self.period]
        return start >= 0 and kept[start:end] == moved
