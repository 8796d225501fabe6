"""Gathering: by time, with a deadline; by words and lines, by the text alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk

from langchain_streamkit.events import ReasoningEvent, TextEvent, ToolCallDeltaEvent
from langchain_streamkit.transforms import coalesce

from .sources import FORMS, AsyncSource, agather, cuts, forever, text_of

TEXTS = st.text(alphabet="ab \n\t日本é", max_size=60)
both = pytest.mark.parametrize("by", ["words", "lines"])


class Clock:
    """A clock that the source moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def paced(self, *items: tuple[float, Any]) -> Any:
        for at, item in items:
            self.now = at
            yield item


# ── by time ─────────────────────────────────────────────────────────────────────


def test_the_first_item_comes_at_once_and_the_rest_by_the_interval() -> None:
    clock = Clock()
    stream = clock.paced((0, "a"), (0.01, "b"), (0.02, "c"), (0.03, "d"), (0.04, "e"))
    given_at = [
        (text, clock.now) for text in coalesce(stream, interval=0.03, clock=clock)
    ]
    assert given_at == [("a", 0), ("bcd", 0.03), ("e", 0.04)]


def test_a_slow_stream_is_not_delayed() -> None:
    clock = Clock()
    stream = clock.paced((0, "a"), (1, "b"), (2, "c"))
    given_at = [(text, clock.now) for text in coalesce(stream, clock=clock)]
    assert given_at == [("a", 0), ("b", 1), ("c", 2)]


def test_much_text_does_not_wait() -> None:
    outputs = list(coalesce(["a", "bb", "cc", "d"], max_chars=4, clock=Clock()))
    assert outputs == ["a", "bbcc", "d"]


def test_kinds_are_not_merged_and_a_change_of_kind_waits_for_nothing() -> None:
    clock = Clock()
    items = [
        ReasoningEvent("why"),
        ReasoningEvent(" so"),
        ReasoningEvent("?"),
        TextEvent("be"),
        TextEvent("cause"),
        TextEvent("other", message_id="2"),
        ToolCallDeltaEvent(0, "c", "look", ""),
        ToolCallDeltaEvent(0, None, None, '{"a"'),
        ToolCallDeltaEvent(0, None, None, ": 1}"),
        ToolCallDeltaEvent(1, None, None, "{}"),
    ]
    outputs = list(coalesce(items, clock=clock))
    assert [(event.type, event.content) for event in outputs] == [
        ("reasoning", "why"),
        ("reasoning", " so?"),
        ("text", "be"),
        ("text", "cause"),
        ("text", "other"),
        ("tool_call_delta", ""),
        ("tool_call_delta", '{"a"'),
        ("tool_call_delta", ": 1}"),
        ("tool_call_delta", "{}"),
    ]


def test_chunks_that_disagree_are_handed_through() -> None:
    """Core cannot add two floats, so such chunks are not added up here."""
    chunks = [
        AIMessageChunk(content=str(place), response_metadata={"score": place / 2})
        for place in range(3)
    ]
    assert list(coalesce(chunks, clock=Clock())) == chunks


@pytest.mark.parametrize("form", FORMS)
async def test_what_is_held_comes_out_while_the_stream_is_silent(form: str) -> None:
    words = [FORMS[form](word) for word in ("a", "b", "c")]
    stream = coalesce(AsyncSource([*words, forever]), interval=0.01)
    assert [text_of(await anext(stream)), text_of(await anext(stream))] == ["a", "bc"]
    await stream.aclose()


async def test_a_pending_read_survives_the_deadline() -> None:
    """The source waits on: its item is not lost, and it is not cancelled."""
    gate = asyncio.Event()
    source = AsyncSource(["a", "b", gate.wait, "c"])
    stream = coalesce(source, interval=0.01)
    assert [await anext(stream), await anext(stream)] == ["a", "b"]
    gate.set()
    assert await agather(stream) == ["c"]
    assert source.closed == 1


async def test_nothing_is_read_that_was_not_asked_for() -> None:
    source = AsyncSource(["a", "b", "c", "d"])
    stream = coalesce(source)
    await anext(stream)
    for _ in range(20):
        await asyncio.sleep(0)
    assert source.read == 1
    await stream.aclose()


# ── by words and lines ──────────────────────────────────────────────────────────


@given(st.data(), TEXTS)
@both
def test_the_pieces_do_not_depend_on_the_cuts(by: Any, data: Any, text: str) -> None:
    whole = list(coalesce([text], by=by, max_chars=8))
    assert list(coalesce(data.draw(cuts(text)), by=by, max_chars=8)) == whole
    assert "".join(whole) == text
    assert all(0 < len(piece) <= 8 for piece in whole)


def test_words_carry_the_spaces_before_them() -> None:
    outputs = list(coalesce(["It  ra", "ins\n\nin ", "Ber", "gen. "], by="words"))
    assert outputs == ["It", "  rains", "\n\nin", " Bergen.", " "]


def test_scripts_without_spaces_come_by_characters() -> None:
    assert list(coalesce(["今日は", "rain"], by="words")) == ["今", "日", "は", "rain"]


def test_a_word_without_an_end_does_not_wait_for_ever() -> None:
    assert list(coalesce(["x" * 100, "x" * 60], by="words")) == [
        "x" * 64,
        "x" * 64,
        "x" * 32,
    ]


@both
def test_a_change_of_kind_ends_a_word(by: Any) -> None:
    items = [ReasoningEvent("thin"), TextEvent("spea"), TextEvent("k")]
    outputs = [(event.type, event.content) for event in coalesce(items, by=by)]
    assert outputs == [("reasoning", "thin"), ("text", "speak")]


@pytest.mark.parametrize(
    "wrong", [{"by": "pages"}, {"interval": 0}, {"max_chars": 0}], ids=str
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        coalesce([], **wrong)
