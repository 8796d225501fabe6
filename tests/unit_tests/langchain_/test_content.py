"""Content blocks of every dialect, one at a time, and what is refused."""

from __future__ import annotations

import base64
import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.content import (
    create_audio_block,
    create_file_block,
    create_image_block,
    create_plaintext_block,
    create_text_block,
)

from langchain_streamkit._langchain.json_values import clean_text, json_text, plain_json
from langchain_streamkit._langchain.messages import render_messages
from langchain_streamkit.errors import UnsendableInputError
from langchain_streamkit.providers import Provider

PLAIN = Provider(name="plain", title="Plain")
PNG = "iVBORw0KGgo="
PDF = "JVBERi0xLjQ="
WAV = "UklGRg=="
SECRET = "the launch code is 4471"


def text(value: str) -> Any:
    return {"type": "text", "text": value}


def image(url: str, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def file(data: str, filename: str) -> dict[str, Any]:
    return {"type": "file", "file": {"filename": filename, "file_data": data}}


def sound(data: str, format_: str) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": data, "format": format_}}


def render_user(*blocks: Any, provider: Provider = PLAIN) -> Any:
    return render_messages([HumanMessage(list(blocks))], provider)[0]["content"]


def render_one(block: Any, provider: Provider = PLAIN) -> Any:
    """The block as a part, beside a text, so that the content stays a list."""
    before, part = render_user("before", block, provider=provider)
    assert before == text("before")
    return part


@pytest.mark.parametrize(
    ("block", "part"),
    [
        # text and what reads as text
        (create_text_block("a", index=3, note="x"), text("a")),
        ({"type": "text", "text": "a", "annotations": [{"url": "u"}]}, text("a")),
        ({"type": "text", "text": "a", "cache_control": {"type": "e"}}, text("a")),
        ({"type": "input_text", "text": "a"}, text("a")),
        ({"type": "output_text", "text": "a", "annotations": []}, text("a")),
        ({"type": "refusal", "refusal": "no"}, text("no")),
        ({"type": "text", "text": {"value": "a", "annotations": []}}, text("a")),
        ({"text": "a"}, text("a")),
        (
            {"type": "text", "text": "a", "prompt_cache_breakpoint": True},
            {**text("a"), "prompt_cache_breakpoint": True},
        ),
        (
            create_text_block("a", prompt_cache_breakpoint={"ttl": "24h"}),
            {**text("a"), "prompt_cache_breakpoint": {"ttl": "24h"}},
        ),
        (create_plaintext_block("body"), text("body")),
        (
            create_plaintext_block("body", title="Title", context="Context"),
            text("Title\n\nContext\n\nbody"),
        ),
        (
            {
                "type": "text-plain",
                "base64": base64.b64encode(b"hi \xc3\xbc").decode(),
                "mime_type": "text/plain",
            },
            text("hi ü"),
        ),
        ({"type": "file", "source_type": "text", "url": "body"}, text("body")),
        (
            {"type": "document", "source": {"type": "text", "data": "body"}},
            text("body"),
        ),
        (
            {"type": "document", "source": {"type": "content", "content": [text("a")]}},
            text("a"),
        ),
        (
            {"document": {"format": "txt", "source": {"text": "body"}}},
            text("body"),
        ),
        (
            {"type": "search_result", "source": "u", "content": [text("found")]},
            text("found"),
        ),
        ({"type": "non_standard", "value": {"type": "text", "text": "a"}}, text("a")),
        ({"type": "novel_thing", "text": "a", "score": 1}, text("a")),
        # images
        (create_image_block(url="https://a/b.png"), image("https://a/b.png")),
        (
            create_image_block(base64=PNG, mime_type="image/png"),
            image(f"data:image/png;base64,{PNG}"),
        ),
        (
            create_image_block(url="https://a/b.png", detail="low"),
            image("https://a/b.png", detail="low"),
        ),
        (
            create_image_block(file_id="file-1"),
            {"type": "file", "file": {"file_id": "file-1"}},
        ),
        (
            {
                "type": "image",
                "source_type": "base64",
                "data": PNG,
                "mime_type": "image/png",
            },
            image(f"data:image/png;base64,{PNG}"),
        ),
        (
            {"type": "image", "source_type": "url", "url": "https://a/b.png"},
            image("https://a/b.png"),
        ),
        (
            {"type": "image", "source_type": "id", "id": "file-1"},
            {"type": "file", "file": {"file_id": "file-1"}},
        ),
        (
            {
                "type": "image",
                "source": {
                    "type": "base64",
                    "media_type": "image/jpg",
                    "data": "/9j/4AAQ",
                },
            },
            image("data:image/jpeg;base64,/9j/4AAQ"),
        ),
        (
            {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}},
            image("https://a/b.png"),
        ),
        (
            {"image": {"format": "png", "source": {"bytes": b"\x89PNG\r\n\x1a\n"}}},
            image(f"data:image/png;base64,{PNG}"),
        ),
        ({"type": "image_url", "image_url": "https://a/b"}, image("https://a/b")),
        (image("https://a/b", detail="high"), image("https://a/b", detail="high")),
        (
            {**image("https://a/b"), "index": 1, "text": None},
            image("https://a/b"),
        ),
        (
            {"type": "input_image", "image_url": "https://a/b", "detail": "auto"},
            image("https://a/b", detail="auto"),
        ),
        ({"type": "image", "base64": PNG}, image(f"data:image/png;base64,{PNG}")),
        (
            {"type": "image", "base64": f"data:image/png;base64,{PNG}"},
            image(f"data:image/png;base64,{PNG}"),
        ),
        (
            {"type": "image", "base64": "iVBO\nRw0K\nGgo=", "mime_type": "image/png"},
            image(f"data:image/png;base64,{PNG}"),
        ),
        (
            {"type": "media", "mime_type": "image/png", "data": PNG},
            image(f"data:image/png;base64,{PNG}"),
        ),
        # sound
        (create_audio_block(base64=WAV, mime_type="audio/wav"), sound(WAV, "wav")),
        (create_audio_block(base64=WAV, mime_type="audio/mpeg"), sound(WAV, "mp3")),
        (create_audio_block(base64=WAV, mime_type="audio/x-m4a"), sound(WAV, "m4a")),
        (
            create_audio_block(base64=WAV, mime_type="audio/ogg; codecs=opus"),
            sound(WAV, "ogg"),
        ),
        ({"type": "audio", "base64": WAV}, sound(WAV, "wav")),
        (
            {
                "type": "audio",
                "source_type": "base64",
                "data": WAV,
                "mime_type": "audio/wav",
            },
            sound(WAV, "wav"),
        ),
        ({"type": "audio", "url": f"data:audio/wav;base64,{WAV}"}, sound(WAV, "wav")),
        (sound(WAV, "flac"), sound(WAV, "flac")),
        (
            create_audio_block(file_id="file-2"),
            {"type": "file", "file": {"file_id": "file-2"}},
        ),
        # files
        (
            create_file_block(base64=PDF, mime_type="application/pdf"),
            file(f"data:application/pdf;base64,{PDF}", "document.pdf"),
        ),
        (
            create_file_block(
                base64=PDF, mime_type="application/pdf", filename="a.pdf"
            ),
            file(f"data:application/pdf;base64,{PDF}", "a.pdf"),
        ),
        (
            {
                "type": "file",
                "base64": PDF,
                "mime_type": "application/pdf",
                "filename": "a.pdf",
            },
            file(f"data:application/pdf;base64,{PDF}", "a.pdf"),
        ),
        (
            {
                "type": "file",
                "source_type": "base64",
                "data": PDF,
                "mime_type": "application/pdf",
                "metadata": {"filename": "a.pdf"},
            },
            file(f"data:application/pdf;base64,{PDF}", "a.pdf"),
        ),
        (
            {
                "type": "document",
                "title": "a.pdf",
                "source": {
                    "type": "base64",
                    "media_type": "application/pdf",
                    "data": PDF,
                },
            },
            file(f"data:application/pdf;base64,{PDF}", "a.pdf"),
        ),
        (
            {
                "document": {
                    "format": "pdf",
                    "name": "a",
                    "source": {"bytes": b"%PDF-1.4"},
                }
            },
            file(f"data:application/pdf;base64,{PDF}", "a.pdf"),
        ),
        (
            {
                "type": "input_file",
                "filename": "a.pdf",
                "file_data": f"data:application/pdf;base64,{PDF}",
            },
            file(f"data:application/pdf;base64,{PDF}", "a.pdf"),
        ),
        (
            create_file_block(file_id="file-3"),
            {"type": "file", "file": {"file_id": "file-3"}},
        ),
        (
            {"type": "document", "source": {"type": "file", "file_id": "file-3"}},
            {"type": "file", "file": {"file_id": "file-3"}},
        ),
        (file("data:x", "a.pdf"), file("data:x", "a.pdf")),
        (
            {"type": "file", "file": {"file_data": "data:x"}},
            file("data:x", "document"),
        ),
        (
            {"type": "file", "file": {"file_id": "file-3"}},
            {"type": "file", "file": {"file_id": "file-3"}},
        ),
        (
            create_file_block(base64=PNG, mime_type="image/png"),
            image(f"data:image/png;base64,{PNG}"),
        ),
        (
            create_file_block(
                base64=base64.b64encode(b"a,b").decode(),
                mime_type="text/csv",
                filename="t.csv",
            ),
            text("t.csv\n\na,b"),
        ),
        # video, and the parts of single servers
        (
            {"type": "video", "url": "https://a/b.mp4"},
            {"type": "video_url", "video_url": {"url": "https://a/b.mp4"}},
        ),
        (
            {"type": "video", "base64": "AAAA", "mime_type": "video/mp4"},
            {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}},
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://a/b.mp4"}},
            {"type": "video_url", "video_url": {"url": "https://a/b.mp4"}},
        ),
        (
            {"type": "video", "video": ["https://a/1.jpg", "https://a/2.jpg"]},
            {"type": "video", "video": ["https://a/1.jpg", "https://a/2.jpg"]},
        ),
        (
            {"type": "document_url", "document_url": "https://a/b", "index": 0},
            {"type": "document_url", "document_url": "https://a/b"},
        ),
    ],
)
def test_a_block_of_any_dialect_becomes_its_part(block: Any, part: Any) -> None:
    assert render_one(block) == part


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"type": "image"}, "neither base64 data nor a URL nor a file id"),
        ({"type": "image", "base64": "", "mime_type": "image/png"}, "neither"),
        ({"type": "image", "base64": "AAAA"}, "no mime_type"),
        ({"type": "image", "base64": SECRET, "mime_type": "image/png"}, "no base64"),
        ({"type": "image", "base64": "data:image/png;base64,"}, "no base64"),
        ({"type": "image", "base64": PNG, "mime_type": "png"}, "mime_type"),
        ({"type": "audio", "base64": "AAAA"}, "no mime_type"),
        ({"type": "audio", "url": "https://a/b.wav"}, "audio by URL"),
        ({"type": "file", "url": "https://a/b.pdf"}, "file by URL"),
        ({"type": "file", "file": {"filename": "a.pdf"}}, "neither file_data"),
        ({"type": "text-plain", "url": "https://a/b.txt"}, "file by URL"),
        ({"type": "image_url", "image_url": {}}, "no url"),
        ({"type": "image_url"}, "no url"),
        ({"type": "input_audio", "input_audio": {"data": WAV}}, "needs data"),
        ({"type": "text", "text": 5}, "a int as its text"),
        ({"type": "mystery", "secret": SECRET}, "'mystery'"),
        ({"secret": SECRET, "other": 1}, "other, secret"),
        ({"type": "tool_use", "id": "a", "name": "f", "input": {}}, "tool call"),
        ({"type": "document_url", "document_url": object()}, "holds a object"),
    ],
)
def test_a_block_that_cannot_be_sent_is_refused_by_kind_and_place(
    block: Any, words: str
) -> None:
    with pytest.raises(UnsendableInputError) as caught:
        render_messages(
            [HumanMessage("hi"), HumanMessage([text(SECRET), block])], PLAIN
        )
    message = str(caught.value)
    assert message.startswith("messages[1] (HumanMessage): ")
    assert words in message
    assert "4471" not in message


