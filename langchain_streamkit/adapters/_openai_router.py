"""Any Runnable behind OpenAI's API.

Strategy: a request becomes a runnable and its input, the runnable's events become
chunks or one completion, and errors get OpenAI's shape with the status that the
model's own server gave. The body is read by hand, so that whatever is wrong with it
is said in that shape, too. A reader who leaves stops the model either way.
"""

from __future__ import annotations

import asyncio
import hmac
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fastapi import APIRouter
from starlette.requests import Request  # noqa: TC002 - FastAPI reads annotations
from starlette.responses import JSONResponse, Response
from typing_extensions import override

from langchain_streamkit.adapters._failure import (
    ErrorFrame,
    describe_error,
    http_headers,
    http_status,
)
from langchain_streamkit.adapters._json import write_json
from langchain_streamkit.adapters._openai import (
    completion_usage,
    error_body,
    finish_reason,
)
from langchain_streamkit.adapters._openai_request import (
    CompletionRequest,
    parse_request,
)
from langchain_streamkit.adapters._sse_response import StreamedEvents, leaving
from langchain_streamkit.errors import (
    AuthenticationError,
    NotFoundError,
    StreamKitError,
)
from langchain_streamkit.streaming import StreamResult, acollect, aiter_events

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_core.runnables import Runnable

    from langchain_streamkit.events import ToolCallEvent

__all__ = ["openai_router"]


def openai_router(
    models: Mapping[str, Runnable[Any, Any]],
    *,
    prefix: str = "/v1",
    api_key: str | None = None,
    ping: float = 15.0,
    on_error: Callable[[Exception], ErrorFrame] = describe_error,
) -> APIRouter:
    """Serve Runnables as an OpenAI-compatible API.

    A chat model gets the client's messages, tools and sampling parameters. A chain or
    an agent gets the messages (as ``{"messages": [...]}`` where its input says so),
    and runs its own tools, which the client does not see. Errors of a model come with
    the status that its server gave.

    Args:
        models: What answers, by the name that a client asks for.
        prefix: Where the API begins.
        api_key: The key that clients must send; without it anybody may ask.
        ping: Seconds between keep-alive comments of a stream; 0 for none.
        on_error: What to tell of an exception.

    Returns:
        A router for ``app.include_router``, with ``/chat/completions``, ``/models``
        and ``/models/{model}``.

    Example:
        >>> from fastapi import FastAPI
        >>> from langchain_streamkit import ChatStreamKit
        >>> app = FastAPI()
        >>> model = ChatStreamKit(model="m", base_url="http://localhost:11434/v1")
        >>> app.include_router(openai_router({"my-model": model}))
    """
    endpoints = _Endpoints(dict(models), api_key, ping, on_error)
    router = APIRouter(prefix=prefix)
    for path, endpoint, method in (
        ("/chat/completions", endpoints.complete, "POST"),
        ("/models", endpoints.list_models, "GET"),
        ("/models/{model:path}", endpoints.get_model, "GET"),
    ):
        router.add_api_route(
            path, endpoint, methods=[method], response_class=Response, tags=["openai"]
        )
    return router


