"""What all parsers of a streamed answer share: sync, async, traced, left early.

Strategy: a reading follows one answer and does no I/O; the parser is its shell.
Core adds up the input and the output of a streamed run for its trace, chunk by chunk,
and parses the arguments of tool calls anew at each step: 1.5 s of CPU for 8 kB of
arguments (langchain-core 1.7.2, 2026-11). And when a reader leaves early, core first
reads the input to its end. ``_TracedInput`` avoids both.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Protocol, cast

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.output_parsers import BaseTransformOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from typing_extensions import override

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

    from langchain_streamkit._langchain.structured_reading import Input

__all__ = ["AnswerReading", "StreamOutputParser"]


class AnswerReading(Protocol):
    """Follows one answer."""

    def take(self, message: Input) -> None:
        """Take the next piece of the answer, or all of it."""
        ...

    def news(self) -> Any:
        """What there is by now, if it is another than the last one, or None."""
        ...

    def is_shown(self, value: object) -> bool:
        """Whether this equals what ``news`` gave last."""
        ...

    def result(self) -> Any:
        """What there is once the answer has ended; raises what is wrong with it."""
        ...


class StreamOutputParser(BaseTransformOutputParser[Any]):
    """A parser whose results grow while the answer comes.

    A subclass says how an answer is read.
    """

    @abstractmethod
    def _reading(self) -> AnswerReading:
        """A reading of an answer that has not begun."""

    @override
    def parse(self, text: str) -> Any:
        return self.parse_result([Generation(text=text)])

    @override
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        first = result[0]
        reading = self._reading()
        reading.take(first.message if isinstance(first, ChatGeneration) else first.text)
        return reading.news() if partial else reading.result()

    @override
    async def aparse_result(
        self, result: list[Generation], *, partial: bool = False
    ) -> Any:
        return self.parse_result(result, partial=partial)

    @override
    def transform(
        self,
        input: Iterator[Input],
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Iterator[Any]:
        rest = iter(input)
        traced = _TracedInput(next(rest, ""))  # the model's run starts before this one
        yield from self._transform_stream_with_config(
            iter([traced.sum]),
            lambda _: self._transform(traced.relay(rest)),
            config,
            run_type="parser",
        )

    @override
    async def atransform(
        self,
        input: AsyncIterator[Input],
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[Any]:
        rest = aiter(input)
        traced = _TracedInput(await anext(rest, ""))
        outputs = self._atransform_stream_with_config(
            traced.asum(),
            lambda _: self._atransform(traced.arelay(rest)),
            config,
            run_type="parser",
        )
        async with aclosing(cast("AsyncGenerator[Any]", outputs)):
            async for output in outputs:
                yield output

    @override
    def _transform(self, input: Iterator[Input]) -> Iterator[Any]:
        reading = self._reading()
        for message in input:
            yield from self._pieces(reading, message)
        yield from self._last_pieces(reading)

    @override
    async def _atransform(self, input: AsyncIterator[Input]) -> AsyncIterator[Any]:
        reading = self._reading()
        async with aclosing(cast("AsyncGenerator[Input]", input)):
            async for message in input:
                for piece in self._pieces(reading, message):
                    yield piece
        for piece in self._last_pieces(reading):
            yield piece

    def _pieces(self, reading: Any, message: Input) -> Iterator[Any]:
        reading.take(message)
        news = reading.news()
        if news is not None:
            yield news

    def _last_pieces(self, reading: Any) -> Iterator[Any]:
        value = reading.result()
        if not reading.is_shown(value):
            yield value


class _TracedInput:
    """The input of a streamed run: the chunks pass once, their sum goes to the trace.

    Core is given one item, ``sum``, which becomes the sum when the chunks end.
    """

    __slots__ = ("_chunks", "_first", "sum")

    def __init__(self, first: Input) -> None:
        self._first = first
        self._chunks: list[AIMessageChunk] = []
        self.sum = first.model_copy() if isinstance(first, AIMessageChunk) else first

    def relay(self, rest: Iterator[Input]) -> Iterator[Input]:
        """Give the chunks; close their source at once when the reader leaves."""
        try:
            yield self._keep(self._first)
            for message in rest:
                yield self._keep(message)
        finally:
            self._add_up()
            if isinstance(rest, Generator):
                rest.close()

    async def arelay(self, rest: AsyncIterator[Input]) -> AsyncIterator[Input]:
        """The async twin of ``relay``."""
        try:
            yield self._keep(self._first)
            async for message in rest:
                yield self._keep(message)
        finally:
            self._add_up()
            if isinstance(rest, AsyncGenerator):
                await rest.aclose()

    async def asum(self) -> AsyncIterator[Input]:
        """The one item, for core."""
        yield self.sum

    def _keep(self, message: Input) -> Input:
        if isinstance(message, AIMessageChunk):
            self._chunks.append(message)
        return message

    def _add_up(self) -> None:
        if isinstance(self.sum, AIMessageChunk):
            with suppress(TypeError, ValueError):  # would hide the error under way
                vars(self.sum).update(vars(add_ai_message_chunks(*self._chunks)))
