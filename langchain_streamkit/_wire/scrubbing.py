r"""Secrets are taken out of bytes, also where two reads cut them apart.

Strategy: a secret is looked for as it is, as JSON writes it and as an address does.
Whatever could be the beginning of one at the end of a read is held back until the
next read shows what it is; a read that ends like most do, in a line break, passes at
once. What was quoted of a long secret is hidden, too: its first characters are
enough to know it by.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["HIDDEN", "SHORTEST_SECRET", "Read", "Scrubber", "parts_of"]

HIDDEN = "[hidden]"
"""What stands in the place of a secret."""

SHORTEST_SECRET = 6
"""Characters; shorter values are found in any text, and are no secrets."""

_MARK = HIDDEN.encode()
_HEAD = 32
_SEPARATORS = re.compile(r"[\s,;=]+")
_LONGEST_WORD = 11


class Read(NamedTuple):
    """What one read of the network gave.

    Attributes:
        seconds: When it came, counted from the request.
        data: The bytes.
    """

    seconds: float
    data: bytes


def parts_of(value: str) -> list[str]:
    """What of a value is a secret: all of it, and those of its parts that look so.

    Args:
        value: A header's value, for example ``"Bearer abc-123"``.

    Returns:
        Texts to hide; single words of letters are none.

    Example:
        >>> parts_of("Bearer abc-123")
        ['Bearer abc-123', 'abc-123']
    """
    parts = [value, *(p for p in _SEPARATORS.split(value) if p != value)]
    return [part for part in parts if not (_is_word(part) or _is_short(part))]


class Scrubber:
    """Hides secrets in the bytes of one response, and in single texts.

    Args:
        secrets: The texts to hide; those under six characters are ignored.

    Example:
        >>> scrubber = Scrubber(["sk-12345"])
        >>> scrubber.feed(Read(0.1, b"the key sk-1"))
        []
        >>> [read.data for read in scrubber.feed(Read(0.2, b"2345 is wrong"))]
        [b'the key [hidden]', b' is wrong']
    """

    __slots__ = ("_bytes", "_forms", "_heads", "_pattern", "_pending", "_starts")

    def __init__(self, secrets: Iterable[str]) -> None:
        long_ones = (text for text in secrets if not _is_short(text))
        found = {form for text in long_ones for form in _forms(text)}
        self._forms = sorted(found, key=len, reverse=True)
        self._heads = list(dict.fromkeys(form[:_HEAD] for form in self._forms))
        self._pattern = re.compile(b"|".join(map(re.escape, self._heads)) or b"(?!)")
        self._bytes = frozenset(b"".join(self._forms))
        self._starts = frozenset(form[0] for form in self._forms)
        self._pending: list[Read] = []

    def hide(self, text: str) -> str:
        """A text without the secrets.

        Args:
            text: Any text.

        Returns:
            The same, with ``[hidden]`` in their places.
        """
        data = text.encode("utf-8", "surrogatepass")
        if not any(head in data for head in self._heads):
            return text
        whole = [Read(0.0, data)]
        hidden = _replaced(whole, self._spans(data, len(data)))
        return hidden[0].data.decode("utf-8", "surrogatepass")

    def feed(self, read: Read) -> list[Read]:
        """Take the next read, and give those that hold no secret any more.

        Args:
            read: The read.

        Returns:
            Reads, with their own times; perhaps none.
        """
        data = read.data
        may_pass = not self._pending and (not data or data[-1] not in self._bytes)
        if may_pass and not any(head in data for head in self._heads):
            return [read]
        self._pending.append(read)
        joined = b"".join(part.data for part in self._pending)
        safe = self._safe_end(joined)
        spans = self._spans(joined, safe)
        held = len(joined) - max(safe, spans[-1][1] if spans else 0)
        reads = _replaced(self._pending, spans)
        keep = len(reads)
        while held > 0:
            keep -= 1
            held -= len(reads[keep].data)
        self._pending = reads[keep:]
        return reads[:keep]

    def flush(self) -> list[Read]:
        """Say that no more reads come.

        Returns:
            Those that were held back; half a secret at their end is hidden.
        """
        reads, self._pending = self._pending, []
        joined = b"".join(part.data for part in reads)
        spans = self._spans(joined, len(joined))
        safe = max(self._safe_end(joined), spans[-1][1] if spans else 0)
        if len(joined) - safe >= SHORTEST_SECRET:
            spans.append((safe, len(joined)))
        return _replaced(reads, spans)

    def _safe_end(self, data: bytes) -> int:
        """Where what may be the beginning of a secret starts, or the end."""
        if not self._forms:
            return len(data)
        first = max(0, len(data) - len(self._forms[0]) + 1)
        for start in range(first, len(data)):
            if data[start] in self._starts:
                tail = data[start:]
                if any(len(f) > len(tail) and f.startswith(tail) for f in self._forms):
                    return start
        return len(data)

    def _spans(self, data: bytes, safe: int) -> list[tuple[int, int]]:
        """Where secrets stand that begin before an offset."""
        spans: list[tuple[int, int]] = []
        end = 0
        for match in self._pattern.finditer(data):
            start = match.start()
            if start >= safe:
                break
            if start >= end:
                longest = len(self._forms[0])
                here = data[start : start + longest]
                end = start + max(_shared(here, form) for form in self._forms)
                spans.append((start, end))
        return spans


def _replaced(reads: list[Read], spans: list[tuple[int, int]]) -> list[Read]:
    """The reads with the mark where a span begins, and nothing where it goes on."""
    if not spans:
        return reads
    result: list[Read] = []
    offset = 0
    for read in reads:
        end = offset + len(read.data)
        pieces: list[bytes] = []
        at = offset
        for start, stop in spans:
            if stop <= at or start >= end:
                continue
            if start >= at:
                pieces += (read.data[at - offset : start - offset], _MARK)
            at = min(stop, end)
        pieces.append(read.data[at - offset :])
        result.append(Read(read.seconds, b"".join(pieces)))
        offset = end
    return result


def _shared(data: bytes, form: bytes) -> int:
    """How many bytes of a form the data begins with; 0 if it is another one."""
    if not data.startswith(form[:_HEAD]):
        return 0
    pairs = enumerate(zip(data, form, strict=False))
    longest = min(len(data), len(form))
    return next((at for at, (one, other) in pairs if one != other), longest)


def _forms(secret: str) -> set[bytes]:
    written = (
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(secret)[1:-1].replace("/", "\\/"),
        quote(secret, safe="", errors="surrogatepass"),
        quote_plus(secret, errors="surrogatepass"),
    )
    return {form.encode("utf-8", "surrogatepass") for form in written}


def _is_word(text: str) -> bool:
    return text.isalpha() and len(text) <= _LONGEST_WORD


def _is_short(text: str) -> bool:
    return len(text) < SHORTEST_SECRET
