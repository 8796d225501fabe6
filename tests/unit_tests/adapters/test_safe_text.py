"""Nothing that a model says acts on a screen, and nothing of it is lost."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from langchain_streamkit.adapters._safe_markdown import (
    closed,
    fenced,
    read_markdown,
    safe_inline,
    safe_markdown,
)
from langchain_streamkit.adapters._safe_text import (
    TerminalText,
    one_line,
    show_controls,
)
from tests.unit_tests.adapters.hostile import ACTING, HOSTILE, WORDS

BROWSER = MarkdownIt("commonmark", {"html": True}).enable("table")
PIECES = [
    *("`", "``", "```", "~~~", "\n", "\n\n", " ", "    ", "- ", "> ", "1. ", "\\"),
    *(
        "<b>",
        "</b>",
        "<script>",
        "<!--",
        "<http://x.org>",
        "&lt;",
        "&amp;",
        "&",
        "&#58;",
    ),
    *(
        "![a](http://x)",
        "[x](javascript:1)",
        "[x]: javascript:1",
        "[x]",
        "(",
        "]",
        "![",
    ),
    *("| a | `b | <c>` |", "|---|---|", "| - |", "a", "é", "$", "#", "javascript:"),
]
MARKDOWN = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


# ── terminals ───────────────────────────────────────────────────────────────────


@given(st.text(), st.lists(st.integers(0, 20)))
def test_a_terminal_gets_the_same_text_however_it_is_cut(text, cuts) -> None:
    whole = TerminalText("utf-8").feed(text)
    pieces, rest = [], text
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    safe = TerminalText("utf-8")
    assert "".join(map(safe.feed, [*pieces, rest])) == whole
    assert not set(whole) & ACTING


def test_a_terminal_gets_every_word() -> None:
    shown = TerminalText("utf-8").feed(HOSTILE)
    assert all(word in shown for word in WORDS)
    assert "one\ntwo\nthree\nfour\nfive\nsix" in shown
    assert "␛]0;title␇␛[2J␛[31mred \\x9b31m \\u202eback" in shown


def test_what_an_encoding_lacks_is_a_question_mark() -> None:
    assert TerminalText("ascii").feed("Caffè ␛") == "Caff? ?"


def test_ordinary_text_stays_as_it_is() -> None:
    text = "Zażółć 日本語 👩‍👧 עברית\u200f\n\tand more"
    assert show_controls(text) == text


def test_one_line_is_one_line_and_short() -> None:
    assert one_line("a\n\x1b[2J\tb") == "a ␛[2J b"
    assert one_line({"a": "ü\u2028"}) == '{"a": "ü "}'
    assert len(one_line("x" * 1000)) == 200


# ── browsers ────────────────────────────────────────────────────────────────────


@given(MARKDOWN)
def test_no_html_of_a_model_is_html_for_a_browser(text) -> None:
    tokens = BROWSER.parse(safe_markdown(text))
    parts = [part for token in tokens for part in (token, *(token.children or ()))]
    assert not [part for part in parts if part.type in {"html_block", "html_inline"}]
    assert not [part for part in parts if part.type == "image"]
    links = [str(part.attrs["href"]) for part in parts if part.type == "link_open"]
    assert not [link for link in links if re.match(r"\s*(?!http)\w+:", link)]


@given(MARKDOWN)
def test_what_a_model_said_can_be_read_back(text) -> None:
    assert read_markdown(safe_markdown(text)) == text


@given(st.text())
def test_any_text_can_be_read_back_but_for_what_acts(text) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    assert read_markdown(safe_markdown(text)) == show_controls(lines)


def test_a_browser_gets_every_word() -> None:
    html = BROWSER.render(safe_markdown(HOSTILE))
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
    shown = unescape(re.sub(r"<[^>]*>", "", html))
    assert all(word in shown for word in WORDS if "://" not in word)
    assert '<a href="https://example.org/?stolen">pixel</a>' in html
    assert not set(shown) & ACTING


@pytest.mark.parametrize(
    "text",
    [
        "*a* **b** `c < d` ~~e~~ [f](https://g.example) a < b && c",
        "```html\n<b>&amp;</b>\n```",
        "    <b>indented</b>",
        "| a | b |\n|---|---|\n| `<x>` | $a &= b$ |",
        "- ```py\n  x = '<b>'\n  ```\n- \\<i>",
    ],
)
def test_markdown_and_code_stay_as_they_are(text) -> None:
    assert safe_markdown(text) == text


def test_code_of_a_cell_ends_with_the_cell() -> None:
    table = "| a | b |\n|---|---|\n| `x | <b>` |"
    assert safe_markdown(table).endswith("| `x | &lt;b>` |")


@given(MARKDOWN)
def test_what_follows_closed_markdown_is_not_its_code(text) -> None:
    tokens = BROWSER.parse(closed(safe_markdown(text)) + "\n\nAFTER")
    assert tokens[-1].type != "fence" or "AFTER" not in tokens[-1].content


@given(MARKDOWN)
def test_text_cannot_leave_its_fence(text) -> None:
    tokens = BROWSER.parse(fenced(text, "json"))
    assert [token.type for token in tokens] == ["fence"]
    assert tokens[0].content.strip("\n") == text.strip("\n")


def test_inline_text_formats_nothing() -> None:
    shown = safe_inline("*a* <b> `c`\n# [d](e) &amp;")
    assert BROWSER.renderInline(shown) == "*a* &lt;b&gt; `c` # [d](e) &amp;amp;"


def test_long_text_of_one_kind_takes_no_square_of_time() -> None:
    for text in ("`" * 100_000, "<" * 100_000, "| " * 50_000, "\\" * 100_000):
        assert read_markdown(safe_markdown(text)) == text
