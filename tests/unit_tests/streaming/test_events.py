"""Models and chains become events, each thing once and in its place."""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import adispatch_custom_event
from langchain_core.language_models import (
    FakeListChatModel,
    FakeMessagesListChatModel,
)
from langchain_core.messages import AIMessage, AIMessageChunk, ToolMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.output_parsers import JsonOutputParser, StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import (
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
)
from langchain_core.tools import tool

from langchain_streamkit import (
    ChatStreamKit,
    StreamInterruptedError,
    acollect,
    aevents_from,
    aiter_events,
    collect,
    events_from,
    iter_events,
)
from langchain_streamkit.events import ToolCallDeltaEvent, ToolCallEvent
from langchain_streamkit.testing import Cut, Reply, ToolCall

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from langchain_streamkit.events import StreamEvent
    from langchain_streamkit.testing import FakeServer
    from tests.unit_tests.conftest import MakeModel

    from .conftest import ReadEvents

RICH = Reply(
    "It is sunny in Paris.",
    reasoning="The user wants the weather.",
    tool_calls=[
        ToolCall("add", {"a": 2, "b": 3}, id="call_a"),
        ToolCall("weather", {"city": "Paris"}, id="call_w"),
    ],
)


def kinds(events: list[StreamEvent]) -> list[str]:
    """The types, each run of the same one once."""
    return [kind for kind, _ in groupby(event.type for event in events)]


def without_time(events: list[StreamEvent]) -> list[Any]:
    """What two runs have in common: all but ids, times and counts of the server."""
    return [
        (event.type, event.content, event.finish_reason, event.node)
        for event in events
        if event.type != "status"
    ]


async def test_a_model_gives_each_thing_in_its_place(
    make_model: MakeModel, read: ReadEvents
) -> None:
    events = await read(make_model(RICH), "Hello")
    assert kinds(events) == [
        "status",
        "reasoning",
        "text",
        "tool_call_delta",
        "tool_call",
        "meta",
        "usage",
        "final",
    ]
    statuses = [event.phase for event in events if event.type == "status"]
    assert statuses == ["connecting", "generating"]
    said = "".join(event.content for event in events if event.type == "text")
    thought = "".join(event.content for event in events if event.type == "reasoning")
    assert (said, thought) == (RICH.text, RICH.reasoning)
    calls = [event for event in events if isinstance(event, ToolCallEvent)]
    assert [(call.id, call.name, call.args, call.error) for call in calls] == [
        ("call_a", "add", {"a": 2, "b": 3}, None),
        ("call_w", "weather", {"city": "Paris"}, None),
    ]
    deltas = [event for event in events if isinstance(event, ToolCallDeltaEvent)]
    for call in calls:
        pieces = [delta.args for delta in deltas if delta.id == call.id]
        assert "".join(pieces) == call.raw_args
    assert {delta.name for delta in deltas} == {"add", "weather"}


async def test_the_final_event_has_everything(
    make_model: MakeModel, read: ReadEvents
) -> None:
    *_, meta, usage, final = await read(make_model(RICH), "Hello")
    assert meta.finish_reason == final.finish_reason == "tool_calls"
    assert final.is_final
    assert not usage.is_final
    assert final.usage == usage.usage
    assert final.message.text == RICH.text
    assert final.message.tool_calls[1]["args"] == {"city": "Paris"}
    assert final.metadata["model"] == "fake"
    assert final.metadata["provider"] == "custom"
    assert final.metadata["tokens"] == final.usage.total_tokens > 0
    timing = final.metadata["timing"]
    assert 0 < timing["first_token_seconds"] <= timing["total_seconds"]
    assert 0 <= timing["gap_p50_seconds"] <= timing["gap_p95_seconds"]
    assert timing["tokens_per_second"] > 0
    ids = {event.message_id for event in (meta, usage, final)}
    assert ids == {final.message.id}


