"""Images, audio, video and files: every known shape becomes one, then OpenAI's.

Strategy: the shapes differ in where they keep five or six facts, not in what the
facts are. So a block is read through its layers (its ``source``, the mapping under
its kind's name, itself, its ``extras`` and ``metadata``), each fact by the first of
its names that is there: LangChain's blocks of both versions, Anthropic's,
Bedrock's, Gemini's and OpenAI's Responses all read with the same table. The MIME
type decides what it is, and one renderer for each kind writes the chat-completions
part. Nothing is fetched and nothing decoded but text.

The parts: platform.openai.com/docs/api-reference/chat/create (2026-11); the
``video_url`` part is not OpenAI's own, but that of vLLM, OpenRouter and DashScope.
"""

from __future__ import annotations

import base64
import re
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from langchain_streamkit._langchain.json_values import (
    as_mapping,
    clean_text,
    unsendable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from langchain_streamkit.providers import Provider

__all__ = [
    "Media",
    "MediaKind",
    "check_accepted",
    "document_text",
    "read_media",
    "render_media",
]

MediaKind = Literal["image", "audio", "video", "file"]

_FACTS: dict[str, tuple[str, ...]] = {
    "data": ("base64", "data", "bytes", "file_data", "result"),
    "url": ("url", "image_url", "file_url", "file_uri", "uri"),
    "file_id": ("file_id",),
    "mime_type": ("mime_type", "media_type"),
    "format": ("format", "output_format"),
    "filename": ("filename", "name", "title"),
    "detail": ("detail",),
}
_MIME_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;.*)?", re.ASCII)
_BASE64 = f"{string.ascii_letters}{string.digits}+/-_=".encode()
_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^,]*)?,", re.ASCII)
_MAGIC = {  # how the base64 of well-known formats begins
    "iVBORw0KGgo": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "JVBERi0": "application/pdf",
    "SUQz": "audio/mpeg",
    "T2dnUw": "audio/ogg",
    "ZkxhQw": "audio/flac",
}
_RIFF = "UklGR"  # the container of both WebP and WAV
_AUDIO_FORMATS = {
    "x-wav": "wav",
    "wave": "wav",
    "vnd.wave": "wav",
    "mpeg": "mp3",
    "x-mp3": "mp3",
    "mp4": "m4a",
    "x-m4a": "m4a",
    "x-flac": "flac",
    "x-aiff": "aiff",
    "l16": "pcm16",
    "pcm": "pcm16",
}
_DEFAULT_FILENAME = "document"
_FILE_EXTENSIONS = {"application/pdf": ".pdf", "application/json": ".json"}


@dataclass(slots=True)
class Media:
    """The facts of one block; at least one of data, url and file_id is set.

    Attributes:
        kind: What it is.
        mime_type: Its MIME type, with any parameters.
        data: Its bytes in base64, without any prefix.
        url: Its address, which may be a data URL.
        file_id: Its id in the server's file store.
        filename: Its name.
        detail: How closely an image is to be looked at.
    """

    kind: MediaKind
    mime_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    filename: str | None = None
    detail: str | None = None

    @property
    def data_url(self) -> str:
        """The data as a URL."""
        return f"data:{self.mime_type};base64,{self.data}"


def read_media(block: Mapping[str, Any], kind: MediaKind, place: str) -> Media:
    """Read a block of any known shape.

    Args:
        block: The block.
        kind: What its type says that it is; its MIME type may know better.
        place: Where it stands, for the error.

    Returns:
        Its facts.

    Raises:
        UnsendableInputError: If it has no data, or data that is not base64, or a
            MIME type that is missing or none.

    Example:
        >>> read_media({"url": "https://a.example/b.png"}, "image", "here").url
        'https://a.example/b.png'
    """
    facts = {name: _find_fact(block, kind, keys) for name, keys in _FACTS.items()}
    if block.get("source_type") == "id":
        facts["file_id"] = block.get("id")
    mime_type = _text(facts["mime_type"]) or _mime_type_of_format(kind, facts["format"])
    media = Media(
        kind,
        mime_type,
        url=_text(facts["url"]),
        file_id=_text(facts["file_id"]),
        filename=_text(facts["filename"]),
        detail=_text(facts["detail"]),
    )
    _take_data(media, facts["data"] or _data_in_url(media), place)
    if not (media.data or media.url or media.file_id):
        raise unsendable(
            place,
            f"a block of type {block.get('type', kind)!r} has neither base64 data nor "
            f"a URL nor a file id (its keys: {', '.join(sorted(map(str, block)))}).",
        )
    _check_mime_type(media, place)
    return media


