"""Tool calls of earlier turns on the way back, and the ids that pair them.

Strategy: LangChain's own lists, ``tool_calls`` and ``invalid_tool_calls``, are the
authority, for people edit them. The same calls may stand a second time in the
content or in ``additional_kwargs``, in another dialect: those count only where the
lists are silent, or where a result that follows answers them. A broken call goes
back only if a result answers it, since a result without its call is refused
everywhere. Names that no server takes (models invent them) are mended, for the turn
is history and cannot be called again. Ids are mapped at the very end, over the
whole request, so that a call and its result always agree.
"""

from __future__ import annotations

import hashlib
import re
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from langchain_streamkit._langchain.json_values import (
    as_mapping,
    clean_text,
    json_text,
)
from langchain_streamkit._wire.closing_delta import strip_closing_delta

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["find_answered_ids", "render_tool_calls", "result_id", "shorten_ids"]

_NAME_LENGTH = 64
_BAD_NAME_CHARACTERS = re.compile(r"[^a-zA-Z0-9_-]")
_SHORT_ID = re.compile(r"[a-zA-Z0-9]{9}")
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RESULT_TYPES = frozenset({"tool_result", "function_call_output"})
_ARGUMENT_KEYS = ("args", "arguments", "input", "partial_json")


def find_answered_ids(messages: Iterable[BaseMessage]) -> frozenset[str]:
    """The ids of all calls that some message answers.

    Args:
        messages: The whole history.

    Returns:
        The ids of tool messages and of result blocks in other messages.
    """
    ids: set[str] = set()
    for message in messages:
        if isinstance(message, ToolMessage):
            ids.add(message.tool_call_id)
        elif isinstance(message.content, list):
            ids.update(
                result_id(block)
                for block in message.content
                if isinstance(block, dict) and str(block.get("type")) in _RESULT_TYPES
            )
    return frozenset(ids)


def result_id(block: Mapping[str, Any]) -> str:
    """The id of the call that a result block answers, or an empty string."""
    return _first_text(block, ("tool_use_id", "tool_call_id", "call_id"))


def render_tool_calls(
    message: BaseMessage,
    blocks: Sequence[Mapping[str, Any]],
    answered: frozenset[str],
    place: str,
) -> list[dict[str, Any]]:
    """The ``tool_calls`` of an assistant turn.

    Args:
        message: The turn.
        blocks: The calls in its content, in any dialect.
        answered: The ids of the calls that have a result.
        place: Where it stands, for errors.

    Returns:
        The calls in OpenAI's form; an id that is missing is an empty string.

    Example:
        >>> call = {"name": "add", "args": {"a": 1}, "id": "c1"}
        >>> turn = AIMessage("", tool_calls=[call])
        >>> render_tool_calls(turn, [], frozenset(), "here")[0]["function"]
        {'name': 'add', 'arguments': '{"a":1}'}
    """
    calls: list[dict[str, Any]] = []
    is_silent = True
    if isinstance(message, AIMessage):
        is_silent = not (message.tool_calls or message.invalid_tool_calls)
        calls += [
            _call(call.get("id"), call["name"], json_text(call["args"], place))
            for call in message.tool_calls
        ]
        seen = {call["id"] for call in calls}
        calls += [
            _call(call.get("id"), call.get("name"), _raw_arguments(call.get("args")))
            for call in message.invalid_tool_calls
            if (call.get("id") or "") in answered - seen
        ]
    seen = {call["id"] for call in calls}
    for is_good, call in list(_calls_in_blocks(blocks, place)) or _raw_calls(
        message, place
    ):
        if call["id"] in answered - seen or (is_silent and is_good):
            calls.append(call)
    return calls or list(_legacy_call(message))


