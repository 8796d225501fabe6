"""A LangServe server: ``make example-langserve``.

LangServe is kept for those who have it: it gets repairs only, and it wants
sse-starlette below 2, so that it lives in an environment of its own, without this
package's extras. ``ChatStreamKit`` needs nothing of it: it is a Runnable like any.

From another program:

    from langserve import RemoteRunnable

    for chunk in RemoteRunnable("http://127.0.0.1:8000/chat").stream("Hello"):
        print(chunk.text, end="", flush=True)

Reasoning arrives in ``chunk.additional_kwargs["reasoning_content"]``; in
``chunk.content_blocks``, too. The playground is at ``/explain/playground/``.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langserve import add_routes

from examples.serving import example_model, listening_socket

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PROMPT = ChatPromptTemplate.from_template("In two short sentences: {topic}?")


class EscapedLineEnds:
    """Writes as JSON escapes what LangServe's client takes for the end of a line.

    The client reads lines as Python does, which end at U+2028, U+2029 and U+0085, too,
    and LangServe writes these as they are; an answer that holds one would be cut there.
    """

    ESCAPES = (
        (b"\xe2\x80\xa8", b"\\u2028"),
        (b"\xe2\x80\xa9", b"\\u2029"),
        (b"\xc2\x85", b"\\u0085"),
    )

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_stream = False

        async def escaped(message: Message) -> None:
            nonlocal is_stream
            if message["type"] == "http.response.start":
                kind = dict(message["headers"]).get(b"content-type", b"")
                is_stream = kind.startswith(b"text/event-stream")
            elif is_stream and message["type"] == "http.response.body":
                for raw, escape in self.ESCAPES:
                    message["body"] = message["body"].replace(raw, escape)
            await send(message)

        await self._app(scope, receive, escaped)


def make_app(model: BaseChatModel) -> FastAPI:
    """The application: the bare model, and a chain around it."""
    app = FastAPI(title="ChatStreamKit with LangServe")
    app.add_middleware(EscapedLineEnds)
    add_routes(app, model, path="/chat")
    add_routes(app, PROMPT | model | StrOutputParser(), path="/explain")
    return app


def main() -> None:
    """Serve until Ctrl-C."""
    with example_model() as model, listening_socket("LangServe") as listening:
        config = uvicorn.Config(
            make_app(model), log_level="warning", timeout_graceful_shutdown=2
        )
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