def render_media(media: Media, provider: Provider, place: str) -> dict[str, Any]:
    """The chat-completions part of an image, a sound, a video or a file.

    Args:
        media: What to send.
        provider: The server's facts.
        place: Where it stands, for the error.

    Returns:
        One content part.

    Raises:
        UnsendableInputError: If the server does not take it, or if there is no
            part of its form.

    Example:
        >>> from langchain_streamkit.providers import get_provider
        >>> media = Media("audio", "audio/x-wav", data="UklGRg==")
        >>> render_media(media, get_provider("openai"), "here")["input_audio"]["format"]
        'wav'
    """
    check_accepted(media, provider, place)
    if media.file_id and not (media.data or media.url):
        return {"type": "file", "file": {"file_id": media.file_id}}
    return _RENDERERS[media.kind](media, place)


def check_accepted(media: Media, provider: Provider, place: str) -> None:
    """Refuse what the provider's row says that the server does not read.

    Args:
        media: What to send.
        provider: The server's facts; None for one of them stops nothing.
        place: Where it stands, for the error.

    Raises:
        UnsendableInputError: If a fact says no.
    """
    title = provider.title or provider.name
    accepted = {
        "image": provider.image_inputs,
        "audio": provider.audio_inputs,
        "file": provider.pdf_inputs,
    }
    if accepted.get(media.kind) is False:
        raise unsendable(
            place,
            f"{title} reads no {media.kind} input. Leave it out, send its text, or "
            "ask another provider.",
        )
    is_remote = media.url is not None and not media.url.startswith("data:")
    if media.kind == "image" and is_remote and provider.image_url_inputs is False:
        raise unsendable(
            place,
            f"{title} takes no image by URL. Give the image as base64, with its "
            "mime_type.",
        )


def document_text(media: Media) -> str | None:
    """The text of a file whose MIME type is a text type, else None.

    Args:
        media: A file.

    Returns:
        Its text after its name, or None if it is no text, or not here.
    """
    is_text = (media.mime_type or "").startswith("text/")
    if media.kind != "file" or not is_text or not media.data:
        return None
    try:
        padded = media.data + "=" * (-len(media.data) % 4)
        text = base64.b64decode(padded, b"-_" if _is_urlsafe(padded) else None).decode()
    except ValueError:
        return None
    return f"{media.filename}\n\n{text}" if media.filename else text


def _layers(block: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, Any]]:
    inner = as_mapping(block.get(kind)) or as_mapping(block.get("document"))
    yield as_mapping(block.get("source"))
    yield as_mapping(inner.get("source"))
    yield inner
    yield block
    yield as_mapping(block.get("extras"))
    yield as_mapping(block.get("metadata"))


def _find_fact(block: Mapping[str, Any], kind: str, keys: tuple[str, ...]) -> Any:
    for layer in _layers(block, kind):
        for key in keys:
            if isinstance(value := layer.get(key), str | bytes | bytearray) and value:
                return value
    return None


def _take_data(media: Media, data: object, place: str) -> None:
    if isinstance(data, bytes | bytearray):
        media.data = base64.b64encode(data).decode()
    elif isinstance(data, str):
        if prefix := _DATA_URL.match(data):
            media.mime_type = media.mime_type or prefix[1] or None
            data = data[prefix.end() :]
        media.data = "".join(data.splitlines()) if "\n" in data else data
        if not _is_base64(media.data):
            raise unsendable(place, f"the data of a block ({media.kind}) is no base64.")
    if media.data and not media.mime_type:
        media.mime_type = _mime_type_of_data(media.kind, media.data)


