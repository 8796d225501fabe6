"""Between Gradio's messages and ours, both ways.

Strategy: what is shown is made of parts, one Gradio message each, and what stands in a
drawer has a title; so what comes back in the history is told apart by that title, and
the text is read back from the Markdown that was made of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from gradio import ChatMessage
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from langchain_streamkit.adapters._files import file_block
from langchain_streamkit.adapters._safe_markdown import read_markdown, safe_inline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gradio.components.chatbot import MetadataDict

    from langchain_streamkit.adapters._browser_parts import Part, Parts

__all__ = ["make_messages", "read_messages"]

_ROLES: dict[str, type[BaseMessage]] = {
    "user": HumanMessage,
    "assistant": AIMessage,
    "system": SystemMessage,
}


def make_messages(parts: Parts) -> list[ChatMessage]:
    """An answer so far, as Gradio shows it.

    Args:
        parts: Its parts.

    Returns:
        A message for each part, and one for what the stream is busy with.
    """
    numbers = {part.id: place for place, part in enumerate(parts.shown) if part.id}
    messages = [
        _message(part.markdown(), _metadata(part, place, numbers))
        for place, part in enumerate(parts.shown)
    ]
    if parts.status:
        title = safe_inline(parts.status)
        messages.append(_message("", {"title": title, "status": "pending"}))
    return messages


def _message(text: str, metadata: MetadataDict) -> ChatMessage:
    # As a dict, for Gradio dedents strings and turns tabs into spaces (6.31).
    content: Any = {"type": "text", "text": text}
    return ChatMessage(content=content, metadata=metadata)


def _metadata(part: Part, place: int, numbers: Mapping[str, int]) -> MetadataDict:
    if part.kind == "text":
        return {}
    metadata: MetadataDict = {"title": part.title or " ", "id": place}
    if part.kind != "note":  # a note stays open
        metadata["status"] = "done" if part.is_done else "pending"
    parent = numbers.get(part.parent_id or "")
    if parent is not None:
        metadata["parent_id"] = parent
    if part.seconds is not None and part.kind in {"reasoning", "tool"}:
        metadata["duration"] = round(part.seconds, 1)
    return metadata


def read_messages(
    message: str | Mapping[str, Any], history: Sequence[Mapping[str, Any]]
) -> list[BaseMessage]:
    """The conversation for a model; see ``to_messages``.

    Args:
        message: The newest message.
        history: What was said before it.

    Returns:
        All of it.
    """
    turns: list[tuple[str, list[dict[str, Any]]]] = []
    newest: dict[str, Any] = {"role": "user", "content": _contents(message)}
    for entry in (*history, newest):
        role = str(entry.get("role"))
        metadata: dict[str, Any] = entry.get("metadata") or {}
        if role not in _ROLES or metadata.get("title"):
            continue
        blocks = list(_blocks(entry.get("content"), is_ours=role == "assistant"))
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(blocks)
        elif blocks:
            turns.append((role, blocks))
    return [_ROLES[role](content=_content(blocks)) for role, blocks in turns]


def _contents(message: str | Mapping[str, Any]) -> list[Any]:
    """What a message holds, in the words of the history."""
    if isinstance(message, str):
        return [message]
    files: list[Any] = list(message.get("files") or ())
    paths = [{"path": file} if isinstance(file, str) else file for file in files]
    return [*paths, {"text": message.get("text")}]


def _blocks(content: object, *, is_ours: bool) -> Iterator[dict[str, Any]]:
    """The content blocks of an entry of the history."""
    parts = cast("list[object]", content) if isinstance(content, list) else [content]
    for part in parts:
        if isinstance(part, str):
            known: dict[str, Any] = {"text": part}
        elif isinstance(part, dict):
            known = cast("dict[str, Any]", part)
        else:
            continue
        file = known.get("file") or known
        if isinstance(file, dict) and "path" in file:
            found = cast("dict[str, Any]", file)
            yield file_block(str(found["path"]), found.get("mime_type"))
        elif text := known.get("text"):
            shown = str(text)
            yield {"type": "text", "text": read_markdown(shown) if is_ours else shown}


def _content(blocks: list[dict[str, Any]]) -> Any:
    if all(block["type"] == "text" for block in blocks):
        return "\n\n".join(block["text"] for block in blocks)
    return blocks
