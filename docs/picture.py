"""Draw the pictures of the pages: ``python docs/picture.py``.

A picture of the terminal is the real program, talking with a fake server, on a console
that remembers what was printed. ``tests/unit_tests/test_pictures.py`` fails when a
picture shows something else than this program would draw.
"""

# ruff: noqa: INP001 - a program beside its pages, not a package

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import CONSOLE_SVG_FORMAT, Console
from rich.text import Text

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.cli._chat_session import Session, Settings
from langchain_streamkit.testing import FakeServer, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PICTURES", "draw_chat", "main", "words_of"]

HERE = Path(__file__).parent
LINES = ("Which port does HTTPS use, and why not 80?", "/help", "/quit")
REPLY = Reply(
    "HTTPS uses port **443**.\n\n"
    "| port | scheme | encrypted |\n|---|---|---|\n"
    "| 80 | `http` | no |\n| 443 | `https` | yes |\n\n"
    "A server must know *before the first byte* whether to expect TLS:\n\n"
    "```python\nfrom urllib.parse import urlsplit\n\n"
    'ports = {"http": 80, "https": 443}\n'
    'print(ports[urlsplit("https://example.org").scheme])\n```\n',
    reasoning="The user asks about well-known ports: 443 for TLS, 80 for plain text.",
    first_delay=0.3,
    frame_delay=0.01,
)


def draw_chat() -> str:
    """The terminal chat, as an SVG that loads nothing from elsewhere."""
    console = Console(
        file=io.StringIO(), record=True, force_terminal=True, width=84, height=40,
        color_system="truecolor", legacy_windows=False,
        _environ={"TERM": "xterm-256color"},
    )  # fmt: skip
    lines = iter(LINES)

    def read(prompt: str) -> str:
        line = next(lines)
        console.print(Text(f"{prompt}{line}", "bold"))
        return line

    with FakeServer([REPLY]) as server:
        settings = Settings(
            make_model=lambda name: ChatStreamKit(model=name, base_url=server.url),
            list_models=lambda: ["qwen3:8b"],
            read=read,
            out=console,
            err=console,
            interval=None,  # moving parts would all be in the picture
        )
        session = Session(settings, "qwen3:8b")
        session.say("qwen3:8b at http://localhost:11434/v1 · /help lists commands")
        session.run()
    plain_fonts = re.sub(
        r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL
    )
    return console.export_svg(
        title="streamkit chat", code_format=plain_fonts, unique_id="chat"
    )


PICTURES: dict[str, Callable[[], str]] = {"chat.svg": draw_chat}


def words_of(svg: str) -> str:
    """What can be read in a picture, without the numbers that differ each time."""
    found = re.findall(r"<text [^>]*>([^<]*)</text>", svg)
    words = re.sub("&#160;|[\u2500-\u257f]", " ", " ".join(found))  # tables differ, too
    return re.sub(r"\d+ a second|\d+\.\d\d s", "#", " ".join(words.split()))


def main() -> int:
    """Draw all of them."""
    for name, draw in PICTURES.items():
        (HERE / name).write_text(draw(), "utf-8")
        sys.stdout.write(f"{HERE / name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
