"""An answer in parts, and the message that is left of it."""

from __future__ import annotations

import itertools

from langchain_core.messages import AIMessage

from langchain_streamkit import events_from
from langchain_streamkit.adapters._answer import Answer, describe, events_of
from langchain_streamkit.adapters._browser_parts import Parts
from langchain_streamkit.events import (
    FinalEvent,
    MetaEvent,
    ReasoningEvent,
    Source,
    StatusEvent,
    TextEvent,
    ToolCallDeltaEvent,
    ToolCallEvent,
    ToolResultEvent,
    Usage,
)


def parts_of(*events, **options):
    ticks = itertools.count()
    parts = Parts(lambda: float(next(ticks)), **options)
    for event in events:
        parts.add(event)
    return parts


def shown(parts):
    return [(p.kind, p.title, p.markdown(), p.is_done) for p in parts.shown]


def test_reasoning_is_done_when_the_answer_begins() -> None:
    parts = parts_of(ReasoningEvent("Hm"), ReasoningEvent("m."))
    assert shown(parts) == [("reasoning", "Thinking", "Hmm.", False)]
    parts.add(TextEvent("Yes"))
    assert shown(parts) == [
        ("reasoning", "Thinking", "Hmm.", True),
        ("text", "", "Yes", False),
    ]
    assert parts.shown[0].seconds


def test_a_call_grows_and_holds_its_result() -> None:
    parts = parts_of(
        ToolCallDeltaEvent(0, "c1", "f", '{"a"'),
        ToolCallDeltaEvent(0, "c1", "f", ": 1}"),
    )
    assert parts.shown[0].markdown() == '```json\n{"a": 1}\n```'
    parts.add(ToolCallEvent("c1", "f", {"a": 1}))
    assert len(parts.shown) == 1
    assert not parts.shown[0].is_done
    parts.add(ToolResultEvent("c1", "f", result="``` <b>"))
    call, result = parts.shown
    assert call.is_done
    assert (result.parent_id, result.markdown()) == ("c1", "````\n``` <b>\n````")


def test_two_calls_at_once_keep_their_results() -> None:
    parts = parts_of(
        ToolCallEvent("c1", "f", {}),
        ToolCallEvent("c2", "g", {}),
        ToolResultEvent("c2", "g", result=[{"type": "text", "text": "two"}]),
        ToolResultEvent("c1", "f", status="error", result="one"),
    )
    assert [(p.id, p.parent_id) for p in parts.shown] == [
        ("c1", None),
        ("c2", None),
        (None, "c2"),
        (None, "c1"),
    ]
    assert '"text": "two"' in parts.shown[2].markdown()


def test_a_broken_call_says_why() -> None:
    parts = parts_of(ToolCallEvent("c", "f", error="cut <b>", raw_args='{"a'))
    assert parts.shown[0].title == "⚠️ f: cut &#60;b&#62;"
    assert parts.shown[0].is_done


def test_reasoning_and_tools_can_be_left_out() -> None:
    events = (ReasoningEvent("a"), ToolCallEvent("c", "f"), ToolResultEvent("c", "f"))
    assert parts_of(*events, reasoning=False, tools=False).shown == []


def test_sources_are_links_that_only_go_to_pages() -> None:
    final = FinalEvent(
        sources=[
            Source("A [title]", "https://x.example/a b)<i>"),
            Source("Trick", "javascript:alert(1)"),
            Source(url="https://y.example"),
        ]
    )
    [part] = parts_of(final).shown
    assert part.title == "Sources (3)"
    assert part.markdown().splitlines() == [
        "- [A &#91;title&#93;](https://x.example/a%20b%29%3Ci%3E)",
        "- Trick",
        "- [https://y.example](https://y.example)",
    ]


def test_a_status_shows_until_something_comes_and_hides_the_server() -> None:
    parts = parts_of(StatusEvent("connecting", "Connecting to secret.example"))
    assert parts.status == "Connecting"
    parts.add(StatusEvent("retrying", "Trying again (2/3)"))
    assert parts.status == "Trying again (2/3)"
    parts.add(TextEvent("Hi"))
    assert parts.status == ""


def test_a_message_that_was_cut_has_no_calls() -> None:
    answer = Answer()
    events = [
        ReasoningEvent("Hm"),
        TextEvent("First"),
        ToolCallEvent("c", "f", {}),
        MetaEvent("tool_calls"),
        ToolResultEvent("c", "f"),
        TextEvent("Sec"),
    ]
    for event in events:
        answer.add(event)
    message = answer.message()
    assert (message.text, message.tool_calls) == ("Sec", [])
    assert message.response_metadata == {"finish_reason": "interrupted"}


def test_events_and_chunks_end_once() -> None:
    chunks = [AIMessage("Hi")]
    assert [e.is_final for e in events_of(chunks)].count(True) == 1
    assert [e.is_final for e in events_of(events_from(chunks))].count(True) == 1


def test_filtered_events_still_make_a_message() -> None:
    answer = Answer()
    for event in events_of(events_from(["Hel", "lo"], only={"text"})):
        answer.add(event)
    assert answer.message().text == "Hello"


def test_what_it_took_is_told_as_far_as_it_is_known() -> None:
    timing = {"first_token_seconds": 0.5, "tokens_per_second": 20.0}
    usage = Usage(1, 2, 3, cost=0.00125)
    final = FinalEvent(usage=usage, metadata={"model": "m", "timing": timing})
    assert (
        describe(final) == "m · 2 tokens · 20 a second · first after 0.50 s · $0.0013"
    )
    assert describe(FinalEvent()) == ""
    assert describe(FinalEvent(finish_reason="length")) == "ended by the token limit"
