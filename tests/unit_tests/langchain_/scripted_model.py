"""A model that gives one answer, and the objects that are asked of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import (
    invalid_tool_call,
    tool_call,
    tool_call_chunk,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import BaseModel, Field
from pydantic.v1 import BaseModel as BaseModelV1
from typing_extensions import override

from langchain_streamkit._langchain.structured_output import structured_output
from langchain_streamkit._langchain.tools import render_tool_choice, render_tools
from langchain_streamkit._wire.closing_delta import closing_delta
from langchain_streamkit.errors import StreamInterruptedError
from langchain_streamkit.providers import get_provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from langchain_core.messages import BaseMessage

METHODS = ["json_schema", "function_calling", "json_mode"]
OPENAI = get_provider("openai")


class Joke(BaseModel):
    """A joke to tell."""

    setup: str = Field(description="the question")
    punchline: str
    rating: int | None = None


class JokeV1(BaseModelV1):
    """A joke to tell."""

    setup: str
    punchline: str
    rating: int | None = None


class JokeDict(TypedDict):
    """A joke to tell."""

    setup: Annotated[str, ..., "the question"]
    punchline: str
    rating: int | None


JOKE: dict[str, Any] = {
    "setup": "Why did the cat cross?",
    "punchline": 'To say "miaow".',
    "rating": 7,
}
JOKE_TEXT = json.dumps(JOKE)
CUT_TEXT = '{"setup": "Why did the cat cross?", "punchline": "To s\\'


class ScriptedModel(BaseChatModel):
    """Gives one answer, whole or in these pieces, in the form that ours have."""

    pieces: list[str]
    tool: str | None = None
    finish_reason: str = "stop"
    output_version: str | None = None
    refusal: str | None = None
    words: str = ""
    fails: bool = False
    closed: list[bool] = Field(default_factory=list)

    @property
    @override
    def _llm_type(self) -> str:
        return "scripted"

    @override
    def bind_tools(
        self,
        tools: Sequence[Any],
        *,
        tool_choice: Any = None,
        strict: Any = None,
        **kwargs: Any,
    ) -> Any:
        rendered = render_tools(tools, OPENAI, strict=strict)
        if tool_choice is not None:
            kwargs["tool_choice"] = render_tool_choice(tool_choice, rendered, OPENAI)
        return self.bind(tools=rendered, **kwargs)

    @override
    def _generate(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> ChatResult:
        text = "".join(self.pieces)
        message = AIMessage(
            content=self.words if self.tool else text,
            response_metadata={"finish_reason": self.finish_reason},
            additional_kwargs={"refusal": self.refusal} if self.refusal else {},
        )
        if self.tool:
            try:
                none = "{}" if self.finish_reason == "stop" else ""
                arguments = json.loads(text or none)
                message.tool_calls = [
                    tool_call(name=self.tool, args=arguments, id="call_1")
                ]
            except ValueError:
                message.invalid_tool_calls = [
                    invalid_tool_call(
                        name=self.tool, args=text, id="call_1", error="not JSON"
                    )
                ]
        return ChatResult(generations=[ChatGeneration(message=message)])

    @override
    def _stream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        try:
            for chunk in self.chunks():
                yield ChatGenerationChunk(message=chunk)
        finally:
            self.closed.append(True)

    @override
    async def _astream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        try:
            for chunk in self.chunks():
                yield ChatGenerationChunk(message=chunk)
        finally:
            self.closed.append(True)

    def chunks(self) -> Iterator[AIMessageChunk]:
        yield self._text(self.words)
        if self.refusal:
            for word in self.refusal.split(" "):
                yield AIMessageChunk(
                    content="", additional_kwargs={"refusal": word + " "}
                )
        if self.tool:
            head = tool_call_chunk(index=0, id="call_1", name=self.tool, args="")
            yield AIMessageChunk(content="", tool_call_chunks=[head])
        for piece in self.pieces:
            yield self._arguments(piece) if self.tool else self._text(piece)
        if self.fails:
            raise StreamInterruptedError("The server closed the stream.")
        yield self._last()

    def _text(self, text: str) -> AIMessageChunk:
        if self.output_version != "v1":
            return AIMessageChunk(content=text)
        block = {"type": "text", "text": text, "index": "lc_txt_0"}
        return AIMessageChunk(content=[block])

    def _arguments(self, args: str) -> AIMessageChunk:
        piece = tool_call_chunk(index=0, id=None, name=None, args=args)
        return AIMessageChunk(content="", tool_call_chunks=[piece])

    def _last(self) -> AIMessageChunk:
        chunk = AIMessageChunk(
            content="",
            response_metadata={"finish_reason": self.finish_reason},
            chunk_position="last",
        )
        try:
            json.loads("".join(self.pieces) or "{}")
        except ValueError:
            if self.tool:
                closing = closing_delta("".join(self.pieces))
                chunk.tool_call_chunks = self._arguments(closing).tool_call_chunks
        return chunk


def chain_of(
    text: str | list[str] = JOKE_TEXT,
    schema: Any = Joke,
    method: Any = "json_schema",
    *,
    include_raw: bool = False,
    **script: Any,
) -> Any:
    """A chain whose model answers with the text; in the method's own place."""
    pieces = list(text) if isinstance(text, str) else text
    if method == "function_calling":
        script.setdefault("tool", "Joke")
    model = ScriptedModel(pieces=pieces, **script)
    return structured_output(
        model, schema, method=method, include_raw=include_raw, provider=OPENAI
    )


async def gather(stream: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in stream]
