"""What a chunk costs: CPU time of the client process alone, beside other models.

A server in another process streams text as fast as it is read; each client reads it
to the end, several times. The floor is LangChain itself: a model whose ``_stream``
yields ready-made chunks. Shared machines are noisy: trust the ratios.

Run it with ``make bench``, ``make bench ARGS=--json``.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from langchain_streamkit import aiter_events, iter_events

Run = Callable[[], int]
WORDS = 10_000
FRAMES_PER_WRITE = 50
ROUNDS = 5
CLIENTS = (
    ("ChatStreamKit", "langchain_streamkit", "base_url"),
    ("ChatOpenAI", "langchain_openai", "base_url"),
    ("ChatDeepSeek", "langchain_deepseek", "api_base"),
    ("ChatMistralAI", "langchain_mistralai", "base_url"),
)


class Floor(BaseChatModel):
    """LangChain's own cost: no server, no parsing."""

    words: int

    @property
    def _llm_type(self) -> str:
        return "floor"

    def _generate(self, messages: list[BaseMessage], **_: Any) -> ChatResult:
        raise NotImplementedError

    def _stream(
        self, messages: list[BaseMessage], **_: Any
    ) -> Iterator[ChatGenerationChunk]:
        for number in range(self.words):
            message = AIMessageChunk(content=f" word{number % 100}")
            yield ChatGenerationChunk(message=message)


def count_chunks(model: BaseChatModel) -> int:
    """Read a stream to its end."""
    return sum(1 for _ in model.stream("x"))


def count_events(model: BaseChatModel) -> int:
    """Read version 3's events to their end."""
    return sum(1 for _ in model.stream_events("x", version="v3"))


async def _count(stream: AsyncIterator[Any]) -> int:
    return sum([1 async for _ in stream])


def acount_chunks(model: BaseChatModel) -> int:
    """Read an async stream to its end."""
    return asyncio.run(_count(model.astream("x")))


def count_typed_events(model: BaseChatModel) -> int:
    """Read typed events to their end."""
    return sum(1 for _ in iter_events(model, "x"))


def acount_typed_events(model: BaseChatModel) -> int:
    """Read async typed events to their end."""
    return asyncio.run(_count(aiter_events(model, "x")))


TYPED_EVENTS = {
    "astream": acount_chunks,
    "iter_events": count_typed_events,
    "aiter_events": acount_typed_events,
}


def consumers(url: str, words: int) -> dict[str, Run]:
    """What is measured, by name."""
    models: dict[str, Any] = {"LangChain's floor": Floor(words=words)}
    for name, module, url_parameter in CLIENTS:
        try:
            kind: Any = getattr(importlib.import_module(module), name)
        except ImportError:
            continue
        address = {url_parameter: url}
        models[name] = kind(model="m", api_key="k", max_retries=0, **address)
    runs: dict[str, Run] = {
        f"{name}, stream": partial(count_chunks, model)
        for name, model in models.items()
    }
    for name in ("LangChain's floor", "ChatStreamKit"):
        runs[f"{name}, v3 events"] = partial(count_events, models[name])
    for way, count in TYPED_EVENTS.items():
        runs[f"ChatStreamKit, {way}"] = partial(count, models["ChatStreamKit"])
    return runs


def measure(run: Run, rounds: int) -> list[float]:
    """Microseconds of CPU a chunk, one figure a round; the first round is not kept."""
    figures: list[float] = []
    for _ in range(rounds + 1):
        started = time.process_time()
        chunks = run()
        figures.append((time.process_time() - started) / chunks * 1e6)
    return sorted(figures[1:])


def serve(words: int) -> tuple[subprocess.Popen[str], str]:
    """The server in a process of its own, and its address."""
    command = [sys.executable, "-m", "langchain_streamkit.testing", "--port", "0"]
    options = ["--words", str(words), "--frames-per-send", str(FRAMES_PER_WRITE)]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip().split()[-1]


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=WORDS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    process, url = serve(arguments.words)
    try:
        figures = {
            name: measure(run, arguments.rounds)
            for name, run in consumers(url, arguments.words).items()
        }
    finally:
        process.terminate()
        process.wait()
    if arguments.json:
        print(json.dumps(figures, indent=1))
        return
    floor = statistics.median(figures["LangChain's floor, stream"])
    print(
        f"{'µs of CPU a chunk':<30}{'median':>9}{'least':>9}{'most':>9}{'/ floor':>9}"
    )
    for name, values in figures.items():
        middle = statistics.median(values)
        print(
            f"{name:<30}{middle:>9.1f}{values[0]:>9.1f}{values[-1]:>9.1f}"
            f"{middle / floor:>9.2f}"
        )


if __name__ == "__main__":
    main()