@pytest.mark.parametrize(
    ("facts", "block", "words"),
    [
        ({"image_inputs": False}, create_image_block(url="https://a/b"), "no image"),
        ({"image_inputs": False}, image("https://a/b"), "no image"),
        ({"image_url_inputs": False}, image("https://a/b"), "no image by URL"),
        ({"image_url_inputs": False}, {"type": "image", "url": "u"}, "no image by URL"),
        ({"audio_inputs": False}, sound(WAV, "wav"), "no audio"),
        ({"audio_inputs": False}, {"type": "audio", "base64": WAV}, "no audio"),
        ({"pdf_inputs": False}, file("data:x", "a"), "no file"),
        (
            {"pdf_inputs": False},
            create_file_block(base64=PDF, mime_type="application/pdf"),
            "no file",
        ),
    ],
)
def test_what_the_row_says_is_not_read_is_refused(
    facts: dict[str, Any], block: Any, words: str
) -> None:
    with pytest.raises(UnsendableInputError, match=f"Plain .*{words}"):
        render_user(block, provider=PLAIN.replace(**facts))


def test_a_server_without_image_urls_takes_data_urls() -> None:
    url = f"data:image/png;base64,{PNG}"
    row = PLAIN.replace(image_url_inputs=False)
    assert render_user(image(url), provider=row) == [image(url)]


