"""The body of an answer that is not streamed becomes one answer a choice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from langchain_streamkit._wire.deltas import AnswerEnd
from langchain_streamkit._wire.stream_decoder import StreamDecoder
from langchain_streamkit._wire.whole_body import WholeBodyDecoder
from langchain_streamkit.errors import (
    ProtocolError,
    StreamInterruptedError,
    StreamLimitError,
)
from tests.unit_tests.wire.decoding import cut, feed, sse, text
from tests.unit_tests.wire.shared_files import Recording, recordings
from tests.unit_tests.wire.test_stream_decoder import assert_answer

if TYPE_CHECKING:
    from langchain_streamkit._wire.answer import Answer

FAILED_CHOICE = "openrouter/reasoning-nousresearch-hermes-4-405b-01"


def answers(body: Any, size: int = 0, **options: Any) -> list[Answer]:
    decoder = WholeBodyDecoder(**options)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert [
        e for part in cut(data, size or len(data)) for e in decoder.feed(part)
    ] == []
    ends = decoder.close()
    if decoder.failure is not None:
        raise decoder.failure
    assert all(isinstance(end, AnswerEnd) for end in ends)
    return [end.answer for end in ends if isinstance(end, AnswerEnd)]


def message(content: str, finish: str = "stop", **more: Any) -> dict[str, Any]:
    return {
        "message": {"role": "assistant", "content": content, **more},
        "finish_reason": finish,
    }


# ── recorded bodies ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("recording", recordings(".body.json"))
def test_a_recording_gives_what_it_holds(recording: Recording) -> None:
    if recording.facts["status"] != 200:
        return  # a refusal never comes here
    for size in (len(recording.data), 1, 100):
        decoder = WholeBodyDecoder()
        feed(decoder, cut(recording.data, size))
        expected = recording.expected
        is_error = bool(expected.get("errors") or expected.get("not_json"))
        assert (decoder.failure is not None) is (
            is_error or recording.name == FAILED_CHOICE
        )
        if "text_sha256" in expected:
            assert_answer(decoder.answer, expected, recording.name)


@pytest.mark.parametrize("recording", recordings(".body.json"))
def test_a_recording_is_read_alike_by_both_decoders(recording: Recording) -> None:
    whole, stream = WholeBodyDecoder(), StreamDecoder()
    for decoder in (whole, stream):
        feed(decoder, [recording.data])
        for call in decoder.answer.tool_calls:
            call.id = call.server_id
    assert whole.answer == stream.answer
    assert str(whole.failure) == str(stream.failure)


# ── one answer and several ──────────────────────────────────────────────────────


def test_everything_is_said_at_the_end() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    body = {
        "id": "c1",
        "model": "m",
        "choices": [{"index": 0, **message("Hi")}],
        "usage": usage,
    }
    for size in (0, 1):
        (answer,) = answers(body, size)
        assert (answer.text, answer.finish_reason, answer.id) == ("Hi", "stop", "c1")
        assert answer.usage == usage


@pytest.mark.parametrize("indexed", [True, False])
def test_each_choice_is_an_answer_and_usage_is_told_once(*, indexed: bool) -> None:
    choices = [
        {**message(f"{n}", tool_calls=[{"id": f"c{n}", "function": {"name": "f"}}])}
        for n in range(3)
    ]
    if indexed:
        choices = [{"index": n, **choice} for n, choice in enumerate(choices)][::-1]
    found = answers({"id": "c1", "choices": choices, "usage": {"total_tokens": 7}})
    assert [answer.text for answer in found] == ["0", "1", "2"]
    assert [answer.id for answer in found] == ["c1"] * 3
    assert [answer.usage for answer in found] == [{"total_tokens": 7}, None, None]
    assert [answer.tool_calls[0].arguments for answer in found] == [{}, {}, {}]


def test_inline_reasoning_is_told_from_text_in_every_choice() -> None:
    choices = [message("<think>a</think>b") for _ in range(2)]
    found = answers({"choices": choices}, reasoning_tags=("<think>", "</think>"))
    assert [(answer.reasoning, answer.text) for answer in found] == [("a", "b")] * 2


def test_an_answer_of_nothing_is_an_answer() -> None:
    (answer,) = answers({"choices": [message("")]})
    assert (answer.text, answer.has_content) == ("", False)


def test_a_text_that_begins_twice_alike_is_no_growing_total() -> None:
    parts = [{"type": "text", "text": t} for t in ("Hello", "Hello you")]
    (answer,) = answers({"choices": [{"message": {"content": parts}}]})
    assert answer.text == "HelloHello you"


# ── what is no body ─────────────────────────────────────────────────────────────


def test_a_stream_in_place_of_a_body_is_read_as_one() -> None:
    for size in (0, 1):
        (answer,) = answers(sse(text("Hi"), text(" you", "stop")), size)
        assert answer.text == "Hi you"


def test_a_stream_that_is_cut_is_an_error() -> None:
    with pytest.raises(StreamInterruptedError):
        answers(sse(text("Hi"), end=b""))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "boom"}}, "boom"),
        ({"choices": [{**message("Hi"), "error": {"message": "boom"}}]}, "boom"),
        ({"choices": [message("Hi", finish="error")]}, "finish_reason 'error'"),
        ({"choices": []}, "no choices"),
        (b"<html>Sign in</html>", "HTML page: Sign in"),
        (b"", "empty body"),
        (b"oops", "oops"),
        (b'{"choices": [{"mess', "was cut"),
    ],
)
def test_what_is_no_answer_is_an_error(body: Any, words: str) -> None:
    decoder = WholeBodyDecoder(where="Here")
    assert (
        feed(decoder, [body if isinstance(body, bytes) else json.dumps(body).encode()])
        == []
    )
    assert words in str(decoder.failure)
    assert not decoder.is_done


def test_a_broken_body_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError):
        answers(b"{")


def test_bounds_hold_for_every_choice() -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": "x" * 500}}
    choices = [message(""), message("", tool_calls=[call])]
    assert len(answers({"choices": choices}, max_event_bytes=2000)) == 2
    many = [{"id": f"c{n}", "function": {"name": "f"}} for n in range(300)]
    with pytest.raises(StreamLimitError):
        answers({"choices": [message(""), message("", tool_calls=many)]})
    with pytest.raises(StreamLimitError):
        answers({"choices": choices}, max_event_bytes=400)