def shorten_ids(messages: Sequence[dict[str, Any]]) -> None:
    """Give every tool call id nine letters or digits, as Mistral's API wants them.

    Two ids never become one, an id that has the form stays as it is, and the same
    id becomes the same in every request (Mistral, "Function calling", 2026-11).

    Args:
        messages: The request's messages; changed in place.

    Example:
        >>> result = {"role": "tool", "tool_call_id": "call_1", "content": ""}
        >>> shorten_ids([result])
        >>> result["tool_call_id"]
        'sPnjkEYJU'
    """
    holders = list(_id_holders(messages))
    ids = dict.fromkeys(holder[key] for holder, key in holders)
    taken = {id_ for id_ in ids if _SHORT_ID.fullmatch(id_)}
    for id_ in ids:
        ids[id_] = id_ if _SHORT_ID.fullmatch(id_) else _short_id(id_, taken)
    for holder, key in holders:
        holder[key] = ids[holder[key]]


def _id_holders(
    messages: Sequence[dict[str, Any]],
) -> Iterator[tuple[dict[str, Any], str]]:
    for message in messages:
        if "tool_call_id" in message:
            yield message, "tool_call_id"
        for call in message.get("tool_calls", ()):
            yield call, "id"


def _short_id(id_: str, taken: set[str]) -> str:
    for salt in count():
        digest = hashlib.sha256(f"{salt or ''}{id_}".encode()).digest()
        short = "".join(_BASE62[byte % 62] for byte in digest[:9])
        if short not in taken:
            taken.add(short)
            return short
    raise AssertionError  # pragma: no cover


def _call(id_: str | None, name: str | None, arguments: str) -> dict[str, Any]:
    mended = _BAD_NAME_CHARACTERS.sub("_", name or "unknown")[:_NAME_LENGTH]
    return {
        "id": clean_text(id_ or ""),
        "type": "function",
        "function": {"name": mended, "arguments": arguments},
    }


def _raw_arguments(args: object) -> str:
    """Arguments that may be broken, as the server sent them."""
    if not isinstance(args, str) or not args:
        return "{}"
    return clean_text(strip_closing_delta(args))


def _calls_in_blocks(
    blocks: Iterable[Mapping[str, Any]], place: str
) -> Iterator[tuple[bool, dict[str, Any]]]:
    """The calls, and whether each may run."""
    for block in blocks:
        id_ = _first_text(block, ("call_id", "id"))
        name = _first_text(block, ("name",))
        args = next((block[key] for key in _ARGUMENT_KEYS if block.get(key)), "{}")
        is_good = block.get("type") != "invalid_tool_call"
        if block.get("type") == "custom_tool_call":
            yield is_good, _custom_call(id_, name, args)
        elif isinstance(args, str):
            yield is_good, _call(id_, name, _raw_arguments(args))
        else:
            yield is_good, _call(id_, name, json_text(args, place))


def _raw_calls(
    message: BaseMessage, place: str
) -> Iterator[tuple[bool, dict[str, Any]]]:
    """The calls that a model left in ``additional_kwargs``, in OpenAI's form."""
    raw = message.additional_kwargs.get("tool_calls")
    for item in cast("list[object]", raw) if isinstance(raw, list) else []:
        call = as_mapping(item)
        id_ = _first_text(call, ("id",))
        if custom := as_mapping(call.get("custom")):
            yield (
                True,
                _custom_call(id_, _first_text(custom, ("name",)), custom.get("input")),
            )
        elif function := as_mapping(call.get("function")):
            args = function.get("arguments")
            text = args if isinstance(args, str) else json_text(args or {}, place)
            name = _first_text(function, ("name",))
            yield True, _call(id_, name, _raw_arguments(text))


def _custom_call(id_: str, name: str, text: object) -> dict[str, Any]:
    call = _call(id_, name, clean_text(text) if isinstance(text, str) else "")
    function = call.pop("function")
    custom = {"name": function["name"], "input": function["arguments"]}
    return {**call, "type": "custom", "custom": custom}


def _legacy_call(message: BaseMessage) -> Iterator[dict[str, Any]]:
    """The one call of the form that came before tool calls; it has no id."""
    function = as_mapping(message.additional_kwargs.get("function_call"))
    if name := _first_text(function, ("name",)):
        yield _call("", name, _raw_arguments(function.get("arguments")))


def _first_text(mapping: Mapping[str, Any], keys: Iterable[str]) -> str:
    return next(
        (value for key in keys if isinstance(value := mapping.get(key), str) and value),
        "",
    )