class _Endpoints:
    """The three endpoints."""

    def __init__(
        self,
        models: Mapping[str, Runnable[Any, Any]],
        api_key: str | None,
        ping: float,
        on_error: Callable[[Exception], ErrorFrame],
    ) -> None:
        self._models = models
        self._api_key = api_key
        self._ping = ping
        self._on_error = on_error
        self._created = int(datetime.now(UTC).timestamp())

    async def complete(self, request: Request) -> Response:
        """One completion, whole or in chunks."""
        try:
            self._check_key(request)
            asked = parse_request(await request.body(), self._models)
        except StreamKitError as error:
            return self._refusal(error)
        return self._stream(asked) if asked.stream else _Whole(asked, self._refusal)

    async def list_models(self, request: Request) -> Response:
        """All models, by name."""
        try:
            self._check_key(request)
        except StreamKitError as error:
            return self._refusal(error)
        found = [self._about(name) for name in self._models]
        return JSONResponse({"object": "list", "data": found})

    async def get_model(self, request: Request, model: str) -> Response:
        """One model."""
        try:
            self._check_key(request)
            if model not in self._models:
                raise NotFoundError(
                    f"The model {model!r} does not exist here.",
                    status_code=404,
                    code="model_not_found",
                    param="model",
                )
        except StreamKitError as error:
            return self._refusal(error)
        return JSONResponse(self._about(model))

    def _stream(self, asked: CompletionRequest) -> Response:
        options = {
            "model": asked.model,
            "include_usage": asked.include_usage,
            "tool_calls": asked.has_tools,
        }
        events = aiter_events(asked.runnable, asked.input)
        settings: dict[str, Any] = {"ping": self._ping, "on_error": self._on_error}
        return StreamedEvents(events, "openai", options, **settings)

    def _about(self, name: str) -> dict[str, Any]:
        return {
            "id": name,
            "object": "model",
            "created": self._created,
            "owned_by": "langchain-streamkit",
        }

    def _check_key(self, request: Request) -> None:
        if self._api_key is None:
            return
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        is_key = hmac.compare_digest(given.strip().encode(), self._api_key.encode())
        if scheme.lower() != "bearer" or not is_key:  # RFC 9110: in any case of letters
            raise AuthenticationError(
                "The key is missing or wrong.", status_code=401, code="invalid_api_key"
            )

    def _refusal(self, error: Exception) -> Response:
        frame = self._on_error(error)
        if isinstance(error, StreamKitError) and error.code:
            frame["code"] = error.code
        return JSONResponse(
            error_body(frame, param=getattr(error, "param", None)),
            status_code=http_status(error),
            headers=http_headers(error),
        )


class _Whole(Response):
    """A whole completion, made while it listens for the reader's leaving.

    Args:
        asked: The request.
        refuse: Makes the response of an exception.
    """

    def __init__(
        self, asked: CompletionRequest, refuse: Callable[[Exception], Response]
    ) -> None:
        super().__init__()
        self._asked = asked
        self._refuse = refuse

    @override
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Run the model, and send what came of it, unless nobody is there."""
        work: asyncio.Future[Any] = asyncio.ensure_future(_run(self._asked))
        try:
            async with leaving(receive) as left:
                await asyncio.wait({work, left}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait({work})
        if work.cancelled():
            return
        try:
            self.body = write_json(_completion(self._asked, work.result()))
            self.media_type = "application/json"
            self.init_headers({})
        except Exception as error:  # noqa: BLE001 - becomes the response
            await self._refuse(error)(scope, receive, send)
            return
        await super().__call__(scope, receive, send)


async def _run(asked: CompletionRequest) -> StreamResult:
    async with aclosing(aiter_events(asked.runnable, asked.input)) as events:
        return await acollect(events)


def _completion(asked: CompletionRequest, result: StreamResult) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": result.text or None}
    if result.reasoning:
        message["reasoning_content"] = result.reasoning
    if asked.has_tools and result.tool_calls:
        message["tool_calls"] = [_call(call) for call in result.tool_calls]
    completion: dict[str, Any] = {
        "id": f"chatcmpl-{uuid4().hex}",
        "object": "chat.completion",
        "created": int(datetime.now(UTC).timestamp()),
        "model": asked.model,
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": finish_reason(result.finish_reason),
                "logprobs": None,
            }
        ],
    }
    if (usage := completion_usage(result.usage)) is not None:
        completion["usage"] = usage
    return completion


def _call(call: ToolCallEvent) -> dict[str, Any]:
    arguments = call.raw_args or write_json(call.args).decode()
    return {
        "id": call.id or f"call_{uuid4().hex}",
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }
