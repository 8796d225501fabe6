"""One frame, or one whole body, becomes events."""

from __future__ import annotations

import itertools
import json
import uuid
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit._wire.deltas import MediaDelta, RefusalDelta, ScoredTextEvent
from langchain_streamkit._wire.frames import FrameReader
from langchain_streamkit._wire.stream_decoder import StreamDecoder
from langchain_streamkit.errors import StreamKitError
from langchain_streamkit.events import ReasoningEvent, StreamEvent, TextEvent
from tests.unit_tests.wire.decoding import calls, chunk, cut, feed, read, sse, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from langchain_streamkit._wire.answer import Answer


def answer(*frames: Any) -> Answer:
    decoder = read(sse(*frames))
    assert decoder.failure is None
    return decoder.answer


def events(*frames: Any, **options: Any) -> list[StreamEvent]:
    decoder = StreamDecoder(**options)
    found = feed(decoder, [sse(*frames)])
    assert decoder.failure is None
    return found


# ── the short way and the long way ──────────────────────────────────────────────


class LongWay(StreamDecoder):
    """A decoder that has no short way."""

    __slots__ = ()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._reader = LongReader(**options)


class LongReader(FrameReader):
    __slots__ = ()

    def read_plain(self, frame: Any) -> list[StreamEvent] | None:
        return None


WORDS = st.sampled_from(
    ["a", "ab", "abc", "Hello", "Hello ", "\n", "👋", "\ud83d", "\udc4b", "<think>"]
)
HEADS = {
    "id": "",
    "object": "chunk",
    "created": 0,
    "model": "",
    "usage": None,
    "system_fingerprint": None,
    "service_tier": None,
    "p": "xx",
}


def arguments(word: str) -> Any:
    return [{"index": 0, "function": {"arguments": word}}]


# What a frame may hold that most frames do not, by its place.
ODD: dict[str, dict[str, list[Any]]] = {
    "frame": {
        **{key: ["x", "", None] for key in ("id", "model", "system_fingerprint")},
        "created": [7, 0],
        "object": ["y"],
        "p": ["zzz"],
        "odd": ["x", None],
        "usage": [{"prompt_tokens": 3}, {}, None],
        "citations": [["https://a.example"]],
        "error": [None, "boom"],
        "x_groq": [{"usage": {"total_tokens": 3}}, None],
        "choices": [[], None, [None], ["x"], {"index": 0}],
    },
    "choice": {
        "index": [0, 1, None, False, "0"],
        "finish_reason": ["stop", "", None],
        "logprobs": [{"content": [{"token": "a"}]}, {}, None],
        "odd": ["x", None],
        "usage": [{"prompt_tokens": 3}, None],
        "text": ["x", ""],
        "error": [None, "boom"],
        "finishReason": ["stop", None],
        "message": [{"content": "x"}, {"reasoning": "x"}, None],
        "delta": [None, {}, "x", {"content": 7}, {"content": ["x"]}],
    },
    "delta": {
        "role": ["assistant", "", None],
        "reasoning": ["x", ""],
        "refusal": ["x"],
        "content": ["", None, 7, ["x"]],
        "odd": ["x", None],
        "name": ["x"],
        "usage": [{"prompt_tokens": 3}],
        "padding": ["x"],
        "sources": [["x"]],
        "function_call": [{"name": "f", "arguments": "x"}, None, ""],
        "tool_calls": [
            *([], None, "", {}, ["x"], [None], {"index": 0}),
            [{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}],
            [{"index": 1, "id": "b", "function": {"name": "g", "arguments": "{"}}],
            [{"index": 0, "id": "a", "function": {"arguments": "x"}}],
            [{"index": 0, "id": None, "type": "function", "function": {}}],
            [{"index": 0, "function": {"arguments": ""}}],
            [{"index": 0, "function": {"arguments": None}}],
            [{"index": 0, "function": {"arguments": {"a": 1}}}],
            [{"index": 0, "function": {"arguments": "x", "name": "f"}}],
            [{"index": 0, "function": {"arguments": "x"}, "extra": {"y": 1}}],
            [{"index": "0", "function": {"arguments": "x"}}],
            [{"index": False, "function": {"arguments": "x"}}],
            [{"function": {"arguments": "x"}}],
            [{"index": 0, "arguments": "x"}],
            [{"index": 0, "custom": {"input": "x"}}],
            arguments("x") + arguments("y"),
        ],
    },
}
ODDITIES = [
    (place, key, value)
    for place, names in ODD.items()
    for key, values in names.items()
    for value in values
]


