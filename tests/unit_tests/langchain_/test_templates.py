"""A filled chunk is what validation would have made of the same values."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from langchain_streamkit._langchain import templates
from langchain_streamkit._langchain.templates import filled_arguments, filled_generation


def everything(model: Any) -> dict[str, Any]:
    return {
        "type": type(model),
        "values": {
            name: everything(value) if hasattr(value, "model_fields_set") else value
            for name, value in vars(model).items()
        },
        "order": list(vars(model)),
        "set": model.model_fields_set,
        "extra": model.model_extra,
        "private": model.__pydantic_private__,
        "dump": model.model_dump(),
        "repr": repr(model),
    }


@pytest.mark.parametrize("content", ["", "text", "\u2028 é 你好 👋"])
@pytest.mark.parametrize("kwargs", [None, {"reasoning_content": "so"}])
def test_a_filled_chunk_equals_a_validated_one(
    content: str, kwargs: dict[str, Any] | None
) -> None:
    assert templates._IS_KNOWN
    filled = filled_generation(content, copy.deepcopy(kwargs))
    validated = templates._validated(content, copy.deepcopy(kwargs))
    assert everything(filled) == everything(validated)
    assert filled == validated
    assert pickle.loads(pickle.dumps(filled)) == validated
    assert copy.deepcopy(filled) == validated
    total = filled + filled_generation("x")
    assert isinstance(total, ChatGenerationChunk)
    assert total == validated + templates._validated("x", None)


def test_no_two_chunks_share_a_list_or_a_dict() -> None:
    one, two = filled_generation("a"), filled_generation("b")
    for name, value in vars(one.message).items():
        if isinstance(value, list | dict):
            assert value is not getattr(two.message, name)
    assert one.message.model_fields_set is not two.message.model_fields_set


def test_unknown_fields_of_core_lead_back_to_validation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(templates, "_IS_KNOWN", False)
    assert filled_generation("a") == templates._validated("a", None)


ARGUMENTS = [
    '": "',
    "x",
    "\u2028 é 👋",
    " ",
    "}",
    "]",
    "[1]",
    "nu",
    "1",
    '"',
    "",
    "{",
    ' {"a',
]


@pytest.mark.parametrize("args", [*ARGUMENTS, '{"a": 1}', "\ufeff{}", "\x00{", '"{"'])
@pytest.mark.parametrize("index", [0, 7])
def test_filled_arguments_equal_validated_ones(index: int, args: str) -> None:
    assert templates._IS_ARGUMENTS_KNOWN
    filled = filled_arguments(index, args)
    validated = templates._validated_arguments(index, args)
    assert everything(filled) == everything(validated)
    assert pickle.loads(pickle.dumps(filled)) == validated
    more = templates._validated_arguments(index, "1}")
    assert filled + filled_arguments(index, "1}") == validated + more


@given(st.text(max_size=12))
def test_whatever_the_piece_of_arguments(args: str) -> None:
    filled = filled_arguments(0, args)
    assert everything(filled) == everything(templates._validated_arguments(0, args))


def test_no_two_pieces_of_arguments_share_a_list_or_a_dict() -> None:
    one, two = filled_arguments(0, "a"), filled_arguments(0, "b")
    assert isinstance(one.message, AIMessageChunk)
    assert isinstance(two.message, AIMessageChunk)
    for name, value in vars(one.message).items():
        if isinstance(value, list | dict):
            assert value is not getattr(two.message, name)
    assert one.message.tool_call_chunks[0] is not two.message.tool_call_chunks[0]
    assert templates._PIECE["args"] == templates._BROKEN["args"] == "x"
