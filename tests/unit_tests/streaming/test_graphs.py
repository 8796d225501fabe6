"""Agents and graphs: tool calls, their results, and the text of several models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages

from langchain_streamkit import ChatStreamKit, aiter_events, events_from
from langchain_streamkit.events import StatusEvent, ToolCallEvent, ToolResultEvent
from langchain_streamkit.testing import FakeServer, Reply, Stall, ToolCall

if TYPE_CHECKING:
    from langchain_streamkit.events import StreamEvent
    from langchain_streamkit.testing import ReceivedRequest
    from tests.unit_tests.conftest import MakeModel

    from .conftest import ReadEvents

QUESTION = {"messages": [("user", "What is 2 + 3?")]}
CALLING = Reply("I add.", tool_calls=[ToolCall("add", {"a": 2, "b": 3}, id="call_a")])
ANSWER = "It is five."


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def shape(events: list[StreamEvent]) -> list[tuple[str, str | None]]:
    """What happened and where, each run of the same once."""
    seen: list[tuple[str, str | None]] = []
    for event in events:
        kind = event.phase if isinstance(event, StatusEvent) else event.type
        if not seen or seen[-1] != (kind, event.node):
            seen.append((kind, event.node))
    return seen


async def test_an_agent_tells_its_whole_loop_in_order(
    make_model: MakeModel, read: ReadEvents
) -> None:
    agent = create_agent(make_model(CALLING, ANSWER), [add])
    events = await read(agent, QUESTION)
    assert shape(events) == [
        ("connecting", "model"),
        ("generating", "model"),
        ("text", "model"),
        ("tool_call_delta", "model"),
        ("tool_call", "model"),
        ("meta", "model"),
        ("usage", "model"),
        ("tool", "tools"),
        ("tool_result", "tools"),
        ("connecting", "model"),
        ("generating", "model"),
        ("text", "model"),
        ("meta", "model"),
        ("usage", "model"),
        ("final", None),
    ]
    (call,) = [event for event in events if isinstance(event, ToolCallEvent)]
    (result,) = [event for event in events if isinstance(event, ToolResultEvent)]
    assert call.args == {"a": 2, "b": 3}
    assert (result.id, result.name, result.status, result.result) == (
        "call_a",
        "add",
        "success",
        "5",
    )
    final = events[-1]
    assert final.message.text == ANSWER
    totals = [event.usage.total_tokens for event in events if event.type == "usage"]
    assert final.usage.total_tokens == sum(totals)
    assert len(totals) == 2


async def test_an_agent_at_the_end_of_a_chain_tells_the_same(
    make_model: MakeModel, read: ReadEvents
) -> None:
    prompt = ChatPromptTemplate.from_template("{q}")
    agent = create_agent(make_model(CALLING, ANSWER), [add])
    chain = prompt | RunnableLambda(lambda p: {"messages": p.to_messages()}) | agent
    events = await read(chain, {"q": "What is 2 + 3?"})
    kinds = [kind for kind, _ in shape(events)]
    assert kinds == [
        "connecting",
        "generating",
        "text",
        "tool_call_delta",
        "tool_call",
        "meta",
        "usage",
        "tool",
        "tool_result",
        "connecting",
        "generating",
        "text",
        "meta",
        "usage",
        "final",
    ]


async def test_an_agent_never_runs_a_call_that_was_cut(
    make_model: MakeModel, read: ReadEvents
) -> None:
    ran: list[str] = []

    @tool
    def remove(path: str, only_empty: bool = False) -> str:
        """Remove a folder."""
        ran.append(path)
        return "gone"

    cut = Reply(
        tool_calls=[ToolCall("remove", '{"path": "/data/x", "only_em', id="call_r")],
        finish_reason="length",
    )
    events = await read(create_agent(make_model(cut), [remove]), QUESTION)
    (call,) = [event for event in events if isinstance(event, ToolCallEvent)]
    assert call.error is not None
    assert (call.args, call.raw_args) == ({}, '{"path": "/data/x", "only_em')
    assert ran == []
    assert not [event for event in events if isinstance(event, ToolResultEvent)]


async def test_a_tool_that_fails_gives_an_error_result(
    make_model: MakeModel, read: ReadEvents
) -> None:
    wrong = Reply(tool_calls=[ToolCall("add", {"a": "two"}, id="call_a")])
    events = await read(create_agent(make_model(wrong, ANSWER), [add]), QUESTION)
    (result,) = [event for event in events if isinstance(event, ToolResultEvent)]
    assert (result.id, result.status) == ("call_a", "error")


class State(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]


def two_models(url: str) -> Any:
    """A graph whose two models answer at the same time."""
    models = {
        name: ChatStreamKit(model=name, base_url=url) for name in ("left", "right")
    }
    graph = StateGraph(State)
    for name, model in models.items():

        def say(state: State, model: ChatStreamKit = model) -> Any:
            return {"messages": [model.invoke(state["messages"])]}

        async def asay(state: State, model: ChatStreamKit = model) -> Any:
            return {"messages": [await model.ainvoke(state["messages"])]}

        graph.add_node(name, RunnableLambda(say, asay))
        graph.add_edge(START, name)
        graph.add_edge(name, END)
    return graph.compile()


async def test_two_models_of_a_graph_are_kept_apart(
    fake_server: FakeServer, read: ReadEvents
) -> None:
    def answer(request: ReceivedRequest) -> Reply:
        return Reply(" ".join([request.model] * 6))

    fake_server.script(answer, answer)
    events = await read(two_models(fake_server.url), QUESTION)
    for name in ("left", "right"):
        own = [event for event in events if event.node == name]
        text = "".join(event.content for event in own if event.type == "text")
        assert text == " ".join([name] * 6)
        assert len({event.message_id for event in own if event.type != "status"}) == 1
        assert [event.type for event in own].count("meta") == 1
        statuses = [event for event in own if event.type == "status"]
        assert {event.metadata["model"] for event in statuses} == {name}


async def test_what_a_node_writes_is_a_status(read: ReadEvents) -> None:
    def work(state: State) -> Any:
        get_stream_writer()({"message": "Half way", "percent": 50})
        return {"messages": [AIMessage("Done.")]}

    graph = StateGraph(State)
    graph.add_node("work", work)
    graph.add_edge(START, "work")
    events = await read(graph.compile(), QUESTION)
    assert [event.type for event in events] == ["status", "text", "meta", "final"]
    assert (events[0].phase, events[0].content) == ("custom", "Half way")
    assert events[0].metadata["data"]["percent"] == 50
    assert events[1].content == "Done."


async def test_a_graph_inside_a_graph_is_heard(
    make_model: MakeModel, read: ReadEvents
) -> None:
    inner = create_agent(make_model(CALLING, ANSWER), [add], name="inner")
    graph = StateGraph(State)
    graph.add_node("outer", inner)
    graph.add_edge(START, "outer")
    events = await read(graph.compile(), QUESTION)
    text = "".join(event.content for event in events if event.type == "text")
    assert text == f"I add.{ANSWER}"
    assert len([event for event in events if isinstance(event, ToolResultEvent)]) == 1


async def test_what_the_user_streams_of_a_graph_is_read(make_model: MakeModel) -> None:
    for mode in ("messages", ["messages", "updates", "custom"]):
        agent = create_agent(make_model(CALLING, ANSWER), [add])
        stream = agent.stream(QUESTION, stream_mode=mode)
        events = list(events_from(stream))
        text = "".join(event.content for event in events if event.type == "text")
        assert text == f"I add.{ANSWER}"
        assert [event.type for event in events].count("tool_result") == 1


async def test_leaving_an_agent_closes_its_connection(
    fake_server: FakeServer, make_model: MakeModel
) -> None:
    model = make_model(Reply("One two three", faults=[Stall(after_frames=3)]))
    events = aiter_events(create_agent(model, [add]), QUESTION, only={"text"})
    await anext(events)
    await events.aclose()
    assert await fake_server.requests[0].await_disconnected()
