"""What a model thinks, by whatever name the server gives it."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit._wire.reasoning import (
    REASONING_FIELDS,
    ReasoningDetails,
    parse_reasoning,
    thinking_text,
)
from langchain_streamkit._wire.stream_decoder import StreamDecoder
from langchain_streamkit.events import ReasoningEvent, TextEvent
from tests.unit_tests.wire.decoding import chunk, read, sse, text

# ── the thought of a frame ──────────────────────────────────────────────────────


@pytest.mark.parametrize("field", REASONING_FIELDS)
def test_every_name_of_a_thought_is_known(field: str) -> None:
    assert parse_reasoning({field: "Hm"}) == "Hm"


@pytest.mark.parametrize("nothing", [None, "", [], {}, 7, False])
@pytest.mark.parametrize("field", [*REASONING_FIELDS, "reasoning_details"])
def test_what_is_no_thought_is_none(field: str, nothing: Any) -> None:
    assert parse_reasoning({field: nothing}) == ""


def test_a_thought_under_two_names_is_thought_once() -> None:
    details = [{"type": "reasoning.text", "text": "Hm"}]
    delta = {"reasoning": "Hm", "reasoning_content": "Hm", "reasoning_details": details}
    assert parse_reasoning(delta) == "Hm"
    assert read(sse(chunk(delta))).answer.reasoning == "Hm"


def test_an_empty_name_gives_way_to_the_next() -> None:
    assert parse_reasoning({"reasoning_content": "", "reasoning": "Hm"}) == "Hm"
    details = [{"text": "H"}, {"summary": "m"}, {"data": "secret"}, None, {"text": 7}]
    assert parse_reasoning({"reasoning": None, "reasoning_details": details}) == "Hm"


@pytest.mark.parametrize(
    ("thinking", "thought"),
    [
        ("Hm", "Hm"),
        ([{"type": "text", "text": "H"}, {"text": "m"}], "Hm"),
        ([{"text": 7}, None, "x", {}], ""),
        (None, ""),
        (7, ""),
        ({}, ""),
    ],
)
def test_the_text_of_a_thinking_part(thinking: Any, thought: str) -> None:
    assert thinking_text({"type": "thinking", "thinking": thinking}) == thought


def test_a_thought_that_is_repeated_in_a_part_is_thought_twice_by_nobody() -> None:
    parts = [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Hi"}]
    frames = [
        chunk({"content": parts}),
        chunk({"reasoning_content": "Hm", "content": parts}),
    ]
    for frame in frames:
        decoder = read(sse(frame))
        assert (decoder.answer.reasoning, decoder.answer.text) == ("Hm", "Hi")


def test_thoughts_come_before_the_text_of_their_frame() -> None:
    frames = [chunk({"reasoning": "Hm", "content": "Hi"}), text(" you")]
    events = StreamDecoder().feed(sse(*frames))
    assert events == [ReasoningEvent("Hm"), TextEvent("Hi"), TextEvent(" you")]


# ── blocks that go back to the server ───────────────────────────────────────────


def details(*pieces: Any) -> list[dict[str, Any]]:
    kept = ReasoningDetails()
    for piece in pieces:
        kept.feed({"reasoning_details": [piece]})
    assert len(kept) == len(kept.blocks)
    return kept.blocks


def block(text_: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    words = {} if text_ is None else {"text": text_}
    return {"type": "reasoning.text", "index": index, **words, **more}


def test_pieces_of_one_block_are_joined() -> None:
    pieces = [
        block("H"),
        block("m", format=None),
        block("", format="x"),
        block(signature="s"),
    ]
    assert details(*pieces) == [block("Hm", format="x", signature="s")]


def test_blocks_keep_their_order_and_their_kinds_apart() -> None:
    secret = {"type": "reasoning.encrypted", "data": "AA", "index": 1}
    summary = {"type": "reasoning.summary", "summary": "so", "index": 0}
    pieces = [
        block("a"),
        summary,
        secret,
        secret,
        block("b"),
        block("c", 1),
        block("d", 1),
    ]
    assert details(*pieces) == [
        *(block("a"), summary, secret, secret, block("b"), block("cd", 1)),
    ]


def test_an_id_that_differs_opens_a_block_and_one_that_is_missing_does_not() -> None:
    pieces = [block("a", id="1"), block("b"), block("c", id="1"), block("d", id="2")]
    assert details(*pieces) == [block("abc", id="1"), block("d", id="2")]
    assert details(block("a", id=None), block("b", id="1")) == [block("ab", id="1")]


@pytest.mark.parametrize(
    "odd", [None, "x", 7, [], [1], {}, {"text": 7}, {"text": ["a"]}]
)
def test_odd_pieces_do_no_harm(odd: Any) -> None:
    assert details(odd, block("a"), odd)[
        bool(odd == {} or isinstance(odd, dict))
    ] == block("a")


def test_a_text_of_another_kind_is_kept_as_it_is() -> None:
    assert details(block("a"), {**block(), "text": 7}) == [block("a")]
    assert details({**block(), "text": 7}, block("a")) == [block("a")]
    assert details({**block(), "text": 7}) == [{**block(), "text": 7}]


def test_blocks_are_made_anew_each_time() -> None:
    kept = ReasoningDetails()
    kept.add(block("a"))
    kept.blocks[0]["text"] = "changed"
    kept.add(block("b"))
    assert kept.blocks == [block("ab")]


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(0, 1)), max_size=12))
def test_joined_blocks_say_all_that_was_said(pieces: list[tuple[str, int]]) -> None:
    found = details(*(block(words, index) for words, index in pieces))
    assert "".join(one["text"] for one in found) == "".join(
        words for words, _ in pieces
    )


def test_a_long_thought_takes_time_by_its_length_only() -> None:
    def seconds(count: int) -> float:
        kept = ReasoningDetails()
        start = process_time()
        for _ in range(count):
            kept.feed({"reasoning_details": [block(" word")]})
        assert len(kept.blocks[0]["text"]) == 5 * count
        return process_time() - start

    one = min(seconds(10_000) for _ in range(3))
    assert seconds(100_000) < 40 * one + 0.01


def test_an_answer_gives_and_takes_blocks() -> None:
    frames = [chunk({"reasoning_details": [block(words)]}) for words in ("H", "m")]
    answer = read(sse(*frames)).answer
    assert answer.reasoning == "Hm"
    assert answer.reasoning_details == [block("Hm")]
    answer.reasoning_details = [block("x"), block("y", 1)]
    assert answer.reasoning_details == [block("x"), block("y", 1)]
