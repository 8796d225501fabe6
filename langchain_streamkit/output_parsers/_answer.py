"""What an answer says beside its text: that it was cut, or refused.

Strategy: both decide which error it is when the text is not what was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import BaseMessage

from langchain_streamkit.errors import (
    RefusalError,
    StructuredOutputError,
    TruncatedOutputError,
)

if TYPE_CHECKING:
    from langchain_streamkit._langchain.structured_reading import Input

__all__ = ["AnswerText"]

_CUT = frozenset({"length", "max_tokens", "model_length", "content_filter"})


class AnswerText:
    """The text of an answer, piece by piece, and how it ends."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._refusal = ""
        self._finish_reason = ""

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._parts)

    def take(self, message: Input) -> str:
        """Take the next piece, and give its text."""
        if isinstance(message, BaseMessage):
            refusal = message.additional_kwargs.get("refusal")
            self._refusal += refusal if isinstance(refusal, str) else ""
            reason = message.response_metadata.get("finish_reason")
            self._finish_reason = reason if isinstance(reason, str) else ""
        text = message if isinstance(message, str) else str(message.text)
        self._parts.append(text)
        return text

    def error(self, message: str, partial: Any = None) -> StructuredOutputError:
        """The error of an answer that is not what was asked for."""
        if self._refusal:
            return RefusalError(
                f"The model refused: {self._refusal[:500]}", llm_output=self._refusal
            )
        kind = StructuredOutputError
        if self._finish_reason in _CUT:
            kind = TruncatedOutputError
            message = f"The answer was cut ({self._finish_reason}). {message}"
        return kind(message, llm_output=self.text, partial_object=partial)
