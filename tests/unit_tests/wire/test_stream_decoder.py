"""The bytes of a response become events and one answer, or one error."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import re
from time import process_time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit._wire.deltas import AnswerEnd
from langchain_streamkit._wire.stream_decoder import StreamDecoder
from langchain_streamkit.errors import (
    ContextLengthError,
    ProtocolError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
    StreamLimitError,
)
from langchain_streamkit.events import (
    ReasoningEvent,
    StreamEvent,
    TextEvent,
    ToolCallDeltaEvent,
)
from tests.unit_tests.wire.decoding import (
    DONE,
    calls,
    chunk,
    cut,
    feed,
    read,
    sse,
    text,
)
from tests.unit_tests.wire.shared_files import Recording, recordings

if TYPE_CHECKING:
    from langchain_streamkit._wire.answer import Answer

# ── recorded streams ────────────────────────────────────────────────────────────

MADE_ID = re.compile("call_[0-9a-f]{32}")
CUSTOM_TOOL = "openai/tool_call-gpt-5-02"  # its input is no JSON: an invalid call


def digest(written: str) -> str:
    return hashlib.sha256(written.encode()).hexdigest()


def splits(data: bytes, name: str) -> list[list[bytes]]:
    """Whole, a frame a read, anywhere, and a byte a read."""
    frames = [block + b"\n\n" for block in data.split(b"\n\n")]
    frames[-1] = frames[-1][:-2]
    choose = random.Random(name)
    places = sorted(choose.choices(range(len(data) + 1), k=len(data) // 40))
    ends = [0, *places, len(data)]
    parts = [data[a:b] for a, b in itertools.pairwise(ends)]
    return [[data], frames, parts, cut(data, 1)]


@pytest.mark.parametrize("recording", recordings(".sse"))
def test_a_recording_gives_what_it_holds(recording: Recording) -> None:
    decoder = StreamDecoder()
    feed(decoder, [recording.data])
    expected = recording.expected
    if expected.get("errors"):
        assert isinstance(decoder.failure, Exception)
    else:
        assert decoder.failure is None
    assert_answer(decoder.answer, expected, recording.name)


@pytest.mark.parametrize("recording", recordings(".sse"))
def test_a_recording_reads_the_same_however_it_is_split(recording: Recording) -> None:
    results = []
    for chunks in splits(recording.data, recording.name):
        decoder = StreamDecoder()
        events = without_made_ids(feed(decoder, chunks))
        results.append((events, type(decoder.failure), decoder.is_done))
        assert_events_are_the_answer(events, decoder.answer)
    assert all(result == results[0] for result in results[1:])


def assert_answer(answer: Answer, expected: dict[str, Any], name: str) -> None:
    assert digest(answer.text) == expected["text_sha256"]
    assert digest(answer.reasoning) == expected["reasoning_sha256"]
    assert answer.finish_reason == expected["finish_reason"]
    assert answer.usage == expected["usage"]
    assert len(answer.tool_calls) == len(expected["tool_calls"])
    for call, wanted in zip(answer.tool_calls, expected["tool_calls"], strict=True):
        assert call.id == wanted["id"] or not wanted["id"]
        assert call.name == (
            wanted["name"] or ("math_exp" if name == CUSTOM_TOOL else "")
        )
        assert call.arguments == wanted_arguments(wanted, expected["finish_reason"])
        assert (call.error is None) is (call.arguments is not None)


def wanted_arguments(wanted: dict[str, Any], finish_reason: str | None) -> Any:
    is_empty = wanted["args_raw_sha256"] == digest("") and wanted["name"]
    if is_empty:  # no arguments, unless the answer was cut before them
        return None if finish_reason == "length" else {}
    return wanted["args"] if wanted["args_json_ok"] else None


def assert_events_are_the_answer(events: list[StreamEvent], answer: Answer) -> None:
    for kind, said in ((TextEvent, answer.text), (ReasoningEvent, answer.reasoning)):
        assert "".join(e.content for e in events if isinstance(e, kind)) == said
    for call in answer.tool_calls:
        pieces = [
            event
            for event in events
            if isinstance(event, ToolCallDeltaEvent) and event.index == call.index
        ]
        assert "".join(piece.args for piece in pieces) == call.args
        (call_id,) = [piece.id for piece in pieces if piece.id]
        assert call_id == ("made" if MADE_ID.fullmatch(call.id) else call.id)
        assert [piece.name for piece in pieces if piece.name] == [call.name]


def without_made_ids(events: list[StreamEvent]) -> list[StreamEvent]:
    """Ids that we make differ from run to run."""
    for event in events:
        if isinstance(event, ToolCallDeltaEvent) and event.id:
            event.id = "made" if MADE_ID.fullmatch(event.id) else event.id
    return events


# ── the end ─────────────────────────────────────────────────────────────────────


def test_an_answer_ends_with_its_end() -> None:
    decoder = StreamDecoder()
    assert decoder.feed(sse(text("Hi"), chunk(finish="stop"))) == [TextEvent("Hi")]
    assert decoder.is_done
    (end,) = decoder.close()
    assert isinstance(end, AnswerEnd)
    assert end.answer is decoder.answer
    assert (end.answer.text, end.answer.finish_reason) == ("Hi", "stop")


@pytest.mark.parametrize("mark", ["[DONE]", " [DONE]  ", "[DONE]\t"])
@pytest.mark.parametrize("form", ["data: {}\n\n", "data:{}\n\n", "data: {}\r\n\r\n"])
@pytest.mark.parametrize("size", [0, 1])
def test_done_ends_an_answer_that_names_no_reason(
    mark: str, form: str, size: int
) -> None:
    decoder = read(sse(text("Hi"), end=form.format(mark).encode()), size)
    assert decoder.failure is None
    assert (decoder.answer.text, decoder.answer.finish_reason) == ("Hi", None)


@pytest.mark.parametrize("tail", [b"data: [DONE]", b"data: [DONE]\n", b"data:[DONE]\r"])
def test_done_without_its_blank_line_ends_an_answer(tail: bytes) -> None:
    decoder = read(sse(text("Hi"), end=tail))
    assert decoder.failure is None
    assert decoder.is_done


def test_a_reason_without_done_ends_an_answer() -> None:
    assert read(sse(text("Hi"), chunk(finish="stop"), end=b"")).failure is None


def test_what_follows_done_is_not_looked_at() -> None:
    after = (
        b'data: {"choices":[],"cost":"0"}\n\ndata: {broken\n\ndata: {"error":"x"}\n\n'
    )
    for size in (0, 1):
        decoder = StreamDecoder()
        events = feed(decoder, cut(sse(text("Hi")) + after, size or 10**6))
        assert events == [TextEvent("Hi")]
        assert decoder.failure is None
        assert decoder.answer.extras == {}


def test_a_whole_frame_without_its_blank_line_counts() -> None:
    unfinished = b"data: " + json.dumps(text(" you", "stop")).encode()
    decoder = read(sse(text("Hi"), end=unfinished))
    assert decoder.failure is None
    assert decoder.answer.text == "Hi you"


@pytest.mark.parametrize("ended", [False, True], ids=["open", "after a reason"])
@pytest.mark.parametrize("half", [b'data: {"choices":[{"del', b"data: [DON"])
def test_half_a_frame_at_the_end_is_a_cut(half: bytes, *, ended: bool) -> None:
    decoder = read(sse(text("Hi", "stop" if ended else None), end=half))
    assert isinstance(decoder.failure, StreamInterruptedError)
    assert decoder.answer.text == "Hi"
    assert decoder.answer.finish_reason is None


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([text("Hi")], "in the middle of its answer"),
        ([chunk({"role": "assistant"})], "before any content"),
        ([], "before any content"),
    ],
)
def test_neither_done_nor_a_reason_is_a_cut(frames: list[Any], words: str) -> None:
    data = b": ping\n\n" + sse(*frames, end=b"")
    for size in (0, 1):
        decoder = read(data, size)
        assert isinstance(decoder.failure, StreamInterruptedError)
        assert words in str(decoder.failure)
        assert not decoder.is_done


def test_odd_lines_beside_frames_do_not_make_plain_text_of_a_stream() -> None:
    decoder = read(sse(chunk({"role": "assistant"}), end=b"oops\n"))
    assert isinstance(decoder.failure, StreamInterruptedError)


def test_a_reason_of_null_in_words_is_none() -> None:
    frames = [text("Hi", "null"), text(" you", "null")]
    assert isinstance(read(sse(*frames, end=b"")).failure, StreamInterruptedError)


# ── blocks that are no frames ───────────────────────────────────────────────────


@pytest.mark.parametrize(
    "block",
    [
        *(b": ping\n\n", b"event: ping\ndata: {}\n\n", b"data:\n\n", b"data:  \n\n"),
        *(
            b"retry: 3\n\n",
            b"id: 5\n\n",
            b"event: x\n\n",
            b"data: 5\n\n",
            b"data: null\n\n",
        ),
        *(b"data: []\n\n", b'data: "ping"\n\n', b"foo: bar\n\n", b"\n\n\n"),
    ],
)
def test_a_block_that_is_no_frame_says_nothing(block: bytes) -> None:
    frames = [text("Hi"), text(" you"), text(" two")]
    plain = read(sse(*frames))
    for size in (0, 1):
        spread = block + block.join(sse(frame, end=b"") for frame in frames) + block
        decoder = read(spread + DONE, size)
        assert decoder.failure is None
        assert decoder.answer == plain.answer


def test_line_ends_and_a_byte_order_mark_make_no_difference() -> None:
    data = sse(text("a"), text("b"), text("c", "stop"))
    for end in (b"\n", b"\r", b"\r\n"):
        for mark in (b"", b"\xef\xbb\xbf"):
            for size in (0, 1, 3):
                decoder = read(mark + data.replace(b"\n", end), size)
                assert decoder.failure is None
                assert decoder.answer.text == "abc"


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085", "\x1e"])
def test_separators_of_lines_survive_in_text(separator: str) -> None:
    raw = json.dumps(text(f"a{separator}b"), ensure_ascii=False).encode()
    assert read(sse(raw)).answer.text == f"a{separator}b"


# ── odd values ──────────────────────────────────────────────────────────────────

PLAIN = [text("a"), text("b"), text("c")]  # after these, text is read the short way


@pytest.mark.parametrize("before", [[], PLAIN], ids=["at once", "later"])
@pytest.mark.parametrize("field", ["content", "reasoning_content"])
def test_halves_of_a_character_in_two_frames_become_one(
    before: list[Any], field: str
) -> None:
    frames = [chunk({field: half}) for half in ("x\ud83d", "\udc4b!", "y")]
    decoder = read(sse(*before, *frames))
    answer = decoder.answer
    assert answer.text + answer.reasoning == "abc" * bool(before) + "x👋!y"


@pytest.mark.parametrize("before", [[], PLAIN], ids=["at once", "later"])
def test_half_a_character_that_stays_alone_becomes_a_mark(before: list[Any]) -> None:
    decoder = read(
        sse(*before, text("x\ud83d"), text("y"), text("\udc4b"), text("\ud83d"))
    )
    assert decoder.answer.text == "abc" * bool(before) + "x\ufffdy\ufffd\ufffd"


def test_bytes_that_are_no_utf_8_become_a_mark() -> None:
    raw = json.dumps(text("a?b")).encode().replace(b"?", b"\xff\xfe")
    for before in ([], PLAIN):
        assert read(sse(*before, raw)).answer.text.endswith("a\ufffd\ufffdb")


@pytest.mark.parametrize(
    "value", ["NaN", "-Infinity", "1e999", "1" * 400, "-1", "1.5", "null", "[]", "{}"]
)
def test_odd_numbers_do_no_harm(value: str) -> None:
    for place in ("created", "odd"):
        raw = json.dumps(text("Hi")).replace('{"id"', f'{{"{place}": {value}, "id"')
        assert read(sse(raw)).answer.text == "Hi"
    usage = {"prompt_tokens": "?", "completion_tokens": 4, "total_tokens": "?"}
    raw = json.dumps(text("Hi", usage=usage)).replace('"?"', value)
    decoder = read(sse(raw))
    assert decoder.failure is None
    counts = decoder.answer.usage_metadata
    assert counts is not None
    assert counts["output_tokens"] == 4
    assert counts["input_tokens"] >= 0


@pytest.mark.parametrize("size", [5000, 100_000])
def test_a_number_that_python_does_not_convert_is_a_broken_frame(size: int) -> None:
    decoder = read(sse(text("Hi"), '{"a": ' + "1" * size + "}"))
    assert isinstance(decoder.failure, ProtocolError)
    assert decoder.answer.text == "Hi"


@pytest.mark.parametrize("depth", [300, 900, 100_000])
@pytest.mark.parametrize("field", ["content", "odd", "tool_calls", "sources"])
def test_deep_nesting_is_a_broken_frame(depth: int, field: str) -> None:
    deep = "[" * depth + "]" * depth
    raw = json.dumps(chunk({field: "?"})).replace('"?"', deep)
    decoder = read(sse(text("Hi"), raw))
    assert isinstance(decoder.failure, ProtocolError)


def test_brackets_in_a_string_are_text() -> None:
    brackets = "[{" * 3000
    for half in ("", "\ud83d"):
        assert read(sse(text(brackets + half))).answer.text.startswith(brackets)


@pytest.mark.parametrize("depth", [50, 100])
def test_ordinary_nesting_is_read(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    raw = json.dumps(text("Hi", odd="?")).replace('"?"', deep)
    assert read(sse(raw)).answer.text == "Hi"


# ── errors inside a stream ──────────────────────────────────────────────────────


def error_frame(**more: Any) -> dict[str, Any]:
    return {"error": {"message": "boom", "code": 502}, **more}


ERRORS: dict[str, tuple[bytes, str]] = {
    "object": (sse(error_frame()), "boom"),
    "string": (sse({"error": "boom"}), "boom"),
    "list": (sse([error_frame()]), "boom"),
    "list of strings": (sse({"error": ["boom", "bang"]}), "boom"),
    "beside an empty choice": (sse(chunk({"content": ""}, **error_frame())), "boom"),
    "beside a reason": (sse(chunk(finish="error", **error_frame())), "boom"),
    "typed": (
        sse({"type": "error", "error": {"type": "x", "message": "boom"}}),
        "boom",
    ),
    "typed flat": (sse({"type": "error", "message": "boom"}), "boom"),
    "old vllm": (sse({"object": "error", "message": "boom", "code": 400}), "boom"),
    "flat": (sse({"code": "E1", "message": "boom"}), "boom"),
    "detail": (sse({"detail": "boom"}), "boom"),
    "baidu": (sse({"error_code": 336003, "error_msg": "boom"}), "boom (336003)"),
    "zhipu": (sse({"code": 1302, "msg": "boom"}), "boom (1302)"),
    "aws": (sse({"__type": "SomeException", "message": "boom"}), "boom"),
    "a state": (sse({"status": "error", "message": "boom"}), "boom"),
    "no success": (sse({"success": False, "message": "boom"}), "boom"),
    "a gateway's": (sse({"fault": {"faultstring": "boom"}}), "boom"),
    "without a field": (b'{"error": {"message": "boom"}}\n\n' + DONE, "boom"),
    "detail in a list": (
        sse({"detail": [{"loc": ["a", 0], "msg": "boom"}]}),
        "a.0: boom",
    ),
    "cloudflare": (sse({"success": False, "errors": [{"message": "boom"}]}), "boom"),
    "minimax": (
        sse({"base_resp": {"status_code": 1004, "status_msg": "boom"}}),
        "boom",
    ),
    "groq": (sse(chunk(x_groq={"error": "boom"})), "boom"),
    "in the choice": (
        sse({"choices": [{"index": 0, "error": {"message": "boom"}}]}),
        "boom",
    ),
    "a reason alone": (sse(chunk(finish="error")), "finish_reason 'error'"),
    "an event": (b'event: error\ndata: {"message":"boom"}\n\n', "boom"),
    "an event of text": (b"event: error\ndata: boom\n\n", "boom"),
    "an event of a string": (b'event: error\ndata: "boom"\n\n', "boom"),
    "an event of a list": (b'event: error\ndata: [{"error":"boom"}]\n\n', "boom"),
    "an event of nothing": (b"event: error\ndata: {}\n\n", "no text"),
    "a field": (b'error: {"code":400,"message":"boom"}\n\n' + DONE, "boom"),
    "a field of text": (b"error: boom\n\n" + DONE, "boom"),
}


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize(("data", "words"), ERRORS.values(), ids=ERRORS)
def test_every_shape_of_error_is_one_and_what_came_before_it_counts(
    data: bytes, words: str, size: int
) -> None:
    decoder = StreamDecoder(where="Here")
    stream = sse(text("Hi"), text(" you"), end=data + sse(text("more")))
    events = feed(decoder, cut(stream, size or len(stream)))
    assert events == [TextEvent("Hi"), TextEvent(" you")]
    assert isinstance(decoder.failure, ServerError | RateLimitError) or "400" in str(
        data
    )
    assert str(decoder.failure).startswith("Here ")
    assert words in str(decoder.failure)
    assert not decoder.is_done


@pytest.mark.parametrize(("data", "words"), ERRORS.values(), ids=ERRORS)
def test_an_error_alone_is_one_too(data: bytes, words: str) -> None:
    decoder = read(data)
    assert words in str(decoder.failure)
    assert not decoder.answer.has_content


def test_content_in_the_frame_of_an_error_counts() -> None:
    decoder = read(sse(text("Hi"), text(" you", **error_frame())))
    assert decoder.answer.text == "Hi you"
    assert "boom" in str(decoder.failure)


def test_content_of_an_error_event_is_read_once() -> None:
    frame = json.dumps(text("d")).encode()
    decoder = read(sse(*PLAIN, end=b"event: error\ndata: " + frame + b"\n\n"))
    assert decoder.answer.text == "abcd"
    assert isinstance(decoder.failure, ServerError)


@pytest.mark.parametrize(
    "more",
    [
        *(
            {"error": None},
            {"error": {}},
            {"error": ""},
            {"error": False},
            {"error": []},
        ),
        {"error": {"message": "", "type": "", "param": None, "code": 0}},
        *(
            {"code": None},
            {"code": 0, "message": "ok"},
            {"message": "fine"},
            {"detail": "x"},
        ),
        *({"base_resp": {"status_code": 0, "status_msg": ""}}, {"base_resp": None}),
        *({"base_resp": {"status_code": "0"}}, {"x_groq": {"id": "r", "error": None}}),
        *({"errors": []}, {"object": "chat.completion.chunk"}, {"type": "chunk"}),
    ],
    ids=str,
)
def test_a_field_that_could_be_an_error_and_is_none(more: dict[str, Any]) -> None:
    decoder = read(
        sse(text("Hi", **more), text(" you", **more), chunk(finish="stop", **more))
    )
    assert decoder.failure is None
    assert decoder.answer.text == "Hi you"


def test_the_error_of_another_choice_is_not_ours() -> None:
    other = {"choices": [{"index": 1, "error": {"message": "boom"}}]}
    decoder = read(sse(text("Hi"), other, text(" you", "stop")))
    assert decoder.failure is None
    assert decoder.answer.text == "Hi you"


def test_an_error_frame_says_its_class_by_code_or_words() -> None:
    rate = read(sse({"error": {"message": "slow down", "code": 429}}))
    assert isinstance(rate.failure, RateLimitError)
    long = read(sse({"error": {"message": "This model's maximum context length is 8"}}))
    assert isinstance(long.failure, ContextLengthError)


@pytest.mark.parametrize(
    "broken", [b"{broken", b"ping", b'{"a":1}{"b":2}', b"{'a': 1}"]
)
def test_a_broken_frame_is_an_error_that_shows_it(broken: bytes) -> None:
    decoder = read(sse(text("Hi"), broken, text("more")))
    assert isinstance(decoder.failure, ProtocolError)
    assert decoder.failure.body == broken.decode()
    assert decoder.answer.text == "Hi"


def test_nothing_is_read_after_a_failure() -> None:
    decoder = StreamDecoder()
    decoder.feed(sse(error_frame(), end=b""))
    assert decoder.feed(sse(text("Hi"))) == []
    assert decoder.close() == []
    assert "boom" in str(decoder.failure)


# ── a body that is no stream ────────────────────────────────────────────────────

WHOLE = {
    "id": "c1",
    "choices": [{"message": {"content": "Hi you"}, "finish_reason": "stop"}],
}


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize(
    "around", ["{}", "\ufeff{}", "\n\r\n  {}\n", "[{}]", "\ufeff \n{}"]
)
def test_a_whole_body_in_place_of_a_stream_is_an_answer(around: str, size: int) -> None:
    decoder = StreamDecoder()
    data = around.replace("{}", json.dumps(WHOLE)).encode()
    events = feed(decoder, cut(data, size or len(data)))
    assert decoder.failure is None
    assert events == [TextEvent("Hi you")]
    assert decoder.answer.finish_reason == "stop"


def test_a_whole_body_ends_where_its_json_does() -> None:
    decoder = read(json.dumps({"choices": [{"message": {"content": "Hi"}}]}).encode())
    assert decoder.failure is None
    assert decoder.answer.text == "Hi"


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_frames_one_a_line_are_read(end: str, size: int) -> None:
    frames = [text("Hi"), text(" you"), chunk(finish="stop")]
    data = "".join(json.dumps(frame) + end for frame in frames).encode()
    decoder = read(data, size)
    assert decoder.failure is None
    assert decoder.answer.text == "Hi you"
    assert read(data + b"[DONE]\n").failure is None


@pytest.mark.parametrize("tail", [b"", b'{"choices":[{"del'], ids=["whole", "half"])
def test_frames_one_a_line_that_stop_are_a_cut(tail: bytes) -> None:
    lines = b"".join(json.dumps(text(t)).encode() + b"\n" for t in ("Hi", " you"))
    decoder = read(lines + tail)
    assert isinstance(decoder.failure, StreamInterruptedError)
    assert decoder.answer.text == "Hi you"


def test_half_a_line_after_a_reason_is_a_cut_too() -> None:
    lines = json.dumps(text("Hi", "stop")).encode() + b'\n{"usage":{"prom'
    decoder = read(lines)
    assert isinstance(decoder.failure, StreamInterruptedError)
    assert decoder.answer.finish_reason is None


def test_a_broken_line_among_others_is_an_error() -> None:
    good = json.dumps(text("Hi")).encode()
    decoder = read(b"\n".join([good, b'{"choices":[{"del', good]))
    assert isinstance(decoder.failure, ProtocolError)
    assert decoder.answer.text == "Hi"


def test_an_error_among_frames_one_a_line_is_one() -> None:
    lines = b"\n".join(json.dumps(f).encode() for f in (text("Hi"), error_frame()))
    decoder = read(lines)
    assert "boom" in str(decoder.failure)
    assert decoder.answer.text == "Hi"


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize(
    "body", [b"", b"\n \r\n\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n"]
)
def test_an_empty_body_is_an_error_that_says_so(body: bytes, size: int) -> None:
    decoder = read(body, size)
    assert isinstance(decoder.failure, ProtocolError)
    assert "empty body" in str(decoder.failure)


def test_a_page_is_an_error_that_says_so_without_its_tags() -> None:
    page = b"<!DOCTYPE html><html><script>x()</script><h1>Sign&nbsp;in</h1>" + b"<" * 99
    decoder = read(b"\n" + page)
    assert isinstance(decoder.failure, ProtocolError)
    assert "HTML page: Sign&nbsp;in" in str(decoder.failure)
    assert "base_url" in str(decoder.failure)
    assert "x()" not in str(decoder.failure)


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize(
    "body", [b"Internal Server Error", b"upstream timed out\nretry later\n", b'"no"']
)
def test_plain_text_is_an_error_that_shows_it(body: bytes, size: int) -> None:
    decoder = read(body, size)
    assert isinstance(decoder.failure, ProtocolError)
    assert "neither JSON nor a stream" in str(decoder.failure)
    assert body.decode().splitlines()[0] in str(decoder.failure)


@pytest.mark.parametrize("body", [b'{"choices":[{"mess', b"[oops", b'{"a":1} trailing'])
def test_a_broken_body_is_an_error_that_says_so(body: bytes) -> None:
    decoder = read(body)
    assert isinstance(decoder.failure, ProtocolError)
    assert "broken, or was cut" in str(decoder.failure)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"id": "c1", "choices": []}, "no choices, but id, choices"),
        (
            {"model": "m", "message": {"content": "Hi"}},
            "no choices, but model, message",
        ),
        ([], "no choices"),
        ({"message": "boom"}, "boom"),
        ({"error": "boom"}, "boom"),
        ([{"error": {"message": "boom"}}], "boom"),
    ],
)
def test_a_body_without_choices_is_an_error(body: Any, words: str) -> None:
    assert words in str(read(json.dumps(body).encode()).failure)


# ── bounds ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [0, 1, 100])
def test_an_event_that_is_too_large_ends_the_stream_after_the_good_ones(
    size: int,
) -> None:
    data = sse(text("Hi"), text("x" * 5000), text("more"))
    decoder = read(data, size, max_event_bytes=1000)
    assert isinstance(decoder.failure, StreamLimitError)
    assert "max_event_bytes" in str(decoder.failure)
    assert decoder.answer.text == "Hi"


@pytest.mark.parametrize("size", [0, 1, 100])
def test_a_response_that_is_too_large_ends_where_the_bound_is(size: int) -> None:
    data = sse(text("Hi"), text(" you"), *[text("x")] * 100)
    decoder = read(data, size, max_response_bytes=len(sse(text("Hi"), text(" you"))))
    assert isinstance(decoder.failure, StreamLimitError)
    assert "max_response_bytes" in str(decoder.failure)
    assert decoder.answer.text == "Hi you"


def test_a_response_just_as_large_as_it_may_be_is_whole() -> None:
    data = sse(text("Hi", "stop"))
    for size in (0, 1):
        assert read(data, size, max_response_bytes=len(data)).failure is None
        assert read(data + b": bye", size, max_response_bytes=len(data)).failure is None


@pytest.mark.parametrize("byte", [b"{", b"<", b" ", b"["])
def test_a_body_that_is_no_stream_is_bounded(byte: bytes) -> None:
    for size in (1, 100):
        decoder = StreamDecoder(max_event_bytes=1000)
        for _ in range(2000 // size):
            decoder.feed(byte * size)
        assert isinstance(decoder.failure, StreamLimitError)


def test_too_many_tool_calls_end_the_stream() -> None:
    pieces = [
        {"index": n, "id": f"c{n}", "function": {"name": "f"}} for n in range(300)
    ]
    decoder = read(sse(text("Hi"), *map(calls, pieces)))
    assert isinstance(decoder.failure, StreamLimitError)
    assert decoder.answer.text == "Hi"
    assert len(decoder.answer.tool_calls) == 256


# ── cost ────────────────────────────────────────────────────────────────────────


def seconds(data: bytes, size: int) -> float:
    start = process_time()
    read(data, size)
    return process_time() - start


@pytest.mark.parametrize("size", [1, 65536])
@pytest.mark.parametrize("kind", ["frames", "one frame", "body", "blank", "page"])
def test_time_grows_with_the_length_of_the_response_only(kind: str, size: int) -> None:
    few, many = (_long(kind, n) for n in (1, 10))
    one = min(seconds(few, size) for _ in range(3))
    assert seconds(many, size) < 40 * one + 0.01  # quadratic time would be 100 times


def _long(kind: str, times: int) -> bytes:
    length = 30_000 * times
    if kind == "frames":
        return sse(*[text("word ")] * (length // 100))
    if kind == "one frame":
        return sse(text("x" * length))
    if kind == "body":
        return json.dumps(
            {"choices": [{"message": {"content": "x" * length}}]}
        ).encode()
    return (b" " if kind == "blank" else b"<") * length


# ── anything at all ─────────────────────────────────────────────────────────────

NAMES = st.sampled_from(
    [
        *(
            "id",
            "index",
            "type",
            "name",
            "content",
            "text",
            "message",
            "delta",
            "error",
        ),
        *(
            "code",
            "detail",
            "tool_calls",
            "function",
            "arguments",
            "reasoning",
            "usage",
        ),
        *("reasoning_details", "choices", "finish_reason", "logprobs", "annotations"),
        *(
            "citations",
            "url",
            "audio",
            "images",
            "image_url",
            "prompt_tokens",
            "x_groq",
        ),
        *("function_call", "refusal", "context", "executed_tools", "search_results"),
        *("base_resp", "errors", "input", "custom", "score", "start_index", "created"),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=6)
FRAMES = st.one_of(
    JSON,
    OBJECTS,
    st.builds(chunk, OBJECTS),
    st.builds(lambda choice: {"choices": [choice]}, OBJECTS),
    st.builds(lambda message: {"choices": [{"message": message}]}, OBJECTS),
    st.builds(lambda piece: calls(piece, piece), OBJECTS),
)


@given(st.lists(FRAMES, max_size=4), st.booleans(), st.sampled_from([0, 1, 13]))
def test_whatever_json_a_server_sends_becomes_events_or_a_typed_error(
    frames: list[Any], whole: bool, size: int
) -> None:
    data = json.dumps(frames[0]).encode() if whole and frames else sse(*frames)
    decoder = StreamDecoder(reasoning_tags=("<think>", "</think>"))
    events = feed(decoder, cut(data, size or len(data)))
    answer = decoder.answer
    (answer.text + answer.reasoning + answer.refusal).encode()
    assert decoder.is_done is (decoder.failure is None)
    assert answer.text == "".join(e.content for e in events if isinstance(e, TextEvent))


@given(
    st.binary(max_size=200)
    | st.text('{}[]"<data:\n\r 1,error', max_size=60).map(str.encode)
)
def test_whatever_bytes_a_server_sends_become_events_or_a_typed_error(
    data: bytes,
) -> None:
    results = []
    for size in (len(data) or 1, 1, 7):
        decoder = StreamDecoder()
        events = feed(decoder, cut(data, size))
        results.append((events, type(decoder.failure), str(decoder.failure)))
    assert results[0] == results[1] == results[2]


# ── choices by other indices, and answers that say nothing ──────────────────────


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize(
    "indices",
    [[1, 1, 1], ["0", "0", "0"], [0.0, 0.0, 0.0], [None, None, None], [1, 2, 3]],
    ids=["from 1", "text", "a float", "null", "a count of tokens"],
)
def test_an_only_choice_is_the_answer_by_whatever_index(
    indices: list[Any], size: int
) -> None:
    frames = [
        {"choices": [{"index": index, "delta": {"content": said}}]}
        for index, said in zip(indices, "abc", strict=True)
    ]
    frames[-1]["choices"][0]["finish_reason"] = "stop"
    answer = read(sse(*frames), size).answer
    assert (answer.text, answer.finish_reason) == ("abc", "stop")


@pytest.mark.parametrize("first", [0, 1])
def test_a_second_choice_that_nobody_asked_for_stays_out(first: int) -> None:
    order = [first, 1 - first] * 3
    frames = [
        {"choices": [{"index": index, "delta": {"content": f"{index}"}}]}
        for index in order
    ]
    assert read(sse(*frames)).answer.text == "000"


def test_choices_may_be_one_object() -> None:
    choice = {"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}
    assert read(sse({"choices": choice})).answer.text == "Hi"


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([], "no answer"),
        ([{"id": "c", "choices": []}], "no answer"),
        ([chunk({"role": "assistant", "content": ""})], "no answer"),
        ([{"response": "Hel"}, {"response": "lo"}], "no choices, but response"),
    ],
    ids=["done alone", "no choice", "a role alone", "another dialect"],
)
def test_an_answer_that_says_nothing_is_no_success(
    frames: list[Any], words: str
) -> None:
    decoder = read(sse(*frames))
    assert isinstance(decoder.failure, ProtocolError)
    assert words in str(decoder.failure)
    assert not decoder.is_done


def test_an_empty_answer_that_says_why_it_ended_is_one() -> None:
    assert read(sse(chunk(finish="stop"))).failure is None


@pytest.mark.parametrize(
    "reason", ["error", "network_error", "insufficient_system_resource", "abort"]
)
def test_an_answer_that_its_server_broke_off_is_an_error(reason: str) -> None:
    decoder = read(sse(text("Hi"), chunk(finish=reason)))
    assert isinstance(decoder.failure, ServerError)
    assert reason in str(decoder.failure)


@pytest.mark.parametrize("data", ["ping", '{"type": "ping"}', "12:00"])
def test_an_event_that_keeps_alive_is_no_frame(data: str) -> None:
    ping = f"event: ping\ndata: {data}\n\n".encode()
    decoder = read(ping + sse(text("Hi"), end=ping) + sse(chunk(finish="stop")))
    assert (decoder.failure, decoder.answer.text) == (None, "Hi")
