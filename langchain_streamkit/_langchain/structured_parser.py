"""The parser behind ``with_structured_output``: answers in, objects out.

Strategy: ``Reading`` follows the answer; the parser is its shell. Core adds up the
output of a streamed run for its trace, chunk by chunk, and parses the arguments of tool
calls anew at each step: 1.5 s of CPU for 8 kB of arguments (langchain-core 1.7.2,
2026-11). ``RawAndParsed`` avoids that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pydantic
import pydantic.v1
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import AddableDict
from pydantic_core import to_json
from typing_extensions import override

from langchain_streamkit._langchain.stream_parser import StreamOutputParser
from langchain_streamkit._langchain.structured_reading import Input, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

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


class StructuredOutputParser(StreamOutputParser):
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
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        if not self.include_raw:
            return super().parse_result(result, partial=partial)
        first = result[0]
        message = first.message if isinstance(first, ChatGeneration) else first.text
        reading = self._reading()
        reading.take(message)
        return {"raw": message, **_outcome(reading)}

    @override
    def _reading(self) -> Reading:
        return Reading(
            self._validate, tool_name=self.tool_name, is_object=self.is_object
        )

    @override
    def _pieces(self, reading: Any, message: Input) -> Iterator[Any]:
        pieces = super()._pieces(reading, message)
        if not self.include_raw:
            return pieces
        parsed = [("parsed", news) for news in pieces]
        return iter([RawAndParsed([("raw", message), *parsed])])

    @override
    def _last_pieces(self, reading: Any) -> Iterator[Any]:
        if self.include_raw:
            return iter([RawAndParsed(_outcome(reading))])
        return super()._last_pieces(reading)

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
