"""The parser behind ``with_structured_output``: answers in, objects out.

Strategy: ``Reading`` follows the answer; the parser is its shell for invoking and
for streaming, sync and async. Core adds up the input and the output of a streamed
run for its trace, chunk by chunk, and parses the arguments of tool calls anew at
each step: 1.5 s of CPU for 8 kB of arguments (langchain-core 1.7.2, 2026-11). And
when a reader leaves early, core first reads the input to its end. ``_TracedInput``
avoids both, ``RawAndParsed`` the first.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, cast

import pydantic
import pydantic.v1
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.output_parsers import BaseTransformOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import AddableDict, RunnableConfig
from pydantic_core import to_json
from typing_extensions import override

from langchain_streamkit._langchain.structured_reading import Input, Reading

if TYPE_CHECKING:
    from langchain_streamkit._wire.partial_json import Json

__all__ = ["RawAndParsed", "StructuredOutputParser"]


class RawAndParsed(AddableDict):
    """A piece of what ``include_raw=True`` streams; pieces add up to the whole.

    ``raw`` grows; of ``parsed``, which is given as a whole each time, and of
    ``parsing_error`` the last one counts.

    Example:
        >>> pieces = [RawAndParsed(raw="{", parsed={}), RawAndParsed(raw="}")]
        >>> pieces[0] + pieces[1]
        {'raw': '{}', 'parsed': {}}
    """

    @override
    def __add__(self, other: AddableDict) -> RawAndParsed:
        total = RawAndParsed({**self, **other})
        if "raw" in self and "raw" in other:
            total["raw"] = _add_raw(self["raw"], other["raw"])
        return total

    @override
    def __radd__(self, other: AddableDict) -> RawAndParsed:
        return RawAndParsed(other) + self


class StructuredOutputParser(BaseTransformOutputParser[Any]):
    """Makes an object, or a stream of objects that grow, of a model's answer.

    Attributes:
        output_class: The Pydantic class (v1 or v2) of the instances to give; None
            for dicts.
        tool_name: The tool whose arguments are the object; None if the text is.
        is_object: False if the root of the schema may be an array.
        include_raw: Whether to give ``raw``, ``parsed`` and ``parsing_error``.

    Example:
        >>> parser = StructuredOutputParser()
        >>> list(parser.transform(iter(['{"name": "A', 'da"}'])))
        [{'name': 'A'}, {'name': 'Ada'}]
    """

    output_class: pydantic.SkipValidation[type[Any] | None] = None
    tool_name: str | None = None
    is_object: bool = True
    include_raw: bool = False

    @property
    @override
    def OutputType(self) -> Any:
        if self.include_raw or self.output_class is None:
            return dict[str, Any]
        is_v1 = issubclass(self.output_class, pydantic.v1.BaseModel)
        return Any if is_v1 else self.output_class  # Pydantic does not mix them

    @property
    @override
    def _type(self) -> str:
        return "structured_output"

    @override
    def parse(self, text: str) -> Any:
        return self.parse_result([Generation(text=text)])

    @override
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        first = result[0]
        message = first.message if isinstance(first, ChatGeneration) else first.text
        reading = self._reading()
        reading.take(message)
        if self.include_raw:
            return {"raw": message, **_outcome(reading)}
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

    def _reading(self) -> Reading:
        return Reading(
            self._validate, tool_name=self.tool_name, is_object=self.is_object
        )

    def _pieces(self, reading: Reading, message: Input) -> Iterator[Any]:
        reading.take(message)
        news = reading.news()
        if self.include_raw:
            parsed = {"parsed": news} if news is not None else {}
            yield RawAndParsed(raw=message, **parsed)
        elif news is not None:
            yield news

    def _last_pieces(self, reading: Reading) -> Iterator[Any]:
        if self.include_raw:
            yield RawAndParsed(_outcome(reading))
            return
        value = reading.result()
        if not reading.is_shown(value):
            yield value

    def _validate(self, value: Json) -> Any:
        """The value, or an instance of the class.

        It is validated as JSON, so that a strict class takes dates and the like in
        their JSON form.
        """
        if self.output_class is None:
            return value
        if issubclass(self.output_class, pydantic.v1.BaseModel):
            return self.output_class.parse_obj(value)
        text = to_json(value, inf_nan_mode="constants")
        output_class = cast("type[pydantic.BaseModel]", self.output_class)
        return output_class.model_validate_json(text)


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


def _outcome(reading: Reading) -> dict[str, Any]:
    """The end of an answer, as ``include_raw`` gives it: errors are values."""
    if reading.is_answered_by_calls:
        return {"parsed": None, "parsing_error": None}
    try:
        return {"parsed": reading.result(), "parsing_error": None}
    except Exception as error:  # noqa: BLE001 - a user's validators may raise any
        return {"parsed": None, "parsing_error": error}


def _add_raw(left: Any, right: Any) -> Any:
    """The sum of two raw pieces.

    A piece that only goes on with the arguments of a call is appended without
    parsing what is there: the calls are parsed when the last chunk is added.
    """
    if not isinstance(left, AIMessageChunk) or not _is_continuation(right):
        return left + right
    more: AIMessageChunk = right
    [piece] = more.tool_call_chunks
    pieces = [*left.tool_call_chunks]
    for place, call in enumerate(pieces):
        if call["index"] == piece["index"]:
            args = (call["args"] or "") + (piece["args"] or "")
            pieces[place] = {**call, "args": args}
            break
    else:
        return left + right
    changes = {"tool_call_chunks": pieces, "tool_calls": [], "invalid_tool_calls": []}
    return left.model_copy(update=changes)


def _is_continuation(message: object) -> bool:
    """Whether a chunk carries a piece of arguments and nothing else."""
    if not isinstance(message, AIMessageChunk) or len(message.tool_call_chunks) != 1:
        return False
    [piece] = message.tool_call_chunks
    return piece["index"] is not None and not (
        piece["id"]
        or piece["name"]
        or message.content
        or message.additional_kwargs
        or message.response_metadata
        or message.usage_metadata
        or message.chunk_position
    )
