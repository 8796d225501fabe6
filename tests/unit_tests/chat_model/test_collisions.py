"""Other packages' content translators must not touch our content.

Core picks a translator by ``response_metadata["model_provider"]``, and importing a
partner package may register more of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.messages.block_translators import get_translator

from langchain_streamkit.testing import Reply, ToolCall

from .conftest import add_up

if TYPE_CHECKING:
    from tests.unit_tests.conftest import MakeModel

PARTNERS = (
    "langchain_deepseek",
    "langchain_groq",
    "langchain_mistralai",
    "langchain_openai",
)
REPLY = Reply(
    "Some text.",
    reasoning="Some thought.",
    tool_calls=[
        ToolCall("first", {"a": 1}, id="call_1"),
        ToolCall("second", {"b": 2}, id="call_2"),
    ],
)
BLOCKS = [
    {"type": "reasoning", "reasoning": "Some thought."},
    {"type": "text", "text": "Some text."},
    {"type": "tool_call", "id": "call_1", "name": "first", "args": {"a": 1}},
    {"type": "tool_call", "id": "call_2", "name": "second", "args": {"b": 2}},
]


@pytest.fixture(autouse=True, scope="module")
def _partners() -> None:
    for name in PARTNERS:
        importlib.import_module(name)


def plain(blocks: Any) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in block.items() if key != "index"}
        for block in blocks
    ]


def test_nobody_registers_a_translator_under_our_name() -> None:
    assert get_translator("streamkit") is None


@pytest.mark.parametrize("output_version", ["v0", "v1"])
async def test_blocks_are_the_same_by_every_way(
    make_model: MakeModel, output_version: str
) -> None:
    model = make_model(*[REPLY] * 5, output_version=output_version)
    assert plain(add_up(list(model.stream("Go"))).content_blocks) == BLOCKS
    assert plain(model.invoke("Go").content_blocks) == BLOCKS
    assert plain((await model.ainvoke("Go")).content_blocks) == BLOCKS
    v2 = [
        event["data"]["chunk"]
        async for event in model.astream_events("Go", version="v2")
        if event["event"] == "on_chat_model_stream"
    ]
    assert plain(add_up(v2).content_blocks) == BLOCKS
    v3 = model.stream_events("Go", version="v3").output
    assert plain(v3.content_blocks) == BLOCKS


def test_indices_of_text_reasoning_and_tools_never_meet(make_model: MakeModel) -> None:
    total = add_up(list(make_model(REPLY, output_version="v1").stream("Go")))
    assert len(total.content) == len(BLOCKS)
    assert total.text == "Some text."
    assert [call["name"] for call in total.tool_calls] == ["first", "second"]
