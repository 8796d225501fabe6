"""Checks the messages of a request, one by one and as a conversation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from langchain_streamkit.testing._checks import (
    CALL_FIELDS,
    Check,
    a_string,
    refuse,
    require_text,
)
from langchain_streamkit.testing._content import decode_base64
from langchain_streamkit.testing._values import as_list, as_object, as_text

if TYPE_CHECKING:
    from langchain_streamkit.testing._values import JsonObject

__all__ = ["check_messages"]

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_NAME = re.compile(r"[^\s<|\\/>]{1,64}")


def check_messages(body: JsonObject) -> None:
    """Check each message, and that every tool call has its one answer.

    Raises:
        InvalidError: If something is wrong.
    """
    messages = body.get("messages")
    if messages is None:
        refuse("Missing required parameter: 'messages'.", "messages", "missing")
    if not isinstance(messages, list):
        refuse("Invalid type for 'messages': expected an array.", "messages", "type")
    if not messages:
        refuse("Invalid 'messages': the array is empty.", "messages", "empty_array")
    owed: list[str] = []
    for index, item in enumerate(as_list(body["messages"])):
        where = f"messages[{index}]"
        message = as_object(item)
        _check_message(message, where)
        if message["role"] == "tool":
            _settle(message, owed, where)
        elif owed:
            _refuse_unanswered(owed, where)
        if message["role"] == "assistant":
            owed = _check_tool_calls(message, where)
    if owed:
        _refuse_unanswered(owed, "messages")


def _check_message(message: JsonObject, where: str) -> None:
    if message.get("role") not in _ROLES:
        known = ", ".join(_ROLES)
        text = f"Invalid value for '{where}.role': expected one of {known}."
        refuse(text, f"{where}.role")
    _check_content(message, where)
    name = message.get("name")
    if name is not None and not _NAME.fullmatch(as_text(name)):
        text = f"Invalid '{where}.name': letters, digits, _ and - only."
        refuse(text, f"{where}.name")


def _settle(message: JsonObject, owed: list[str], where: str) -> None:
    given = as_text(message.get("tool_call_id"))
    if not given:
        name = f"{where}.tool_call_id"
        refuse(f"Missing required parameter: '{name}'.", name, "missing")
    if given not in owed:
        refuse(
            "Invalid parameter: messages with role 'tool' must be a response to a "
            "preceding message with 'tool_calls', and answer each call once.",
            where,
            None,
        )
    owed.remove(given)


def _refuse_unanswered(owed: list[str], where: str) -> NoReturn:
    refuse(
        "An assistant message with 'tool_calls' must be followed by tool messages "
        f"that respond to each 'tool_call_id'. {len(owed)} had no answer.",
        where,
        None,
    )


def _check_tool_calls(message: JsonObject, where: str) -> list[str]:
    calls = message.get("tool_calls")
    if calls is None:
        return []
    if not isinstance(calls, list) or not calls:
        name = f"{where}.tool_calls"
        refuse(f"Invalid '{name}': expected an array with calls.", name, "empty_array")
    ids: list[str] = []
    for index, item in enumerate(as_list(message["tool_calls"])):
        name = f"{where}.tool_calls[{index}]"
        call = as_object(item)
        require_text(call.get("id"), f"{name}.id")
        kind = call.get("type")
        if kind not in CALL_FIELDS:
            refuse(f"Invalid value for '{name}.type'.", f"{name}.type")
        carrier, field = CALL_FIELDS[kind]
        inner = as_object(call.get(carrier))
        require_text(inner.get("name"), f"{name}.{carrier}.name")
        if not isinstance(inner.get(field), str):
            full = f"{name}.{carrier}.{field}"
            refuse(f"Invalid type for '{full}': expected a string.", full, "type")
        ids.append(as_text(call["id"]))
    return ids


def _check_content(message: JsonObject, where: str) -> None:
    content, role, name = message.get("content"), message["role"], f"{where}.content"
    if isinstance(content, str):
        return
    if content is None:
        if role == "assistant" and (
            message.get("tool_calls") or message.get("refusal") or message.get("audio")
        ):
            return
        refuse(
            f"Invalid value for '{name}': expected a string, got null.", name, "type"
        )
    if not isinstance(content, list):
        refuse(
            f"Invalid type for '{name}': expected a string or an array.", name, "type"
        )
    if not content:
        refuse(f"Invalid '{name}': the array is empty.", name, "empty_array")
    for index, item in enumerate(as_list(message["content"])):
        _check_part(as_object(item), as_text(role), f"{name}[{index}]")


def _media_url(kind: str) -> Check:
    def check(value: object, where: str) -> None:
        url = as_text(value) or as_text(as_object(value).get("url"))
        data = re.match(rf"data:{kind}/[\w.+-]+(?:;[\w=.+-]+)*;base64,", url, re.ASCII)
        if data and decode_base64(url[data.end() :]) is not None:
            return
        if not re.match(r"https?://\S", url):
            refuse(
                f"Invalid '{where}': neither a web address nor base64 data of "
                f"type {kind}/*.",
                where,
            )

    return check


def _input_audio(value: object, where: str) -> None:
    audio = as_object(value)
    require_text(audio.get("data"), f"{where}.data")
    require_text(audio.get("format"), f"{where}.format")
    if decode_base64(as_text(audio["data"])) is None:
        refuse(f"Invalid '{where}.data': not base64.", f"{where}.data")


def _file(value: object, where: str) -> None:
    given = as_object(value)
    if given.get("file_id") is None:
        require_text(given.get("file_data"), f"{where}.file_data")


def _thinking(value: object, where: str) -> None:
    if not isinstance(value, list):
        refuse(f"Invalid type for '{where}': expected an array.", where, "type")


_EVERYBODY = frozenset(_ROLES)
_INPUT = frozenset({"user", "tool"})
_ANSWER = frozenset({"assistant"})
_PARTS: dict[object, tuple[frozenset[str], str, Check]] = {
    "text": (_EVERYBODY, "text", a_string),
    "image_url": (_INPUT, "image_url", _media_url("image")),
    "video_url": (_INPUT, "video_url", _media_url("video")),
    "input_audio": (_INPUT, "input_audio", _input_audio),
    "file": (_INPUT, "file", _file),
    "refusal": (_ANSWER, "refusal", a_string),
    "thinking": (_ANSWER, "thinking", _thinking),  # Mistral; its value is a list
}


def _check_part(part: JsonObject, role: str, where: str) -> None:
    kind = part.get("type")
    roles, name, check = _PARTS.get(kind, (frozenset[str](), "", a_string))
    if role not in roles:
        allowed = ", ".join(str(key) for key, row in _PARTS.items() if role in row[0])
        refuse(
            f"Invalid value for '{where}.type': {role} messages take {allowed}.",
            f"{where}.type",
        )
    if part.get(name) is None:
        full = f"{where}.{name}"
        refuse(f"Missing required parameter: '{full}'.", full, "missing")
    check(part[name], f"{where}.{name}")
