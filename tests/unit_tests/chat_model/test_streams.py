"""What a stream carries: one kind a chunk, everything else once, on the last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from langchain_streamkit.testing import Reply, ToolCall

from .conftest import add_up

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from tests.unit_tests.conftest import MakeModel

RICH = Reply(
    "Here is *text* with é, 你好 and 👋.",
    reasoning="Let me think. Slowly.",
    tool_calls=[
        ToolCall("get_weather", {"city": "Paris"}, id="call_1"),
        ToolCall("get_time", {}, id="call_2"),
    ],
    logprobs=None,
)
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
KINDS = {
    "text": Reply("Just a few words here."),
    "reasoning": Reply("Forty-two.", reasoning="Six times seven."),
    "tools": RICH,
    "tools only": Reply(
        "", tool_calls=[ToolCall("f", {"a": [1, {"b": None}]}, id="x")]
    ),
    "logprobs": Reply("One two three", logprobs="auto"),
    "empty": Reply(""),
    "refusal": Reply("", refusal="I would rather not."),
    "length": Reply("Cut sho", finish_reason="length"),
}
KINDS = {name: reply.replace(usage=USAGE) for name, reply in KINDS.items()}
TIMING = {"timing", "id", "created", "request_id", "output_version"}


def facts(message: BaseMessage) -> dict[str, Any]:
    """What must be the same however an answer travels; ids and timing aside."""
    metadata = {k: v for k, v in message.response_metadata.items() if k not in TIMING}
    return {
        "text": message.text,
        "blocks": [
            {k: v for k, v in block.items() if k != "index"}
            for block in message.content_blocks
        ],
        "kwargs": message.additional_kwargs,
        "metadata": metadata,
        "tool_calls": getattr(message, "tool_calls", None),
        "invalid": getattr(message, "invalid_tool_calls", None),
        "usage": getattr(message, "usage_metadata", None),
    }


@pytest.mark.parametrize("output_version", ["v0", "v1"])
@pytest.mark.parametrize("reply", KINDS.values(), ids=KINDS.keys())
async def test_every_way_gives_the_same_message(
    make_model: MakeModel, reply: Reply, output_version: str
) -> None:
    model = make_model(
        *[reply] * 4, output_version=output_version, logprobs=True, top_logprobs=1
    )
    streamed = add_up(list(model.stream("Go")))
    astreamed = add_up([chunk async for chunk in model.astream("Go")])
    invoked = model.invoke("Go")
    ainvoked = await model.ainvoke("Go")
    assert facts(streamed) == facts(astreamed)
    assert facts(invoked) == facts(ainvoked)
    assert facts(streamed) == facts(invoked)


@pytest.mark.parametrize("reply", KINDS.values(), ids=KINDS.keys())
async def test_v3_gives_the_same_message_and_a_valid_lifecycle(
    make_model: MakeModel, reply: Reply
) -> None:
    model = make_model(*[reply] * 4, output_version="v1", logprobs=True)
    events = list(model.stream_events("Go", version="v3"))
    assert_valid_event_stream(events)
    output = model.stream_events("Go", version="v3").output
    astream = await model.astream_events("Go", version="v3")
    aoutput = await astream
    expected = facts(model.invoke("Go"))
    assert facts(output) == expected
    assert facts(aoutput) == expected


@pytest.mark.parametrize("reply", KINDS.values(), ids=KINDS.keys())
def test_a_chunk_carries_one_kind_and_metadata_sits_on_the_last(
    make_model: MakeModel, reply: Reply
) -> None:
    chunks = list(make_model(reply, logprobs=True).stream("Go"))
    for chunk in chunks[:-1]:
        kinds = [
            bool(chunk.content),
            "reasoning_content" in chunk.additional_kwargs,
            "refusal" in chunk.additional_kwargs,
            bool(chunk.tool_call_chunks),
        ]
        assert sum(kinds) == 1
        assert chunk.response_metadata.keys() <= {"logprobs"}
        assert chunk.usage_metadata is None
        assert chunk.chunk_position is None
    last = chunks[-1]
    assert last.chunk_position == "last"
    assert not last.content
    assert last.usage_metadata is not None
    assert last.response_metadata["model_provider"] == "streamkit"
    assert len({chunk.id for chunk in chunks}) == 1


def test_the_last_chunk_says_all_that_the_server_said(make_model: MakeModel) -> None:
    reply = Reply(
        "Hi",
        model="server-side-name",
        id="chatcmpl-7",
        headers={"x-request-id": "req-9", "x-ratelimit-remaining-requests": "42"},
        extra={
            "system_fingerprint": "fp_1",
            "service_tier": "flex",
            "novelty": {"a": 1},
        },
    )
    metadata = list(make_model(reply).stream("Hi"))[-1].response_metadata
    timing = metadata.pop("timing")
    assert 0 <= timing["first_token_seconds"] <= timing["total_seconds"]
    assert metadata.pop("token_usage")["total_tokens"] > 0
    assert metadata.pop("created")
    assert metadata == {
        "finish_reason": "stop",
        "model_name": "server-side-name",
        "model": "server-side-name",
        "model_provider": "streamkit",
        "provider": "custom",
        "id": "chatcmpl-7",
        "system_fingerprint": "fp_1",
        "service_tier": "flex",
        "request_id": "req-9",
        "rate_limit": {"x-ratelimit-remaining-requests": "42"},
        "provider_extras": {"novelty": {"a": 1}},
    }


def test_blocks_of_v1_have_string_indices_that_no_tool_call_shares(
    make_model: MakeModel,
) -> None:
    total = add_up(list(make_model(RICH, output_version="v1").stream("Go")))
    assert [block.get("type") for block in total.content] == [
        "reasoning",
        "text",
        "tool_call",
        "tool_call",
    ]
    assert total.content[0]["index"] == "lc_rs_0"
    assert total.content[1]["index"] == "lc_txt_0"


def test_a_block_of_v3_is_finished_when_it_ends(make_model: MakeModel) -> None:
    events = list(make_model(RICH).stream_events("Go", version="v3"))
    order = [
        (event["event"].removeprefix("content-block-"), event["index"])
        for event in events
        if event["event"] in {"content-block-start", "content-block-finish"}
    ]
    assert order == [
        ("start", 0),
        ("finish", 0),
        ("start", 1),
        ("finish", 1),
        ("start", 2),
        ("finish", 2),
        ("start", 3),
        ("finish", 3),
    ]


def test_sources_become_annotations_and_metadata(make_model: MakeModel) -> None:
    note = {
        "type": "url_citation",
        "url_citation": {"url": "https://a.example", "title": "A", "start_index": 0},
    }
    reply = Reply("See A.", annotations=[note])
    model = make_model(reply, reply, output_version="v1")
    total = add_up(list(model.stream("Go")))
    citation = {"type": "citation", "url": "https://a.example", "title": "A"}
    assert total.content[0]["annotations"] == [{**citation, "start_index": 0}]
    assert total.content[0]["text"] == "See A."
    (source,) = total.response_metadata["sources"]
    assert (source["url"], source["title"]) == ("https://a.example", "A")
    output = model.stream_events("Go", version="v3").output
    assert output.content[0]["annotations"][0]["url"] == "https://a.example"


def test_several_answers_come_from_generate_and_not_from_a_stream(
    make_model: MakeModel,
) -> None:
    model = make_model(n=2, temperature=0.5)
    (generations,) = model.generate([[HumanMessage("Hello")]]).generations
    assert len(generations) == 2
    assert all(generation.text for generation in generations)
    with pytest.raises(ValueError, match=r"n=2 answers cannot be one stream"):
        list(model.stream("Hello"))
    with pytest.raises(ValueError, match=r"n=2 answers cannot be one stream"):
        list(model.stream_events("Hello", version="v3"))


async def test_several_answers_are_asked_for_whole_under_a_streaming_handler(
    make_model: MakeModel, fake_server: Any
) -> None:
    model = make_model(n=2)
    step: RunnableLambda[str, str] = RunnableLambda(
        lambda text: model.invoke(text).text
    )
    events = [event async for event in step.astream_events("Hello", version="v2")]
    assert any(event["event"] == "on_chat_model_end" for event in events)
    assert not any("stream" in request.body for request in fake_server.requests)


def test_usage_is_asked_for_unless_told_otherwise(
    make_model: MakeModel, fake_server: Any
) -> None:
    with_usage = list(make_model("Hi").stream("Hi"))
    without = list(make_model("Hi", stream_usage=False).stream("Hi"))
    assert with_usage[-1].usage_metadata is not None
    assert without[-1].usage_metadata is None
    assert "stream_options" not in fake_server.requests[-1].body


def test_a_server_that_does_not_stream_is_read_all_the_same(
    make_model: MakeModel,
) -> None:
    whole = KINDS["tools"].replace(as_stream=False)
    model = make_model(whole, KINDS["tools"])
    assert facts(add_up(list(model.stream("Go")))) == facts(model.invoke("Go"))


def test_a_server_that_always_streams_is_read_by_invoke(make_model: MakeModel) -> None:
    model = make_model(Reply("Streamed anyway", as_stream=True))
    assert model.invoke("Go").text == "Streamed anyway"


def test_response_headers_are_reported_when_asked_for(make_model: MakeModel) -> None:
    reply = Reply("Hi", headers={"x-of-interest": "1"})
    model = make_model(reply, reply, include_response_headers=True)
    assert model.invoke("Hi").response_metadata["headers"]["x-of-interest"] == "1"
    last = list(model.stream("Hi"))[-1]
    assert last.response_metadata["headers"]["x-of-interest"] == "1"


@pytest.mark.parametrize("where", ["model_kwargs", "extra_body"])
def test_several_answers_cannot_be_one_stream_however_they_are_asked_for(
    make_model: MakeModel, where: str
) -> None:
    model = make_model(**{where: {"n": 2}})
    with pytest.raises(ValueError, match=r"n=2 answers cannot be one stream"):
        list(model.stream("Hello"))