def test_a_server_without_files_takes_their_text() -> None:
    block = create_plaintext_block("body")
    assert render_user(block, provider=PLAIN.replace(pdf_inputs=False)) == "body"


def test_one_text_is_a_string_and_several_parts_stay_a_list() -> None:
    assert render_user(text("a")) == "a"
    assert render_user("a") == "a"
    assert render_user(text("a"), text("b")) == [text("a"), text("b")]
    assert render_user(image("https://a/b")) == [image("https://a/b")]


def test_a_text_with_a_cache_mark_stays_a_part() -> None:
    marked = {**text("a"), "prompt_cache_breakpoint": True}
    assert render_user(marked) == [marked]
    system = render_messages([SystemMessage([marked])], PLAIN)
    assert system[0]["content"] == [marked]


@pytest.mark.parametrize("content", ["", [], [""], [text("")], [{"type": "text"}]])
def test_empty_content_is_an_empty_string(content: Any) -> None:
    messages = [SystemMessage(content), HumanMessage(content), AIMessage(content)]
    assert [m["content"] for m in render_messages(messages, PLAIN)] == ["", "", ""]


def test_empty_texts_beside_others_are_left_out() -> None:
    assert render_user(text(""), image("u"), "") == [image("u")]


def test_lists_of_text_are_joined_where_servers_want_strings() -> None:
    parts = [text("a"), text("b")]
    rendered = render_messages(
        [
            SystemMessage(parts),
            AIMessage(parts, tool_calls=[{"name": "f", "args": {}, "id": "1"}]),
            ToolMessage(parts, tool_call_id="1"),
        ],
        PLAIN,
    )
    assert [m["content"] for m in rendered] == ["a\nb", "ab", "a\nb"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([{"score": 1, "text": "a"}], '{"score":1,"text":"a"}'),
        ([{"type": "json", "json": {"a": 1}}], '{"type":"json","json":{"a":1}}'),
        ([{"type": "resource", "text": "a"}], '{"type":"resource","text":"a"}'),
        (["a", {"b": None}], 'a\n{"b":null}'),
        ([{"type": "tool_result", "content": [text("a")]}], "a"),
    ],
)
def test_data_in_a_tool_result_becomes_json(content: Any, expected: str) -> None:
    [rendered] = render_messages([ToolMessage(content, tool_call_id="1")], PLAIN)
    assert rendered["content"] == expected


