"""The content of one message: blocks of any dialect become chat-completions parts.

Strategy: a history may have been written by any model, so blocks are told by their
type, in one table: text and what reads as text, media, tool calls, tool results.
Reasoning is nobody's content (``reasoning_input`` reads it). A part that has
OpenAI's form already stays as it is. What no row of the table knows is kept as text
where it has a text; else it is dropped from an assistant's turn, where it is
another vendor's machinery, written out as JSON in a tool's result, where it is
data, and refused in what the user wrote, where it must not vanish. Keys that mean
something to LangChain or to another vendor only (``index``, ``id``, ``extras``,
``annotations``, ``cache_control``) do not pass: strict servers answer 4xx to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

from langchain_streamkit._langchain.json_values import (
    as_mapping,
    clean_text,
    json_text,
    plain_json,
    unsendable,
)
from langchain_streamkit._langchain.media import (
    Media,
    MediaKind,
    check_accepted,
    document_text,
    read_media,
    render_media,
)
from langchain_streamkit.errors import UnsendableInputError

if TYPE_CHECKING:
    from langchain_streamkit.providers import Provider

__all__ = ["Content", "Role", "is_text", "join_text", "read_content", "text_part"]

Role = Literal["system", "user", "assistant", "tool"]
Block = Mapping[str, Any]

_BOOKKEEPING = frozenset(
    {"annotations", "cache_control", "citations", "extras", "id", "index"}
)
_CACHE_MARK = "prompt_cache_breakpoint"  # OpenAI's own, on any part
_UNTYPED = ("text", "image", "document", "video", "audio", "cachePoint")


@dataclass(slots=True)
class Content:
    """What a message holds, by kind.

    Attributes:
        role: Whose message it is.
        provider: The facts about the server that it goes to.
        place: Where the message stands, for errors.
        parts: Text and media as chat-completions parts.
        calls: Blocks that are tool calls, in any dialect.
        results: Blocks that are results of tool calls.
        audio: Blocks that are the assistant's own speech.
    """

    role: Role
    provider: Provider
    place: str
    parts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    calls: list[Block] = field(default_factory=list[Block])
    results: list[Block] = field(default_factory=list[Block])
    audio: list[Block] = field(default_factory=list[Block])

    def add(self, part: dict[str, Any], block: Block) -> None:
        """Add a part, with the cache mark of its block if there is one."""
        for layer in (block, as_mapping(block.get("extras"))):
            if _CACHE_MARK in layer:
                part.setdefault(_CACHE_MARK, plain_json(layer[_CACHE_MARK], self.place))
        self.parts.append(part)

    def add_text(self, text: object, block: Block | None = None) -> None:
        """Add a text; an empty one says nothing, and some servers refuse it."""
        if isinstance(text, str) and text:
            self.add(text_part(text), block or {})

    def take_media(self) -> list[dict[str, Any]]:
        """Remove the parts that are not text, and give them."""
        media = [part for part in self.parts if part["type"] != "text"]
        self.parts = [part for part in self.parts if part["type"] == "text"]
        return media


def read_content(
    content: object, role: Role, provider: Provider, place: str
) -> Content:
    """Sort the content of a message.

    Args:
        content: A string, a list of strings and blocks, or None.
        role: Whose message it is.
        provider: The facts about the server that it goes to.
        place: Where it stands, for errors.

    Returns:
        Its parts, calls and results.

    Raises:
        UnsendableInputError: If a block cannot be sent.

    Example:
        >>> from langchain_streamkit.providers import get_provider
        >>> blocks = ["a", {"type": "text", "text": "b", "index": 0}]
        >>> read_content(blocks, "user", get_provider("openai"), "here").parts
        [{'type': 'text', 'text': 'a'}, {'type': 'text', 'text': 'b'}]
    """
    sorted_content = Content(role, provider, place)
    if isinstance(content, str):
        sorted_content.add_text(content)
    elif isinstance(content, list | tuple):
        for item in cast("list[object]", content):
            _sort(item, sorted_content)
    elif content is not None:
        _sort(content, sorted_content)
    return sorted_content


def text_part(text: str) -> dict[str, Any]:
    """A text as a content part."""
    return {"type": "text", "text": clean_text(text)}


def is_text(parts: list[dict[str, Any]]) -> bool:
    """Whether all parts are text and nothing else, so that they can be a string."""
    return all(part["type"] == "text" and len(part) == 2 for part in parts)


def join_text(parts: list[dict[str, Any]], separator: str) -> str:
    """The parts, all of which are text, as one string."""
    return separator.join(part["text"] for part in parts)


def _sort(item: object, content: Content) -> None:
    if isinstance(item, str):
        content.add_text(item)
    elif isinstance(item, Mapping):
        block = cast("Block", item)
        kind = block.get("type")
        if not isinstance(kind, str):
            kind = next(
                (key for key in _UNTYPED if len(block) == 1 and key in block), ""
            )
        try:
            _HANDLERS.get(kind, _read_unknown)(block, content)
        except UnsendableInputError:
            if content.role != "assistant":
                raise  # of an old answer, what has no form here is left out
    elif content.role == "tool":
        content.add_text(json_text(item, content.place))
    else:
        raise unsendable(
            content.place,
            f"its content holds a {type(item).__name__}. Content is a string or a "
            "list of strings and content blocks.",
        )


def _read_text(block: Block, content: Content) -> None:
    text = block.get("text")
    assistants_form = as_mapping(text)  # {"value": ..., "annotations": [...]}
    text = assistants_form.get("value", text)
    if text is not None and not isinstance(text, str):
        raise unsendable(
            content.place,
            f"a text block has a {type(text).__name__} as its text; make it a string.",
        )
    content.add_text(text, block)


def _read_refusal(block: Block, content: Content) -> None:
    # As a part of its own, OpenAI alone knows it; as text, every server reads it.
    content.add_text(block.get("refusal"), block)


def _read_search_result(block: Block, content: Content) -> None:
    content.add_text(block.get("title"))
    _read_nested(block, content)


def _read_nested(block: Block, content: Content) -> None:
    nested = read_content(
        block.get("content"), content.role, content.provider, content.place
    )
    content.parts += nested.parts


def _read_document(block: Block, content: Content) -> None:
    source = as_mapping(block.get("source"))
    if source.get("type") == "content":
        content.add_text(block.get("title"))
        _read_nested(source, content)
        return
    text = _text_in_document(block, source)
    if text is not None:
        head = (block.get("title"), block.get("context"), text)
        content.add_text("\n\n".join(s for s in head if isinstance(s, str) and s))
        return
    _add_media(block, "file", content)


def _text_in_document(block: Block, source: Block) -> str | None:
    inner = as_mapping(as_mapping(block.get("document")).get("source"))
    candidates = (
        block.get("text"),
        block.get("url") if block.get("source_type") == "text" else None,
        source.get("data") if source.get("type") == "text" else None,
        source.get("text"),
        inner.get("text"),
    )
    return next((text for text in candidates if isinstance(text, str)), None)


def _read_file(block: Block, content: Content) -> None:
    if not isinstance(block.get("file"), Mapping):
        _read_document(block, content)
        return
    file = plain_json(block["file"], content.place)
    if isinstance(file.get("file_data"), str):
        file.setdefault("filename", "document")
    elif not isinstance(file.get("file_id"), str):
        raise unsendable(
            content.place, "a file part has neither file_data nor file_id."
        )
    _add_part(block, Media("file"), {"file": file}, content)


def _read_image_url(block: Block, content: Content) -> None:
    image = block.get("image_url")
    image = (
        {"url": image} if isinstance(image, str) else plain_json(image, content.place)
    )
    url = as_mapping(image).get("url")
    if not isinstance(url, str) or not url:
        raise unsendable(content.place, "an image_url part has no url.")
    _add_part(block, Media("image", url=url), {"image_url": image}, content)


def _read_input_audio(block: Block, content: Content) -> None:
    audio = as_mapping(block.get("input_audio"))
    if not all(isinstance(audio.get(key), str) for key in ("data", "format")):
        raise unsendable(
            content.place,
            "an input_audio part needs data (base64) and format, for example wav.",
        )
    audio = plain_json(audio, content.place)
    _add_part(block, Media("audio"), {"input_audio": audio}, content)


def _add_part(block: Block, media: Media, payload: Block, content: Content) -> None:
    check_accepted(media, content.provider, content.place)
    content.add({"type": block["type"], **payload}, block)


def _add_media(block: Block, kind: MediaKind, content: Content) -> None:
    media = read_media(block, kind, content.place)
    text = document_text(media)
    if text is not None:
        content.add_text(text, block)
    else:
        content.add(render_media(media, content.provider, content.place), block)


def _media_reader(kind: MediaKind) -> Callable[[Block, Content], None]:
    def read(block: Block, content: Content) -> None:
        _add_media(block, kind, content)

    return read


def _read_audio(block: Block, content: Content) -> None:
    if content.role == "assistant":
        content.audio.append(block)
    else:
        _add_media(block, "audio", content)


def _read_video(block: Block, content: Content) -> None:
    if isinstance(block.get("video"), list):  # DashScope: a list of frames
        _add_as_is(block, "video", content)
    else:
        _add_media(block, "video", content)


def _read_call(block: Block, content: Content) -> None:
    if content.role != "assistant":
        raise unsendable(
            content.place,
            f"it holds a tool call (a block of type {block.get('type')!r}). Only an "
            "AIMessage can call tools.",
        )
    content.calls.append(block)


def _read_result(block: Block, content: Content) -> None:
    if content.role == "user":
        content.results.append(block)
    elif content.role == "tool":
        _read_nested(block, content)


def _read_non_standard(block: Block, content: Content) -> None:
    _sort(as_mapping(block.get("value")), content)


def _skip(_block: Block, _content: Content) -> None:
    """For what is no content: reasoning, and marks for another vendor's cache."""


