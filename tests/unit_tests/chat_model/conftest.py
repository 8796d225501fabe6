"""What the tests of the model share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk


def add_up(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    """The sum of chunks, as LangChain adds them."""
    total, *rest = chunks
    for chunk in rest:
        total = total + chunk
    return total
