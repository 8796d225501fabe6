"""What each protocol's frames say, read by those who define it."""

from __future__ import annotations

import json
import sys
from datetime import date
from typing import Any

import pytest
from ag_ui.core import PROTOCOL_VERSION, Event
from openai.types.chat import ChatCompletionChunk
from pydantic import TypeAdapter

from langchain_streamkit.adapters import encode
from langchain_streamkit.errors import StreamInterruptedError
from langchain_streamkit.events import (
    FieldEvent,
    FinalEvent,
    MetaEvent,
    ReasoningEvent,
    Source,
    StreamEvent,
    TextEvent,
    ToolCallDeltaEvent,
    ToolCallEvent,
    ToolResultEvent,
)

from .scripted import RUN, SyncScripted

CUT = StreamInterruptedError("The answer was cut.")
DONE = "[DONE]"


def sent(protocol: str, events: list[Any], **options: Any) -> list[Any]:
    """The data of each frame; the last words of a protocol stay text."""
    frames = list(encode(SyncScripted(events), protocol, **options))
    data = [frame.decode() for frame in frames]
    assert all(text.endswith("\n\n") for text in data)
    said = [t[6:-2] for t in data if t.startswith("data: ")]
    return [text if text == DONE else json.loads(text) for text in said]


# ── Vercel ──────────────────────────────────────────────────────────────────────


def parts(events: list[Any], **options: Any) -> list[str]:
    return [p if p == DONE else p["type"] for p in sent("vercel", events, **options)]


def test_vercel_says_a_whole_run() -> None:
    assert parts(RUN) == [
        "start",
        "data-status",
        "data-status",
        "start-step",
        "reasoning-start",
        "reasoning-delta",
        "reasoning-delta",
        "reasoning-end",
        "tool-input-start",
        "tool-input-delta",
        "tool-input-delta",
        "tool-input-start",
        "tool-input-delta",
        "tool-input-available",
        "tool-input-error",
        "finish-step",
        "message-metadata",
        "tool-output-available",
        "start-step",
        "text-start",
        "text-delta",
        "text-delta",
        "data-field",
        "source-url",
        "source-document",
        "text-end",
        "finish-step",
        "finish",
        DONE,
    ]


def test_vercel_status_is_transient_under_one_id() -> None:
    said = [p for p in sent("vercel", RUN) if p != DONE]
    statuses = [p for p in said if p["type"] == "data-status"]
    assert {(s["id"], s["transient"]) for s in statuses} == {("status", True)}
    assert statuses[1]["data"]["phase"] == "retrying"


@pytest.mark.parametrize(("version", "reason"), [(5, None), (6, "stop"), (7, "stop")])
def test_vercel_tells_old_clients_no_new_fields(version: int, reason: str | None):
    *_, finish, done = sent("vercel", RUN, version=version)
    assert done == DONE
    assert finish.get("finishReason") == reason
    assert finish["messageMetadata"]["finishReason"] == "stop"
    assert finish["messageMetadata"]["usage"]["total_tokens"] == 12


@pytest.mark.parametrize("kind", ["text", "reasoning"])
def test_vercel_closes_what_is_open_before_an_error(kind: str) -> None:
    piece = {"text": TextEvent, "reasoning": ReasoningEvent}[kind]
    assert parts([piece("Half"), CUT]) == [
        "start",
        "start-step",
        f"{kind}-start",
        f"{kind}-delta",
        f"{kind}-end",
        "error",
        DONE,
    ]


async def test_vercel_closes_what_is_open_before_an_abort() -> None:
    async def endless():
        while True:
            yield ReasoningEvent("Hm.")

    frames = encode(endless(), "vercel")
    for _ in range(4):
        await anext(frames)
    await frames.stop()
    last = [frame async for frame in frames]
    assert [b"reasoning-end" in last[0], b"abort" in last[1]] == [True, True]
    assert last[2:] == [b"data: [DONE]\n\n"]


def test_vercel_links_to_nothing_but_the_web() -> None:
    found = [p for p in sent("vercel", RUN) if p != DONE and "source" in p["type"]]
    assert [source.get("url") for source in found] == ["https://weather.example/", None]
    assert found[1]["title"] == "A trap"


