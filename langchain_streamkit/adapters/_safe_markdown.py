r"""Model text as Markdown for browsers: it formats, and does nothing else.

Strategy: HTML is shown, not run: outside of code, what could begin a tag becomes an
entity; in code a renderer does that itself. A picture becomes a link, for a browser
would fetch it, and its address could carry away what the model has read. A link that
runs code is no link. All of it is done with entities, and the text's own entities are
spelled out, so that ``read_markdown`` gives the text back. Where code begins and ends
is asked of a CommonMark parser (spec 0.31.2, sections 4.4, 4.5 and 6.1, and GitHub's
tables, whose cells part code).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from langchain_streamkit.adapters._safe_text import show_controls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from markdown_it.token import Token

__all__ = ["closed", "fenced", "read_markdown", "safe_inline", "safe_markdown"]

_PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")
_LINE_ENDS = re.compile("\r\n?")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_CELLS = re.compile(r"(?:\\.|[^|\\])+|[|\\]", re.DOTALL)
_TICKS = re.compile(r"\\.|`+", re.DOTALL)
_UNSAFE = re.compile(
    r"""(?ix)
      \\ [!-/:-@\[-`{-~]                # escaped: stays so
    | & (?= \# | \w+; )                 # an entity
    | < (?= [a-z/!?] )                  # a tag, or an address
    | ! (?= \[ )                        # a picture
    | (?<= \] ) [(:] (?= [\s>]* (?: javascript | vbscript | data | file ) \\? : )
    """
)
_ENTITIES = {"&": "&amp;", "<": "&lt;", "!": "&#33;", "(": "&#40;", ":": "&#58;"}
_CHARACTERS = {entity: character for character, entity in _ENTITIES.items()}
_ENTITY = re.compile(rf"\\[!-/:-@\[-`{{-~]|{'|'.join(_CHARACTERS)}")
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>&~$|#!]")


def safe_markdown(text: str) -> str:
    """Markdown in which HTML is text, pictures are links, and no link runs code.

    Args:
        text: What the model said, whole or so far.

    Returns:
        Markdown that a browser may render.

    Example:
        >>> safe_markdown("*Hi* <script>, `<b>`, ![cat](https://example.org/cat.png)")
        '*Hi* &lt;script>, `<b>`, &#33;[cat](https://example.org/cat.png)'
    """
    return _outside_code(show_controls(_LINE_ENDS.sub("\n", text)), _escape)


def read_markdown(text: str) -> str:
    """What the model said, from what ``safe_markdown`` made of it.

    Args:
        text: That Markdown.

    Returns:
        The text; control characters stay as they are shown.

    Example:
        >>> read_markdown("&lt;script>, `&lt;`")
        '<script>, `&lt;`'
    """
    return _outside_code(text, _restore)


def closed(markdown: str) -> str:
    r"""Markdown whose last code block ends, so that more may follow it.

    Args:
        markdown: What ``safe_markdown`` gave.

    Returns:
        The same, with the fence closed that is still open, if there is one.

    Example:
        >>> closed("```python")
        '```python\n```'
    """
    tokens = _PARSER.parse(markdown)
    last = tokens[-1] if tokens else None
    if last is None or last.type != "fence" or last.map is None:
        return markdown
    lines = _LINES.findall(markdown)[slice(*last.map)]
    ends = len(lines) > 1 and re.fullmatch(
        rf" {{0,3}}{re.escape(last.markup)}{re.escape(last.markup[0])}*\s*", lines[-1]
    )
    if ends:
        return markdown
    return f"{markdown}{'' if markdown.endswith(chr(10)) else chr(10)}{last.markup}"


def safe_inline(text: str) -> str:
    """Text that is shown as it is, on one line, wherever Markdown is rendered.

    Args:
        text: A name or a title.

    Returns:
        Markdown that formats nothing.

    Example:
        >>> safe_inline("a_b <i>")
        'a&#95;b &#60;i&#62;'
    """
    line = show_controls(" ".join(text.split()))
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", line)


def fenced(text: str, language: str = "") -> str:
    """A code block that its text cannot leave.

    Args:
        text: What stands in it.
        language: Its language.

    Returns:
        The Markdown.

    Example:
        >>> print(fenced("```", "json"))
        ````json
        ```
        ````
    """
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    body = show_controls(_LINE_ENDS.sub("\n", text)).rstrip("\n")
    return f"{fence}{language}\n{body}\n{fence}"


def _escape(text: str) -> str:
    return _UNSAFE.sub(lambda found: _ENTITIES.get(found[0], found[0]), text)


def _restore(text: str) -> str:
    return _ENTITY.sub(lambda found: _CHARACTERS.get(found[0], found[0]), text)


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    return "".join(
        piece if is_code else change(piece) for piece, is_code in _pieces(text)
    )


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it is code."""
    lines: list[str] = _LINES.findall(text)
    begun = 0
    for start, end, kind in sorted(_regions(_PARSER.parse(text))):
        end = min(end, len(lines))  # noqa: PLW2901 - an open fence ends with the text
        yield "".join(lines[begun:start]), False
        if kind == "code":
            yield "".join(lines[start:end]), True
        elif kind == "inline":
            yield from _spans("".join(lines[start:end]))
        else:
            for row in lines[start:end]:
                for cell in _CELLS.findall(row):
                    yield from _spans(cell)
        begun = end
    yield "".join(lines[begun:]), False


def _regions(tokens: list[Token]) -> Iterator[tuple[int, int, str]]:
    """Where lines have code in them: first line, line after the last, and how."""
    table_end = 0
    for token in tokens:
        if token.map is None or token.map[0] < table_end:
            continue
        start, end = token.map
        if token.type == "table_open":
            table_end = end
            yield start, end, "table"
        elif token.type == "inline":
            yield start, end, "inline"
        elif token.type in {"fence", "code_block"}:
            yield start, end, "code"


def _spans(text: str) -> Iterator[tuple[str, bool]]:
    """Text with code spans: between two runs of as many backticks."""
    begun = place = 0
    while (found := _TICKS.search(text, place)) is not None:
        place = found.end()
        if found[0][0] == "\\":
            continue
        ticks = re.escape(found[0])
        close = re.compile(f"(?<!`){ticks}(?!`)").search(text, place)
        if close is not None:
            yield text[begun : found.start()], False
            yield text[found.start() : close.end()], True
            begun = place = close.end()
    yield text[begun:], False
