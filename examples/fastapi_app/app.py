"""A chat page, and the routes behind it: ``make example-fastapi``.

- ``POST /chat/ID`` answers as server-sent events. The page chooses the ID; whoever
  knows it may come back (``Last-Event-ID``) and get what follows, while the model
  goes on. ``DELETE /chat/ID`` stops the model.
- ``/ws`` answers over a WebSocket: ``{"input": ...}`` asks, ``{"type": "stop"}`` stops.
- ``POST /vercel`` serves ``useChat`` of the AI SDK (npm ``ai`` 5, 6 and 7). Its stop
  ends the request, and so the model.

The page is plain HTML with one JavaScript module: nothing has to be built. For more
than one worker, put a ``RedisReplay`` in the place of ``MemoryReplay``.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI, Path, Response, WebSocket
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field
from typing_extensions import override

from examples.serving import QUESTIONS, example_model, listening_socket
from langchain_streamkit import aiter_events
from langchain_streamkit.adapters.replay import MemoryReplay
from langchain_streamkit.adapters.web import serve_websocket, sse_response

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

PAGE = FilePath(__file__).parent / "page"
# The page runs its own script and nothing else, whatever a model says.
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; "
    "style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
StreamId = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{20,64}$")]  # not to be guessed


class Page(StaticFiles):
    """The files of the page, with headers that keep it to itself."""

    @override
    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(HEADERS)
        return response


class Message(BaseModel):
    """One message, as the page keeps it."""

    role: Literal["user", "assistant"]
    content: str = Field(max_length=200_000)


class Chat(BaseModel):
    """What the page sends."""

    messages: list[Message] = Field(min_length=1, max_length=200)


class Part(BaseModel):
    """A part of the AI SDK's UI message; those with another type than text are left."""

    type: str
    text: str = Field("", max_length=200_000)


class UIMessage(BaseModel):
    """A message of ``useChat``."""

    role: Literal["system", "user", "assistant"]
    parts: list[Part] = Field(max_length=1000)


class UIChat(BaseModel):
    """What ``useChat`` sends, among other things."""

    messages: list[UIMessage] = Field(min_length=1, max_length=200)


def make_app(model: BaseChatModel) -> FastAPI:
    """The application, for any chat model."""
    app = FastAPI(title="ChatStreamKit", docs_url=None, redoc_url=None)
    replay = MemoryReplay()

    @app.post("/chat/{stream_id}")
    async def chat(stream_id: StreamId, asked: Chat) -> Response:
        messages = [(message.role, message.content) for message in asked.messages]
        return await sse_response(
            aiter_events(model, messages),
            replay=replay,
            stream_id=stream_id,
            on_leave="continue",
        )

    @app.delete("/chat/{stream_id}", status_code=204)
    async def stop(stream_id: StreamId) -> None:
        await replay.stop(stream_id)

    @app.post("/vercel")
    async def vercel(asked: UIChat) -> Response:
        messages = [(message.role, _text(message)) for message in asked.messages]
        return await sse_response(aiter_events(model, messages), "vercel")

    @app.websocket("/ws")
    async def socket(websocket: WebSocket) -> None:
        origin = websocket.headers.get("origin")  # browsers alone send one
        if origin and urlsplit(origin).netloc != websocket.headers.get("host"):
            await websocket.close(1008, "Another site's page may not ask here.")
            return
        await serve_websocket(websocket, model)

    @app.get("/about")
    async def about() -> dict[str, Any]:
        name = getattr(model, "model", type(model).__name__)
        return {"model": name, "questions": QUESTIONS}

    app.mount("/", Page(directory=PAGE, html=True))
    return app


def _text(message: UIMessage) -> str:
    return "".join(part.text for part in message.parts if part.type == "text")


def main() -> None:
    """Serve the page until Ctrl-C."""
    with example_model() as model, listening_socket("The page") as listening:
        config = uvicorn.Config(
            make_app(model), log_level="warning", timeout_graceful_shutdown=2
        )
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
