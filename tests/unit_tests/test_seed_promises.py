"""Every promise has a page that shows it, and tests that prove it."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain.tools import ToolRuntime  # noqa: TC002 - the tool's signature is read
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.rate_limiters import BaseRateLimiter
from langchain_core.runnables.history import RunnableWithMessageHistory
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from typing_extensions import override

from langchain_streamkit import ChatStreamKit, StreamInterruptedError, iter_events
from langchain_streamkit.testing import Cut, Reply, ToolCall
from tests import promises
from tests.documentation import read_blocks
from tests.promises import PAGE, PROMISES, Promise
from tests.tables import ROOT, finds_test

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_streamkit.testing import FakeServer

    MakeModel = Callable[..., ChatStreamKit]

# The table that the documents came to lies beside them.
RESEARCH = Path(
    os.environ.get("SEED_RESEARCH") or ROOT.parent / "shared/research/seeds.md"
)
ABSENT = (
    "The table that the documents came to is beside the checkout, and here it is not."
)


def by_key(promise: Promise) -> str:
    return promise.key.replace(" ", "-")


# ── the table ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("promise", PROMISES, ids=by_key)
def test_a_promise_names_tests_that_exist(promise: Promise) -> None:
    assert promise.paths
    for name in promise.paths:
        assert finds_test(name), name
        page = re.search(r"\[(.*\.md)\]$", name)
        if page is not None:
            assert read_blocks((ROOT / page[1]).read_text("utf-8"))


@pytest.mark.parametrize("promise", PROMISES, ids=by_key)
def test_a_promise_is_shown_on_its_page(promise: Promise) -> None:
    page = (PAGE.parent / promise.page).read_text("utf-8")
    words = re.findall(r"[A-Za-z]\w+", " ".join(re.findall(r"`([^`]+)`", promise.by)))
    assert not words or any(word in page for word in words)


def test_the_page_has_the_table_as_it_is() -> None:
    page = PAGE.read_text("utf-8")
    assert page == promises.refresh(page), "run: make promises"
    assert page.count("\n| ") >= len(PROMISES)


def test_a_name_of_no_test_is_noticed() -> None:
    assert finds_test(
        "tests/unit_tests/test_seed_promises.py::test_a_chain_streams_its_text"
    )
    assert not finds_test("tests/unit_tests/test_seed_promises.py::test_nothing")
    assert not finds_test(
        "tests/unit_tests/test_nowhere.py::test_a_chain_streams_its_text"
    )


@pytest.mark.skipif(not RESEARCH.is_file(), reason=ABSENT)
def test_every_row_that_the_documents_came_to_has_a_promise() -> None:
    table = RESEARCH.read_text("utf-8").partition("## 4.")[2]
    rows = [line[2:] for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(PROMISES)
    for row, promise in zip(rows, PROMISES, strict=True):
        assert row.startswith(promise.key)


# ── what no other test shows ────────────────────────────────────────────────────


def test_a_chain_streams_its_text(make_model: MakeModel) -> None:
    prompt = ChatPromptTemplate.from_template("Tell about: {topic}")
    chain = prompt | make_model("It is big.") | StrOutputParser()
    assert list(chain.stream({"topic": "Brazil"})) == ["It", " is", " big.", ""]


def test_the_reason_of_the_end_is_told_once_a_message(make_model: MakeModel) -> None:
    model = make_model(Reply("Too lo", finish_reason="length"))
    events = list(iter_events(model, "Hello"))
    reasons = [(e.type, e.finish_reason) for e in events if e.finish_reason]
    assert reasons == [("meta", "length"), ("final", "length")]


def test_the_pause_is_told_while_a_tool_runs(make_model: MakeModel) -> None:
    is_told = threading.Event()

    @tool
    def search(query: str) -> str:
        """Search for information."""
        assert is_told.wait(30)
        return query

    call = Reply(tool_calls=[ToolCall("search", {"query": "news"})])
    agent = create_agent(make_model(call, "None."), [search])
    kinds = []
    for event in iter_events(agent, {"messages": "Any news?"}):
        kinds.append(event.type)
        if event.type == "status" and event.content == "Running search":
            is_told.set()
    assert is_told.is_set()
    assert kinds[-4:] == ["text", "meta", "usage", "final"]


@tool
def whoami(runtime: ToolRuntime[dict[str, str]]) -> str:
    """Who asks?"""
    return str((runtime.context or runtime.config["configurable"])["user"])


@pytest.mark.parametrize(
    "given",
    [{"context": {"user": "Ada"}}, {"config": {"configurable": {"user": "Ada"}}}],
    ids=["context", "config"],
)
def test_a_context_reaches_the_tools(make_model: MakeModel, given) -> None:
    model = make_model(Reply(tool_calls=[ToolCall("whoami")]), "You are Ada.")
    agent = create_agent(model, [whoami], context_schema=dict)
    events = list(iter_events(agent, {"messages": "Who am I?"}, **given))
    assert [e.result for e in events if e.type == "tool_result"] == ["Ada"]


@pytest.mark.filterwarnings(
    "ignore::langchain_core._api.deprecation.LangChainDeprecationWarning"
)
def test_a_message_history_keeps_a_streamed_conversation(
    make_model: MakeModel, fake_server: FakeServer
) -> None:
    histories: dict[str, InMemoryChatMessageHistory] = {}

    def history_of(session_id: str) -> InMemoryChatMessageHistory:
        return histories.setdefault(session_id, InMemoryChatMessageHistory())

    model = make_model("Hello Ada!", "You are Ada.", "I do not know you.")
    chat = RunnableWithMessageHistory(model, history_of)
    answers = []
    for session, question in (("a", "I am Ada."), ("a", "Who am I?"), ("b", "Who?")):
        config: Any = {"configurable": {"session_id": session}}
        answers.append("".join(c.text for c in chat.stream(question, config)))
    assert answers == ["Hello Ada!", "You are Ada.", "I do not know you."]
    sent = [[m["content"] for m in r.messages] for r in fake_server.requests]
    assert sent[1:] == [["I am Ada.", "Hello Ada!", "Who am I?"], ["Who?"]]


def test_a_turn_that_broke_leaves_its_question_in_the_thread(
    make_model: MakeModel, fake_server: FakeServer
) -> None:
    model = make_model(Reply("Hello Ada!", faults=[Cut(after_frames=2)]), "Yes?")
    agent = create_agent(model, checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "one"}}
    with pytest.raises(StreamInterruptedError):
        list(iter_events(agent, {"messages": "I am Ada."}, config))
    list(iter_events(agent, {"messages": "Hello?"}, config))
    sent = [(m["role"], m["content"]) for m in fake_server.requests[-1].messages]
    assert sent == [("user", "I am Ada."), ("user", "Hello?")]


def test_another_model_takes_over_before_the_first_word_only(
    make_model: MakeModel,
) -> None:
    broken = Reply("It rains in", faults=[Cut(after_frames=3)])
    model = make_model(Reply.error(401, "no such key"), "It rains.", broken, "No.")
    both = model.with_fallbacks([model])
    assert "".join(chunk.text for chunk in both.stream("The weather?")) == "It rains."
    seen: list[str] = []
    with pytest.raises(StreamInterruptedError):
        seen.extend(chunk.text for chunk in both.stream("The weather?"))
    assert "".join(seen) == "It rains"


class Calls(BaseCallbackHandler):
    """Counts calls, and how many were under way at once."""

    def __init__(self) -> None:
        self.ended = 0
        self.running = 0
        self.most = 0

    @override
    def on_chat_model_start(self, *_: Any, **__: Any) -> None:
        self.running += 1
        self.most = max(self.most, self.running)

    @override
    def on_llm_end(self, *_: Any, **__: Any) -> None:
        self.running -= 1
        self.ended += 1


async def test_a_batch_keeps_its_limit_and_its_handlers(make_model: MakeModel) -> None:
    model = make_model(*["Done."] * 6)
    calls = Calls()
    config: Any = {"max_concurrency": 2, "callbacks": [calls]}
    answers = await model.abatch(["Go!"] * 6, config)
    assert [answer.text for answer in answers] == ["Done."] * 6
    assert calls.ended == 6
    assert 1 <= calls.most <= 2


class Limiter(BaseRateLimiter):
    """Lets everything pass, and says so."""

    def __init__(self) -> None:
        self.asked = 0

    @override
    def acquire(self, *, blocking: bool = True) -> bool:
        self.asked += 1
        return True

    @override
    async def aacquire(self, *, blocking: bool = True) -> bool:
        self.asked += 1
        return True


async def test_a_rate_limiter_is_asked_before_a_stream(make_model: MakeModel) -> None:
    limiter = Limiter()
    model = make_model("One.", "Two.", rate_limiter=limiter)
    assert "".join(chunk.text for chunk in model.stream("Go!")) == "One."
    assert "".join([chunk.text async for chunk in model.astream("Go!")]) == "Two."
    assert limiter.asked == 2
