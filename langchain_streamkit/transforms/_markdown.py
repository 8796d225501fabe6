"""``close_open``: Markdown that was cut becomes Markdown that a renderer can show.

Strategy: an open fence is closed on a line of its own. Else the last paragraph is
read from left to right with a stack of what is open in it (code spans, emphasis,
struck text, the address of a link), by a plain form of CommonMark's rules for runs of
delimiters; what is left on the stack is appended in reverse.
"""

from __future__ import annotations

import re

from langchain_streamkit._wire.fences import FenceTracker, parse_opening

__all__ = ["close_open"]

_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_TOKEN = re.compile(r"\\.|`+|\*+|_+|~+|\]\(|\)|\n", re.DOTALL)
_MAX_RUN = {"*": 3, "_": 3, "~": 2}


def close_open(markdown: str) -> str:
    r"""Close what is open at the end of a piece of Markdown.

    For renderers that show an answer while it comes: without it, half of a bold word
    shows as asterisks, and what follows an open fence jumps when the fence closes.

    Args:
        markdown: The answer so far.

    Returns:
        The same with closing marks at its end; unchanged if nothing is open. White
        space at the end is dropped where a mark has to follow a letter.

    Example:
        >>> close_open("This is **very impor")
        'This is **very impor**'
        >>> close_open("```python\nprint(1)")
        '```python\nprint(1)\n```'
    """
    tracker = FenceTracker()
    tracker.feed(markdown)
    tracker.finish()
    if tracker.fence is not None:
        newline = "" if markdown.endswith("\n") else "\n"
        return f"{markdown}{newline}{' ' * tracker.fence.indent}{tracker.fence.marker}"
    paragraph = _PARAGRAPH.split(markdown)[-1]
    closing = _closing_of(paragraph.rstrip())
    closed = markdown.rstrip() + closing
    makes_fence = parse_opening(closed.rpartition("\n")[2]) is not None
    return closed if closing and not makes_fence else markdown


def _closing_of(text: str) -> str:
    """The marks that close what is open in a paragraph."""
    stack: list[str] = []
    place = 0
    while found := _TOKEN.search(text, place):
        mark, place = found[0], found.end()
        if mark[0] == "`":
            close = re.compile(rf"(?<!`){mark}(?!`)").search(text, place)
            if close is None:
                has_content = place < len(text)
                return (mark if has_content else "") + "".join(reversed(stack))
            place = close.end()
        elif mark == "](":
            close_at = text.find(")", place)
            if close_at < 0:
                return ")" + "".join(reversed(stack))
            place = close_at + 1
        elif mark[0] in _MAX_RUN:
            _take_run(mark, text, found.start(), stack)
    return "".join(reversed(stack))


def _take_run(run: str, text: str, start: int, stack: list[str]) -> None:
    """Open or close emphasis with a run of delimiters."""
    before = text[start - 1 : start]
    after = text[start + len(run) : start + len(run) + 1]
    character = run[0]
    is_inside_word = character == "_" and before.isalnum() and after.isalnum()
    if is_inside_word or len(run) > _MAX_RUN[character]:
        return
    size = len(run)
    can_close = bool(before) and not before.isspace()
    while can_close and size and stack and stack[-1][0] == character:
        mark = stack[-1]
        if len(mark) > size:
            if len(mark) < 3 or size not in (1, 2):
                break
            stack[-1] = mark[size:]  # *** closed by one or two of its three
            return
        size -= len(stack.pop())
    can_open = bool(after) and not after.isspace()
    if size and can_open and not (character == "~" and size == 1):
        stack.append(character * size)
