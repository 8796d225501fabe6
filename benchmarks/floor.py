"""LangChain's own cost: models without a server, whose chunks come from nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from benchmarks.chat_models import ChatModelClient
from benchmarks.replay import pieces_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from benchmarks.workloads import Workload

__all__ = ["FloorClient", "NativeFloorClient", "floor_maker"]


def arguments_chunk(piece: str) -> ChatGenerationChunk:
    """A chunk of a tool call's arguments."""
    call = tool_call_chunk(index=0, id=None, name=None, args=piece)
    return ChatGenerationChunk(
        message=AIMessageChunk(content="", tool_call_chunks=[call])
    )


def thought_chunk(piece: str) -> ChatGenerationChunk:
    """A chunk of reasoning."""
    kwargs = {"reasoning_content": piece}
    return ChatGenerationChunk(
        message=AIMessageChunk(content="", additional_kwargs=kwargs)
    )


CHUNKS = {"tool": arguments_chunk, "reasoning": thought_chunk}


class Floor(BaseChatModel):
    pieces: list[str]
    kind: str = "text"

    @property
    def _llm_type(self) -> str:
        return "floor"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> Any:
        message = AIMessage(content="".join(self.pieces))
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self, messages: list[BaseMessage], *_: Any, **__: Any
    ) -> Iterator[ChatGenerationChunk]:
        if self.kind != "text":
            yield from map(CHUNKS[self.kind], self.pieces)
            return
        for piece in self.pieces:
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))

    async def _astream(
        self, messages: list[BaseMessage], *_: Any, **__: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for piece in self.pieces:
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))


class NativeFloor(Floor):
    def _stream_chat_model_events(self, *_: Any, **__: Any) -> Iterator[Any]:
        yield {"event": "message-start", "role": "ai", "id": ""}
        block = {"type": "text", "text": ""}
        yield {"event": "content-block-start", "index": 0, "content": block}
        for piece in self.pieces:
            delta = {"type": "text-delta", "text": piece}
            yield {"event": "content-block-delta", "index": 0, "delta": delta}
        block = {"type": "text", "text": "".join(self.pieces)}
        yield {"event": "content-block-finish", "index": 0, "content": block}
        yield {"event": "message-finish"}

    async def _astream_chat_model_events(self, *_: Any, **__: Any) -> Any:
        for event in self._stream_chat_model_events():
            yield event


def floor_maker(kind: type[Floor]) -> Callable[[str, Workload], BaseChatModel]:
    """Makes models that need no address."""

    def make(url: str, workload: Workload) -> BaseChatModel:
        del url
        pieces = pieces_of(workload.kind, workload.chunks)
        return kind(pieces=pieces, kind=workload.kind)

    return make


class FloorClient(ChatModelClient):
    """LangChain's fake, whose chunks come from nowhere: nothing to pace."""

    streams: Any = None
    first: Any = None


class NativeFloorClient(ChatModelClient):
    """The fake with the hooks of version 3."""

    stream: Any = None
    astream: Any = None
    streams: Any = None
    chain: Any = None
    construct: Any = None
    first: Any = None
    invoke: Any = None
    v2: Any = None
