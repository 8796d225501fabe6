"""Errors as servers word them: whole bodies, and frames inside a stream.

Each shape was seen in a recording or in a server's documentation (2025 to 2026);
the table says whose it is.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, TypeAlias

from langchain_streamkit.testing._values import dump_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_streamkit.testing._values import JsonObject

__all__ = ["ErrorShape", "FrameShape", "Trouble", "render_error", "render_error_frame"]

ErrorShape: TypeAlias = Literal[
    "openai",
    "openrouter",
    "anthropic",
    "string",
    "code-and-string",
    "detail",
    "detail-list",
    "object",
    "message",
    "list",
    "text",
    "html",
    "empty",
]

FrameShape: TypeAlias = Literal[
    "openai",
    "openrouter",
    "anthropic",
    "string",
    "object",
    "message",
    "event",
    "event-message",
    "field",
    "choice",
    "finish",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What went wrong, in the fields that most servers have.

    Attributes:
        status: The HTTP status.
        message: What happened.
        type: The kind; None for the usual one of the status.
        code: The server's word or number for it.
        param: The request field to blame.
    """

    status: int
    message: str
    type: str | None = None
    code: str | int | None = None
    param: str | None = None

    @property
    def kind(self) -> str:
        """The type, or the usual one of the status."""
        return self.type or _KINDS.get(
            self.status,
            "server_error" if self.status >= _SERVER_SIDE else "invalid_request_error",
        )


_SERVER_SIDE = 500
_KINDS = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


def _openai(trouble: Trouble) -> JsonObject:
    return {
        "error": {
            "message": trouble.message,
            "type": trouble.kind,
            "param": trouble.param,
            "code": trouble.code,
        }
    }


def _openrouter(trouble: Trouble) -> JsonObject:
    code = trouble.status if trouble.code is None else trouble.code
    metadata = {"provider_name": "Upstream", "raw": trouble.message}
    return {"error": {"message": trouble.message, "code": code, "metadata": metadata}}


def _anthropic(trouble: Trouble) -> JsonObject:
    error = {"type": trouble.kind, "message": trouble.message}
    return {"type": "error", "error": error}


def _detail_list(trouble: Trouble) -> JsonObject:
    where = ["body", *([trouble.param] if trouble.param else [])]
    return {"detail": [{"type": trouble.kind, "loc": where, "msg": trouble.message}]}


def _object(trouble: Trouble) -> JsonObject:
    return {
        "object": "error",
        "message": trouble.message,
        "type": trouble.kind,
        "param": trouble.param,
        "code": trouble.status if trouble.code is None else trouble.code,
    }


def _message(trouble: Trouble) -> JsonObject:
    code = trouble.status if trouble.code is None else trouble.code
    return {"code": code, "message": trouble.message}


def _google(trouble: Trouble) -> list[JsonObject]:
    status = trouble.kind.upper()
    error = {"code": trouble.status, "message": trouble.message, "status": status}
    return [{"error": error}]


_BODIES: dict[str, Callable[[Trouble], object]] = {
    "openai": _openai,
    "openrouter": _openrouter,
    "anthropic": _anthropic,
    "string": lambda trouble: {"error": trouble.message},  # TGI, Ollama
    "code-and-string": lambda trouble: {  # xAI
        "code": trouble.code or trouble.kind,
        "error": trouble.message,
    },
    "detail": lambda trouble: {"detail": trouble.message},  # FastAPI, Mistral 401
    "detail-list": _detail_list,  # FastAPI's validation
    "object": _object,  # vLLM, FastChat
    "message": _message,  # Z.ai, DashScope
    "list": _google,  # Gemini's compatible endpoint
}


def render_error(trouble: Trouble, shape: ErrorShape) -> tuple[str, bytes]:
    """An error as a whole response body.

    Returns:
        Its content type and its bytes.
    """
    if shape == "empty":
        return "text/plain", b""
    if shape == "text":
        return "text/plain; charset=utf-8", trouble.message.encode()
    if shape == "html":
        return "text/html; charset=utf-8", _page(trouble).encode()
    return "application/json", dump_json(_BODIES[shape](trouble))


def _page(trouble: Trouble) -> str:
    try:
        title = f"{trouble.status} {HTTPStatus(trouble.status).phrase}"
    except ValueError:
        title = str(trouble.status)
    return (
        f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n"
        f"<body><h1>{title}</h1><p>{html.escape(trouble.message)}</p></body></html>\n"
    )


def render_error_frame(trouble: Trouble, shape: FrameShape) -> bytes:
    """An error as a frame inside a 200 stream.

    ``"event"`` names itself by ``event: error`` (Groq), ``"event-message"`` has
    nothing but a message in it, ``"field"`` uses an SSE field called ``error``
    (llama.cpp until 2025), ``"choice"`` stands beside a choice that ends with
    ``"error"`` (OpenRouter), and ``"finish"`` has that finish reason alone.
    """
    if shape == "event":
        return b"event: error\ndata: %b\n\n" % dump_json(_openai(trouble))
    if shape == "event-message":
        body = dump_json({"message": trouble.message})
        return b"event: error\ndata: %b\n\n" % body
    if shape == "field":
        return b"error: %b\n\n" % dump_json(_message(trouble))
    if shape in {"choice", "finish"}:
        frame: JsonObject = dict(_openrouter(trouble)) if shape == "choice" else {}
        frame["object"] = "chat.completion.chunk"
        choice: JsonObject = {"index": 0, "delta": {"content": ""}}
        frame["choices"] = [{**choice, "finish_reason": "error"}]
        return b"data: %b\n\n" % dump_json(frame)
    return b"data: %b\n\n" % dump_json(_BODIES[shape](trouble))
