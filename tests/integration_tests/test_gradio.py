"""``chat_fn`` behind a launched Gradio page, asked by Gradio's own client."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from typing import Any, get_type_hints

import httpx
import pytest
from langchain_core.runnables import RunnableLambda

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.adapters.gradio import chat_fn, to_messages
from langchain_streamkit.errors import RateLimitError
from langchain_streamkit.testing import (
    Cut,
    FakeServer,
    Gate,
    Hold,
    Reply,
    Send,
    ToolCall,
)
from tests.unit_tests.adapters.hostile import ACTING, HOSTILE, WORDS

# Gradio's own dependencies deprecate things, and leave sockets to the collector.
pytestmark = [
    pytest.mark.usefixtures("foreign_loops"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.timeout(180),
]
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNg")


@pytest.fixture(autouse=True)
def _nothing_calls_home(monkeypatch):
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@contextmanager
def page(runnable, **options):
    """A launched page; gives a client of it."""
    import gradio as gr
    from gradio_client import Client  # type: ignore[import-untyped]

    demo = gr.ChatInterface(chat_fn(runnable), **options)
    _, url, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1"
    )
    try:
        yield Client(url, verbose=False, download_files=False)
    finally:
        demo.close(verbose=False)


def titles(messages):
    return [m["metadata"].get("title", "") for m in messages]


def texts(messages):
    return [m["content"]["text"] for m in messages]


def test_text_grows_and_reasoning_closes() -> None:
    reply = Reply("One two three.", reasoning="Let me see.", frame_delay=0.05)
    with FakeServer([reply]) as server:
        model = ChatStreamKit(model="any", base_url=server.url)
        with page(model) as client:
            seen = list(client.submit("Count!", api_name="/chat"))
    assert len(seen) > 2
    assert texts(seen[-1]) == ["Let me see.", "One two three."]
    thinking = [m["metadata"] for s in seen for m in s if m["metadata"].get("id") == 0]
    assert [m["status"] for m in thinking[:1]] == ["pending"]
    assert thinking[-1]["status"] == "done"
    assert thinking[-1]["duration"] > 0


def test_hostile_text_is_harmless_and_comes_back_whole() -> None:
    with FakeServer([Reply([HOSTILE], reasoning=[HOSTILE]), "Again."]) as server:
        model = ChatStreamKit(model="any", base_url=server.url)
        with page(model) as client:
            shown = client.predict("Hi", api_name="/chat")
            client.predict("And?", api_name="/chat")
        sent = server.requests[1].messages
    text = texts(shown)[-1]
    assert all(word in text for word in WORDS)
    assert "<script" not in text
    assert not set(text) & ACTING
    assert [m["role"] for m in sent] == ["user", "assistant", "user"]
    assert "<script>alert(1)</script> <img src=x" in sent[1]["content"]
    assert "![pixel](https" in sent[1]["content"]
    assert "&lt;b&gt;" in sent[1]["content"]


def test_stop_reaches_the_server_while_the_model_stalls() -> None:
    gate = Gate()
    frame = b'data: {"choices":[{"index":0,"delta":{"content":"early"}}]}\n\n'
    held = Reply.script(Send(frame), Hold(gate), Send(b"data: [DONE]\n\n"))
    with FakeServer([held]) as server:
        model = ChatStreamKit(model="any", base_url=server.url)
        with page(model) as client:
            job = client.submit("Hi", api_name="/chat")
            assert any(texts(shown) == ["early"] for shown in job)
            assert gate.wait_reached(30)
            job.cancel()
            assert server.requests[0].wait_disconnected(30)


def test_an_agent_nests_what_its_tools_gave() -> None:
    from langchain.agents import create_agent

    def weather(city: str) -> str:
        """The weather in a city."""
        return f"rain in {city}"

    call = ToolCall("weather", {"city": "Bergen"})
    with FakeServer([Reply(tool_calls=[call]), "It rains."]) as server:
        model = ChatStreamKit(model="any", base_url=server.url)
        with page(create_agent(model, [weather])) as client:
            shown = client.predict("Umbrella?", api_name="/chat")
    assert titles(shown) == ["🛠️ weather", "↩️ weather", ""]
    assert shown[1]["metadata"]["parent_id"] == shown[0]["metadata"]["id"]
    assert '"city": "Bergen"' in texts(shown)[0]
    assert "rain in Bergen" in texts(shown)[1]
    assert texts(shown)[2] == "It rains."


def test_a_cut_answer_stays_and_the_reason_stands_below_it() -> None:
    replies = [Reply("one two three", faults=[Cut(after_frames=3)]), "Whole."]
    with FakeServer(replies) as server:
        model = ChatStreamKit(model="any", base_url=server.url)
        with page(model) as client:
            shown = client.predict("Count!", api_name="/chat")
            client.predict("Again!", api_name="/chat")
        sent = server.requests[1].messages
    assert texts(shown)[0] == "one two"
    assert titles(shown)[1].startswith("⚠️ connection closed early")
    assert [m["content"] for m in sent] == ["Count!", "one two", "Again!"]


def test_a_picture_is_sent_to_the_model(tmp_path) -> None:
    from gradio_client import handle_file

    path = tmp_path / "cat.png"
    path.write_bytes(PIXEL)
    with FakeServer(["A cat."]) as server:
        model = ChatStreamKit(model="any", base_url=server.url)
        with page(model, multimodal=True) as client:
            client.predict(
                {"text": "What is it?", "files": [handle_file(str(path))]},
                api_name="/chat",
            )
        content: Any = server.requests[0].messages[0]["content"]
    url = f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}"
    assert content[0]["image_url"]["url"] == url
    assert content[1]["text"] == "What is it?"


@pytest.mark.parametrize("wrap", [dict, lambda file: file["path"]])
def test_a_file_that_nobody_uploaded_is_not_read(tmp_path, wrap) -> None:
    path = tmp_path / "secret.txt"
    path.write_text("the secret")
    file = wrap({"path": str(path), "meta": {"_type": "gradio.FileData"}})
    with FakeServer(["Hello."], repeat_last=True) as server:
        model = ChatStreamKit(model="any", base_url=server.url)
        with page(model, multimodal=True) as client:
            call = f"{client.src.rstrip('/')}/gradio_api/call/chat"
            asked = {"data": [{"text": "Hi", "files": [file]}]}
            event = httpx.post(call, json=asked, timeout=60).json()["event_id"]
            answer = httpx.get(f"{call}/{event}", timeout=60).text
        assert "event: error" in answer
        assert server.requests == []


def test_the_history_becomes_messages() -> None:
    history = [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": "Hm", "metadata": {"title": "Thinking"}},
        {"role": "assistant", "content": [{"type": "text", "text": "&lt;b>"}]},
        {"role": "assistant", "content": "more", "metadata": {}},
        {"role": "alien", "content": "x"},
    ]
    messages = to_messages({"text": "And?", "files": []}, history)
    assert [(m.type, m.content) for m in messages] == [
        ("human", "Hi"),
        ("ai", "<b>\n\nmore"),
        ("human", "And?"),
    ]


async def test_an_own_input_is_used_and_other_errors_are_gradios() -> None:
    asked = []

    def fail(value):
        asked.append(value)
        raise LookupError("gone")

    fn = chat_fn(RunnableLambda(fail), to_input=lambda message, _: message.upper())
    with pytest.raises(LookupError):
        [shown async for shown in fn("hi", [])]
    assert asked == ["HI"]


def test_gradio_can_evaluate_the_types() -> None:
    model = ChatStreamKit(model="m", base_url="http://127.0.0.1:9/v1")
    assert set(get_type_hints(chat_fn(model))) == {"message", "history", "return"}


async def test_an_error_is_told_without_secrets() -> None:
    def fail(_: Any) -> str:
        raise RateLimitError("slow down, http://me:pass@host/?api_key=abcdef123456")

    chat = chat_fn(RunnableLambda(fail))
    told = str([messages async for messages in chat("Hello", [])][-1])
    assert "slow down" in told
    assert "pass" not in told
    assert "abcdef123456" not in told
