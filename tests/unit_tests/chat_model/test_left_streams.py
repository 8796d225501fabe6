"""A stream that is left harms no other call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from langchain_core.messages import HumanMessage

from langchain_streamkit.testing import Reply

if TYPE_CHECKING:
    from tests.unit_tests.conftest import MakeModel

WORDS = Reply("One two three four five", done=False)


@pytest.mark.parametrize("reply", [WORDS, WORDS.replace(as_stream=False)])
def test_a_stream_left_at_its_last_chunk_does_not_close_the_next_ones_connection(
    make_model: MakeModel, reply: Reply
) -> None:
    model = make_model(reply, WORDS)
    first = model._stream([HumanMessage("Go")])
    while next(first).message.chunk_position != "last":
        pass
    second = model._stream([HumanMessage("Go")])
    said = [next(second).text]
    first.close()
    said += [chunk.text for chunk in second]
    assert "".join(said) == "One two three four five"
