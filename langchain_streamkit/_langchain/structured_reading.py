"""One answer on its way to an object: what came, what it shows so far, how it ends.

Strategy: a reading does no I/O; invoking feeds it one message, streaming many, so
both end in the same value or the same error. The JSON stands in the text or in the
arguments of one tool call: a source for each gives its pieces to ``PartialJson``.
What does not become an object has a type that says why: it was cut, it was refused,
or it is something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pydantic
import pydantic.v1
from langchain_core.messages import BaseMessage

from langchain_streamkit._langchain.answer_source import AnswerSource, Input
from langchain_streamkit._wire.partial_json import BrokenJsonError, Json, PartialJson
from langchain_streamkit.errors import (
    RefusalError,
    StructuredOutputError,
    TruncatedOutputError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Input",
    "Reading",
]

_RAISE_LIMIT = "Raise max_tokens (reasoning counts as well), or ask for less."
_ADVICE = {
    "length": _RAISE_LIMIT,
    "max_tokens": _RAISE_LIMIT,
    "model_length": "The model's context is full: shorten the input, or ask for less.",
    "content_filter": "The server's content filter stopped it: change the request.",
}
"""What to do about an answer that was cut, by its finish reason."""

_SHOWN_ERRORS = 5
_SHOWN_REFUSAL = 500


class Reading:
    """Follows one answer.

    Args:
        validate: Makes the object of a JSON value; raises what Pydantic raises.
        tool_name: The tool whose arguments are the object; None if the text is.
        is_object: False if the root may be an array.

    Example:
        >>> reading = Reading(dict)
        >>> reading.take('{"name": "Ada", "ag')
        >>> reading.news()
        {'name': 'Ada'}
        >>> reading.take('e": 36}')
        >>> reading.result()
        {'name': 'Ada', 'age': 36}
    """

    __slots__ = (
        "_finish_reason",
        "_json",
        "_refusal",
        "_seen",
        "_shown",
        "_source",
        "_validate",
        "_wanted",
    )

    def __init__(
        self,
        validate: Callable[[Json], Any],
        *,
        tool_name: str | None = None,
        is_object: bool = True,
    ) -> None:
        self._validate = validate
        self._source = AnswerSource(tool_name)
        self._wanted = f"a call of {tool_name}" if tool_name else "the object"
        self._json = PartialJson("{" if is_object else "{[")
        self._seen: Json | None = None
        self._shown: Any = None
        self._refusal = ""
        self._finish_reason = ""

    def take(self, message: Input) -> None:
        """Take the next piece of the answer, or all of it.

        Args:
            message: A chunk, a message, or text.
        """
        if isinstance(message, BaseMessage):
            self._note(message)
        self._json.feed(self._source.take(message))

    def news(self) -> Any:
        """The object so far, if it is valid and another than the last one.

        Returns:
            The object, or None.
        """
        value = self._json.value
        if value is None or value is self._seen:
            return None
        self._seen = value
        try:
            shown = self._validate(value)
        except Exception:  # noqa: BLE001 - half an object, before a user's validators
            return None
        if self.is_shown(shown):
            return None
        self._shown = shown
        return shown

    def is_shown(self, value: object) -> bool:
        """Whether this equals what ``news`` gave last."""
        return self._shown is not None and bool(self._shown == value)

    @property
    def is_answered_by_calls(self) -> bool:
        """Whether the model called tools that were offered beside the object."""
        source = self._source
        return source.tool_name is None and bool(source.others) and self._is_missing

    def result(self) -> Any:
        """The object, once the answer has ended.

        Returns:
            What ``validate`` makes of the whole value.

        Raises:
            RefusalError: If the model refused.
            TruncatedOutputError: If the answer was cut before the object was whole.
            StructuredOutputError: If there is no object, or it does not fit.
        """
        if self._refusal:
            words = self._refusal[:_SHOWN_REFUSAL]
            raise RefusalError(f"The model refused: {words}", llm_output=self._refusal)
        if self._is_missing:
            raise self._missing()
        try:
            value = {} if self._source.is_blank else self._json.close()
        except BrokenJsonError as error:
            raise self._broken(error) from error
        try:
            return self._validate(value)
        except (pydantic.ValidationError, pydantic.v1.ValidationError) as error:
            raise StructuredOutputError(
                f"The object does not fit its class. {_list_problems(error)}",
                llm_output=self._source.text,
                partial_object=value,
            ) from error

    def _note(self, message: BaseMessage) -> None:
        """Remember what tells how the answer ends."""
        refusal = message.additional_kwargs.get("refusal")
        if isinstance(refusal, str):
            self._refusal += refusal
        finish_reason = message.response_metadata.get("finish_reason")
        if isinstance(finish_reason, str):
            self._finish_reason = finish_reason

    @property
    def _is_missing(self) -> bool:
        """Whether nothing has come that could be the object."""
        source = self._source
        if source.is_blank:  # a call without arguments is an empty object
            return not source.is_called or self._finish_reason in _ADVICE
        has_prose_only = source.tool_name is None and not self._json.is_complete
        return has_prose_only and bool(source.others)

    def _missing(self) -> StructuredOutputError:
        source = self._source
        if source.others and not source.is_called:
            message = (
                f"The model called {', '.join(source.others)} instead of giving "
                f"{self._wanted}."
            )
            if source.tool_name is None:
                message += " Pass include_raw=True to reach the calls."
        elif self._finish_reason in _ADVICE:
            message = (
                f"The answer was cut ({self._finish_reason}) before {self._wanted}"
            )
            return TruncatedOutputError(
                f"{message} began. {_ADVICE[self._finish_reason]}",
                llm_output=source.words,
            )
        else:
            what = "only text" if source.words.strip() else "empty"
            message = f"The answer is {what}; {self._wanted} is missing."
        return StructuredOutputError(message, llm_output=source.words)

    def _broken(self, error: BrokenJsonError) -> StructuredOutputError:
        kind = StructuredOutputError
        message = f"The answer is not the JSON that was asked for. {error}"
        may_be_cut = error.is_cut or error.partial is None
        if may_be_cut and self._finish_reason in _ADVICE:
            kind = TruncatedOutputError
            message = (
                f"The answer was cut ({self._finish_reason}) before the object was "
                f"whole. {error} {_ADVICE[self._finish_reason]}"
            )
        return kind(message, llm_output=self._source.text, partial_object=error.partial)


def _list_problems(
    error: pydantic.ValidationError | pydantic.v1.ValidationError,
) -> str:
    """The first problems, by place, without the values that are wrong."""
    problems = cast("list[dict[str, Any]]", error.errors())
    lines = [
        ".".join(map(str, problem["loc"])) + f": {problem['msg']}."
        for problem in problems[:_SHOWN_ERRORS]
    ]
    more = len(problems) - len(lines)
    return " ".join(lines) + (f" And {more} more." if more > 0 else "")
