"""What a model may say to do harm to a screen, with its words in plain sight."""

from __future__ import annotations

HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(2)> "
    "\x1b]0;title\x07\x1b[2J\x1b[31mred \x9b31m \u202eback\u2066 one\r\ntwo\rthree\n"
    "four\u2028five\u2029six \ud800 ![pixel](https://example.org/?stolen) "
    "[link](javascript:alert(3)) &lt;b&gt; &#27;[5m `<code>` <!-- note --> end"
)
WORDS = (
    *("alert(1)", "onerror", "title", "red", "back", "one", "two", "three", "four"),
    *("five", "six", "pixel", "https://example.org/?stolen", "link", "alert(3)"),
    *("<code>", "note", "end"),
)
"""What must be left of it on every screen."""
ACTING = frozenset(
    map(chr, [*range(9), *range(11, 32), *range(127, 160), 0x202E, 0x2066])
)
"""Characters that must not reach one."""