# What says a word in a frame.
SPEAKERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "content": lambda word: {"content": word},
    "reasoning": lambda word: {"content": None, "reasoning_content": word},
    "arguments": lambda word: {"role": "", "tool_calls": arguments(word)},
}


def off(
    word: str,
    heads: Iterable[str],
    oddity: tuple[str, str, Any] | None,
    speaker: str = "content",
) -> Any:
    """A frame of one word, and what is odd about it."""
    delta = SPEAKERS[speaker](word)
    choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": None}
    frame = {**{head: HEADS[head] for head in heads}, "choices": [choice]}
    if oddity is not None:
        place, key, value = oddity
        {"frame": frame, "choice": choice, "delta": delta}[place][key] = value
    return frame


@st.composite
def streams(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A few ordinary frames, and then some that are a little off."""
    heads = draw(st.lists(st.sampled_from([*HEADS]), unique=True))
    oddities = draw(st.lists(st.none() | st.sampled_from(ODDITIES), max_size=6))
    speaker = draw(st.sampled_from([*SPEAKERS]))
    opening = [{"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"'}}]
    frames = [off("", heads, ("delta", "tool_calls", opening))]
    for oddity in [None, None, None, *oddities, None]:
        if draw(st.integers(0, 9)) == 0:
            speaker = draw(st.sampled_from([*SPEAKERS]))
        frame = off(draw(WORDS), heads, oddity, speaker)
        if draw(st.integers(0, 9)) == 0 and isinstance(frame["choices"], list):
            frame["choices"].append({"index": 1, "delta": {"content": "x"}})
        frames.append(frame)
    return frames


def outcome(decoder: StreamDecoder, data: bytes) -> tuple[Any, ...]:
    ids = (uuid.UUID(int=number) for number in itertools.count())
    with mock.patch.object(uuid, "uuid4", side_effect=ids):
        found = feed(decoder, cut(data, 64))
    failure = decoder.failure
    assert failure is None or isinstance(failure, StreamKitError)
    return found, decoder.answer, str(failure)


TAGS = st.sampled_from([None, ("<think>", "</think>")])


@given(streams(), TAGS)
def test_the_short_way_and_the_long_way_read_the_same(
    frames: list[Any], tags: tuple[str, str] | None
) -> None:
    data = sse(*frames)
    short = outcome(StreamDecoder(reasoning_tags=tags), data)
    long = outcome(LongWay(reasoning_tags=tags), data)
    assert short == long


@pytest.mark.parametrize("oddity", ODDITIES, ids=str)
@pytest.mark.parametrize("heads", [[], [*HEADS]], ids=["few names", "many names"])
@pytest.mark.parametrize("speaker", SPEAKERS)
def test_the_short_way_leaves_what_is_odd_to_the_long_way(
    oddity: tuple[str, str, Any], heads: list[str], speaker: str
) -> None:
    odd = [None, None, None, oddity, None, oddity, None]
    frames = [off(f"{n}", heads, one, speaker) for n, one in enumerate(odd)]
    opening = [{"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"'}}]
    data = sse(off("", heads, ("delta", "tool_calls", opening)), *frames)
    assert outcome(StreamDecoder(), data) == outcome(LongWay(), data)


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_what_is_ordinary_goes_the_short_way(speaker: str) -> None:
    reader = FrameReader()
    opening = [{"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"'}}]
    frames = [off(word, HEADS, None, speaker) for word in ("a", "b", "c", "d")]
    reader.read(off("", HEADS, ("delta", "tool_calls", opening)))
    for frame in frames[:2]:
        reader.read(frame)
    said = [reader.read_plain(frame) for frame in frames[2:]]
    assert [[event.content for event in events or []] for events in said] == [
        ["c"],
        ["d"],
    ]


def test_a_server_that_invents_shapes_teaches_a_few_of_them_only() -> None:
    reader = FrameReader()
    inert = [key for key in HEADS if key not in {"id", "created"}]
    for size in range(len(inert)):
        for names in itertools.permutations(inert, size):
            reader.read(off("x", names, None))
            if len(reader._shapes) > 16:
                break
    assert len(reader._shapes) == 16


def test_ordinary_text_goes_the_short_way() -> None:
    reader = FrameReader()
    frames = [{**text(t), "usage": None} for t in ("a", "b", "c", "d")]
    assert [reader.read_plain(frame) for frame in frames] == [None] * 4
    for frame in frames[:2]:
        reader.read(frame)
    assert reader.read_plain(frames[2]) == [TextEvent("c")]
    assert reader.read_plain({**frames[3], "usage": {"total_tokens": 3}}) is None
    assert reader.read_plain({**frames[3], "new": 1}) is None
    assert reader.read_plain(frames[3]) == [TextEvent("d")]
    assert reader.answer.text == "abcd"


def test_identity_that_comes_late_is_read_by_the_short_way_too() -> None:
    late = {"id": "", "model": "", "created": 0, "system_fingerprint": None}
    frames = [{**text(t), **late} for t in ("a", "b", "c", "d", "e", "f")]
    frames[3] |= {"id": "c7", "model": "m", "created": 5}
    frames[4] |= {"system_fingerprint": "fp"}
    frames[5] |= {"id": "c8", "model": "n", "created": 6}
    got = answer(*frames)
    assert got.text == "abcdef"
    assert (got.id, got.model, got.created) == ("c7", "m", 5)
    assert got.system_fingerprint == "fp"


# ── identity, reasons, what nobody knows ────────────────────────────────────────


@pytest.mark.parametrize("value", [None, "", 0, 7, [], {}, True])
def test_an_identity_of_another_kind_is_not_taken(value: Any) -> None:
    got = answer(text("a", service_tier=value), text("b", service_tier="flex"))
    assert got.service_tier == "flex"


def test_the_first_identity_stays_and_the_last_reason_counts() -> None:
    got = answer(
        {**text("a", "tool_calls"), "id": "one"},
        {**text("b", "stop"), "id": "two"},
        {**text("c"), "id": "three"},
        {"choices": [{"index": 0, "delta": {}, "finishReason": "length"}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": ""}]},
    )
    assert (got.id, got.finish_reason, got.text) == ("one", "length", "abc")


def test_what_nobody_knows_is_kept_under_its_own_name() -> None:
    odd = text("a", provider="Groq", timings={"x": 1}, none=None, empty="", nothing={})
    odd["choices"][0]["native_finish_reason"] = "STOP"
    odd["choices"][0]["delta"]["token_id"] = 17
    assert answer(odd, text("b", provider="Other")).extras == {
        "provider": "Other",
        "timings": {"x": 1},
        "native_finish_reason": "STOP",
        "token_id": 17,
    }


@pytest.mark.parametrize("key", ["obfuscation", "p", "padding"])
def test_padding_is_dropped(key: str) -> None:
    got = answer({**text("a"), key: "xxxx"}, chunk({"content": "b", key: "yy"}))
    assert (got.text, got.extras) == ("ab", {})


# ── usage ───────────────────────────────────────────────────────────────────────

USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
ZEROS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


@pytest.mark.parametrize(
    "frames",
    [
        [text("a"), {"choices": [], "usage": USAGE}],
        [text("a", usage=None), text("b", "stop", usage=USAGE), chunk(usage=None)],
        [text("a", usage=ZEROS), {"choices": [], "usage": USAGE}, chunk(usage=ZEROS)],
        [text("a", usage={**USAGE, "completion_tokens": n}) for n in (1, 2, 4)],
        [text("a", x_groq={"id": "r", "usage": USAGE})],
        [{"choices": [{"index": 0, "delta": {"content": "a"}, "usage": USAGE}]}],
        [{"choices": [{"message": {"content": "a", "usage": USAGE}}]}],
        [chunk({"content": "a", "usage": USAGE})],
        [{"choices": [{"index": 0, "delta": {}}], "usage": USAGE}, chunk()],
    ],
)
def test_one_true_count_comes_of_all_reports(frames: list[Any]) -> None:
    assert answer(*frames).usage == USAGE


@pytest.mark.parametrize(
    "usage", [None, {}, [], "many", 7, ZEROS, {"extra_properties": {}}]
)
def test_a_report_that_says_nothing_is_no_count(usage: Any) -> None:
    assert answer(text("a", usage=usage)).usage_metadata is None


# ── content of every kind ───────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Hi", "Hi"),
        (["Hi", " you"], "Hi you"),
        ([{"type": "text", "text": "Hi"}, {"text": " you"}], "Hi you"),
        ([{"type": "output_text", "text": "Hi"}, None, 7, []], "Hi"),
        ({"type": "text", "text": "Hi"}, "Hi"),
        ({"a": [1, "é"]}, '{"a": [1, "é"]}'),
        ({"a": "\ud83d"}, '{"a": "\ufffd"}'),
        (7, "7"),
        (0, "0"),
        (1.5, "1.5"),
        (True, "true"),
        (False, "false"),
        (10**300, None),
        (None, ""),
        ("", ""),
        ([], ""),
        ({}, ""),
    ],
    ids=str,
)
def test_content_of_any_kind_is_text(content: Any, said: str | None) -> None:
    for frame in (text(content), {"choices": [{"message": {"content": content}}]}):
        got = read(sse(frame)).answer
        assert said is None or got.text == said


def test_a_number_of_any_size_is_text() -> None:
    raw = json.dumps(text("?")).replace('"?"', "[1e999, " + "9" * 400 + "]")
    assert read(sse(raw)).answer.text == ""  # a list holds parts, not text
    raw = json.dumps(text("?")).replace('"?"', '{"n": NaN, "i": ' + "9" * 400 + "}")
    assert answer(raw).text == '{"n": NaN, "i": ' + "9" * 400 + "}"


def test_a_thinking_part_is_reasoning() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
        {"type": "thinking", "thinking": " so"},
        {"type": "text", "text": "Hi"},
    ]
    assert events(text(parts)) == [
        ReasoningEvent("Hm"),
        ReasoningEvent(" so"),
        TextEvent("Hi"),
    ]
    assert answer(text({"type": "thinking", "thinking": "Hm"})).reasoning == "Hm"


def test_an_image_among_the_parts_is_an_image() -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    block = {"type": "image", "base64": "AA==", "mime_type": "image/png"}
    assert events(text([part])) == [MediaDelta(block)]
    got = answer(text([part]))
    assert got.media == [block]
    assert got.sources == []
    assert got.has_content


def test_a_part_with_an_address_is_a_source_and_no_image() -> None:
    part = {"type": "tool_reference", "title": "T", "url": "https://a.example"}
    got = answer(text([part, {"type": "text", "text": "Hi"}]))
    assert got.media == []
    assert [source.url for source in got.sources] == ["https://a.example"]
    assert got.text == "Hi"


def test_plain_completions_are_text() -> None:
    frames = [{"choices": [{"index": 0, "text": t}]} for t in ("Hi", " you")]
    assert answer(*frames).text == "Hi you"
    both = {"choices": [{"index": 0, "text": "Hi", "delta": {"content": "Hi"}}]}
    assert answer(both).text == "Hi"


def test_a_refusal_has_its_own_place() -> None:
    frames = [chunk({"refusal": t}) for t in ("I", " cannot", None, "")]
    assert events(*frames) == [RefusalDelta("I"), RefusalDelta(" cannot")]
    got = answer(*frames)
    assert (got.refusal, got.text, got.has_content) == ("I cannot", "", True)


def test_a_call_in_the_old_form_is_kept() -> None:
    pieces = [
        {"name": "f", "arguments": ""},
        {"arguments": '{"x"'},
        {"arguments": ":1}"},
    ]
    got = answer(
        *[chunk({"function_call": p}) for p in pieces], chunk({"function_call": 7})
    )
    assert got.function_call == {"name": "f", "arguments": '{"x":1}'}


@pytest.mark.parametrize(
    "tool_calls",
    [
        [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}],
        {"index": 0, "id": "a", "function": {"name": "f", "arguments": {}}},
        [None, 7, "x", [], {"id": "a", "function": {"name": "f", "arguments": "{}"}}],
    ],
)
def test_calls_are_a_list_or_one_object(tool_calls: Any) -> None:
    (call,) = answer(chunk({"tool_calls": tool_calls})).tool_calls
    assert (call.id, call.name, call.arguments) == ("a", "f", {})


@pytest.mark.parametrize("nothing", [None, [], "", 7, "none", {}])
def test_no_calls_are_no_calls(nothing: Any) -> None:
    got = answer(
        chunk({"content": "Hi", "tool_calls": nothing, "function_call": nothing})
    )
    assert (got.tool_calls, got.function_call, got.text) == ([], {}, "Hi")


# ── the order of one frame ──────────────────────────────────────────────────────


def test_a_frame_that_holds_everything_is_read_in_order() -> None:
    frame = chunk(
        {
            "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}],
            "refusal": "no",
            "content": "Hi",
            "reasoning": "Hm",
            "audio": {"id": "x", "data": "AA=="},
        },
        "stop",
    )
    kinds = [type(event).__name__ for event in events(frame)]
    assert kinds == [
        *("ReasoningEvent", "TextEvent", "RefusalDelta", "MediaDelta"),
        *("ToolCallDeltaEvent", "ToolCallDeltaEvent"),
    ]


def test_inline_reasoning_is_told_from_text_where_it_is_wanted() -> None:
    frames = [text(t) for t in ("<th", "ink>Hm", "</thi", "nk>Hi")]
    assert answer(*frames).text == "<think>Hm</think>Hi"
    tags = ("<think>", "</think>")
    assert events(*frames, reasoning_tags=tags) == [
        ReasoningEvent("Hm"),
        TextEvent("Hi"),
    ]


# ── log probabilities ───────────────────────────────────────────────────────────


def scored(content: str, *tokens: str) -> dict[str, Any]:
    frame = text(content)
    scores = [{"token": token, "logprob": -0.1} for token in tokens]
    frame["choices"][0]["logprobs"] = {"content": scores, "refusal": None}
    return frame


def test_scores_stand_on_the_text_that_they_belong_to() -> None:
    frames = [scored("Hi", "H", "i"), scored(" you", " you"), text("!")]
    first, second, third = events(*frames)
    assert isinstance(first, ScoredTextEvent)
    assert isinstance(second, ScoredTextEvent)
    assert [score["token"] for score in first.logprobs["content"]] == ["H", "i"]
    assert (first.content, second.content, third) == ("Hi", " you", TextEvent("!"))
    got = answer(*frames)
    assert [score["token"] for score in got.logprobs["content"]] == ["H", "i", " you"]


@pytest.mark.parametrize(
    "logprobs", [None, {}, [], {"content": []}, {"content": None}, 7]
)
def test_no_scores_are_none(logprobs: Any) -> None:
    frame = text("Hi")
    frame["choices"][0]["logprobs"] = logprobs
    assert events(frame) == [TextEvent("Hi")]


# ── several choices ─────────────────────────────────────────────────────────────


def test_the_first_choice_is_read_and_the_others_are_not() -> None:
    frames = [
        {
            "choices": [
                {"index": 1, "delta": {"content": "x"}, "finish_reason": "length"}
            ]
        },
        {"choices": [{"index": 0, "delta": {"content": "a"}}]},
        {
            "choices": [
                {"index": 1, "delta": {}},
                {"index": 0, "delta": {"content": "b"}},
            ]
        },
        {"choices": [{"delta": {"content": "c"}}, {"delta": {"content": "y"}}]},
        {"choices": [None, 7, {"index": 0, "delta": {"content": "d"}}]},
        {"choices": [{"index": 2, "error": "boom"}]},
        {"choices": {"0": 1}},
        {"choices": "ab"},
    ]
    got = answer(*frames)
    assert (got.text, got.finish_reason) == ("abcd", None)


def test_choices_without_indices_are_known_by_their_place() -> None:
    body = {"choices": [{"message": {"content": t}} for t in ("a", "b")]}
    for choice in (0, 1):
        reader = FrameReader(choice=choice)
        reader.read(body)
        assert reader.answer.text == "ab"[choice]


# ── a whole message that ends a stream ──────────────────────────────────────────


def ending(**message: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": ""}, "message": message}
    return {"choices": [{**choice, "finish_reason": "stop"}]}


CALL = {"id": "a", "function": {"name": "f", "arguments": '{"x": 1}'}}


def test_a_whole_message_that_repeats_the_stream_adds_nothing() -> None:
    said = [text("Hi"), text(" you"), chunk({"reasoning": "Hm"}), calls(CALL)]
    said += [chunk({"refusal": "no"}), chunk({"images": [{"image_url": {"url": "x"}}]})]
    whole = ending(
        content="Hi you",
        reasoning="Hm",
        tool_calls=[CALL],
        refusal="no",
        images=[{"image_url": {"url": "x"}}],
        role="assistant",
    )
    got, before = answer(*said, whole), answer(*said)
    before.finish_reason = "stop"
    assert got == before


def test_a_whole_message_adds_what_the_stream_left_out() -> None:
    whole = ending(
        content="Hi you, friend",
        reasoning_content="Hm",
        tool_calls=[CALL],
        annotations=[
            {"type": "url_citation", "url_citation": {"url": "https://a.example"}}
        ],
    )
    got = answer(text("Hi"), text(" you"), whole)
    assert (got.text, got.reasoning) == ("Hi you, friend", "Hm")
    assert [call.arguments for call in got.tool_calls] == [{"x": 1}]
    assert [source.url for source in got.sources] == ["https://a.example"]


def test_a_whole_message_of_other_words_is_not_said_twice() -> None:
    assert (
        answer(text("Hi"), text(" you"), ending(content="Hello you")).text == "Hi you"
    )
    assert answer(text("Hi"), text(" you"), ending(content=["Hi you"])).text == "Hi you"
    assert answer(text("Hi"), text(" you"), ending(content=None)).text == "Hi you"


def test_a_message_in_every_frame_repeats_the_deltas() -> None:
    words = ["Hi", " you", ", how", " are", " you?"]
    frames = []
    for n, word in enumerate(words, start=1):
        frame = text(word)
        frame["choices"][0]["message"] = {"content": "".join(words[:n])}
        frames.append(frame)
    assert answer(*frames).text == "Hi you, how are you?"


def test_a_whole_text_that_ends_the_stream_once_more_is_dropped() -> None:
    frames = [text("Hello there,"), text(" how are"), text(" you?")]
    assert answer(*frames, text("Hello there, how are you?", "stop")).text == (
        "Hello there, how are you?"
    )


def test_a_server_that_sends_totals_says_everything_once() -> None:
    whole = "Hello there, how are you today?"
    frames = [text(whole[:end]) for end in range(5, len(whole) + 5, 5)]
    assert answer(*frames).text == whole
    frames = [chunk({"reasoning": whole[:end]}) for end in range(5, len(whole) + 5, 5)]
    assert answer(*frames).reasoning == whole


def test_a_call_of_the_old_form_may_have_its_arguments_as_an_object() -> None:
    call = {"name": "f", "arguments": {"x": 1}}
    got = answer(chunk({"function_call": call}, "function_call"))
    assert got.function_call == {"name": "f", "arguments": '{"x": 1}'}


@pytest.mark.parametrize(
    "part",
    [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]},
        {"type": "reasoning", "text": "Hm"},
        {"type": "reasoning", "content": [{"type": "text", "text": "Hm"}]},
        {"type": "reasoning_content", "reasoning_content": {"text": "Hm"}},
    ],
    ids=["databricks", "text", "content", "bedrock"],
)
def test_a_reasoning_part_is_reasoning(part: dict[str, Any]) -> None:
    parts = [part, {"type": "text", "text": "Hi"}]
    assert events(text(parts)) == [ReasoningEvent("Hm"), TextEvent("Hi")]


def test_a_refusal_may_be_a_part_of_the_content() -> None:
    assert answer(text([{"type": "refusal", "refusal": "No."}])).refusal == "No."
