"""Questions and events over one WebSocket.

Strategy: one task reads what the client sends, so that a stop or a leaving is heard
at any time; another answers the questions, one after the other, each in a task of its
own that can be cancelled. An event is pulled from the model when the one before it
has gone into the socket, so a client that reads slowly slows the model down. The
questions that wait are bounded.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from langchain_streamkit._wire.parse_json import parse_json
from langchain_streamkit.adapters._failure import ErrorFrame, describe_error
from langchain_streamkit.adapters._json import event_object, write_json
from langchain_streamkit.events import FinalEvent
from langchain_streamkit.streaming import aiter_events

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from langchain_core.runnables import Runnable, RunnableConfig

__all__ = ["serve_websocket"]


async def serve_websocket(
    websocket: WebSocket,
    runnable: Runnable[Any, Any],
    config: RunnableConfig | None = None,
    *,
    only: Collection[str] | None = None,
    to_input: Callable[[Any], Any] | None = None,
    on_error: Callable[[Exception], ErrorFrame] = describe_error,
    max_waiting: int = 8,
) -> None:
    """Answer questions over a WebSocket until the client leaves.

    The client sends ``{"input": ...}`` for each question, as often as it likes, and
    ``{"type": "stop"}`` to end the answer that is under way. It gets the events of
    ``aiter_events`` as JSON objects. The answers come in the order of the questions,
    and each ends with exactly one ``final`` or ``error``; that of a stopped answer is
    a ``final`` with the finish reason ``"stopped"``. When the client leaves, the
    model's connection is closed at once, also while the model stalls.

    Args:
        websocket: Of Starlette or FastAPI; it is accepted here if it was not yet.
        runnable: A chat model, a chain, an agent or a graph.
        config: LangChain's configuration for each question.
        only: The types of the events to send; all if not given.
        to_input: Makes the runnable's input of what stands under ``"input"``.
        on_error: What to tell of an exception.
        max_waiting: How many questions may wait for the one under way.

    Example:
        >>> from fastapi import FastAPI, WebSocket
        >>> from langchain_streamkit import ChatStreamKit
        >>> app = FastAPI()
        >>> model = ChatStreamKit(model="m", base_url="http://localhost:11434/v1")
        >>> @app.websocket("/chat")
        ... async def chat(websocket: WebSocket) -> None:
        ...     await serve_websocket(websocket, model)
    """

    def ask(given: Any) -> Any:
        question = given if to_input is None else to_input(given)
        return aiter_events(runnable, question, config, only=only)

    if websocket.application_state is WebSocketState.CONNECTING:
        await websocket.accept()
    await _Session(websocket, ask, on_error, max_waiting).run()


class _Session:
    """One connection."""

    def __init__(
        self,
        websocket: WebSocket,
        ask: Callable[[Any], Any],
        on_error: Callable[[Exception], ErrorFrame],
        max_waiting: int,
    ) -> None:
        self._websocket = websocket
        self._ask = ask
        self._on_error = on_error
        self._questions: asyncio.Queue[Any] = asyncio.Queue(max_waiting)
        self._answer: asyncio.Task[None] | None = None
        self._is_over = True  # whether the answer's last frame was made
        self._sending = asyncio.Lock()

    async def run(self) -> None:
        """Read and answer; whichever ends first ends both."""
        tasks = {
            asyncio.ensure_future(self._read()),
            asyncio.ensure_future(self._answer_all()),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if self._answer is not None:
                self._answer.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in tasks:
            error = None if task.cancelled() else task.exception()
            if error is not None and not isinstance(error, WebSocketDisconnect):
                raise error

    async def _read(self) -> None:
        while (message := await self._websocket.receive())["type"] != _LEFT:
            said = _parse(message.get("text") or message.get("bytes") or "")
            if said is not None and said.get("type") == "stop":
                await self._stop()
            elif said is None or "input" not in said:
                await self._send(_refusal("invalid_message", _HOW_TO_ASK))
            elif self._questions.full():
                await self._send(_refusal("too_many_questions", _TOO_MANY))
            else:
                self._questions.put_nowait(said["input"])

    async def _stop(self) -> None:
        if self._answer is None and not self._questions.empty():
            self._questions.get_nowait()  # it came together with its question
            await self._send(_STOPPED)
        elif self._answer is not None and not self._is_over:
            self._answer.cancel()

    async def _answer_all(self) -> None:
        while True:
            question = await self._questions.get()
            self._is_over = False
            self._answer = asyncio.ensure_future(self._answer_one(question))
            try:
                await asyncio.wait({self._answer})
            except asyncio.CancelledError:
                self._answer.cancel()
                await asyncio.wait({self._answer})
                raise
            if self._answer.cancelled():
                await self._send(_STOPPED)
            elif (error := self._answer.exception()) is not None:
                raise error  # the socket is broken
            self._answer = None

    async def _answer_one(self, question: Any) -> None:
        try:
            async with aclosing(self._ask(question)) as events:
                async for event in events:
                    self._is_over = event.is_final
                    await self._send(event_object(event))
        except WebSocketDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - becomes the answer's last frame
            self._is_over = True
            await self._send(self._on_error(error))

    async def _send(self, frame: Mapping[str, Any]) -> None:
        async with self._sending:
            await self._websocket.send_text(write_json(frame).decode())


_LEFT = "websocket.disconnect"
_STOPPED = event_object(FinalEvent(finish_reason="stopped"))
_HOW_TO_ASK = 'Send {"input": ...} to ask, {"type": "stop"} to stop the answer.'
_TOO_MANY = "Too many questions are waiting. Ask again after an answer."


def _refusal(code: str, message: str) -> ErrorFrame:
    is_busy = code == "too_many_questions"
    return {"type": "error", "message": message, "code": code, "retryable": is_busy}


def _parse(text: str | bytes) -> dict[str, Any] | None:
    try:
        said = parse_json(text.encode() if isinstance(text, str) else text)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", said) if isinstance(said, dict) else None
