"""``image_block``: what can be looked at becomes an image block.

Strategy: everything becomes bytes first, and bytes say themselves what they are. The
four formats that chat models read are sent as they are; others are converted where
Pillow is installed. A figure draws itself into a buffer, which needs no screen and no
``pyplot``.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

from langchain_streamkit._langchain.extras import import_extra

__all__ = ["image_block"]

# The first bytes of what chat models read, by the formats' specifications.
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
)
_PNG_MODES = frozenset({"1", "L", "LA", "I", "P", "RGB", "RGBA"})


def image_block(
    image: object, *, dpi: float | None = None, max_side: int | None = None
) -> dict[str, Any]:
    r"""Make an image block for a message.

    Args:
        image: A matplotlib figure (or what has one, such as ``Axes``), a PIL image,
            a path, the bytes of a file, or an ``https://`` or ``data:`` URL. Text that
            is no URL is a path.
        dpi: Dots per inch of a figure; without it, the figure's own.
        max_side: The longest side in pixels; a larger image is made smaller, with
            Pillow. Servers count an image's tokens by its size.

    Returns:
        ``{"type": "image", "base64": ..., "mime_type": ...}``, or ``"url"`` for a URL.

    Raises:
        ValueError: If it is no image that a model reads, or Pillow cannot read it.
        TypeError: If it is something else.
        ImportError: If Pillow is needed and missing.

    Example:
        >>> block = image_block(b"\x89PNG\r\n\x1a\n...")
        >>> block["type"], block["mime_type"]
        ('image', 'image/png')
    """
    if isinstance(image, str) and image.startswith(("https://", "http://", "data:")):
        return {"type": "image", "url": image}
    data = _bytes_of(image, dpi)
    mime_type = _mime_type_of(data)
    if mime_type is None or max_side is not None:
        data, mime_type = _converted(data, mime_type, max_side)
    text = base64.b64encode(data).decode("ascii")
    return {"type": "image", "base64": text, "mime_type": mime_type}


def _bytes_of(image: Any, dpi: float | None) -> bytes:
    if isinstance(image, bytes | bytearray):
        return bytes(image)
    if isinstance(image, str | Path):
        return Path(image).read_bytes()
    figure = image if hasattr(image, "savefig") else getattr(image, "figure", None)
    if figure is not None and hasattr(figure, "savefig"):
        buffer = io.BytesIO()
        figure.savefig(
            buffer,
            format="png",
            bbox_inches="tight",
            dpi="figure" if dpi is None else dpi,
        )
        return buffer.getvalue()
    if hasattr(image, "save") and hasattr(image, "mode"):
        return _png_of(image)
    raise TypeError(
        f"{type(image).__name__} is no image: give a figure, a PIL image, a path, "
        "bytes or a URL"
    )


def _png_of(picture: Any) -> bytes:
    """A PIL image as PNG, which loses nothing that a model could see."""
    if picture.mode not in _PNG_MODES:
        picture = picture.convert("RGB")
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def _mime_type_of(data: bytes) -> str | None:
    for signature, place, mime_type in _SIGNATURES:
        if data[place : place + len(signature)] == signature:
            return mime_type
    return None


def _converted(
    data: bytes, mime_type: str | None, max_side: int | None
) -> tuple[bytes, str]:
    """The image in a format that models read, and no larger than asked for."""
    pillow = import_extra("PIL.Image", "images")
    try:
        picture = pillow.open(io.BytesIO(data))
        if mime_type is not None and max(picture.size) <= (max_side or 0):
            return data, mime_type
        if max_side is not None:
            picture = picture.convert("RGBA" if "A" in picture.getbands() else "RGB")
            picture.thumbnail((max_side, max_side))
        return _png_of(picture), "image/png"
    except (OSError, pillow.DecompressionBombError) as error:
        raise ValueError(
            f"these {len(data)} bytes are no image that can be read: {error}"
        ) from error
