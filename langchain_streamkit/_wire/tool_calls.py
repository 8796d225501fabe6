"""Pieces of tool calls become whole calls, or calls that must not run.

Strategy: every server cuts calls differently: whole, in fragments, with ids or
without, with one index for all or none. A piece belongs to the call of its id, else
to the call of its index, else to the latest; a new id, or a name that follows a
whole call, opens the next. Calls get indices of our own, from 0. A name is set
once. What could still turn out to be "no arguments" (``null``, ``{}``) is held
back until the next piece shows what it is. At the end, arguments that are not one
JSON object make the call invalid, and say why.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from langchain_streamkit._wire.parse_json import MAX_DEPTH, nesting_depth
from langchain_streamkit._wire.surrogates import SurrogateJoiner
from langchain_streamkit.errors import StreamLimitError
from langchain_streamkit.events import ToolCallDeltaEvent

__all__ = [
    "MAX_TOOL_CALLS",
    "ToolCall",
    "ToolCallAssembler",
    "closing_delta",
    "parse_arguments",
    "strip_closing_delta",
]

MAX_TOOL_CALLS = 256
_CUT_REASONS = frozenset({"length", "max_tokens", "content_filter"})
_PLACEHOLDERS = ("null", "{}")
_OWN_KEYS = frozenset({"index", "id", "type", "function", "custom"})
_CLOSING_MARK = "\u2063cut\u2063"


@dataclass(slots=True)
class ToolCall:
    """One call, as far as it has come.

    Attributes:
        index: Its place among the calls of the answer, from 0.
        id: The server's id, or one of ours where it gave none.
        name: The tool's name.
        parts: The pieces of the arguments' text.
        extras: What else the server sent with the call (thought signatures).
        arguments: The arguments, once the call is finished and good.
        error: Why it must not run, once it is finished and broken.
    """

    index: int
    id: str
    name: str = ""
    parts: list[str] = field(default_factory=list[str])
    extras: dict[str, Any] = field(default_factory=dict[str, Any])
    arguments: dict[str, Any] | None = None
    error: str | None = None
    server_id: str = ""
    server_index: object = None
    held: str = ""
    size: int = 0
    opened: bool = False
    joiner: SurrogateJoiner = field(default_factory=SurrogateJoiner)

    @property
    def args(self) -> str:
        """The arguments' text, as far as it has come."""
        return "".join(self.parts)

    def is_whole(self) -> bool:
        """Whether the text so far is one JSON object."""
        return parse_arguments(self.args + self.held) is not None


class ToolCallAssembler:
    """Takes the pieces of one answer's calls, in the order of arrival.

    Args:
        max_argument_bytes: The most characters that one call's arguments may have.

    Example:
        >>> assembler = ToolCallAssembler()
        >>> piece = {"index": 0, "id": "a", "function": {"name": "f"}}
        >>> assembler.feed(piece)[0].name
        'f'
        >>> _ = assembler.feed({"index": 0, "function": {"arguments": '{"x": 1}'}})
        >>> _ = assembler.finish("tool_calls")
        >>> assembler.calls[0].arguments
        {'x': 1}
    """

    __slots__ = ("_by_id", "_by_index", "_latest", "_max_argument_bytes", "calls")

    def __init__(self, max_argument_bytes: int = 16 * 1024 * 1024) -> None:
        self.calls: list[ToolCall] = []
        self._by_id: dict[str, ToolCall] = {}
        self._by_index: dict[object, ToolCall] = {}
        self._latest: ToolCall | None = None
        self._max_argument_bytes = max_argument_bytes

    def feed(self, piece: Mapping[str, Any]) -> list[ToolCallDeltaEvent]:
        """Take one piece, an element of ``delta.tool_calls``.

        Args:
            piece: The server's object; any of its keys may be missing or null.

        Returns:
            The event that the piece makes, if it adds anything that is certain.

        Raises:
            StreamLimitError: If there are too many calls, or too long arguments.
        """
        function = _function_of(piece)
        name = _text(function.get("name"))
        args = _arguments_text(function.get("arguments", function.get("input")))
        server_id = _text(piece.get("id"))
        server_index = _index_of(piece)
        call = self._find(server_id, server_index, name, args)
        if call is None:
            call = self._open(server_id, server_index)
        elif args and (name or server_id) and args == call.args + call.held:
            args = ""  # the whole call once more
        self._latest = call
        if server_id:
            self._by_id.setdefault(server_id, call)
            call.server_id = call.server_id or server_id
        call.name = call.name or name
        for key, value in piece.items():
            if key not in _OWN_KEYS and value is not None and function is not piece:
                call.extras[key] = value
        return self._release(call, call.joiner.feed(args))

    def finish(self, finish_reason: str | None) -> list[ToolCallDeltaEvent]:
        """End all calls: parse their arguments, and mark those that are broken.

        Args:
            finish_reason: The server's; a call that it cut before its arguments
                began is broken too.

        Returns:
            Events for what was still held back; ``calls`` are settled after this.
        """
        events: list[ToolCallDeltaEvent] = []
        for call in self.calls:
            rest = call.held + call.joiner.flush()
            call.held = ""
            if rest.strip() and (rest.strip() != "null" or call.parts):
                events.append(self._emit(call, rest))
            elif not call.opened:
                events.append(self._emit(call, ""))
            is_cut = call is self._latest and finish_reason in _CUT_REASONS
            _settle(call, finish_reason if is_cut else None)
        return events

    def _find(
        self, server_id: str, index: object, name: str, args: str
    ) -> ToolCall | None:
        """The call that a piece continues, or None if it opens one."""
        at_index = self._by_index.get(index) if index is not None else None
        if server_id:
            known = self._by_id.get(server_id)
            if known is not None:
                moved = index is not None and known.server_index != index
                return None if moved and name else known
            if at_index is None or (name and at_index.server_id):
                return None
        elif index is None or (
            at_index is None and self._latest and self._latest.server_index is None
        ):
            at_index = self._latest
        if at_index is None or (name and at_index.name and name != at_index.name):
            return None
        if not (name or server_id) or not at_index.is_whole():
            return at_index
        is_repeated = index is not None and args == at_index.args + at_index.held
        return at_index if is_repeated and not server_id else None

    def _open(self, server_id: str, server_index: object) -> ToolCall:
        if len(self.calls) >= MAX_TOOL_CALLS:
            message = f"The server sent more than {MAX_TOOL_CALLS} tool calls at once."
            raise StreamLimitError(message)
        is_free = bool(server_id) and server_id not in self._by_id
        call = ToolCall(
            index=len(self.calls),
            id=server_id if is_free else f"call_{uuid.uuid4().hex}",
            server_index=server_index,
        )
        self.calls.append(call)
        if server_index is not None:
            self._by_index[server_index] = call
        return call

    def _release(self, call: ToolCall, text: str) -> list[ToolCallDeltaEvent]:
        """The event for new text, minus what must still be held back."""
        if call.held.strip() in _PLACEHOLDERS and text.lstrip()[:1] == "{":
            call.held = ""
        text = call.held + text
        if not call.name or (not call.parts and _is_placeholder(text)):
            call.held, text = text, ""
        else:
            call.held = ""
        call.size += len(text)
        if call.size + len(call.held) > self._max_argument_bytes:
            message = (
                "The arguments of a tool call are longer than "
                f"{self._max_argument_bytes} characters."
            )
            raise StreamLimitError(message)
        if not call.name or (call.opened and not text):
            return []
        return [self._emit(call, text)]

    def _emit(self, call: ToolCall, text: str) -> ToolCallDeltaEvent:
        if text:
            call.parts.append(text)
        if call.opened:
            return ToolCallDeltaEvent(call.index, None, None, text)
        call.opened = True
        return ToolCallDeltaEvent(call.index, call.id, call.name or None, text)


