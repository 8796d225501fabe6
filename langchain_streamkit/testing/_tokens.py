"""Counting: a token is a word with the blanks before it, at most 16 letters of it.

It is nobody's tokenizer, but it is stable, cheap, and agrees with itself: a text's
deltas by words are its tokens, so ``max_tokens=3`` gives three deltas.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_streamkit.testing._content import attachments_of, text_of
from langchain_streamkit.testing._values import as_list, as_text, dump_json, is_object

if TYPE_CHECKING:
    from langchain_streamkit.testing._values import JsonObject
    from langchain_streamkit.testing.replies import Split

__all__ = ["PromptCache", "PromptTokens", "count_tokens", "split_text"]

_TOKEN = re.compile(r"\s*\S{1,16}|\s+")
_TOKENS_PER_MESSAGE = 3
_TOKENS_PER_IMAGE = 85
_BYTES_PER_TOKEN = 1000
_REMEMBERED_PREFIXES = 10_000


def count_tokens(text: str) -> int:
    """How many tokens a text has."""
    return len(_TOKEN.findall(text))


def split_text(text: str, split: Split) -> list[str]:
    """A text cut into deltas; joined they are the text.

    Example:
        >>> split_text("Hello there!", "words")
        ['Hello', ' there!']
        >>> split_text("Hello", 2)
        ['He', 'll', 'o']
    """
    if split == "words":
        return _TOKEN.findall(text)
    size = len(text) if split == "whole" else 1 if split == "characters" else split
    size = max(size, 1)
    return [text[start : start + size] for start in range(0, len(text), size)]


@dataclass(frozen=True, slots=True)
class PromptTokens:
    """What a prompt costs.

    Attributes:
        total: All of its tokens.
        cached: Those of the longest beginning that the server has seen before.
        audio: Those of sounds.
    """

    total: int = 0
    cached: int = 0
    audio: int = 0


class PromptCache:
    """Measures prompts, and remembers their beginnings as a server's cache does."""

    def __init__(self) -> None:
        self._seen: dict[bytes, None] = {}

    def measure(self, body: JsonObject) -> PromptTokens:
        """The tokens of a request's prompt; it is remembered from now on."""
        digest = hashlib.blake2b(as_text(body.get("model")).encode("utf-8", "replace"))
        total = cached = audio = 0
        known = True
        for part in (body.get("tools"), *as_list(body.get("messages"))):
            digest.update(dump_json(part))
            text, sound = _measure(part)
            total += text + sound
            audio += sound
            known = known and digest.digest() in self._seen
            if known:
                cached += text
            self._remember(digest.digest())
        return PromptTokens(total, cached, audio)

    def _remember(self, digest: bytes) -> None:
        self._seen[digest] = None
        if len(self._seen) > _REMEMBERED_PREFIXES:
            del self._seen[next(iter(self._seen))]


def _measure(part: object) -> tuple[int, int]:
    """Tokens of text (and pictures), and of sounds, in the tools or one message."""
    if not is_object(part):
        return (count_tokens(dump_json(part).decode()) if part else 0), 0
    message = part
    text = _TOKENS_PER_MESSAGE + count_tokens(text_of(message.get("content")))
    if message.get("tool_calls"):
        text += count_tokens(dump_json(message["tool_calls"]).decode())
    sound = 0
    for attachment in attachments_of(message.get("content")):
        size = -(-(attachment.size or 0) // _BYTES_PER_TOKEN)
        if attachment.kind == "audio":
            sound += size
        else:
            text += _TOKENS_PER_IMAGE if attachment.kind == "image" else size
    return text, sound
