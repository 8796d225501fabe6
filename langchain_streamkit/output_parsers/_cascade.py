"""``CascadeOutputParser``: JSON, else TOON, else text, and it says which.

Strategy: JSON goes first, for TOON reads ``{"a": 1}`` on one line as an object with
the name ``{"a"`` and no error (toon-format 1.2, 2026-11); the other way round nothing
is mistaken, since JSON is taken only where a line or a fence begins with a bracket
and nothing follows the last bracket on its line. Each failure is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable  # noqa: TC003 - core reads the annotations
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pydantic
from langchain_core.exceptions import OutputParserException
from typing_extensions import override

from langchain_streamkit._langchain.stream_parser import StreamOutputParser
from langchain_streamkit._wire.fences import FenceTracker
from langchain_streamkit._wire.partial_json import BrokenJsonError, PartialJson
from langchain_streamkit.output_parsers._answer import AnswerText
from langchain_streamkit.output_parsers._targets import list_problems, validated
from langchain_streamkit.output_parsers._toon import ToonReading

if TYPE_CHECKING:
    from langchain_streamkit._langchain.structured_reading import Input

__all__ = ["AnswerFormat", "CascadeOutputParser", "ParsedAnswer"]

AnswerFormat: TypeAlias = Literal["json", "toon", "text"]

_ORDER: tuple[AnswerFormat, ...] = ("json", "toon", "text")
_LINE_WITH_BRACKET = re.compile(r"^[ \t]*(?=[{\[])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """What an answer turned out to be.

    Attributes:
        format: ``"json"``, ``"toon"`` or ``"text"``.
        value: The object, or the text.
        errors: Why the formats before this one did not match.
    """

    format: AnswerFormat
    value: Any
    errors: dict[AnswerFormat, OutputParserException] = field(
        default_factory=dict[AnswerFormat, OutputParserException]
    )


class CascadeOutputParser(StreamOutputParser):
    """Tries JSON, then TOON, then takes the text, and reports which one it was.

    Attributes:
        formats: What to try. Without ``"text"``, an answer in none of the others is an
            error.
        pydantic_object: What to make of JSON and TOON; see ``ToonOutputParser``. What
            does not fit does not match.

    Raises:
        StructuredOutputError: An ``OutputParserException`` with the reason of each
            format. With ``"text"`` among them there is always a result.

    Example:
        >>> parser = CascadeOutputParser()
        >>> [parser.parse(text).format for text in ('{"a": 1}', "a: 1", "One.")]
        ['json', 'toon', 'text']
        >>> print(parser.parse("One.").errors["json"])
        There is no JSON in it.
    """

    formats: tuple[AnswerFormat, ...] = ("json", "toon", "text")
    pydantic_object: pydantic.SkipValidation[Any] = None

    @property
    @override
    def OutputType(self) -> Any:
        return ParsedAnswer

    @property
    @override
    def _type(self) -> str:
        return "cascade"

    @override
    def _reading(self) -> _CascadeReading:
        return _CascadeReading(self.formats, self.pydantic_object)


class _CascadeReading:
    """Follows one answer; what it is shows at its end only."""

    def __init__(self, formats: tuple[AnswerFormat, ...], target: Any) -> None:
        self._formats: list[AnswerFormat] = [name for name in _ORDER if name in formats]
        self._target = target
        self._answer = AnswerText()

    def take(self, message: Input) -> None:
        self._answer.take(message)

    def news(self) -> None:
        return None

    def is_shown(self, value: object) -> bool:
        del value
        return False

    def result(self) -> ParsedAnswer:
        errors: dict[AnswerFormat, OutputParserException] = {}
        for name in self._formats:
            try:
                value = _READERS[name](self._answer, self._target)
            except OutputParserException as error:
                errors[name] = error
            else:
                return ParsedAnswer(name, value, errors)
        reasons = " ".join(f"As {name}: {error}" for name, error in errors.items())
        raise self._answer.error(
            f"The answer is none of {', '.join(self._formats)}. {reasons}"
        ) from ExceptionGroup("what was tried", list(errors.values()))


def _read_json(answer: AnswerText, target: Any) -> Any:
    text = _json_in(answer.text)
    partial = PartialJson()
    partial.feed(text)
    try:
        value = partial.close()
    except BrokenJsonError as error:
        message = "There is no JSON in it." if not text else f"The JSON: {error}"
        raise answer.error(message, error.partial) from error
    if text[partial.position :].partition("\n")[0].strip():
        raise answer.error("A bracket opens it, but more follows the last one.")
    try:
        return validated(target, value)
    except pydantic.ValidationError as error:
        message = f"The JSON does not fit. {list_problems(error)}"
        raise answer.error(message, value) from error


def _json_in(text: str) -> str:
    """Where JSON may be: in a fence, or from the line that begins with a bracket."""
    tracker = FenceTracker()
    fenced: dict[int, str] = {}
    for piece in (*tracker.feed(text), *tracker.finish()):
        if piece.is_code and piece.language.lower() in {"", "json"}:
            fenced[piece.block] = fenced.get(piece.block, "") + piece.content
    for content in fenced.values():
        if content.lstrip().startswith(("{", "[")):
            return content.lstrip()
    found = _LINE_WITH_BRACKET.search(text)
    return text[found.end() :] if found else ""


def _read_toon(answer: AnswerText, target: Any) -> Any:
    reading = ToonReading(target, answer=answer)
    if target is None and reading.is_sentence:
        raise answer.error("It is one line of words, which is taken for text.")
    return reading.result()


def _read_text(answer: AnswerText, target: Any) -> str:
    del target
    return answer.text


_READERS: dict[AnswerFormat, Callable[[AnswerText, Any], Any]] = {
    "json": _read_json,
    "toon": _read_toon,
    "text": _read_text,
}
