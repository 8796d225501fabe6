"""Whole histories on their way out: roles, calls and results, reasoning, facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_streamkit._langchain.messages import render_messages
from langchain_streamkit.errors import UnsendableInputError
from langchain_streamkit.providers import Provider

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

PLAIN = Provider(name="plain", title="Plain")
PNG = "iVBORw0KGgo="
PICTURE: Any = {"type": "image", "base64": PNG, "mime_type": "image/png"}
PICTURE_PART = {
    "type": "image_url",
    "image_url": {"url": f"data:image/png;base64,{PNG}"},
}


def text(value: str) -> Any:
    return {"type": "text", "text": value}


def call(id_: str | None = "c1", name: str = "add", **args: Any) -> Any:
    return {"type": "tool_call", "id": id_, "name": name, "args": args}


def render(*messages: BaseMessage, send_reasoning: bool = True, **facts: Any) -> Any:
    row = PLAIN.replace(**facts)
    return render_messages(messages, row, send_reasoning=send_reasoning)


def roles(rendered: list[dict[str, Any]]) -> list[str]:
    return [message["role"] for message in rendered]


HISTORIES: dict[str, list[BaseMessage]] = {
    "plain": [
        SystemMessage("Be brief."),
        SystemMessage("Be kind.", additional_kwargs={"__openai_role__": "developer"}),
        HumanMessage("What is 1 + 2?", name="ada"),
        AIMessage("", tool_calls=[call(a=1, b=2), call("c2", "stop")]),
        ToolMessage("3", tool_call_id="c1", name="add", artifact={"big": object()}),
        ToolMessage("", tool_call_id="c2", status="error"),
        AIMessage("It is 3.", name="bot"),
        ChatMessage(content="And 3 + 4?", role="user"),
    ],
    "langchain_v1": [
        HumanMessage(content_blocks=[{"type": "text", "text": "look"}, PICTURE]),
        AIMessage(
            content_blocks=[
                {"type": "reasoning", "reasoning": "hm", "index": "lc_rs_0"},
                {
                    "type": "text",
                    "text": "See",
                    "id": "lc_1",
                    "annotations": [{"type": "citation", "url": "https://a"}],
                },
                call("c1", "zoom", factor=2),
                {
                    "type": "server_tool_call",
                    "id": "s",
                    "name": "web_search",
                    "args": {"q": "x"},
                },
            ],
            response_metadata={"output_version": "v1"},
        ),
        ToolMessage(content_blocks=[text("big")], tool_call_id="c1"),
        AIMessageChunk(content=[{"type": "text", "text": "Done", "index": 0}]),
    ],
    "anthropic": [
        HumanMessage([{**text("hi"), "cache_control": {"type": "ephemeral"}}]),
        AIMessage(
            [
                {"type": "thinking", "thinking": "hm", "signature": "sig", "index": 0},
                {"type": "redacted_thinking", "data": "xx"},
                {**text("Let me ask"), "citations": [], "index": 2},
                {"type": "tool_use", "id": "t1", "name": "pick", "input": {"c": "red"}},
            ],
            tool_calls=[call("t1", "pick", c="red")],
            response_metadata={"model_provider": "anthropic"},
        ),
        HumanMessage(
            [
                {
                    "type": "tool_result",
                    "tool_use_id": "t1",
                    "content": [text("a fine pick"), text("indeed")],
                    "is_error": False,
                },
                text("why?"),
            ]
        ),
        AIMessage([{"type": "tool_use", "id": "t2", "name": "pick", "input": {}}]),
        HumanMessage([{"type": "tool_result", "tool_use_id": "t2", "is_error": True}]),
    ],
    "openai_responses": [
        HumanMessage([{"type": "input_text", "text": "search"}]),
        AIMessage(
            [
                {"type": "reasoning", "id": "rs_1", "summary": [
                    {"type": "summary_text", "text": "first"},
                    {"type": "summary_text", "text": "second"},
                ], "encrypted_content": "xx"},
                {"type": "web_search_call", "id": "ws_1", "status": "completed"},
                {**text("Found"), "id": "msg_1", "annotations": [{"url": "u"}]},
                {"type": "function_call", "id": "fc_1", "call_id": "c1",
                 "name": "open", "arguments": '{"n": 1}', "status": "completed"},
            ],
            tool_calls=[call("c1", "open", n=1)],
            response_metadata={"model_provider": "openai", "id": "resp_1"},
        ),
        ToolMessage("page", tool_call_id="c1"),
        AIMessage([{"type": "refusal", "refusal": "I must not."}]),
    ],
    "gemini": [
        AIMessage(
            [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "executable_code", "executable_code": "1+1"},
                {"type": "code_execution_result", "code_execution_result": "2"},
                "two",
            ],
            tool_calls=[call("g1", "f", a=[1, {"b": None}])],
            additional_kwargs={
                "function_call": {"name": "f", "arguments": '{"a": [1]}'},
                "__gemini_function_call_thought_signatures__": {"g1": "sig"},
            },
            response_metadata={"model_provider": "google_genai"},
        ),
        ToolMessage(
            [{"type": "image_url", "image_url": f"data:image/png;base64,{PNG}"}],
            tool_call_id="g1",
        ),
        HumanMessage([{"type": "media", "mime_type": "image/png", "data": PNG}]),
    ],
    "bedrock": [
        HumanMessage(
            [
                {"text": "read"},
                {"document": {"format": "pdf", "name": "a",
                              "source": {"bytes": b"%PDF-1.4"}}},
                {"cachePoint": {"type": "default"}},
            ]
        ),
        AIMessage(
            [
                {"type": "reasoning_content",
                 "reasoning_content": {"text": "hm", "signature": "s"}},
                text("ok"),
                {"type": "tool_use", "id": "b1", "name": "f", "input": {"x": 1}},
            ],
            tool_calls=[call("b1", "f", x=1)],
        ),
        ToolMessage("1", tool_call_id="b1"),
    ],
    "mistral": [
        AIMessage(
            [
                {"type": "thinking", "thinking": [text("so"), text(" on")]},
                text("42"),
                {**text(" (source)"), "reference": {"reference_ids": [1]}},
            ],
            response_metadata={"model_provider": "mistralai"},
        ),
    ],
    "functions": [
        AIMessage(
            "",
            additional_kwargs={"function_call": {"name": "f", "arguments": '{"a":1}'}},
        ),
        FunctionMessage(name="f", content="1"),
        FunctionMessage(name="g", content="2"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_histories_of_every_origin(name: str, snapshot: SnapshotAssertion) -> None:
    messages = HISTORIES[name]
    before = repr(messages)
    rendered = render_messages(messages, PLAIN)
    assert rendered == snapshot
    assert repr(messages) == before
    orjson.dumps(rendered)


@pytest.mark.parametrize("name", HISTORIES)
@pytest.mark.parametrize(
    "form",
    ["reasoning_content", "reasoning", "reasoning_details", "think_tags"],
)
def test_the_reasoning_of_every_origin_is_found(name: str, form: Any) -> None:
    rendered = render_messages(HISTORIES[name], PLAIN.replace(reasoning_input=form))
    thoughts = {
        "langchain_v1": "hm",
        "anthropic": "hm",
        "openai_responses": "first\n\nsecond",
        "gemini": "hm",
        "bedrock": "hm",
        "mistral": "so on",
    }
    turn = next(message for message in rendered if message["role"] == "assistant")
    field = "reasoning" if form == "reasoning_details" else form
    if name not in thoughts:
        assert field not in turn
        assert "think" not in (turn["content"] or "")
    elif form == "think_tags":
        assert turn["content"].startswith(f"<think>{thoughts[name]}</think>")
    else:
        assert turn[field] == thoughts[name]


# Roles


def test_a_server_without_the_developer_role_gets_system() -> None:
    messages = [
        ChatMessage(content="a", role="developer"),
        SystemMessage("b", additional_kwargs={"__openai_role__": "developer"}),
    ]
    assert roles(render(*messages)) == ["developer", "developer"]
    assert roles(render(*messages, developer_role=False)) == ["system", "system"]


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("Human", "user"),
        ("ai", "assistant"),
        ("system", "system"),
        ("critic", "critic"),
    ],
)
def test_a_chat_message_has_the_role_that_it_names(role: str, expected: str) -> None:
    assert render(ChatMessage(content="a", role=role)) == [
        {"role": expected, "content": "a"}
    ]


def test_a_chat_message_can_be_a_result_if_it_has_the_id() -> None:
    result = ChatMessage(
        content="3", role="tool", additional_kwargs={"tool_call_id": "c1"}, name="add"
    )
    assert render(result) == [{"role": "tool", "content": "3", "tool_call_id": "c1"}]
    with pytest.raises(UnsendableInputError, match="tool_call_id"):
        render(ChatMessage(content="3", role="tool"))


def test_system_messages_are_merged_where_there_may_be_one_only() -> None:
    rendered = render(
        HumanMessage("hi"),
        SystemMessage("a"),
        SystemMessage(""),
        SystemMessage([text("b"), text("c")], name="n"),
        single_system_message=True,
    )
    assert rendered == [
        {"role": "system", "content": "a\n\nb\nc"},
        {"role": "user", "content": "hi"},
    ]


def test_without_system_messages_there_is_nothing_to_merge() -> None:
    assert roles(render(HumanMessage("hi"), single_system_message=True)) == ["user"]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("ada", "ada"),
        ("Ada Lovelace", "Ada_Lovelace"),
        ("<a|b>", "_a_b_"),
        ("x" * 70, "x" * 64),
    ],
)
def test_names_are_mended_to_what_servers_take(name: str, sent: str) -> None:
    assert render(HumanMessage("hi", name=name))[0]["name"] == sent
    assert "name" not in render(HumanMessage("hi", name=name), message_names=False)[0]


def test_an_instruction_to_a_graph_is_no_message() -> None:
    with pytest.raises(UnsendableInputError) as caught:
        render(HumanMessage("my secret"), RemoveMessage(id="1"))
    assert str(caught.value).startswith("messages[1] (RemoveMessage): ")
    assert "secret" not in str(caught.value)


def test_an_unknown_class_is_refused() -> None:
    class Memo(BaseMessage):
        type: str = "memo"

    with pytest.raises(UnsendableInputError, match=r"messages\[0\] \(Memo\)"):
        render(Memo(content="a"))


# Answers


@pytest.mark.parametrize(
    ("fact", "content"),
    [("empty", {"content": ""}), ("null", {"content": None}), ("omit", {})],
)
def test_a_turn_of_calls_alone_has_the_content_that_the_row_names(
    fact: Any, content: dict[str, Any]
) -> None:
    empties: list[Any] = ["", [], [text("")]]
    for empty in empties:
        [turn] = render(AIMessage(empty, tool_calls=[call()]), tool_call_content=fact)
        assert {key: turn[key] for key in turn if key == "content"} == content
    [turn] = render(AIMessage("a", tool_calls=[call()]), tool_call_content=fact)
    assert turn["content"] == "a"


def test_a_turn_that_says_nothing_can_be_sent() -> None:
    for message in (AIMessage(""), AIMessage([]), AIMessageChunk(content="")):
        for fact in ("empty", "null", "omit"):
            [turn] = render(message, tool_call_content=fact)
            assert turn == {"role": "assistant", "content": ""}


def test_a_refusal_is_what_the_turn_said() -> None:
    message = AIMessage("", additional_kwargs={"refusal": "I must not."})
    assert render(message)[0]["content"] == "I must not."


@pytest.mark.parametrize(
    ("fact", "mark"), [("prefix", "prefix"), ("partial", "partial")]
)
def test_the_mark_of_a_begun_answer_passes_where_the_row_knows_it(
    fact: Any, mark: str
) -> None:
    begun = AIMessage("Once", additional_kwargs={mark: True})
    assert render(begun, prefill=fact)[0][mark] is True
    assert mark not in render(begun)[0]


def test_speech_is_referred_to_by_its_id_at_the_server_that_spoke() -> None:
    spoken = {"type": "audio", "id": "audio_1", "base64": "AA==", "transcript": "Hello"}
    own = AIMessage([spoken], response_metadata={"provider": "plain"})
    assert render(own) == [
        {"role": "assistant", "content": "", "audio": {"id": "audio_1"}}
    ]
    other = AIMessage([spoken], response_metadata={"provider": "other"})
    assert render(other) == [{"role": "assistant", "content": "Hello"}]


def test_speech_in_additional_kwargs_is_found_too() -> None:
    audio = {"id": "audio_1", "data": "AA==", "transcript": "Hello", "expires_at": 1}
    assert render(AIMessage("", additional_kwargs={"audio": audio}))[0]["audio"] == {
        "id": "audio_1"
    }


def test_a_picture_that_a_model_drew_follows_in_a_user_message() -> None:
    rendered = render(AIMessage(["Here:", PICTURE]), HumanMessage("Make it blue"))
    assert rendered == [
        {"role": "assistant", "content": "Here:"},
        {
            "role": "user",
            "content": [text("From the assistant's answer:"), PICTURE_PART],
        },
        {"role": "user", "content": "Make it blue"},
    ]
    rendered = render(AIMessage([PICTURE]), image_inputs=False)
    assert rendered == [{"role": "assistant", "content": ""}]


# Results


def test_pictures_of_results_wait_for_the_end_of_the_run() -> None:
    rendered = render(
        AIMessage("", tool_calls=[call("a", "draw"), call("b", "read")]),
        ToolMessage(["done", PICTURE], tool_call_id="a"),
        ToolMessage(
            [{"type": "file", "base64": "JVBERi0=", "mime_type": "application/pdf"}],
            tool_call_id="b",
        ),
        AIMessage("ok"),
    )
    assert roles(rendered) == ["assistant", "tool", "tool", "user", "assistant"]
    assert rendered[1]["content"] == "done\n(image: see the next user message.)"
    assert rendered[2]["content"] == "(file: see the next user message.)"
    parts = rendered[3]["content"]
    assert parts[0] == text("From the result of draw:")
    assert parts[1] == PICTURE_PART
    assert parts[2] == text("From the result of read:")
    assert parts[3]["file"]["filename"] == "document.pdf"


def test_pictures_of_results_stay_where_they_may() -> None:
    rendered = render(
        AIMessage("", tool_calls=[call("a")]),
        ToolMessage(["done", PICTURE], tool_call_id="a"),
        tool_result_images=True,
    )
    assert rendered[1]["content"] == [text("done"), PICTURE_PART]


def test_a_picture_in_a_result_block_is_treated_alike() -> None:
    block = {"type": "tool_result", "tool_use_id": "a", "content": [PICTURE]}
    rendered = render(
        AIMessage("", tool_calls=[call("a", "draw")]),
        HumanMessage([block, text("so?")]),
    )
    assert roles(rendered) == ["assistant", "tool", "user", "user"]
    assert rendered[2]["content"] == [text("From the result of draw:"), PICTURE_PART]
    assert rendered[3]["content"] == "so?"


def test_a_failed_tool_reaches_the_model() -> None:
    failed = "The tool failed and gave no message."
    for content, expected in (("boom", "boom"), ("", failed), ([], failed)):
        message = ToolMessage(content, tool_call_id="a", status="error")
        assert render(message)[0]["content"] == expected
    assert render(ToolMessage("", tool_call_id="a"))[0]["content"] == ""


def ids(turn: dict[str, Any]) -> list[str]:
    return [item["id"] for item in turn.get("tool_calls", [])]


# Everything at once


FACTS = st.fixed_dictionaries(
    {
        "tool_call_id": st.sampled_from(["any", "alphanumeric-9"]),
        "tool_call_content": st.sampled_from(["empty", "null", "omit"]),
        "tool_result_images": st.booleans(),
        "single_system_message": st.booleans(),
        "thought_signatures": st.booleans(),
        "reasoning_input": st.sampled_from(
            [
                None,
                "reasoning_content",
                "reasoning_details",
                "think_tags",
                "content_parts",
            ]
        ),
    }
)


@given(st.permutations(list(HISTORIES)), FACTS)
def test_histories_stay_untouched_and_serialisable_under_any_facts(
    order: list[str], facts: dict[str, Any]
) -> None:
    messages = [message for name in order for message in HISTORIES[name]]
    before = repr(messages)
    rendered = render(*messages, **facts)
    assert repr(messages) == before
    assert orjson.loads(orjson.dumps(rendered)) == rendered
    called = [id_ for message in rendered for id_ in ids(message)]
    results = [m["tool_call_id"] for m in rendered if m["role"] == "tool"]
    assert sorted(called) == sorted(results)


def test_what_is_rendered_shares_nothing_with_the_history() -> None:
    part = {"type": "image_url", "image_url": {"url": "https://a/b"}}
    rendered = render(HumanMessage([part]))
    rendered[0]["content"][0]["image_url"]["url"] = "changed"
    assert part["image_url"] == {"url": "https://a/b"}
