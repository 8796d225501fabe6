"""Inline reasoning, told from text wherever its tags are cut."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import add_ai_message_chunks

from langchain_streamkit.events import ReasoningEvent, StreamEvent, TextEvent
from langchain_streamkit.transforms import split_reasoning

from .sources import FORMS, cuts

TEXTS = st.lists(
    st.sampled_from(["<think>", "</think>", "a", "b ", "<", "/think>", "<thi"]),
    max_size=12,
).map("".join)


def said(events: Any) -> list[tuple[str, str]]:
    """Kind and text, neighbours of one kind joined."""
    out: list[tuple[str, str]] = []
    for event in events:
        if out and out[-1][0] == event.type:
            out[-1] = (event.type, out[-1][1] + event.content)
        else:
            out.append((event.type, event.content))
    return out


@given(st.data(), TEXTS)
def test_the_split_does_not_depend_on_the_cuts(data: Any, text: str) -> None:
    whole = said(split_reasoning([text]))
    assert said(split_reasoning(data.draw(cuts(text)))) == whole


@pytest.mark.parametrize("form", ["chunk", "v1"])
def test_chunks_become_reasoning_and_text(form: str) -> None:
    text = "<think>Is it wet?</think>Yes. <think>Sure?</think>Yes!"
    pieces = [text[place : place + 5] for place in range(0, len(text), 5)]
    outputs = list(split_reasoning(map(FORMS[form], pieces)))
    total = add_ai_message_chunks(*outputs)
    assert total.text == "Yes. Yes!"
    assert total.additional_kwargs["reasoning_content"] == "Is it wet?Sure?"
    assert all(isinstance(output, AIMessageChunk) for output in outputs)
    if form == "v1":
        shown: list[Any] = list(total.content_blocks)
        assert [(block["type"], block[block["type"]]) for block in shown] == [
            ("reasoning", "Is it wet?"),
            ("text", "Yes. "),
            ("reasoning", "Sure?"),
            ("text", "Yes!"),
        ]


def test_a_template_may_have_opened_the_reasoning() -> None:
    events = split_reasoning(["Is it", " wet?</th", "ink>Yes."], start_inside=True)
    assert said(events) == [("reasoning", "Is it wet?"), ("text", "Yes.")]


def test_other_tags_are_text() -> None:
    events = list(split_reasoning(["<b>bold</b> 1 < 2"], ("[[", "]]")))
    assert events == [TextEvent("<b>bold</b> 1 < 2")]


def test_what_waits_comes_before_the_last_chunk() -> None:
    last = AIMessageChunk(content="", chunk_position="last")
    outputs = list(split_reasoning([AIMessageChunk(content="a <thi"), last]))
    assert [output.text for output in outputs] == ["a ", "<thi", ""]
    assert outputs[-1] is last


def test_the_last_chunk_may_carry_text() -> None:
    last = AIMessageChunk(
        content="y</think>so",
        chunk_position="last",
        usage_metadata={"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
    )
    outputs = list(split_reasoning([AIMessageChunk(content="<think>wh"), last]))
    total = add_ai_message_chunks(*outputs)
    assert total.text == "so"
    assert total.additional_kwargs == {"reasoning_content": "why"}
    assert total.usage_metadata == last.usage_metadata
    assert [output.chunk_position for output in outputs] == [None, None, None, "last"]


def test_reasoning_that_is_told_apart_already_is_left() -> None:
    events: list[StreamEvent] = [ReasoningEvent("<think>"), TextEvent("<think>a")]
    assert said(split_reasoning(events)) == [("reasoning", "<think>a")]


def test_messages_do_not_mix() -> None:
    events = [
        TextEvent("<think>a", message_id="1"),
        TextEvent("b", message_id="2"),
        TextEvent("c", message_id="1"),
    ]
    kinds = [(event.type, event.message_id) for event in split_reasoning(events)]
    assert kinds == [("reasoning", "1"), ("text", "2"), ("reasoning", "1")]


def test_a_tag_is_not_empty() -> None:
    with pytest.raises(ValueError, match="both tags"):
        split_reasoning([], ("", "</think>"))
