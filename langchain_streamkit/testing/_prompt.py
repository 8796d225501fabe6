"""What a prompt says, for a reader without a mind: numbers, names, quoted words.

Strategy: everything is found by its form (digits, quotes, capitals, ``key: value``)
once, and handed out from left to right, each thing once, so that two parameters do
not get the same value while there is another.
"""

from __future__ import annotations

import re
from functools import cached_property

__all__ = ["Prompt", "words_of"]

_QUOTED = re.compile(
    r"\"([^\"\n]+)\"|“([^”\n]+)”|«([^»\n]+)»|「([^」\n]+)」"
    r"|(?<!\w)'([^'\n]+)'(?!\w)|`([^`\n]+)`"
)
_NUMBER = re.compile(
    r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?"
)
_WORD = re.compile(r"[^\W\d_][\w'\u2019-]*")
_SPELLED_OUT = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen twenty
"""
_SPELLED: list[str] = [*_SPELLED_OUT.split()]
_ORDINARY = """
a about add after all also an and answer any are as ask at be book call called can
compare compute convert could count create delete describe did do does draw each every
explain fetch find follow for from get give hello help her hey hi his how i i'm if in
include into is it it's its json let like list look make me my name named no not now
of on open or order our please provide read reply return run save say schedule search
send set should show some summarize tell that the their them then there these they
think this those to tool translate update use user using value was we what what's when
where which who why will with without would write you your
"""
_NO_NAMES = frozenset(_ORDINARY.split())
_TOPIC = re.compile(
    r"\b(?:about|regarding|concerning|on the topic of)\s+"
    r"([^.,;:!?\n]+?)(?=\s+(?:as|in|using|with)\b|[.,;:!?\n]|$)",
    re.IGNORECASE,
)
_ENDS = r"(?=[,;.\n]|\s+(?:and|with|in|for|at|who|whose)\b|$)"


def words_of(text: str) -> list[str]:
    """The words of a text or an identifier, in lower case.

    Example:
        >>> words_of("getWeather_at location")
        ['get', 'weather', 'at', 'location']
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_\-.]", " ", text)
    return [word.lower() for word in re.findall(r"[^\W_]+", spaced)]