def test_content_that_is_no_string_and_no_list_becomes_json_in_a_tool_result() -> None:
    message = ToolMessage.model_construct(
        content={"a": [1]}, tool_call_id="1", status="success", name=None
    )
    assert render_messages([message], PLAIN)[0]["content"] == '{"a":[1]}'


def test_what_another_vendor_left_in_an_answer_is_dropped_unless_it_is_text() -> None:
    machinery: list[str | dict[str, Any]] = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "reasoning_content", "reasoning_content": {"text": "hm"}},
        {"type": "server_tool_call", "id": "s", "name": "web_search", "args": {}},
        {"type": "server_tool_result", "tool_call_id": "s", "output": {"a": 1}},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
        {"type": "web_search_call", "id": "ws", "action": {"query": "q"}},
        {"type": "code_interpreter_call", "id": "ci", "code": "1"},
        {"type": "mcp_call", "id": "m", "name": "f", "arguments": "{}"},
        {"type": "executable_code", "executable_code": "1"},
        {"type": "code_execution_result", "code_execution_result": "1"},
        {"type": "input_json_delta", "partial_json": "{"},
        {"type": "image", "mime_type": "image/png"},
        {"cachePoint": {"type": "default"}},
        {"type": "text", "text": "a"},
        {"type": "output_text", "text": "b", "annotations": [], "phase": "final"},
        {"type": "reference", "text": "c", "reference_ids": [1]},
    ]
    assert render_messages([AIMessage(machinery)], PLAIN) == [
        {"role": "assistant", "content": "abc"}
    ]


