r"""Halves of characters that arrive in two deltas become one character.

Strategy: a server that counts in UTF-16 units may cut an emoji in the middle and
send ``"\ud83d"`` and ``"\udc4b"`` in two frames (aimock 1.43, 2026-11). A high half
at the end of a piece waits for the next piece; a half that stays alone becomes
U+FFFD, so that text always encodes to UTF-8. Pieces without halves pass untouched.
"""

from __future__ import annotations

import re

__all__ = ["SurrogateJoiner"]

_HALF = re.compile("[\ud800-\udfff]")


class SurrogateJoiner:
    r"""Joins the halves of one channel of text.

    Example:
        >>> joiner = SurrogateJoiner()
        >>> joiner.feed("Hi \ud83d"), joiner.feed("\udc4b!"), joiner.flush()
        ('Hi ', '👋!', '')
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = ""

    @property
    def is_holding(self) -> bool:
        """True while a high half waits for its low half."""
        return bool(self._held)

    def feed(self, text: str) -> str:
        """Take the next piece, and give what is whole.

        Args:
            text: A piece, possibly with halves anywhere.

        Returns:
            Text that encodes to UTF-8; empty if all of it must wait.
        """
        if not self._held and text.isascii():
            return text
        text = self._held + text
        self._held = ""
        if not _HALF.search(text):
            return text
        if "\ud800" <= text[-1] <= "\udbff":
            self._held = text[-1]
            text = text[:-1]
        return _join(text)

    def flush(self) -> str:
        """What still waits, as U+FFFD, or an empty string."""
        held, self._held = self._held, ""
        return _join(held)


def _join(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
