"""How a reply becomes frames or a body."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit.testing import FakeServer, Reply, ToolCall
from langchain_streamkit.testing._frames import Asked, render_body, render_frames
from langchain_streamkit.testing._tokens import count_tokens, split_text
from tests.unit_tests.testing.fake_server_client import (
    ask,
    data_lines,
    deltas,
    frames,
    message,
    text_of,
)

if TYPE_CHECKING:
    import httpx

pytestmark = pytest.mark.loopback

USAGE = {"stream": True, "stream_options": {"include_usage": True}}


def reply_to(reply: Reply, **fields) -> httpx.Response:
    with FakeServer([reply]) as server:
        return ask(server, **fields)


# ── a stream ────────────────────────────────────────────────────────────────────


def test_a_stream_has_a_role_frame_deltas_a_finish_frame_and_done() -> None:
    response = reply_to(Reply("Hello there, friend"), stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-request-id"] == "req_000001"
    found = [frame["choices"][0] for frame in frames(response)]
    assert found[0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert [choice["delta"] for choice in found[1:]] == [
        {"content": "Hello"},
        {"content": " there,"},
        {"content": " friend"},
        {},
    ]
    assert [choice["finish_reason"] for choice in found] == [None] * 4 + ["stop"]
    assert {(frame["id"], frame["model"]) for frame in frames(response)} == {
        ("chatcmpl-000001", "m")
    }


def test_usage_has_a_frame_of_its_own_where_it_is_asked_for() -> None:
    *others, last = frames(reply_to(Reply("a b"), **USAGE))
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 2
    assert all(frame["usage"] is None for frame in others)
    plain = frames(reply_to(Reply("a b"), stream=True))
    assert all("usage" not in frame for frame in plain)


@pytest.mark.parametrize(("place", "count"), [("finish", 1), ("every", 4)])
def test_usage_can_stand_elsewhere_unasked(place, count) -> None:
    reply = Reply("a b", usage={"total_tokens": 3}, usage_place=place)
    found = frames(reply_to(reply, stream=True))
    carrying = [frame for frame in found if frame.get("usage") == {"total_tokens": 3}]
    assert len(carrying) == count
    assert carrying[-1] is found[-1]
    assert found[-1]["choices"][0]["finish_reason"] == "stop"


def test_no_usage_is_no_usage() -> None:
    reply = Reply("a", usage=None)
    assert "usage" not in reply_to(reply).json()
    assert all("usage" not in f for f in frames(reply_to(reply, **USAGE)))


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("words", ["Hi", " there"]),
        ("whole", ["Hi there"]),
        ("characters", list("Hi there")),
        (3, ["Hi ", "the", "re"]),
    ],
)
def test_text_is_split_as_told(split, expected) -> None:
    response = reply_to(Reply("Hi there", split=split), stream=True)
    assert [d["content"] for d in deltas(response)[1:-1]] == expected


def test_a_list_gives_the_deltas_themselves() -> None:
    reply = Reply(["", "\ud83d", "\udc67", "\u2028\r\n"], reasoning=["a", "b"])
    response = reply_to(reply, stream=True)
    lines = [json.loads(line) for line in data_lines(response.text)[:-1]]
    found = [line["choices"][0]["delta"] for line in lines[1:-1]]
    assert found == [
        {"reasoning_content": "a"},
        {"reasoning_content": "b"},
        {"content": ""},
        {"content": "\ud83d"},
        {"content": "\udc67"},
        {"content": "\u2028\r\n"},
    ]


def test_reasoning_comes_first_under_the_name_it_is_given() -> None:
    reply = Reply("Yes", reasoning="Let me think", reasoning_field="thinking")
    response = reply_to(reply, stream=True)
    keys = [next(iter(delta), None) for delta in deltas(response)]
    assert keys == ["role", "thinking", "thinking", "thinking", "content", None]
    assert text_of(response, "thinking") == "Let me think"
    assert message(reply_to(reply))["thinking"] == "Let me think"


def test_a_refusal_is_no_content() -> None:
    reply = Reply(refusal="I will not")
    assert text_of(reply_to(reply, stream=True), "refusal") == "I will not"
    whole = message(reply_to(reply))
    assert (whole["content"], whole["refusal"]) == (None, "I will not")


def test_tool_calls_open_with_id_and_name_and_go_on_in_pieces() -> None:
    calls = [
        ToolCall("get_weather", {"city": "Zürich"}, id="call_1", pieces=6),
        ToolCall("now", pieces="whole"),
        ToolCall("shout", "ab", type="custom", pieces=["a", "b"], extra={"x": 1}),
    ]
    response = reply_to(Reply(tool_calls=calls), stream=True)
    found = [delta["tool_calls"][0] for delta in deltas(response)[1:-1]]
    text = '{"city": "Zürich"}'
    assert found == [
        {
            "index": 0,
            "id": "call_1",
            "type": "function",
            "function": {"name": "get_weather", "arguments": ""},
        },
        *(
            {"index": 0, "function": {"arguments": text[start : start + 6]}}
            for start in (0, 6, 12)
        ),
        {
            "index": 1,
            "id": "call_0000010001",
            "type": "function",
            "function": {"name": "now", "arguments": "{}"},
        },
        {
            "index": 2,
            "id": "call_0000010002",
            "type": "custom",
            "custom": {"name": "shout", "input": ""},
            "x": 1,
        },
        {"index": 2, "custom": {"input": "a"}},
        {"index": 2, "custom": {"input": "b"}},
    ]
    assert frames(response)[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert deltas(response)[0]["content"] is None


def test_tool_calls_in_a_body_are_whole() -> None:
    calls = [ToolCall("f", '{"broken": ', id="1")]
    whole = message(reply_to(Reply("Wait", tool_calls=calls)))
    assert whole["content"] == "Wait"
    assert whole["tool_calls"] == [
        {
            "id": "1",
            "type": "function",
            "function": {"name": "f", "arguments": '{"broken": '},
        }
    ]


def test_choices_are_interleaved_and_finish_each() -> None:
    reply = Reply("a b c", choices=[Reply("x y", finish_reason="length")])
    response = reply_to(reply, stream=True, n=3)
    found = [f["choices"][0] for f in frames(response)]
    texts = [(c["index"], c["delta"].get("content")) for c in found[3:-3]]
    assert texts == [
        (0, "a"), (1, "x"), (2, "a"),
        (0, " b"), (1, " y"), (2, " b"),
        (0, " c"), (2, " c"),
    ]  # fmt: skip
    assert [c["finish_reason"] for c in found[-3:]] == ["stop", "length", "stop"]
    body = reply_to(reply, n=3).json()
    assert [c["message"]["content"] for c in body["choices"]] == [
        "a b c",
        "x y",
        "a b c",
    ]
    assert body["usage"]["completion_tokens"] == 8


def test_logprobs_are_made_where_they_are_asked_for() -> None:
    asked = {"logprobs": True, "top_logprobs": 2}
    found = frames(reply_to(Reply("Grüß dich"), stream=True, **asked))
    first = found[1]["choices"][0]["logprobs"]["content"][0]
    assert first["token"] == "Grüß"
    assert bytes(first["bytes"]).decode() == "Grüß"
    assert -1 <= first["logprob"] <= 0
    assert [entry["token"] for entry in first["top_logprobs"]] == ["Grüß", "Grüß~"]
    assert found[0]["choices"][0]["logprobs"] is None
    whole = reply_to(Reply("Grüß dich"), **asked).json()["choices"][0]["logprobs"]
    assert [entry["token"] for entry in whole["content"]] == ["Grüß", " dich"]
    assert "logprobs" not in frames(reply_to(Reply("a"), stream=True))[1]["choices"][0]


def test_logprobs_can_be_given() -> None:
    reply = Reply(["a", "b"], logprobs=[{"token": "a"}, {"token": "b"}])
    found = frames(reply_to(reply, stream=True))[1:-1]
    tokens = [frame["choices"][0]["logprobs"]["content"] for frame in found]
    assert tokens == [[{"token": "a"}], [{"token": "b"}]]


def test_sources_and_other_fields_go_where_they_belong() -> None:
    citation = {"type": "url_citation", "url_citation": {"url": "https://a.example"}}
    reply = Reply(
        "See [1]",
        annotations=[citation],
        citations=["https://a.example"],
        extra={"provider": "Upstream"},
        message_extra={"audio": {"id": "a1", "transcript": "three words here"}},
        model="other",
        id="my-id",
    )
    found = frames(reply_to(reply, **USAGE, service_tier="flex"))
    assert all(frame["citations"] == ["https://a.example"] for frame in found)
    assert all(frame["provider"] == "Upstream" for frame in found)
    assert {(f["id"], f["model"], f["service_tier"]) for f in found} == {
        ("my-id", "other", "flex")
    }
    inner = [frame["choices"][0]["delta"] for frame in found[:-1]]
    assert [delta["audio"]["id"] for delta in inner if "audio" in delta] == ["a1"]
    assert inner[1]["content"] == "See"
    assert inner[-2] == {"annotations": [citation]}
    details = found[-1]["usage"]["completion_tokens_details"]
    assert details["audio_tokens"] == 3
    whole = message(reply_to(reply))
    assert (whole["annotations"], whole["audio"]["id"]) == ([citation], "a1")


def test_extra_fields_of_a_silent_message_are_sent() -> None:
    reply = Reply(message_extra={"images": [1]})
    assert {"images": [1]} in deltas(reply_to(reply, stream=True))


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines_end_as_told(line_end) -> None:
    reply = Reply("a\nb", line_end=line_end)
    text = reply_to(reply, stream=True).text
    assert text.endswith(f"data: [DONE]{line_end * 2}")
    assert set(text) & {"\r", "\n"} == set(line_end)


def test_frames_can_be_left_out() -> None:
    response = reply_to(Reply("a", role_frame=False, done=False), stream=True)
    lines = [json.loads(line) for line in data_lines(response.text)]
    assert lines[0]["choices"][0]["delta"] == {"content": "a"}
    assert lines[-1]["choices"][0]["finish_reason"] == "stop"


def test_a_finish_reason_can_be_anything_or_missing() -> None:
    for reason in ("length", None, "eos_token"):
        found = frames(reply_to(Reply("a", finish_reason=reason), stream=True))
        assert found[-1]["choices"][0]["finish_reason"] == reason


def test_the_form_can_differ_from_what_is_asked() -> None:
    body = reply_to(Reply("a", as_stream=False), stream=True)
    assert message(body)["content"] == "a"
    assert text_of(reply_to(Reply("a", as_stream=True))) == "a"


def test_headers_and_status_can_be_changed() -> None:
    headers = {"X-Request-Id": None, "Content-Type": "text/plain", "retry-after": "3"}
    response = reply_to(Reply("a", status=203, headers=headers), stream=True)
    assert response.status_code == 203
    assert response.headers["content-type"] == "text/plain"
    assert response.headers["retry-after"] == "3"
    assert "x-request-id" not in response.headers


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_body_can_be_framed_in_every_way(framing, stream) -> None:
    response = reply_to(Reply("Hello there", framing=framing), stream=stream)
    text = text_of(response) if stream else message(response)["content"]
    assert text == "Hello there"
    assert ("content-length" in response.headers) == (framing == "length")
    assert ("transfer-encoding" in response.headers) == (framing == "chunked")


def test_replace_refuses_unknown_fields() -> None:
    assert Reply("a").replace(text="b", done=False) == Reply("b", done=False)
    with pytest.raises(TypeError, match="txt"):
        Reply("a").replace(txt="b")


# ── other constructors ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("openai", {"error": {
            "message": "no", "type": "rate_limit_error", "param": None, "code": "c"}}),
        ("openrouter", {"error": {"message": "no", "code": "c", "metadata": {
            "provider_name": "Upstream", "raw": "no"}}}),
        ("anthropic", {"type": "error", "error": {
            "type": "rate_limit_error", "message": "no"}}),
        ("string", {"error": "no"}),
        ("code-and-string", {"code": "c", "error": "no"}),
        ("detail", {"detail": "no"}),
        ("detail-list", {"detail": [{
            "type": "rate_limit_error", "loc": ["body"], "msg": "no"}]}),
        ("object", {"object": "error", "message": "no", "type": "rate_limit_error",
                    "param": None, "code": "c"}),
        ("message", {"code": "c", "message": "no"}),
        ("list", [{"error": {
            "code": 429, "message": "no", "status": "RATE_LIMIT_ERROR"}}]),
    ],
)  # fmt: skip
def test_errors_are_worded_in_every_known_shape(shape, expected) -> None:
    reply = Reply.error(429, "no", code="c", retry_after=1.5, shape=shape)
    for stream in (True, False):
        response = reply_to(reply, stream=stream)
        assert response.status_code == 429
        assert response.headers["retry-after"] == "1.5"
        assert response.json() == expected


def test_errors_may_be_text_html_or_nothing() -> None:
    html = reply_to(Reply.error(502, "<b>", shape="html"))
    assert html.headers["content-type"].startswith("text/html")
    assert "502 Bad Gateway" in html.text
    assert "&lt;b&gt;" in html.text
    assert reply_to(Reply.error(529, shape="html")).text.count("529") == 2
    assert reply_to(Reply.error(500, "plain", shape="text")).text == "plain"
    empty = reply_to(Reply.error(500, shape="empty"))
    assert (empty.content, empty.headers["content-length"]) == (b"", "0")


def test_retry_after_may_be_any_text() -> None:
    for value in ("Wed, 21 Oct 2026 07:28:00 GMT", "NaN", "-1"):
        reply = Reply.error(429, retry_after=value)
        assert reply_to(reply).headers["retry-after"] == value


def test_a_body_is_sent_as_it_is() -> None:
    page = Reply.body("<html>", content_type="text/html", headers={"x-a": "1"})
    response = reply_to(page, stream=True)
    assert (response.text, response.headers["x-a"]) == ("<html>", "1")
    assert reply_to(Reply.body([1, {"a": None}])).json() == [1, {"a": None}]
    assert reply_to(Reply.body(b"\xff", status=201)).content == b"\xff"


def test_a_redirect_may_lack_its_location() -> None:
    assert reply_to(Reply.redirect("https://x.example")).headers["location"]
    lost = reply_to(Reply.redirect("", 302))
    assert lost.status_code == 302
    assert "location" not in lost.headers


def test_frames_are_sent_as_they_are() -> None:
    reply = Reply.frames({"a": 1}, "plain", b": comment\n\n")
    text = reply_to(reply, stream=True).text
    assert text == 'data: {"a":1}\n\ndata: plain\n\n: comment\n\ndata: [DONE]\n\n'
    assert reply_to(Reply.frames({}, done=False)).text == "data: {}\n\n"


@pytest.mark.parametrize("chunk_ends", [None, 1, 5, [3, 3, 10], []])
def test_recorded_bytes_come_back_in_the_given_pieces(chunk_ends) -> None:
    data = 'data: {"é": 1}\r\n\r\ndata: [DONE]\n\n'.encode()
    reply = Reply.replay(data, chunk_ends)
    assert reply_to(reply, stream=True).content == data
    writes = len(reply.steps or ()) - 1
    expected = {None: 1, 1: len(data), 5: 7}.get(
        chunk_ends if isinstance(chunk_ends, int | None) else 0,
        3 if chunk_ends else 1,
    )
    assert writes == expected


@pytest.mark.parametrize("chunk_ends", [[5, 3], [99], [-1]])
def test_pieces_must_lie_within_the_recording(chunk_ends) -> None:
    with pytest.raises(ValueError, match="ascend"):
        Reply.replay(b"data: x\n\n", chunk_ends)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_bomb_is_small_and_unpacks_to_one_long_line(coding) -> None:
    response = reply_to(Reply.bomb(300_001, coding))
    assert int(response.headers["content-length"]) < 2_000
    assert len(response.content) == 300_001 + len("data: ")
    assert b"\n" not in response.content


# ── properties ──────────────────────────────────────────────────────────────────

TEXTS = st.text(max_size=60)


@given(
    TEXTS,
    st.one_of(st.sampled_from(["words", "characters", "whole"]), st.integers(1, 9)),
)
def test_pieces_joined_are_the_text(text, split) -> None:
    assert "".join(split_text(text, split)) == text


@given(TEXTS)
def test_tokens_are_the_deltas_by_words(text) -> None:
    assert count_tokens(text) == len(split_text(text, "words"))


@given(TEXTS, TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=3), st.integers(1, 3))
def test_a_stream_and_a_body_say_the_same(text, reasoning, arguments, n) -> None:
    reply = Reply(text, reasoning=reasoning, tool_calls=[ToolCall("f", arguments)])
    asked = Asked(number=7, model="m", choices=n, include_usage=True)
    body = json.loads(render_body(reply, asked))
    rendered = [frame for part in render_frames(reply, asked) for frame in part]
    found = [json.loads(frame[6:]) for frame in rendered[:-1]]
    assert found[-1]["usage"] == body["usage"]
    for choice in body["choices"]:
        inner = [c["delta"] for f in found for c in f["choices"]
                 if c["index"] == choice["index"]]  # fmt: skip
        whole = choice["message"]
        streamed = "".join(delta.get("content") or "" for delta in inner)
        assert streamed == (whole["content"] or "")
        thought = "".join(delta.get("reasoning_content", "") for delta in inner)
        assert thought == whole.get("reasoning_content", "")
        calls = [call for delta in inner for call in delta.get("tool_calls", ())]
        told = "".join(call["function"]["arguments"] for call in calls)
        assert told == whole["tool_calls"][0]["function"]["arguments"]
        assert json.loads(told) == arguments
