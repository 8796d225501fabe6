"""What messages hold: text, images, sounds, files; never what they point to."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from langchain_streamkit.testing._values import as_list, as_object, as_text

if TYPE_CHECKING:
    from langchain_streamkit.testing._values import JsonObject

__all__ = ["Attachment", "attachments_of", "decode_base64", "text_of"]

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*;base64,", re.ASCII)
_FIELDS = {
    "image_url": ("image", "image_url", "url"),
    "video_url": ("video", "video_url", "url"),
    "file": ("file", "file", "file_data"),
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """One thing in a message that is not text.

    Attributes:
        kind: ``"image"``, ``"audio"``, ``"video"`` or ``"file"``.
        media_type: ``"image/png"``, or an empty string if nobody says.
        size: Bytes, or None for one that is given by URL or id.
    """

    kind: str
    media_type: str
    size: int | None

    @override
    def __str__(self) -> str:
        """Say in a few words what it is."""
        article = "an" if self.kind[0] in "aeiou" else "a"
        if self.size is None:
            return f"{article} {self.kind} that I was only told the place of"
        media_type = self.media_type or "unknown type"
        return f"{article} {self.kind} ({media_type}, {self.size} bytes)"


def text_of(content: object) -> str:
    """The text of a message's content: the string, or its text parts by line."""
    if isinstance(content, str):
        return content
    parts = (as_object(part) for part in as_list(content))
    texts = (as_text(part.get("text")) for part in parts if part.get("type") == "text")
    return "\n".join(text for text in texts if text)


def attachments_of(content: object) -> list[Attachment]:
    """What a message's content holds beside text, in order."""
    parts = (as_object(part) for part in as_list(content))
    found = (_attachment(part) for part in parts)
    return [attachment for attachment in found if attachment is not None]


def decode_base64(text: str) -> bytes | None:
    """The bytes of strict base64 text, or None if it is not that."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _attachment(part: JsonObject) -> Attachment | None:
    kind = as_text(part.get("type"))
    if kind == "input_audio":
        audio = as_object(part.get("input_audio"))
        data = decode_base64(as_text(audio.get("data")))
        size = None if data is None else len(data)
        return Attachment("audio", f"audio/{as_text(audio.get('format'))}", size)
    if kind not in _FIELDS:
        return None
    name, outer, inner = _FIELDS[kind]
    value = part.get(outer)
    url = as_text(value) or as_text(as_object(value).get(inner))
    match = _DATA_URL.match(url)
    data = decode_base64(url[match.end() :] if match else url)
    if data is None or (match is None and name != "file"):
        return Attachment(name, "", None)
    return Attachment(name, (match[1] or "") if match else "", len(data) or None)