async def test_events_add_up_to_what_the_model_itself_says(
    make_model: MakeModel, read: ReadEvents
) -> None:
    whole = await make_model(RICH).ainvoke("Hello")
    final = (await read(make_model(RICH), "Hello"))[-1]
    assert final.message.content == whole.content
    assert final.message.tool_calls == whole.tool_calls
    assert final.usage.total_tokens == whole.usage_metadata["total_tokens"]
    assert final.message.content_blocks == whole.content_blocks


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize(
    "reply",
    [
        RICH,
        Reply("Hi", usage=None),
        Reply("", reasoning="Hm."),
        Reply("Cut h", finish_reason="length"),
        Reply(tool_calls=[ToolCall("f", '{"a": [1, ', pieces=["{", '"a": [1, '])]),
        Reply("One\u2028two \U0001f600", split="characters"),
    ],
    ids=["rich", "no usage", "thought alone", "length", "cut call", "characters"],
)
def test_sync_and_async_give_the_same_events(
    make_model: MakeModel, reply: Reply, version: str
) -> None:
    sync = list(iter_events(make_model(reply, output_version=version), "Hello"))

    async def run() -> list[StreamEvent]:
        model = make_model(reply, output_version=version)
        return [event async for event in aiter_events(model, "Hello")]

    assert without_time(sync) == without_time(asyncio.run(run()))


async def test_a_call_that_was_cut_has_an_error_and_no_arguments(
    make_model: MakeModel, read: ReadEvents
) -> None:
    cut = '{"path": "/data/x", "only_em'
    call = ToolCall("remove", cut, id="call_r", pieces=[cut[:9], cut[9:]])
    reply = Reply(tool_calls=[call], finish_reason="length")
    events = await read(make_model(reply), "Hello")
    (bad,) = [event for event in events if isinstance(event, ToolCallEvent)]
    assert (bad.id, bad.name, bad.args) == ("call_r", "remove", {})
    assert bad.error is not None
    assert "cut" in bad.error
    assert bad.raw_args == cut
    deltas = [event for event in events if isinstance(event, ToolCallDeltaEvent)]
    assert "".join(delta.args for delta in deltas) == cut
    assert events[-1].message.tool_calls == []


async def test_a_parser_at_the_end_does_not_say_things_twice(
    make_model: MakeModel, read: ReadEvents
) -> None:
    prompt = ChatPromptTemplate.from_template("{q}")
    chain = prompt | make_model("Hello, you.") | StrOutputParser()
    events = await read(chain, {"q": "Hello"})
    assert [event.content for event in events if event.type == "text"] == [
        "Hello,",
        " you.",
    ]
    assert events[-1].message.text == "Hello, you."
    assert events[-1].usage is not None


async def test_a_parser_of_objects_leaves_the_text_alone(
    make_model: MakeModel, read: ReadEvents
) -> None:
    events = await read(make_model('{"a": 1}') | JsonOutputParser(), "Hello")
    text = "".join(event.content for event in events if event.type == "text")
    assert text == '{"a": 1}'


async def test_a_chain_without_a_model_gives_its_text(read: ReadEvents) -> None:
    def words(_: Iterator[str]) -> Iterator[str]:
        yield from ("one", "", " two")

    async def awords(_: AsyncIterator[str]) -> AsyncIterator[str]:
        for word in words(iter(())):
            yield word

    chains: list[Any] = [
        RunnableGenerator(words, awords),
        RunnableLambda(lambda _: "one two"),
    ]
    for chain in chains:
        events = await read(chain, "Hello")
        assert kinds(events) == ["text", "final"]
        assert "".join(event.content for event in events) == "one two"
        assert events[-1].message.text == "one two"
        assert events[-1].usage is None


async def test_a_model_inside_a_function_streams_as_well(
    make_model: MakeModel, read: ReadEvents
) -> None:
    model = make_model("Hello, you.")
    chain = RunnableLambda(
        lambda q: model.invoke(q).text, afunc=lambda q: _ask(model, q)
    )
    events = await read(chain, "Hello")
    assert [event.content for event in events if event.type == "text"] == [
        "Hello,",
        " you.",
    ]
    assert kinds(events) == ["status", "text", "meta", "usage", "final"]


async def _ask(model: Any, question: str) -> str:
    message = await model.ainvoke(question)
    return str(message.text)


