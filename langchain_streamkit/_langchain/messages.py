"""LangChain's messages become the ``messages`` of a chat-completions request.

Strategy: one message at a time, in order, by its class; nothing is re-arranged and
nothing merged, but for what the provider's facts demand. Content goes through
``content``, calls through ``tool_call_input``, thoughts through ``reasoning_input``.
Media that may not stand where they are (in a tool's result, in an assistant's turn)
wait until the run of tool messages is over, and follow in one user message. What a
fact asks of the whole request (one system message, ids of nine characters) is done
last, over finished messages. The caller's messages are only read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_streamkit._langchain.content import (
    Content,
    Role,
    is_text,
    join_text,
    read_content,
    text_part,
)
from langchain_streamkit._langchain.json_values import (
    as_mapping,
    clean_text,
    unsendable,
)
from langchain_streamkit._langchain.reasoning_input import (
    add_reasoning,
    add_signatures,
)
from langchain_streamkit._langchain.tool_call_input import (
    find_answered_ids,
    render_tool_calls,
    result_id,
    shorten_ids,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_streamkit.providers import Provider

__all__ = ["render_messages"]

Message = dict[str, Any]

_BAD_NAME_CHARACTERS = re.compile(r"[\s<|\\/>]+")
_NAME_LENGTH = 64
_FAILED = "The tool failed and gave no message."
_ROLES = {  # of a ChatMessage, by what people write
    "ai": "assistant",
    "assistant": "assistant",
    "human": "user",
    "user": "user",
    "system": "system",
    "developer": "developer",
    "tool": "tool",
}
_MEDIA_NAMES = {"image_url": "image", "input_audio": "sound", "video_url": "video"}


def render_messages(
    messages: Sequence[BaseMessage], provider: Provider, *, send_reasoning: bool = True
) -> list[Message]:
    """Turn a history into the request's ``messages``.

    Args:
        messages: The history, written by people, tools and any models.
        provider: The facts about the server that it goes to.
        send_reasoning: False leaves out all reasoning and signatures, whatever the
            provider wants.

    Returns:
        New dicts that orjson takes and that share nothing with the history.

    Raises:
        UnsendableInputError: If a message has no form in chat completions, or the
            server does not take it; the error names the message's index and class.

    Example:
        >>> from langchain_core.messages import HumanMessage
        >>> from langchain_streamkit.providers import get_provider
        >>> render_messages([HumanMessage("Hi")], get_provider("openai"))
        [{'role': 'user', 'content': 'Hi'}]
    """
    renderer = _Renderer(messages, provider, send_reasoning=send_reasoning)
    for index, message in enumerate(messages):
        renderer.render(index, message)
    rendered = renderer.finish()
    if provider.single_system_message:
        rendered = _merge_system_messages(rendered)
    if provider.tool_call_id == "alphanumeric-9":
        shorten_ids(rendered)
    return rendered


class _Renderer:
    """Holds what one message must know of the others."""

    def __init__(
        self,
        messages: Sequence[BaseMessage],
        provider: Provider,
        *,
        send_reasoning: bool,
    ) -> None:
        self._provider = provider
        self._send_reasoning = send_reasoning
        self._answered = find_answered_ids(messages)
        self._last_user = max(
            (index for index, m in enumerate(messages) if _is_user_turn(m)), default=-1
        )
        self._messages: list[Message] = []
        self._waiting: list[dict[str, Any]] = []  # media parts, with their titles
        self._call_names: dict[str, str] = {}
        self._unpaired: list[tuple[str, str]] = []  # ids made up here, and names

    def render(self, index: int, message: BaseMessage) -> None:
        place = f"messages[{index}] ({type(message).__name__})"
        for kind, render in _RENDERERS:
            if isinstance(message, kind):
                render(self, index, message, place)
                return
        raise unsendable(
            place,
            "no model takes a message of this class. Send System-, Human-, AI- and "
            "ToolMessages.",
        )

    def finish(self) -> list[Message]:
        self._flush_media()
        return self._messages

    # One method a class of message

    def render_system(self, _index: int, message: BaseMessage, place: str) -> None:
        role = message.additional_kwargs.get("__openai_role__")
        self._system("developer" if role == "developer" else "system", message, place)

    def render_user(self, _index: int, message: BaseMessage, place: str) -> None:
        content = self._read(message.content, "user", place)
        for block in content.results:
            status = "error" if block.get("is_error") else "success"
            body = block.get("content", block.get("output"))
            self._tool_result(result_id(block), body, status, place)
        if content.parts or not content.results:
            self._append("user", _string_if_single(content.parts), message)

    def render_chat(self, index: int, message: BaseMessage, place: str) -> None:
        role = message.role if isinstance(message, ChatMessage) else ""
        known = _ROLES.get(role.lower())
        if known in {"system", "developer"}:
            self._system(known, message, place)
        elif known == "tool":
            self.render_tool(index, message, place)
        elif known == "assistant":
            self.render_assistant(index, message, place)
        else:  # a server's own role passes
            content = self._read(message.content, "user", place)
            self._append(
                known or clean_text(role), _string_if_single(content.parts), message
            )

    def render_tool(self, _index: int, message: BaseMessage, place: str) -> None:
        holder: Any = message if isinstance(message, ToolMessage) else None
        id_ = (
            holder.tool_call_id
            if holder
            else message.additional_kwargs.get("tool_call_id")
        )
        if not isinstance(id_, str):
            raise unsendable(
                place, "it has no tool_call_id; a result needs the id of its call."
            )
        status = holder.status if holder else "success"
        self._tool_result(id_, message.content, status, place, message.name)

    def render_function(self, _index: int, message: BaseMessage, place: str) -> None:
        """The result of a call of the old form, which has gone out as a tool call."""
        for pair in self._unpaired:
            if pair[1] == message.name:
                self._unpaired.remove(pair)
                self._tool_result(pair[0], message.content, "success", place)
                return
        content = self._read(message.content, "tool", place)
        text = join_text(content.parts, "\n") if is_text(content.parts) else ""
        self._append("function", text, message)
        self._messages[-1]["name"] = clean_text(message.name or "")

    def render_remove(self, _index: int, _message: BaseMessage, place: str) -> None:
        raise unsendable(
            place,
            "it is an instruction to a graph's state (delete a message), not a "
            "message. Apply it before calling the model, as LangGraph's add_messages "
            "does.",
        )

    def render_assistant(self, index: int, message: BaseMessage, place: str) -> None:
        content = self._read(message.content, "assistant", place)
        media = content.take_media()
        calls = self._calls(index, message, content, place)
        self._append("assistant", _string_if_text(content.parts, ""), message)
        wire = self._messages[-1]
        self._add_audio(wire, message, content)
        if calls:
            wire["tool_calls"] = calls
            if wire["content"] == "":
                _CONTENT_OF_CALLS[self._provider.tool_call_content](wire)
        elif wire["content"] == "":
            refusal = message.additional_kwargs.get("refusal")
            wire["content"] = clean_text(refusal) if isinstance(refusal, str) else ""
        mark = self._provider.prefill
        if (
            mark in {"prefix", "partial"}
            and message.additional_kwargs.get(mark) is True
        ):
            wire[mark] = True
        if self._send_reasoning:
            is_current = index > self._last_user
            add_reasoning(wire, message, self._provider, place, is_current=is_current)
        self._wait("From the assistant's answer:", media)

    # What they share

    def _read(self, content: object, role: Role, place: str) -> Content:
        return read_content(content, role, self._provider, place)

    def _append(self, role: str, content: object, message: BaseMessage | None) -> None:
        if role not in {"tool", "function"}:
            self._flush_media()
        wire: Message = {"role": role, "content": content}
        if message is not None and self._provider.message_names and role != "tool":
            name = message.name or message.additional_kwargs.get("name")
            if isinstance(name, str) and name:
                name = _BAD_NAME_CHARACTERS.sub("_", clean_text(name))
                wire["name"] = name[:_NAME_LENGTH]
        self._messages.append(wire)

    def _system(self, role: str, message: BaseMessage, place: str) -> None:
        content = self._read(message.content, "system", place)
        if not self._provider.developer_role:
            role = "system"
        self._append(role, _string_if_text(content.parts, "\n"), message)

    def _calls(
        self, index: int, message: BaseMessage, content: Content, place: str
    ) -> list[Message]:
        calls = render_tool_calls(message, content.calls, self._answered, place)
        if self._send_reasoning:
            add_signatures(calls, message, self._provider, place)
        self._unpaired = []
        for number, call in enumerate(calls):
            name = call[call["type"]]["name"]
            if not call["id"]:
                call["id"] = f"call_{index}_{number}"
                self._unpaired.append((call["id"], name))
            self._call_names[call["id"]] = name
        return calls

    def _tool_result(
        self, id_: str, body: object, status: str, place: str, name: str | None = None
    ) -> None:
        if not id_ and self._unpaired:  # the call had no id either
            id_ = self._unpaired.pop(0)[0]
        id_ = clean_text(id_)
        content = self._read(body, "tool", place)
        name = self._call_names.get(id_) or clean_text(name or "the tool")
        if not self._provider.tool_result_images and (media := content.take_media()):
            kinds = dict.fromkeys(_media_name(part) for part in media)
            content.add_text(f"({', '.join(kinds)}: see the next user message.)")
            self._wait(f"From the result of {name}:", media)
        if status == "error" and not content.parts:
            content.add_text(_FAILED)
        self._append("tool", _string_if_text(content.parts, "\n"), None)
        self._messages[-1]["tool_call_id"] = id_

    def _add_audio(self, wire: Message, message: BaseMessage, content: Content) -> None:
        """Refer to the turn's speech by its id, or send what was said in it."""
        field: object = message.additional_kwargs.get("audio")
        said = [as_mapping(field), *content.audio]
        audio = next((block for block in said if block), as_mapping(None))
        id_ = audio.get("id")
        if isinstance(id_, str) and not id_.startswith("lc_") and self._is_own(message):
            wire["audio"] = {"id": clean_text(id_)}
        elif wire["content"] == "":
            extras = as_mapping(audio.get("extras"))
            transcript = audio.get("transcript", extras.get("transcript"))
            wire["content"] = (
                clean_text(transcript) if isinstance(transcript, str) else ""
            )

    def _is_own(self, message: BaseMessage) -> bool:
        """Whether the server that gets this may be the one that wrote it."""
        facts = message.response_metadata
        origin = facts.get("provider") or facts.get("model_provider")
        return origin in {None, self._provider.name}

    def _wait(self, title: str, media: list[dict[str, Any]]) -> None:
        if media:
            self._waiting += [text_part(title), *media]

    def _flush_media(self) -> None:
        if self._waiting:
            self._messages.append({"role": "user", "content": self._waiting})
            self._waiting = []


