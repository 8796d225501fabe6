"""``PartialJsonParser``: JSON in an answer becomes objects that only ever grow.

Strategy: the parser behind ``with_structured_output``, for any model and any prompt.
Each character is read once, so long answers cost in proportion to their length.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pydantic
from typing_extensions import override

from langchain_streamkit._langchain.structured_parser import StructuredOutputParser

if TYPE_CHECKING:
    from langchain_streamkit._wire.partial_json import Json

__all__ = ["PartialJsonParser"]

_INSTRUCTIONS = """\
Answer with one JSON value, in one ```json code fence, that fits this schema:

{schema}"""


class PartialJsonParser(StructuredOutputParser):
    """Reads JSON from an answer, whole or while it streams.

    What precedes the first bracket and follows the last one is left out. A result is
    never half a number, half a word or half an escape, and each one is the beginning
    of the next: it is safe to act on what has come.

    Attributes:
        pydantic_object: What to make of it: a Pydantic class, or another type that
            Pydantic knows, such as ``list[Row]``. None for plain dicts and lists.
        is_object: True if the JSON is an object, so that a square bracket in the
            prose before it does not mislead. A Pydantic class says so by itself.

    Raises:
        StructuredOutputError: An ``OutputParserException``: there is no JSON, it is
            broken, or it does not fit. ``partial_object`` has what could be read.
        TruncatedOutputError: The same, of an answer that the server cut.

    Example:
        >>> parser = PartialJsonParser()
        >>> list(parser.transform(iter(['{"age": 3', '6, "ok": tr', "ue}"])))
        [{}, {'age': 36}, {'age': 36, 'ok': True}]
    """

    pydantic_object: pydantic.SkipValidation[Any] = None
    is_object: bool = False

    @override
    def model_post_init(self, context: Any, /) -> None:
        target = self.pydantic_object
        if isinstance(target, type) and issubclass(target, pydantic.BaseModel):
            self.is_object = True

    @property
    @override
    def OutputType(self) -> Any:
        return Any if self.pydantic_object is None else self.pydantic_object

    @property
    @override
    def _type(self) -> str:
        return "partial_json"

    @override
    def get_format_instructions(self) -> str:
        """What to tell the model; it shows the schema that is wanted."""
        target = self.pydantic_object
        if target is None:
            return "Answer with one JSON value, in one ```json code fence."
        schema = pydantic.TypeAdapter(target).json_schema()
        return _INSTRUCTIONS.format(schema=json.dumps(schema, ensure_ascii=False))

    @override
    def _validate(self, value: Json) -> Any:
        if self.pydantic_object is None:
            return value
        adapter: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(self.pydantic_object)
        return adapter.validate_json(json.dumps(value))