async def test_models_that_speak_at_once_are_kept_apart(
    fake_server: FakeServer, read: ReadEvents
) -> None:
    fake_server.script("a b c d e f", repeat_last=True)
    one, two = (
        ChatStreamKit(model=name, base_url=fake_server.url) for name in ("one", "two")
    )
    events = await read(RunnableParallel(one=one, two=two), "Hello")
    said: dict[str | None, str] = {}
    for event in events:
        if event.type == "text":
            said[event.message_id] = said.get(event.message_id, "") + event.content
    assert list(said.values()) == ["a b c d e f"] * 2
    metas = [event for event in events if event.type == "meta"]
    assert {meta.metadata["model_name"] for meta in metas} == {"one", "two"}
    assert {meta.message_id for meta in metas} == set(said)
    single = [event.usage.total_tokens for event in events if event.type == "usage"]
    assert len(single) == 2
    assert events[-1].usage.total_tokens == sum(single)


async def test_other_chat_models_work(read: ReadEvents) -> None:
    events = await read(FakeListChatModel(responses=["Hi."]), "Hello")
    assert [event.content for event in events[:3]] == ["H", "i", "."]
    assert kinds(events) == ["text", "meta", "final"]
    call = {"name": "f", "args": {"a": 1}, "id": "call_f", "type": "tool_call"}
    whole = FakeMessagesListChatModel(
        responses=[AIMessage("Calling.", tool_calls=[call])]
    )
    for chain in (whole, whole | RunnableLambda(lambda message: message)):
        events = await read(chain, "Hello")
        assert kinds(events) == ["text", "tool_call", "meta", "final"]
        assert events[1].args == {"a": 1}


async def test_what_came_before_an_error_is_given_first(
    make_model: MakeModel,
) -> None:
    reply = Reply("One two three four", faults=[Cut(after_frames=3)])
    seen: list[str] = []

    def read() -> None:
        for event in iter_events(make_model(reply), "Hello", only={"text"}):
            seen.append(event.content)  # noqa: PERF401 - it raises in between

    async def aread() -> None:
        chain = make_model(reply) | StrOutputParser()
        async for event in aiter_events(chain, "Hello", only={"text"}):
            seen.append(event.content)  # noqa: PERF401 - it raises in between

    with pytest.raises(StreamInterruptedError) as caught:
        read()
    assert "".join(seen) == caught.value.partial.text != ""
    seen.clear()
    with pytest.raises(StreamInterruptedError):
        await aread()
    assert "".join(seen) == caught.value.partial.text


async def test_only_keeps_the_types_that_are_wanted(
    make_model: MakeModel, read: ReadEvents
) -> None:
    events = await read(make_model(RICH), "Hello", only={"text", "final"})
    assert kinds(events) == ["text", "final"]
    assert events[-1].usage is not None
    assert kinds(await read(make_model("Hi"), "Hello", only="final")) == ["final"]


def test_an_unknown_type_is_refused_before_anything_is_asked() -> None:
    model = FakeListChatModel(responses=["Hi"])
    for ask in (iter_events, aiter_events):
        with pytest.raises(ValueError, match=r"'tokens' is no type of event.*text"):
            ask(model, "Hello", only={"text", "tokens"})
    for make in (events_from, aevents_from):
        with pytest.raises(ValueError, match="'tokens'"):
            make([], only={"tokens"})


async def test_a_stream_that_the_user_has_becomes_the_same_events(
    make_model: MakeModel, read: ReadEvents
) -> None:
    run = without_time(await read(make_model(RICH), "Hello"))
    assert without_time(list(events_from(make_model(RICH).stream("Hello")))) == run
    events = aevents_from(make_model(RICH).astream("Hello"))
    assert without_time([event async for event in events]) == run


@pytest.mark.parametrize("is_chain", [False, True])
async def test_cores_own_events_become_the_same_events(
    make_model: MakeModel, is_chain: bool
) -> None:
    model = make_model(RICH)
    runnable = RunnableLambda(str) | model if is_chain else model
    core = runnable.astream_events("Hello", version="v2")
    seen = without_time([event async for event in aevents_from(core)])
    assert seen == without_time(list(iter_events(make_model(RICH), "Hello")))