class Prompt:
    """A prompt, and what of it has been handed out.

    Example:
        >>> prompt = Prompt("Book 2 seats to San Francisco, CA for 'Ada' at 7.5")
        >>> prompt.take_number(), prompt.take_name(), prompt.take_quoted()
        (2, 'San Francisco, CA', 'Ada')
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._taken: set[tuple[str, int]] = set()

    @cached_property
    def words(self) -> frozenset[str]:
        """All words, in lower case."""
        return frozenset(words_of(self.text))

    @cached_property
    def numbers(self) -> list[int | float]:
        """All numbers, in digits or spelled out up to twenty, in order."""
        found = [(m.start(), _to_number(m[0])) for m in _NUMBER.finditer(self.text)]
        found += [
            (match.start(), _SPELLED.index(match[0].lower()))
            for match in _WORD.finditer(self.text)
            if match[0].lower() in _SPELLED
        ]
        return [number for _, number in sorted(found)]

    @cached_property
    def quoted(self) -> list[str]:
        """All quoted pieces, without their quotes."""
        return [
            next(group for group in match.groups() if group)
            for match in _QUOTED.finditer(self.text)
        ]

    @cached_property
    def names(self) -> list[tuple[int, int, str]]:
        """Start, end and text of what looks like names: capitals, or other scripts."""
        found: list[tuple[int, int, str]] = []
        for match in _WORD.finditer(self.text):
            word, start = match[0], match.start()
            if word[0].islower() or word.lower() in _NO_NAMES:
                continue
            if found and self._joins(found[-1][1], start, word):
                start = found.pop()[0]
            found.append((start, match.end(), self.text[start : match.end()]))
        return found

    def _joins(self, end: int, start: int, word: str) -> bool:
        gap = self.text[end:start]
        state = word.isupper() and len(word) == 2
        return gap == " " or (gap == ", " and state)

    @cached_property
    def topic(self) -> str:
        """What the prompt is about: the words after "about", else a name, else it."""
        match = _TOPIC.search(self.text)
        if match is not None:
            return match[1].strip()
        if self.names:
            return self.names[-1][2]
        return " ".join(self.text.split()[:8]) or "nothing"

    @cached_property
    def lists(self) -> list[list[str]]:
        """Names and numbers that stand in one list: "Paris, Rome and London"."""
        items = [*self.names]
        items += [(m.start(), m.end(), m[0]) for m in _NUMBER.finditer(self.text)]
        groups: list[list[str]] = []
        previous_end = -1
        for start, end, text in sorted(items):
            gap = self.text[previous_end:start] if previous_end >= 0 else "\n"
            if re.fullmatch(r"\s*(?:,|&|,?\s*\b(?:and|or)\b|、)\s*", gap):
                groups[-1].append(text)
            else:
                groups.append([text])
            previous_end = end
        return groups

    def take_number(
        self, low: float = float("-inf"), high: float = float("inf"), step: float = 0
    ) -> int | float | None:
        """The next number within the bounds (and a multiple of the step), once."""
        for place, number in enumerate(self.numbers):
            fits = low <= number <= high and not (step and number % step)
            if fits and self._take("number", place):
                return number
        return None

    def take_quoted(self) -> str | None:
        """The next quoted piece, once."""
        return self._next("quoted", self.quoted)

    def take_name(self, after: str = "") -> str | None:
        """The next name, once; with a pattern only one that follows it directly."""
        wanted = re.compile(rf"(?:{after})\s+(?:the\s+)?$", re.IGNORECASE)
        for place, (start, _, name) in enumerate(self.names):
            fits = not after or wanted.search(self.text[max(0, start - 24) : start])
            if fits and self._take("name", place):
                return name
        return None

    def _next(self, kind: str, values: list[str]) -> str | None:
        for place, value in enumerate(values):
            if self._take(kind, place):
                return value
        return None

    def _take(self, kind: str, place: int) -> bool:
        if (kind, place) in self._taken:
            return False
        self._taken.add((kind, place))
        return True

    def stated(self, key: str) -> str | None:
        """The value that the prompt gives for a key: "age: 7", "age is 7", "age=7".

        Example:
            >>> Prompt("name: Ada Lovelace, age is 36").stated("age")
            '36'
        """
        name = r"[\s_-]+".join(map(re.escape, words_of(key))) or re.escape(key)
        quotes = r"['\"`\u201c\u2018]"
        pattern = (
            rf"\b{name}{quotes}?\s*(?:=|:|\bis\b|\bare\b)\s*"
            rf"(?:{quotes}([^'\"`\u201d\u2019\n]+)['\"`\u201d\u2019]|(\S.*?){_ENDS})"
        )
        match = re.search(pattern, self.text, re.IGNORECASE)
        return (match[1] or match[2]).strip() if match else None

    def mentions(self, key: str) -> bool:
        """True if the prompt has the key's words and does not exclude it.

        Example:
            >>> Prompt("Give me the setup, no punchline").mentions("punchline")
            False
        """
        words = words_of(key)
        if not words or not self.words.issuperset(words):
            return False
        last = re.escape(words[-1])
        excluded = rf"\b(?:no|not|without|except|omit|skip)\s+(?:\w+\s+){{0,2}}{last}\b"
        return not re.search(excluded, self.text, re.IGNORECASE)

    def matching(self, pattern: str) -> str | None:
        """The first piece of the prompt with a certain form."""
        match = re.search(pattern, self.text)
        return match[0] if match else None


def _to_number(text: str) -> int | float:
    plain = text.replace(",", "")
    number = float(plain)
    return int(number) if number.is_integer() and "." not in plain else number