def test_halves_of_characters_are_joined_or_replaced() -> None:
    assert clean_text("a\ud83d\udc4bb\udc4b") == "a👋b�"
    [rendered] = render_messages([HumanMessage("\ud83d\udc4b \ud83d")], PLAIN)
    assert rendered["content"] == "👋 �"


def test_json_text_keeps_the_order_and_takes_what_orjson_refuses() -> None:
    assert json_text({"b": 1, "a": "ü"}, "here") == '{"b":1,"a":"ü"}'
    assert json_text({"a": 2**70}, "here") == '{"a": 1180591620717411303424}'
    assert json_text({"a": "\ud83d"}, "here") == '{"a": "�"}'
    assert json_text({"a": {1, 2}}, "here") == '{"a": "{1, 2}"}'


def test_values_that_contain_themselves_are_refused() -> None:
    loop: dict[str, Any] = {}
    loop["a"] = loop
    for render in (json_text, plain_json):
        with pytest.raises(UnsendableInputError, match=r"^here: it "):
            render(loop, "here")


def test_a_huge_integer_becomes_a_float_or_is_refused() -> None:
    assert plain_json(2**64, "here") == float(2**64)
    with pytest.raises(UnsendableInputError, match="integer"):
        plain_json(10**400, "here")


KINDS = [
    "text", "image", "image_url", "audio", "input_audio", "video", "file", "document",
    "text-plain", "media", "input_image", "input_file", "output_text", "refusal",
    "reasoning", "thinking", "tool_use", "tool_call", "function_call", "tool_result",
    "non_standard", "search_result", "web_search_call", "video_url", "novel",
]  # fmt: skip
KEYS = [
    "text", "url", "base64", "data", "mime_type", "file_id", "source", "source_type",
    "image_url", "input_audio", "file", "content", "value", "id", "name", "args",
    "input", "arguments", "extras", "annotations", "index", "refusal", "thinking",
    "summary", "format", "document", "image", "tool_use_id", "video_url", "transcript",
]  # fmt: skip
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from([PNG, PDF, "image/png", "https://a/b", "base64", "url", "text"]),
    st.text(max_size=5),
    st.text(st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF), max_size=2),
    st.binary(max_size=4),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from([*KEYS, "type", "bytes"]), inner, max_size=3)
    ),
    max_leaves=5,
)
blocks = st.one_of(
    st.text(max_size=4),
    st.fixed_dictionaries({"type": st.sampled_from(KINDS)}).flatmap(
        lambda block: st.dictionaries(st.sampled_from(KEYS), values, max_size=4).map(
            lambda more: {**more, **block}
        )
    ),
    st.dictionaries(st.sampled_from([*KEYS, "type"]), values, max_size=3),
)


@given(st.lists(blocks, max_size=4))
def test_hostile_content_is_sent_or_refused_and_never_changed(content: Any) -> None:
    messages = [HumanMessage(content), ToolMessage(content, tool_call_id="1")]
    for message in messages:
        before = copy.deepcopy(message)
        try:
            rendered = render_messages([message], PLAIN)
        except UnsendableInputError as error:
            assert len(str(error)) < 600  # noqa: PT017
        else:
            orjson.dumps(rendered)
        assert repr(message) == repr(before)


@given(st.lists(blocks, max_size=4))
def test_any_old_answer_can_be_sent(content: Any) -> None:
    rendered = render_messages([AIMessage(content)], PLAIN)
    orjson.dumps(rendered)
    assert rendered[0]["role"] == "assistant"
    assert isinstance(rendered[0]["content"], str)
