"""Pieces of tool calls become whole calls, or calls that must not run.

Strategy: every server cuts calls differently: whole, in fragments, with ids or
without, with one index for all or none. A piece belongs to the call of its id, else
to the call of its index, else to the latest; a new id, or a name that follows a
whole call, opens the next. Calls get indices of our own, from 0. A name is set
once; what comes before it waits. What could still turn out to be "no arguments"
(``null``, ``{}``) is held back until the next piece shows what it is. At the end,
arguments that are not one JSON object make the call invalid, and say why.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from langchain_streamkit._wire.nesting import JsonNesting, is_too_deep
from langchain_streamkit._wire.shapes import as_mapping, as_text
from langchain_streamkit._wire.surrogates import SurrogateJoiner
from langchain_streamkit.errors import StreamLimitError
from langchain_streamkit.events import StreamEvent, ToolCallDeltaEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "MAX_TOOL_CALLS",
    "ToolCall",
    "ToolCallAssembler",
    "arguments_text",
    "parse_arguments",
]

MAX_TOOL_CALLS = 256
# length, max_tokens, model_length, MALFORMED_FUNCTION_CALL, content_filter, sensitive
_CUT_REASON = re.compile(
    r"(?i)length|max_?tokens|limit|malformed|filter|sensitive|safety|recitation|block"
)
_PLACEHOLDERS = ("null", "{}")
_LONGEST_PLACEHOLDER = 64  # with white space
# A custom tool's are its input; the others are other dialects' words, which a proxy
# may let through: a call whose arguments are not seen would run without any.
_ARGUMENT_KEYS = ("arguments", "input", "args", "parameters")
_OWN_KEYS = frozenset(
    {"index", "id", "type", "function", "custom", "name", *_ARGUMENT_KEYS}
)
_PLAIN_PIECE = frozenset({"index", "id", "type", "function"})
_PLAIN_FUNCTION = ["arguments"]


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
    held: list[str] = field(default_factory=list[str])
    size: int = 0
    opened: bool = False
    joiner: SurrogateJoiner = field(
        default_factory=SurrogateJoiner, repr=False, compare=False
    )
    nesting: JsonNesting = field(default_factory=JsonNesting, repr=False, compare=False)
    followed: int = field(default=0, repr=False, compare=False)
    is_broken: bool = field(default=False, repr=False, compare=False)

    @property
    def args(self) -> str:
        """The arguments' text, as far as it has come."""
        return "".join(self.parts)

    @property
    def text(self) -> str:
        """The same, with what is still held back."""
        return "".join([*self.parts, *self.held])

    def is_whole(self) -> bool:
        """Whether the text so far is one JSON object.

        It is asked of every piece that repeats the call's name, so the text is only
        parsed once all its brackets are closed.
        """
        for part in self.parts[self.followed :]:
            self.nesting.feed(part)
        self.followed = len(self.parts)
        is_open = self.nesting.stack or not self.nesting.was_closed
        if self.is_broken or (self.parts and is_open):
            return False
        is_whole = parse_arguments(self.text) is not None
        self.is_broken = bool(self.parts) and not is_whole
        return is_whole


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
        name = as_text(function.get("name"))
        said = (function.get(key) for key in _ARGUMENT_KEYS)
        args = arguments_text(next((one for one in said if one is not None), None))
        server_id = as_text(piece.get("id"))
        server_index = _index_of(piece)
        extras = {
            key: value
            for key, value in piece.items()
            if key not in _OWN_KEYS and value is not None
        }
        call = self._find(server_id, server_index, name, args)
        if call is None:
            is_placed = bool(extras) and server_index is not None
            if not (name or args or server_id or is_placed):
                return []
            call = self._open(server_id, server_index)
        elif _repeats(call, args):
            args = ""
        self._latest = call
        if server_id:
            self._by_id[server_id] = call
            call.server_id = call.server_id or server_id
        call.name = call.name or name
        call.extras.update(extras)
        return self._release(call, call.joiner.feed(args))

    def feed_arguments(self, pieces: list[Any]) -> list[StreamEvent] | None:
        """Take a delta that is one more piece of the latest call's arguments.

        Args:
            pieces: The delta's ``tool_calls``, without halves of characters.

        Returns:
            What ``feed`` would give, or None if ``feed`` must be asked.

        Raises:
            StreamLimitError: If the arguments are too long.
        """
        call = self._latest
        if call is None or not call.parts or len(pieces) != 1:
            return None
        piece = as_mapping(pieces[0])
        if not _PLAIN_PIECE.issuperset(piece):
            return None
        function, index = as_mapping(piece.get("function")), piece.get("index")
        if (
            type(index) is not int
            or self._by_index.get(index) is not call
            or piece.get("id")
            or [*function] != _PLAIN_FUNCTION
        ):
            return None
        args: object = function["arguments"]
        if (
            type(args) is not str
            or len(args) == call.size  # it may be the whole call once more
            or call.joiner.is_holding
        ):
            return None
        return [*self._release(call, args)]

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
            rest = "".join(call.held) + call.joiner.flush()
            call.held.clear()
            if rest.strip() not in {"", "null"}:
                events.append(self._emit(call, rest))
            elif not call.opened:
                events.append(self._emit(call, ""))
            is_cut = call is self._latest and _CUT_REASON.search(finish_reason or "")
            _settle(call, finish_reason if is_cut else None)
        return events

    def _find(
        self, server_id: str, index: object, name: str, args: str
    ) -> ToolCall | None:
        """The call that a piece continues, or None if it opens one."""
        call = self._by_index.get(index) if index is not None else None
        known = self._by_id.get(server_id) if server_id else None
        is_new = bool(server_id) and known is None
        if known is not None and (call is None or call.server_id != server_id):
            if index is not None and known.server_index not in {None, index}:
                return None if name else known  # one id for all calls
            call = known
        elif is_new and (call is None or (name and call.server_id)):
            latest = call or self._latest
            return latest if latest and _goes_on(latest, name, args) else None
        elif call is None and (
            index is None or (self._latest and self._latest.server_index is None)
        ):
            call = self._latest
        if call is None or (name and call.name and name != call.name):
            return None
        if not call.name or not (name or is_new) or not args.strip():
            return call
        is_placed = not is_new and (index is not None or bool(server_id))
        if is_placed and (call.held or _repeats(call, args)):
            return call
        return None if call.is_whole() else call

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
        call.size += len(text)
        if call.size > self._max_argument_bytes:
            message = (
                "The arguments of a tool call are longer than "
                f"max_event_bytes={self._max_argument_bytes} characters. Raise it if "
                "such answers are expected."
            )
            raise StreamLimitError(message)
        if not call.name:
            call.held.append(text)
            return []
        held = "".join(call.held)
        call.held.clear()
        if held.strip() in _PLACEHOLDERS and text.lstrip()[:1] == "{":
            call.size -= len(held)
        else:
            text = held + text
        if text and not call.parts and _may_be_placeholder(text):
            call.held.append(text)
            text = ""
        if call.opened and not text:
            return []
        return [self._emit(call, text)]

    def _emit(self, call: ToolCall, text: str) -> ToolCallDeltaEvent:
        if text:
            call.parts.append(text)
        if call.opened:
            return ToolCallDeltaEvent(call.index, None, None, text)
        call.opened = True
        return ToolCallDeltaEvent(call.index, call.id, call.name or None, text)


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
    if is_too_deep(text):
        return None
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _repeats(call: ToolCall, args: str) -> bool:
    """Whether a piece is the whole call once more."""
    if not args or len(args) != call.size or args != call.text:
        return False
    is_placeholder = bool(call.name and call.held)
    return is_placeholder or call.is_whole()


def _goes_on(call: ToolCall, name: str, args: str) -> bool:
    """Whether arguments under a new id can only be more of those of an open call.

    Some servers make a new id for every piece.
    """
    is_start = not args or args.lstrip().startswith(("{", "null"))
    is_same = name in {"", call.name}
    return is_same and not is_start and bool(call.parts) and not call.is_whole()


def _may_be_placeholder(text: str) -> bool:
    """Whether arguments that begin like this may still mean that there are none."""
    text = text.strip() if len(text) <= _LONGEST_PLACEHOLDER else "too long"
    return any(word.startswith(text) for word in _PLACEHOLDERS) and text != "{"


def _function_of(piece: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in ("function", "custom"):
        if isinstance(piece.get(key), dict):
            return as_mapping(piece[key])
    return piece


def _index_of(piece: Mapping[str, Any]) -> object:
    index = piece.get("index")
    return index if isinstance(index, int | str) and index != "" else None


def arguments_text(value: object) -> str:
    """The text of arguments, which some servers send as an object.

    Args:
        value: What stands under ``arguments``.

    Returns:
        JSON, or a piece of it.
    """
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