async def test_cores_events_of_an_agent_hold_its_tools_and_its_news(
    make_model: MakeModel,
) -> None:
    @tool
    async def search(query: str) -> str:
        """Search."""
        await adispatch_custom_event("search", "Looking")
        return query.upper()

    call = Reply(tool_calls=[ToolCall("search", {"query": "news"})])
    agent = create_agent(make_model(call, "None."), [search])
    core = agent.astream_events({"messages": "Any news?"}, version="v2")
    events = [event async for event in aevents_from(core)]
    assert [event.result for event in events if event.type == "tool_result"] == ["NEWS"]
    news = [event.content for event in events if event.type == "status"]
    assert news.count("Looking") == 1
    assert news.count("Generating") == 2
    assert "".join(event.content for event in events if event.type == "text") == "None."
    assert len([event for event in events if event.type == "usage"]) == 2


def test_text_and_messages_of_the_user_are_read() -> None:
    result = ToolMessage("5", tool_call_id="call_a", name="add", status="error")
    events = list(events_from(["Hel", "lo", result, AIMessage("Bye")]))
    assert kinds(events) == ["text", "tool_result", "text", "meta", "final"]
    assert (events[2].id, events[2].status, events[2].result) == (
        "call_a",
        "error",
        "5",
    )


def test_chunks_without_a_last_one_end_with_the_stream() -> None:
    chunks = [AIMessageChunk("a", id="1"), AIMessageChunk("b", id="1")]
    events = list(events_from(chunks))
    assert kinds(events) == ["text", "meta", "final"]
    assert events[-1].message.content == "ab"


async def test_collect_gives_all_of_a_stream(make_model: MakeModel) -> None:
    sync = collect(iter_events(make_model(RICH), "Hello"))
    assert sync.text == RICH.text
    assert sync.reasoning == RICH.reasoning
    assert [call.name for call in sync.tool_calls] == ["add", "weather"]
    assert sync.finish_reason == "tool_calls"
    assert sync.usage is not None
    assert sync.message.text == RICH.text
    again = await acollect(aiter_events(make_model(RICH), "Hello"))
    assert (again.text, again.finish_reason) == (sync.text, sync.finish_reason)
    filtered = collect(iter_events(make_model(RICH), "Hello", only={"text", "meta"}))
    assert (filtered.text, filtered.finish_reason) == (RICH.text, "tool_calls")
    assert filtered.message is None


def test_the_message_has_no_call_that_was_cut() -> None:
    piece = tool_call_chunk(name="rm", args='{"path": "/", "dry', id="c", index=0)
    whole = tool_call_chunk(name="ls", args='{"path": "/"}', id="d", index=1)
    chunk = AIMessageChunk("", id="m", tool_call_chunks=[piece, whole])
    assert [call["name"] for call in chunk.tool_calls] == ["rm", "ls"]  # core's mending
    message = collect(events_from([chunk])).message
    assert message is not None
    assert [call["name"] for call in message.tool_calls] == ["ls"]
    (broken,) = message.invalid_tool_calls
    assert (broken["name"], broken["args"], broken["id"]) == ("rm", piece["args"], "c")


def test_collect_gives_what_a_filter_left_over(make_model: MakeModel) -> None:
    reply = Reply("See there.", citations=["https://one.example"])
    only = {"text", "usage", "source"}
    model = make_model(reply, reply)
    result = collect(iter_events(model | StrOutputParser(), "Hello", only=only))
    whole = collect(iter_events(model, "Hello"))
    assert (result.sources, result.message) == (whole.sources, None)
    assert result.usage is not None
    assert whole.usage is not None
    assert result.usage.output_tokens == whole.usage.output_tokens > 0


async def test_sources_come_as_events_and_on_the_final_one(
    make_model: MakeModel, read: ReadEvents
) -> None:
    reply = Reply(
        "See there.", citations=["https://one.example", "https://two.example"]
    )
    events = await read(make_model(reply), "Hello")
    sources = [event.source for event in events if event.type == "source"]
    assert [source.url for source in sources] == [
        "https://one.example",
        "https://two.example",
    ]
    assert events[-1].sources == sources
