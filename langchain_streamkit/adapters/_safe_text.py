"""Model text for screens: what could act on a screen is shown instead.

Strategy: a control character becomes its picture (ESC becomes U+241B), so that nothing
is lost and nothing acts; one that turns text around, or has no picture, becomes its
number. A terminal's lines end with LF only, wherever a chunk was cut.
"""

from __future__ import annotations

import json
import re

__all__ = ["TerminalText", "one_line", "show_controls"]

_CONTROLS = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_LONGEST_LINE = 200
_LINE_ENDS = re.compile("\r\n|[\r\u2028\u2029]")


def show_controls(text: str) -> str:
    r"""Text in which nothing acts on a screen.

    Args:
        text: Any text.

    Returns:
        The same, with control characters (but tab and LF) and those that turn text
        around as something that can be seen, and lone surrogates as U+FFFD.

    Example:
        >>> show_controls("\x1b[2Jgone\u202e")
        '␛[2Jgone\\u202e'
    """
    return _CONTROLS.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if code < 0xA0:
        return f"\\x{code:02x}"
    return "\ufffd" if code >= 0xD800 else f"\\u{code:04x}"


def one_line(value: object, longest: int = _LONGEST_LINE) -> str:
    """Anything as one safe line.

    Args:
        value: Text, or a JSON value.
        longest: How many characters are shown.

    Returns:
        The line.
    """
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, default=str)
    line = show_controls(" ".join(value.split()))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


class TerminalText:
    r"""Makes the pieces of a text safe for a terminal.

    Args:
        encoding: What the terminal can show; other characters become ``?``.

    Example:
        >>> text = TerminalText("utf-8")
        >>> text.feed("one\r"), text.feed("\ntwo\x07")
        ('one\n', 'two␇')
    """

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._had_return = False

    def feed(self, piece: str) -> str:
        """The next piece, safe.

        Args:
            piece: What the model said.

        Returns:
            The same with line ends as LF, and everything else as ``show_controls``.
        """
        if self._had_return and piece:
            piece = piece.removeprefix("\n")
            self._had_return = False
        if piece.endswith("\r"):
            self._had_return = True
        shown = show_controls(_LINE_ENDS.sub("\n", piece))
        return shown.encode(self._encoding, "replace").decode(self._encoding)