def test_vercel_models_side_by_side_keep_their_own_parts() -> None:
    events: list[StreamEvent] = [
        TextEvent("a1", message_id="a"),
        TextEvent("b1", message_id="b"),
        TextEvent("a2", message_id="a"),
        TextEvent("b2", message_id="b"),
    ]
    texts: dict[str, str] = {}
    for part in sent("vercel", events):
        if part != DONE and part["type"] == "text-delta":
            texts[part["id"]] = texts.get(part["id"], "") + part["delta"]
    assert sorted(texts.values()) == ["a1a2", "b1b2"]


def test_vercel_a_result_without_a_call_gets_one() -> None:
    events = [ToolResultEvent("c9", "search", "error", "no network"), FinalEvent()]
    call, result = sent("vercel", events)[1:3]
    assert call["type"] == "tool-input-available"
    assert result["type"] == "tool-output-error"
    assert call["toolCallId"] == result["toolCallId"] == "c9"


def test_vercel_ids_that_servers_use_again_are_kept_apart() -> None:
    turn: list[StreamEvent] = [
        ToolCallDeltaEvent(0, "call_0", "search", "{}"),
        ToolCallEvent("call_0", "search", {}),
        MetaEvent("tool_calls"),
        ToolResultEvent("call_0", "search", "success", "found"),
    ]
    ids = [
        (part["type"], part["toolCallId"])
        for part in sent("vercel", turn * 2)
        if part != DONE and "toolCallId" in part
    ]
    assert len({call for _, call in ids}) == 2
    first, second = ids[: len(ids) // 2], ids[len(ids) // 2 :]
    assert len({call for _, call in first}) == len({call for _, call in second}) == 1


# ── AG-UI ───────────────────────────────────────────────────────────────────────

AGUI: TypeAdapter[Any] = TypeAdapter(Event)


def agui(events: list[Any], **options: Any) -> list[Any]:
    return [AGUI.validate_python(event) for event in sent("agui", events, **options)]


def test_agui_says_a_whole_run_in_its_own_models() -> None:
    events = agui(RUN, thread_id="thread", run_id="run")
    assert [event.type.value for event in events] == [
        "RUN_STARTED",
        "CUSTOM",
        "CUSTOM",
        "REASONING_START",
        "REASONING_MESSAGE_START",
        "REASONING_MESSAGE_CONTENT",
        "REASONING_MESSAGE_CONTENT",
        "REASONING_MESSAGE_END",
        "REASONING_END",
        "TOOL_CALL_START",
        "TOOL_CALL_ARGS",
        "TOOL_CALL_ARGS",
        "TOOL_CALL_START",
        "TOOL_CALL_ARGS",
        "TOOL_CALL_END",
        "TOOL_CALL_END",
        "CUSTOM",
        "TOOL_CALL_RESULT",
        "TEXT_MESSAGE_START",
        "TEXT_MESSAGE_CONTENT",
        "TEXT_MESSAGE_CONTENT",
        "CUSTOM",
        "CUSTOM",
        "CUSTOM",
        "TEXT_MESSAGE_END",
        "RUN_FINISHED",
    ]
    first, last = events[0], events[-1]
    assert first.protocol_version == PROTOCOL_VERSION
    assert (first.thread_id, last.run_id) == ("thread", "run")


def test_agui_closes_what_is_open_before_an_error() -> None:
    *_, end, error = agui([TextEvent("Half"), CUT])
    assert end.type.value == "TEXT_MESSAGE_END"
    assert (error.message, error.code) == ("The answer was cut.", "stream_interrupted")


def test_agui_a_run_that_fails_at_once_is_still_a_run() -> None:
    assert [e.type.value for e in agui([CUT])] == ["RUN_STARTED", "RUN_ERROR"]


def test_agui_a_call_without_pieces_has_its_arguments() -> None:
    args = agui([ToolCallEvent("c", "search", {"q": 1})])[2]
    assert json.loads(args.delta) == {"q": 1}


# ── fields of a structured answer ───────────────────────────────────────────────

FIELDS: list[StreamEvent] = [
    FieldEvent(("day",), date(2026, 11, 21)),
    FieldEvent(("rows",), {}),
    FieldEvent((), Source("A class of its own")),
]


def test_a_field_has_its_path_and_its_value_even_if_there_is_none() -> None:
    event = RUN[14]
    assert isinstance(event, FieldEvent)
    pair = {"path": ["days", 0, "rain"], "value": None}
    about = {**pair, "message_id": "m2"}
    assert [json.loads(line) for line in encode([event], "ndjson")] == [
        {"type": "field", **about}
    ]
    [frame] = encode([event], "sse")
    assert frame.startswith(b'event: field\ndata: {"type":"field","path":["days",0,')
    assert {"type": "data-field", "data": pair} in sent("vercel", [event])
    [custom] = [e for e in agui([event]) if e.type.value == "CUSTOM"]
    assert (custom.name, custom.value) == ("field", about)
    assert not list(encode([event], "text"))
    silent = sent("openai", [FinalEvent()])
    assert len(sent("openai", [event, FinalEvent()])) == len(silent)


def test_values_of_any_kind_are_written() -> None:
    values = [json.loads(line)["value"] for line in encode(FIELDS, "ndjson")]
    assert values[:2] == ["2026-11-21", {}]
    assert values[2]["title"] == "A class of its own"


# ── OpenAI ──────────────────────────────────────────────────────────────────────


def chunks(events: list[Any], **options: Any) -> list[ChatCompletionChunk]:
    *said, done = sent("openai", events, **options)
    assert done == DONE
    return [ChatCompletionChunk.model_validate(chunk) for chunk in said]


def test_openai_chunks_add_up_to_the_run() -> None:
    said = chunks(RUN, model="m", id="chatcmpl-1", include_usage=True)
    assert {(c.id, c.model, c.object) for c in said} == {
        ("chatcmpl-1", "m", "chat.completion.chunk")
    }
    deltas = [choice.delta for chunk in said for choice in chunk.choices]
    assert deltas[0].role == "assistant"
    assert "".join(d.content or "" for d in deltas) == "It rains."
    thoughts = "".join(getattr(d, "reasoning_content", None) or "" for d in deltas)
    assert thoughts == "Let me look."
    pieces = [piece for d in deltas for piece in d.tool_calls or ()]
    arguments: dict[int, str] = {}
    for piece in pieces:
        said_so_far = arguments.get(piece.index, "")
        arguments[piece.index] = said_so_far + (piece.function.arguments or "")
    assert arguments == {0: '{"q": "rain"}', 1: '{"a'}
    assert [p.function.name for p in pieces if p.id] == ["search", "cut"]
    assert said[-2].choices[0].finish_reason == "stop"
    assert said[-1].choices == []
    assert said[-1].usage.prompt_tokens == 7
    assert said[-1].usage.completion_tokens_details.reasoning_tokens == 1


def test_openai_gives_usage_to_those_who_ask() -> None:
    assert [chunk.usage for chunk in chunks(RUN) if chunk.usage is not None] == []
    assert all(chunk.choices for chunk in chunks(RUN))


def test_openai_an_agents_own_calls_can_be_kept_from_the_client() -> None:
    said = chunks(RUN, tool_calls=False)
    assert not any(c.delta.tool_calls for chunk in said for c in chunk.choices)


def test_openai_calls_of_two_messages_have_two_indices() -> None:
    events = [
        ToolCallDeltaEvent(0, "a", "f", "{}", message_id="1"),
        ToolCallDeltaEvent(0, "b", "f", "{}", message_id="2"),
        FinalEvent(finish_reason="tool_calls"),
    ]
    pieces = [p for c in chunks(events) for p in c.choices[0].delta.tool_calls or ()]
    assert [piece.index for piece in pieces] == [0, 1]


def test_openai_an_error_is_a_frame_and_then_the_end() -> None:
    half, error, done = sent("openai", [TextEvent("Half"), CUT])
    assert half["choices"][0]["delta"]["content"] == "Half"
    assert error["error"]["message"] == "The answer was cut."
    assert error["error"]["code"] == "stream_interrupted"
    assert done == DONE


def test_openai_retries_are_comments() -> None:
    frames = list(encode(RUN, "openai"))
    assert frames[0] == b": retrying 2/3\n\n"


def test_a_missing_library_is_named_with_its_extra(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ag_ui.core", None)
    monkeypatch.delitem(sys.modules, "langchain_streamkit.adapters._agui", False)
    with pytest.raises(ImportError, match=r'pip install "langchain-streamkit\[agui\]"'):
        encode([], "agui")
