"""Fences by CommonMark's rules, over any cut."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk

from langchain_streamkit.events import ReasoningEvent, TextEvent
from langchain_streamkit.transforms import close_open, segments

from .sources import cuts

MARKDOWN = st.text(alphabet="`~ \n\rab", max_size=60)


def blocks(pieces: list[str]) -> list[tuple[str, str, str, str]]:
    """The blocks of a document: kind, language, content, raw."""
    found = list(segments(pieces))
    out: list[tuple[str, str, str, str]] = []
    for _, group in groupby(found, key=lambda segment: segment.block):
        parts = list(group)
        content = "".join(part.delta for part in parts)
        raw = "".join(part.raw for part in parts)
        assert len({(part.kind, part.language) for part in parts}) == 1
        out.append((parts[0].kind, parts[0].language, content, raw))
    return out


def contents(text: str) -> list[tuple[str, str, str]]:
    return [block[:3] for block in blocks([text])]


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("a\n```py\nx\n```", [("text", "", "a\n"), ("code", "py", "x\n")]),
        ("~~~\nx\n~~~", [("code", "", "x\n")]),
        ("```\n~~~\n```", [("code", "", "~~~\n")]),
        ("````\n```\n````", [("code", "", "```\n")]),
        ("```\nx\n`````", [("code", "", "x\n")]),
        ("   ```\n   x\n  ```", [("code", "", "x\n")]),
        ("  ```\n x\n    y\n```", [("code", "", "x\n  y\n")]),
        ("    ```\nx", [("text", "", "    ```\nx")]),
        ("```\nx\n    ```\n", [("code", "", "x\n    ```\n")]),
        ("``\nx\n``", [("text", "", "``\nx\n``")]),
        ("a ```\nx", [("text", "", "a ```\nx")]),
        ("``` a`b\nx", [("text", "", "``` a`b\nx")]),
        ("~~~ a`b c\nx", [("code", "a`b", "x")]),
        ("```\nx\n``` y\n```", [("code", "", "x\n``` y\n")]),
        ("```\nx\n``` \t\n", [("code", "", "x\n")]),
        ("```   python  linenos\nx", [("code", "python", "x")]),
        ("```\r\nx\r\n```\r\ny", [("code", "", "x\r\n"), ("text", "", "y")]),
        ("```", [("code", "", "")]),
        ("```\n\n```", [("code", "", "\n")]),
        ("```a\n```\n```b\n```", [("code", "a", ""), ("code", "b", "")]),
        ("\n```\nx", [("text", "", "\n"), ("code", "", "x")]),
    ],
)  # fmt: skip
def test_fences_are_commonmarks(
    markdown: str, expected: list[tuple[str, str, str]]
) -> None:
    assert contents(markdown) == expected
    assert [block[:3] for block in blocks(list(markdown))] == expected


@given(st.data(), MARKDOWN)
def test_the_blocks_do_not_depend_on_the_cuts(data: Any, markdown: str) -> None:
    whole = blocks([markdown])
    assert blocks(data.draw(cuts(markdown))) == whole
    assert "".join(raw for *_, raw in whole) == markdown


def test_only_what_may_be_a_fence_waits() -> None:
    """Fed by characters, text comes out by characters."""
    shown = [segment.content for segment in segments(iter("ab\n ``c\n"))]
    assert shown == ["a", "b", "\n", " ``c", "\n"]


def test_a_line_that_never_ends_does_not_wait_for_ever() -> None:
    line = "~~~" + "x" * 5000
    assert blocks([line[:2000], line[2000:]]) == [("text", "", line, line)]
    assert blocks([line + "\n"]) == [("text", "", line + "\n", line + "\n")]


def test_each_message_is_a_document_of_its_own() -> None:
    items = [
        TextEvent("```\na", message_id="1"),
        TextEvent("b", message_id="2"),
        TextEvent("c", message_id="1"),
    ]
    found = [(segment.kind, segment.content) for segment in segments(items)]
    assert found == [("code", ""), ("code", "a"), ("text", "b"), ("code", "c")]


def test_a_message_ends_with_its_last_chunk() -> None:
    chunks = [
        AIMessageChunk(content="```\nx"),
        AIMessageChunk(content="", chunk_position="last"),
        AIMessageChunk(content="y"),
    ]
    found = list(segments(chunks))
    kinds = [segment.kind for segment in found]
    assert kinds == ["code", "code", "other", "text"]
    assert found[2].item == chunks[1]


def test_reasoning_is_handed_through_and_breaks_no_fence() -> None:
    items = [TextEvent("``"), ReasoningEvent("hm"), TextEvent("`\nx")]
    found = list(segments(items))
    assert [segment.kind for segment in found] == ["other", "code", "code"]
    assert found[0].item == ReasoningEvent("hm")


# ── closing what is open ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("markdown", "closed"),
    [
        ("plain", "plain"),
        ("a **b", "a **b**"),
        ("a **b ", "a **b**"),
        ("a **b** c", "a **b** c"),
        ("a *b **c", "a *b **c***"),
        ("***a", "***a***"),
        ("***a** b", "***a** b*"),
        ("a **", "a **"),
        ("2 * 3", "2 * 3"),
        ("* item", "* item"),
        ("snake_case_name", "snake_case_name"),
        ("_a", "_a_"),
        ("~~gone", "~~gone~~"),
        ("about ~5", "about ~5"),
        ("`x", "`x`"),
        ("``x`y", "``x`y``"),
        ("`a` and `b", "`a` and `b`"),
        ("**see `x", "**see `x`**"),
        ("`**`", "`**`"),
        (r"\*not", r"\*not"),
        ("[here](https://a.ex", "[here](https://a.ex)"),
        ("[here](https://a.example)", "[here](https://a.example)"),
        ("**[here](https://a", "**[here](https://a)**"),
        ("**a\n\nb", "**a\n\nb"),
        ("```py\nx = 1", "```py\nx = 1\n```"),
        ("```py\n", "```py\n```"),
        ("````\n```", "````\n```\n````"),
        ("  ~~~\nx", "  ~~~\nx\n  ~~~"),
        ("```py\nx\n```\n**b", "```py\nx\n```\n**b**"),
        ("```\n**b", "```\n**b\n```"),
        ("``a\n`", "``a\n`"),
        ("", ""),
    ],
)
def test_what_is_open_is_closed(markdown: str, closed: str) -> None:
    assert close_open(markdown) == closed


@given(st.text(alphabet="`~ \nab", max_size=60))
def test_no_fence_stays_open(markdown: str) -> None:
    last = list(segments([close_open(markdown) + "\nz"]))[-1]
    assert last.kind == "text"