def closing_delta(args: str) -> str:
    """The text to append to broken arguments so that core refuses to repair them.

    langchain-core completes partial JSON while it adds chunks, which would turn a
    call that was cut into one that runs. It gives up on a closing bracket that does
    not match; this text brings one, wherever the arguments stopped.

    Args:
        args: The arguments' text so far.

    Returns:
        The text to append.

    Example:
        >>> closing_delta('{"path": "/data')
        '\u2063cut\u2063"]'
    """
    in_string = escaped = False
    stack: list[str] = []
    for character in args:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "{[":
            stack.append(character)
        elif character in "}]" and stack:
            stack.pop()
    wrong = "}" if stack[-1:] == ["["] else "]"
    return _CLOSING_MARK + ('"' if in_string else "") + wrong


def strip_closing_delta(args: str) -> str:
    """The arguments' text without what ``closing_delta`` appended to it.

    Args:
        args: A text of arguments, broken or not.

    Returns:
        The text as the server sent it.

    Example:
        >>> strip_closing_delta('{"path": "/data' + closing_delta('{"path": "/data'))
        '{"path": "/data'
    """
    before, mark, _ = args.rpartition(_CLOSING_MARK)
    return before if mark and before + closing_delta(before) == args else args


def _settle(call: ToolCall, cut_by: str | None) -> None:
    text = call.args
    if not call.name:
        call.error = "The server named no tool for this call."
    elif not text.strip():
        if cut_by:
            call.error = (
                f"The call was cut (finish_reason {cut_by!r}) before its arguments."
            )
        else:
            call.arguments = {}
    else:
        call.arguments = parse_arguments(text)
        if call.arguments is None:
            cut = f": cut (finish_reason {cut_by!r})" if cut_by else ""
            call.error = f"The arguments are not one JSON object{cut}."


def parse_arguments(text: str) -> dict[str, Any] | None:
    """The arguments, if the text is one JSON object.

    Control characters inside strings are allowed, as core allows them.

    Args:
        text: The arguments' text.

    Returns:
        The object, or None for anything else.
    """
    if nesting_depth(text) > MAX_DEPTH:
        return None
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _is_placeholder(text: str) -> bool:
    """Whether arguments that begin like this may still mean that there are none."""
    text = text.strip()
    return any(word.startswith(text) for word in _PLACEHOLDERS) and text != "{"


def _function_of(piece: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in ("function", "custom"):
        value = piece.get(key)
        if isinstance(value, Mapping):
            return cast("Mapping[str, Any]", value)
    return piece


def _index_of(piece: Mapping[str, Any]) -> object:
    index = piece.get("index")
    return index if isinstance(index, int | str) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _arguments_text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
