"""``ToonOutputParser``: an answer in TOON becomes objects, row by row.

Strategy: ``ToonDocument`` finds whole lines, and toon-format reads them: leniently
while they come, for a table is short until its last row, and strictly at the end,
where a declared length that is not reached tells that the answer was cut. All lines
are read anew each time, so beyond a short beginning that is done only after the text
has grown by one part in 16, and a long table costs no more for each row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pydantic
from typing_extensions import override

from langchain_streamkit._langchain.extras import import_extra
from langchain_streamkit._langchain.stream_parser import StreamOutputParser
from langchain_streamkit.output_parsers._answer import AnswerText
from langchain_streamkit.output_parsers._targets import (
    list_problems,
    sample_of,
    validated,
)
from langchain_streamkit.output_parsers._toon_document import ToonDocument

if TYPE_CHECKING:
    from langchain_streamkit._langchain.structured_reading import Input

__all__ = ["ToonOutputParser"]

_FREE_CHARACTERS = 4096
_STEPS = 16

_INSTRUCTIONS = """\
Answer in TOON, in one code fence, {wording}:

{sample}

In TOON, `name[N]{{a,b}}:` is a table of N rows, and N must be their number. Each row is
a line of its own, indented by two spaces, with its values in the order of the header
and a comma between them. Everything else is `name: value`, indented by two spaces a
level. Put a text in double quotes if it holds a comma, a colon, a quote or a line
break, or if it looks like a number, true, false or null."""

_ANY_SAMPLE = {
    "title": "text",
    "items": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}],
}


class ToonOutputParser(StreamOutputParser):
    r"""Reads TOON from an answer, whole or while it streams.

    A code fence and prose around the document are left out. While the answer comes,
    results grow by whole lines; the last line is there at the end, whether or not a
    line end came after it.

    Attributes:
        pydantic_object: What to make of it: a Pydantic class, ``list[Row]``, or any
            other type that Pydantic knows. None for plain dicts and lists.
        strict: Whether all of TOON's rules count, among them the declared number of
            rows. Without, what can be read is taken.

    Raises:
        StructuredOutputError: An ``OutputParserException``: there is no TOON, it is
            broken (the message has the line, counted in the answer from 1), or it
            does not fit. ``partial_object`` has what could be read.
        TruncatedOutputError: The same, of an answer that the server cut.

    Example:
        >>> parser = ToonOutputParser()
        >>> pieces = ["Here:\n```toon\nids[2]{n}:\n", "  1\n  ", "2\n```"]
        >>> list(parser.transform(iter(pieces)))
        [{'ids': []}, {'ids': [{'n': 1}]}, {'ids': [{'n': 1}, {'n': 2}]}]
    """

    pydantic_object: pydantic.SkipValidation[Any] = None
    strict: bool = True

    @property
    @override
    def OutputType(self) -> Any:
        return Any if self.pydantic_object is None else self.pydantic_object

    @property
    @override
    def _type(self) -> str:
        return "toon"

    @override
    def get_format_instructions(self) -> str:
        """What to tell the model; it shows the header that is wanted."""
        toon = import_extra("toon_format", "toon")
        target = self.pydantic_object
        sample = _ANY_SAMPLE if target is None else sample_of(target)
        wording = "for example" if target is None else "with these names, for example"
        text = f"```toon\n{toon.dumps(sample)}\n```"
        return _INSTRUCTIONS.format(wording=wording, sample=text)

    @override
    def _reading(self) -> ToonReading:
        return ToonReading(self.pydantic_object, strict=self.strict)


class ToonReading:
    """Follows one answer.

    Args:
        target: See ``ToonOutputParser.pydantic_object``.
        strict: Whether all rules count at the end.
        answer: The answer, if it has come already.
    """

    def __init__(
        self,
        target: Any = None,
        *,
        strict: bool = True,
        answer: AnswerText | None = None,
    ) -> None:
        self._toon = import_extra("toon_format", "toon")
        self._target = target
        self._strict = strict
        self._answer = answer or AnswerText()
        self._document = ToonDocument()
        self._document.feed(self._answer.text)
        self._read_size = 0
        self._shown: Any = None

    def take(self, message: Input) -> None:
        """Take the next piece of the answer, or all of it."""
        self._document.feed(self._answer.take(message))

    def news(self) -> Any:
        """The value of the whole lines, if it is another than the last one."""
        document = self._document
        self._read_size = min(self._read_size, document.size)  # a better one may begin
        grown = document.size - self._read_size
        is_due = grown * _STEPS >= document.size - _FREE_CHARACTERS
        if not (grown and is_due and document.is_sure):
            return None
        self._read_size = document.size
        value = self._lenient(document.text)
        if value is None or self.is_shown(value):
            return None
        self._shown = value
        return value

    def is_shown(self, value: object) -> bool:
        """Whether this equals what ``news`` gave last."""
        return self._shown is not None and bool(self._shown == value)

    @property
    def is_sentence(self) -> bool:
        """Whether it is one line that a person may have meant."""
        self._document.finish()
        return self._document.is_sentence

    def result(self) -> Any:
        """The value of the whole answer.

        Raises:
            StructuredOutputError: See ``ToonOutputParser``.
        """
        document = self._document
        document.finish()
        text = document.text
        if not text:
            raise self._answer.error(_nothing_in(document))
        try:
            value = self._toon.loads(text, strict=self._strict)
        except self._toon.ToonDecodeError as error:
            line = document.first_line + (error.line or 1) - 1
            raise self._answer.error(
                f"The TOON is broken in line {line}: {error.msg}.", self._plain(text)
            ) from error
        try:
            return validated(self._target, value)
        except pydantic.ValidationError as error:
            message = f"The TOON does not fit. {list_problems(error)}"
            raise self._answer.error(message, value) from error

    def _lenient(self, text: str) -> Any:
        """The value of unfinished text, or None while there is none that fits."""
        try:
            return validated(self._target, self._toon.loads(text, strict=False))
        except (self._toon.ToonDecodeError, pydantic.ValidationError):
            return None

    def _plain(self, text: str) -> Any:
        """What can be read of broken text: the lines before the broken one."""
        lines = text.split("\n")
        while lines:
            try:
                return self._toon.loads("\n".join(lines), strict=False)
            except self._toon.ToonDecodeError as error:
                lines = lines[: min((error.line or len(lines)), len(lines)) - 1]
        return None


def _nothing_in(document: ToonDocument) -> str:
    if document.looks_like_json:
        return (
            "There is JSON in it, and no TOON. CascadeOutputParser reads either; "
            "get_format_instructions() tells the model what is wanted."
        )
    return "There is no TOON in it."