def _read_unknown(block: Block, content: Content) -> None:
    kind = block.get("type")
    if isinstance(text := block.get("text"), str) and content.role != "tool":
        content.add_text(text, block)
    elif content.role == "assistant":
        return
    elif isinstance(kind, str) and kind in block and _is_part(kind, content.role):
        _add_as_is(block, kind, content)
    elif content.role == "tool":
        content.add_text(json_text(block, content.place))
    else:
        raise unsendable(
            content.place,
            f"a content block of type {kind!r} (its keys: "
            f"{', '.join(sorted(map(str, block)))}) has no form in chat completions. "
            "Use LangChain's standard blocks, or the part that your server documents.",
        )


def _is_part(kind: str, role: Role) -> bool:
    """Whether a block that bears its payload under its type's name is a part."""
    return role != "tool" or kind.endswith("_url") or kind.startswith("input_")


def _add_as_is(block: Block, kind: str, content: Content) -> None:
    kept = {key: value for key, value in block.items() if key not in _BOOKKEEPING}
    content.parts.append({**plain_json(kept, content.place), "type": kind})


_HANDLERS: dict[str, Callable[[Block, Content], None]] = {
    "text": _read_text,
    "input_text": _read_text,
    "output_text": _read_text,
    "refusal": _read_refusal,
    "search_result": _read_search_result,
    "text-plain": _read_document,
    "document": _read_document,
    "file": _read_file,
    "input_file": _read_document,
    "file_data": _read_document,
    "media": _read_document,
    "image": _media_reader("image"),
    "input_image": _media_reader("image"),
    "image_generation_call": _media_reader("image"),
    "image_url": _read_image_url,
    "audio": _read_audio,
    "input_audio": _read_input_audio,
    "video": _read_video,
    "tool_call": _read_call,
    "tool_call_chunk": _read_call,
    "invalid_tool_call": _read_call,
    "tool_use": _read_call,
    "function_call": _read_call,
    "custom_tool_call": _read_call,
    "tool_result": _read_result,
    "function_call_output": _read_result,
    "non_standard": _read_non_standard,
    "reasoning": _skip,
    "thinking": _skip,
    "redacted_thinking": _skip,
    "reasoning_content": _skip,
    "cachePoint": _skip,
    "cache_point": _skip,
}
