"""A model on a server that says what it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from langchain_streamkit import ChatStreamKit

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk

    from langchain_streamkit.testing import FakeServer, Reply


class MakeModel(Protocol):
    """Gives a model whose server answers with the replies, in order."""

    def __call__(self, *replies: Reply | str, **parameters: Any) -> ChatStreamKit: ...


@pytest.fixture
def make_model(fake_server: FakeServer) -> MakeModel:
    """A model whose next answers are given; without any, the server's own."""

    def make(*replies: Reply | str, **parameters: Any) -> ChatStreamKit:
        if replies:
            fake_server.script(*replies)
        return ChatStreamKit(model="fake", base_url=fake_server.url, **parameters)

    return make


def add_up(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    """The sum of chunks, as LangChain adds them."""
    total, *rest = chunks
    for chunk in rest:
        total = total + chunk
    return total
