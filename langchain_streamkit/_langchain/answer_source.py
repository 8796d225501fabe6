"""Where the JSON stands in an answer: in its text, or in the arguments of one call.

Strategy: it takes any model's chunks or its whole message, and gives the next piece of
the JSON as text; a whole call is written out again.
"""

from __future__ import annotations

import json
from typing import TypeAlias, cast

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import ToolCallChunk, tool_call_chunk

from langchain_streamkit._langchain.json_values import as_mapping
from langchain_streamkit._wire.closing_delta import strip_closing_delta

__all__ = ["AnswerSource", "Input"]

Input: TypeAlias = str | BaseMessage


class AnswerSource:
    """Where the JSON stands in an answer, and what stands beside it.

    Attributes:
        tool_name: The tool whose arguments are the JSON; None if the text is.
        others: The names of the other tools that were called.
    """

    __slots__ = ("_arguments", "_index", "_words", "is_called", "others", "tool_name")

    def __init__(self, tool_name: str | None) -> None:
        self.tool_name = tool_name
        self.others: list[str] = []
        self.is_called = False
        self._index: object = None
        self._arguments: list[str] = []
        self._words: list[str] = []

    @property
    def words(self) -> str:
        """The text of the answer, so far."""
        return "".join(self._words)

    @property
    def text(self) -> str:
        """What should be the JSON, so far."""
        return self.words if self.tool_name is None else "".join(self._arguments)

    @property
    def is_blank(self) -> bool:
        """Whether nothing of the JSON has come."""
        parts = self._words if self.tool_name is None else self._arguments
        return not any(part.strip() for part in parts)

    def take(self, message: Input) -> str:
        """The next piece of the JSON."""
        words = message if isinstance(message, str) else _text_of(message)
        self._words.append(words)
        arguments = ""
        if isinstance(message, AIMessage):
            arguments = "".join(map(self._take_call, _call_pieces(message)))
            if getattr(message, "chunk_position", None) == "last":
                before = "".join(self._arguments)
                arguments = strip_closing_delta(before + arguments)[len(before) :]
        self._arguments.append(arguments)
        return words if self.tool_name is None else arguments

    def _take_call(self, piece: ToolCallChunk) -> str:
        """The arguments in a piece, if they belong to the first call of the tool."""
        name = piece["name"]
        if name and name != self.tool_name:
            self.others.append(name)
        elif name and not self.is_called:
            self.is_called = True
            self._index = piece["index"]
            return piece["args"] or ""
        elif self.is_called and not name and piece["index"] == self._index:
            return piece["args"] or ""
        return ""


def _text_of(message: BaseMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    blocks = cast("list[object]", message.content)
    return "".join(map(_text_of_block, blocks))


def _text_of_block(block: object) -> str:
    if isinstance(block, str):
        return block
    fields = as_mapping(block)
    text = fields.get("text")
    return text if fields.get("type") == "text" and isinstance(text, str) else ""


def _call_pieces(message: AIMessage) -> list[ToolCallChunk]:
    if isinstance(message, AIMessageChunk) and message.tool_call_chunks:
        return message.tool_call_chunks
    calls = [(call["name"], json.dumps(call["args"])) for call in message.tool_calls]
    calls += [
        (call["name"] or "", strip_closing_delta(call["args"] or ""))
        for call in message.invalid_tool_calls
    ]
    return [
        tool_call_chunk(name=name, args=args, index=index)
        for index, (name, args) in enumerate(calls)
    ]
