"""Images and audio that a server sends become LangChain's standard blocks.

Strategy: audio comes in pieces of base64 with an id (OpenAI), images as whole data
URLs (OpenRouter, 2026). A piece of audio is a block of the same index as the one
before it, so that LangChain joins their data; an image is a block of its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from langchain_streamkit._wire.shapes import as_mapping, is_mapping, mappings

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["parse_media"]

_DATA_URL = re.compile(
    r"data:([\w.+-]+/[\w.+-]+)(?:;[\w=.+-]+)*;base64,(.*)", re.DOTALL
)


def parse_media(delta: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The media in a delta or a message.

    Args:
        delta: The server's object.

    Returns:
        Blocks of type ``image`` or ``audio``; those of audio may hold a piece of the
        data, a transcript, or both.

    Example:
        >>> parse_media({"audio": {"id": "a", "data": "UklGRg=="}})[0]["type"]
        'audio'
    """
    blocks: list[dict[str, Any]] = []
    block = _audio_block(as_mapping(delta.get("audio")))
    if block:
        blocks.append(block)
    for image in mappings(delta.get("images")):
        block = _image_block(image)
        if block:
            blocks.append(block)
    return blocks


def _audio_block(audio: Mapping[str, Any]) -> dict[str, Any] | None:
    block: dict[str, Any] = {"type": "audio"}
    for key, name in (("id", "id"), ("data", "base64"), ("transcript", "transcript")):
        value = audio.get(key)
        if isinstance(value, str) and value:
            block[name] = value
    if len(block) == 1:
        return None
    if isinstance(audio.get("expires_at"), int):
        block["expires_at"] = audio["expires_at"]
    return block


def _image_block(image: Mapping[str, Any]) -> dict[str, Any] | None:
    inner = image.get("image_url", image)
    if is_mapping(inner):
        inner = inner.get("url")
    if not isinstance(inner, str) or not inner:
        return None
    found = _DATA_URL.match(inner)
    if found:
        return {"type": "image", "base64": found[2], "mime_type": found[1]}
    return {"type": "image", "url": inner}