def _is_user_turn(message: BaseMessage) -> bool:
    """Whether a person speaks, and not only a tool's result in their name."""
    if isinstance(message, ChatMessage):
        return _ROLES.get(message.role.lower()) == "user"
    if not isinstance(message, HumanMessage):
        return False
    blocks = message.content if isinstance(message.content, list) else []
    kinds = {str(as_mapping(block).get("type")) for block in blocks}
    return kinds != {"tool_result"}


def _string_if_single(parts: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """A user's content: a string where there is one text or nothing."""
    return join_text(parts, "") if len(parts) < 2 and is_text(parts) else parts


def _string_if_text(
    parts: list[dict[str, Any]], separator: str
) -> str | list[dict[str, Any]]:
    """Anybody else's content: many servers take a string only."""
    return join_text(parts, separator) if is_text(parts) else parts


def _media_name(part: Mapping[str, Any]) -> str:
    return _MEDIA_NAMES.get(part["type"], "file")


def _merge_system_messages(messages: list[Message]) -> list[Message]:
    """All instructions as one system message at the start."""
    roles = {"system", "developer"}
    instructions = [message for message in messages if message["role"] in roles]
    if not instructions:
        return messages
    contents = [message["content"] for message in instructions]
    merged: Any = [
        part
        for content in contents
        for part in ([text_part(content)] if isinstance(content, str) else content)
        if part.get("text") != ""
    ]
    role = instructions[0]["role"]
    first = {"role": role, "content": _string_if_text(merged, "\n\n")}
    return [first, *(m for m in messages if m["role"] not in roles)]


_CONTENT_OF_CALLS: dict[str, Callable[[Message], object]] = {
    "empty": lambda wire: wire.update(content=""),
    "null": lambda wire: wire.update(content=None),
    "omit": lambda wire: wire.pop("content"),
}
_RENDERERS: tuple[
    tuple[type[BaseMessage], Callable[[_Renderer, int, BaseMessage, str], None]], ...
] = (
    (HumanMessage, _Renderer.render_user),
    (AIMessage, _Renderer.render_assistant),
    (ToolMessage, _Renderer.render_tool),
    (SystemMessage, _Renderer.render_system),
    (ChatMessage, _Renderer.render_chat),
    (FunctionMessage, _Renderer.render_function),
    (RemoveMessage, _Renderer.render_remove),
)
