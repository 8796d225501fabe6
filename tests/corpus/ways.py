"""The ways in which the model is asked, and what came of each.

A worker holds one server and one model for all recordings, as a program would, and
plays whatever the recording says; clocks bound each run, so that nothing hangs.
"""

from __future__ import annotations

import asyncio
import warnings
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any, Self, cast

from langchain_core._api import LangChainBetaWarning
from langchain_core.messages import HumanMessage

from langchain_streamkit import ChatStreamKit
from langchain_streamkit._langchain.chunks import message_of, partial_of
from langchain_streamkit._wire.answer import AnswerContext
from langchain_streamkit._wire.stream_decoder import StreamDecoder
from langchain_streamkit._wire.whole_body import WholeBodyDecoder
from langchain_streamkit.testing import FakeServer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from langchain_core.messages import AIMessage, AIMessageChunk

    from langchain_streamkit.cli._recordings import Recording

SECONDS = 30


@dataclass
class Outcome:
    """What one run gave.

    Attributes:
        chunks: The chunks, where chunks came.
        events: The events, of a v3 stream.
        message: The whole message, unless an error came.
        others: The further choices' messages, where they were asked for.
        error: What was raised.
    """

    chunks: list[AIMessageChunk] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    message: AIMessage | None = None
    others: list[AIMessage] = field(default_factory=list)
    error: Exception | None = None


class Worker:
    """A server, and models that ask it."""

    def __init__(self) -> None:
        self._server = FakeServer(validate=False, keep_requests=1)
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        # What is beta in core is tested here all the same.
        warnings.simplefilter("ignore", LangChainBetaWarning)
        self._server.start()
        self._models = {
            version: ChatStreamKit(
                model="recorded",
                base_url=self._server.url,
                max_retries=0,
                output_version=version,
                timeout=SECONDS,
                total_timeout=SECONDS,
            )
            for version in ("v0", "v1")
        }
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.close()
        self._server.stop()

    def play(self, recording: Recording, way: str, ends: list[int]) -> Outcome:
        """Run one recording in one way."""
        self._server.script(recording.reply(ends), repeat_last=True)
        name, _, version = way.partition(" ")
        model = self._models[version or "v0"]
        outcome = Outcome()
        try:
            if name in SYNC:
                SYNC[name](model, outcome)
            else:
                self._runner.run(ASYNC[name](model, outcome))
        except Exception as error:  # noqa: BLE001 - the checks say which may come
            outcome.error = error
        return outcome


def decode(recording: Recording) -> Outcome:
    """Feed the decoder one byte after another, without any HTTP."""
    decoder = StreamDecoder() if recording.is_stream else WholeBodyDecoder()
    context = AnswerContext()
    outcome = Outcome()
    try:
        for byte in recording.body:
            outcome.events += decoder.feed(bytes((byte,)))
            if decoder.is_done or decoder.failure is not None:
                break
        outcome.events += decoder.close()
    except Exception as error:  # noqa: BLE001 - likewise
        outcome.error = error
        return outcome
    if decoder.failure is None:
        outcome.message = message_of(decoder.answer, context)
    else:
        decoder.failure.partial = partial_of(decoder.answer, context)
        outcome.error = decoder.failure
    return outcome


# ── one function a way ──────────────────────────────────────────────────────────────


def stream(model: ChatStreamKit, outcome: Outcome) -> None:
    for chunk in model.stream("Go"):
        outcome.chunks.append(chunk)
    outcome.message = reduce(add, outcome.chunks)


async def astream(model: ChatStreamKit, outcome: Outcome) -> None:
    async for chunk in model.astream("Go"):
        outcome.chunks.append(chunk)
    outcome.message = reduce(add, outcome.chunks)


def v3(model: ChatStreamKit, outcome: Outcome) -> None:
    events = model.stream_events("Go", version="v3")
    for event in events:
        outcome.events.append(event)
    outcome.message = events.output


async def av3(model: ChatStreamKit, outcome: Outcome) -> None:
    events = await model.astream_events("Go", version="v3")
    async for event in events:
        outcome.events.append(event)
    outcome.message = await events


def invoke(model: ChatStreamKit, outcome: Outcome) -> None:
    outcome.message = model.invoke("Go")


async def ainvoke(model: ChatStreamKit, outcome: Outcome) -> None:
    outcome.message = await model.ainvoke("Go")


def generate(model: ChatStreamKit, outcome: Outcome) -> None:
    (choices,) = model.generate([[HumanMessage("Go")]]).generations
    messages = [cast("AIMessage", choice.message) for choice in choices]
    outcome.message, *outcome.others = messages


SYNC: dict[str, Callable[[ChatStreamKit, Outcome], None]] = {
    "stream": stream,
    "v3": v3,
    "invoke": invoke,
    "generate": generate,
}
ASYNC: dict[str, Callable[[ChatStreamKit, Outcome], Awaitable[None]]] = {
    "astream": astream,
    "av3": av3,
    "ainvoke": ainvoke,
}
STREAM_WAYS = ("stream", "stream v1", "astream", "astream v1", "v3", "av3")
BODY_WAYS = ("invoke", "invoke v1", "ainvoke", "ainvoke v1", "generate", "stream", "v3")