def _data_in_url(media: Media) -> str | None:
    """A data URL's whole text, for kinds whose part takes no URL."""
    url = media.url or ""
    if media.kind == "image" or not url.startswith("data:"):
        return None
    media.url = None
    return url


def _check_mime_type(media: Media, place: str) -> None:
    mime_type = media.mime_type
    if mime_type is None and media.data:
        raise unsendable(
            place,
            f"a block of base64 data ({media.kind}) has no mime_type. Add one, for "
            'example "image/png", "audio/wav" or "application/pdf".',
        )
    if mime_type is None:
        return
    if not _MIME_TYPE.fullmatch(mime_type):
        raise unsendable(
            place,
            f"the mime_type of a block ({media.kind}) has {len(mime_type)} characters "
            'and not the form "image/png".',
        )
    mime_type = mime_type.lower().replace("image/jpg", "image/jpeg")
    media.mime_type = mime_type
    family = mime_type.partition("/")[0]
    if family in {"image", "audio", "video"} and media.kind != family:
        media.kind = family  # type: ignore[assignment]
    elif family in {"application", "text"} and media.data and media.kind == "image":
        media.kind = "file"


def _mime_type_of_format(kind: MediaKind, format_: object) -> str | None:
    """Bedrock and Responses give ``"png"`` or ``"pdf"`` in place of a MIME type."""
    if not isinstance(format_, str):
        return None
    if kind != "file":
        return f"{kind}/{format_}"
    return "text/plain" if format_ == "txt" else f"application/{format_}"


def _mime_type_of_data(kind: MediaKind, data: str) -> str | None:
    if data.startswith(_RIFF):
        return "audio/wav" if kind == "audio" else "image/webp"
    return next(
        (mime for magic, mime in _MAGIC.items() if data.startswith(magic)), None
    )


def _render_image(media: Media, _place: str) -> dict[str, Any]:
    image: dict[str, Any] = {"url": media.data_url if media.data else media.url}
    if media.detail:
        image["detail"] = media.detail
    return {"type": "image_url", "image_url": image}


def _render_audio(media: Media, place: str) -> dict[str, Any]:
    if not media.data:
        raise unsendable(
            place,
            "audio by URL has no form in chat completions, and nothing is fetched "
            "here. Give it as base64, with its mime_type.",
        )
    subtype = (media.mime_type or "").partition(";")[0].partition("/")[2].strip()
    format_ = _AUDIO_FORMATS.get(subtype, subtype)
    return {
        "type": "input_audio",
        "input_audio": {"data": media.data, "format": format_},
    }


def _render_video(media: Media, _place: str) -> dict[str, Any]:
    url = media.data_url if media.data else media.url
    return {"type": "video_url", "video_url": {"url": url}}


def _render_file(media: Media, place: str) -> dict[str, Any]:
    if not media.data:
        raise unsendable(
            place,
            "a file by URL has no form in chat completions, and nothing is fetched "
            "here. Give it as base64 with its mime_type, or write the part that your "
            "server documents.",
        )
    mime_type = (media.mime_type or "").partition(";")[0].strip()
    filename = media.filename or _DEFAULT_FILENAME
    if "." not in filename:
        filename += _FILE_EXTENSIONS.get(mime_type, "")
    file = {"filename": filename, "file_data": media.data_url}
    return {"type": "file", "file": file}


_RENDERERS: dict[MediaKind, Callable[[Media, str], dict[str, Any]]] = {
    "image": _render_image,
    "audio": _render_audio,
    "video": _render_video,
    "file": _render_file,
}


def _is_base64(data: str) -> bool:
    """Whether its alphabet is right; to decode megabytes takes three times as long."""
    return bool(data) and data.isascii() and not data.encode().translate(None, _BASE64)


def _is_urlsafe(data: str) -> bool:
    return "-" in data or "_" in data


def _text(value: object) -> str | None:
    return clean_text(value) if isinstance(value, str) else None
