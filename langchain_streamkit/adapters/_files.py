"""A file on this machine as a part of a message to a model.

The blocks are LangChain's standard ones (langchain-core 1.x, ``messages.content``).
"""

from __future__ import annotations

import base64
import mimetypes
from pathlib import Path
from typing import Any

from langchain_streamkit.adapters._safe_text import show_controls

__all__ = ["MAX_FILE_BYTES", "file_block"]

MAX_FILE_BYTES = 20 * 1024 * 1024
"""How large a file may be that is sent inside a message, in bytes."""

_KINDS = ("image", "audio", "video")


def file_block(path: str | Path, mime_type: str | None = None) -> dict[str, Any]:
    """Read a file as a content block.

    Args:
        path: Where it is.
        mime_type: What it is; guessed from its name if not given.

    Returns:
        An image, audio, video or file block with its bytes; text is a text block with
        its name above it.

    Raises:
        ValueError: If it is too large.
        OSError: If it cannot be read.
    """
    path = Path(path)
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        message = (
            f"{show_controls(path.name)} has {size} bytes; a message takes files of up "
            f"to {MAX_FILE_BYTES}."
        )
        raise ValueError(message)
    data = path.read_bytes()
    mime_type = mime_type or mimetypes.guess_type(path.name)[0]
    kind = (mime_type or "").partition("/")[0]
    if kind in _KINDS and mime_type != "image/svg+xml":
        return {"type": kind, "base64": _base64(data), "mime_type": mime_type}
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    if text is not None and mime_type != "application/pdf":
        return {"type": "text", "text": f"{path.name}:\n\n{text}"}
    return {
        "type": "file",
        "base64": _base64(data),
        "mime_type": mime_type or "application/octet-stream",
        "filename": path.name,
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
