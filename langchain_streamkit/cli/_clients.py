"""The clients that are compared: how each is made, asked and read.

Strategy: a client is asked as its own users ask it, and what it reports is taken from
every place where it could stand, so that a fact counts as lost only if it is nowhere.
LangChain's models are read alike: the chunks of ``stream`` added up, or the message of
``invoke``. The SDK gives chunks and no answer, so the adding up is the usual loop of a
user. The clock stops before anything is added up. Packages are imported when their
client is made; one that is missing leaves its client out.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import reduce
from importlib import import_module, metadata
from operator import add
from typing import TYPE_CHECKING, Any, Protocol, cast

from langchain_streamkit._version import __version__
from langchain_streamkit.cli._readings import Call, Reading
from langchain_streamkit.testing._values import JsonObject, as_object, load_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["CLIENTS", "Asker", "Client", "Target", "read"]

_OWN_PACKAGE = "langchain-streamkit"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a client asks.

    Attributes:
        url: The base URL.
        model: The model.
        key: The API key; any text where the server needs none.
    """

    url: str
    model: str
    key: str = field(default="none", repr=False)


class Asker(Protocol):
    """A client that is ready: both ways of asking, and how to read what came."""

    def stream(self, prompt: str) -> Iterator[Any]:
        """The chunks of a streamed answer."""
        ...

    def invoke(self, prompt: str) -> object:
        """A whole answer."""
        ...

    def add_up(self, pieces: list[Any]) -> Reading:
        """What the chunks, or the whole answer alone, say."""
        ...

    def is_content(self, piece: Any) -> bool:
        """Whether a chunk brings some of the answer."""
        ...


@dataclass(frozen=True, slots=True)
class Client:
    """A client, not made yet.

    Attributes:
        name: Its name in the table.
        package: The package that brings it, as it is installed.
        make: Makes one; raises ImportError where the package is missing, and
            ValueError where it cannot ask the target.
    """

    name: str
    package: str
    make: Callable[[Target], Asker]

    @property
    def version(self) -> str:
        """The version of the package, or an empty string where it is not installed."""
        if self.package == _OWN_PACKAGE:
            return __version__  # it may run from its source tree
        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return ""


def read(asker: Asker, prompt: str, *, is_stream: bool) -> Reading:
    """Ask once, and read the answer to its end.

    Args:
        asker: A client.
        prompt: The user's message.
        is_stream: Whether to ask for a stream.

    Returns:
        What the client reported until its end, or until it raised.
    """
    pieces: list[Any] = []
    error, first = "", None
    started, cpu = time.perf_counter(), time.thread_time()
    try:
        answer = asker.stream(prompt) if is_stream else iter([asker.invoke(prompt)])
        for piece in answer:
            if first is None and asker.is_content(piece):
                first = time.perf_counter() - started
            pieces.append(piece)
    except Exception as raised:  # noqa: BLE001 - whatever another package raises
        error = _describe(raised)
    cpu = time.thread_time() - cpu
    try:
        reading = asker.add_up(pieces)
    except Exception as raised:  # noqa: BLE001 - core refuses to add some chunks
        reading = Reading(error=_describe(raised))
    reading.error = error or reading.error
    reading.cpu_seconds, reading.first_seconds = cpu, first
    reading.pieces = len(pieces)
    return reading


def _describe(error: Exception) -> str:
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words[:200]}"


# ── LangChain's chat models ─────────────────────────────────────────────────────────


class _ChatModel:
    """Any chat model of LangChain's."""

    def __init__(self, module: str, name: str, **parameters: object) -> None:
        self._model = getattr(import_module(module), name)(**parameters)

    def stream(self, prompt: str) -> Iterator[Any]:
        return iter(self._model.stream(prompt))

    def invoke(self, prompt: str) -> object:
        return self._model.invoke(prompt)

    def is_content(self, piece: Any) -> bool:
        kwargs = as_object(piece.additional_kwargs)
        return bool(
            piece.content
            or getattr(piece, "tool_call_chunks", None)
            or any(kwargs.get(key) for key in ("reasoning_content", "refusal"))
        )

    def add_up(self, pieces: list[Any]) -> Reading:
        if not pieces:
            return Reading()
        message = reduce(add, pieces)
        kwargs = as_object(message.additional_kwargs)
        usage = message.usage_metadata
        return Reading(
            text=str(message.text),
            reasoning=_reasoning_of(message, kwargs),
            calls=[
                Call(call["id"] or "", call["name"], call["args"])
                for call in message.tool_calls
            ],
            finish_reason=message.response_metadata.get("finish_reason"),
            usage=(
                {name: usage[f"{name}_tokens"] for name in ("input", "output", "total")}
                if usage
                else None
            ),
            refusal=str(kwargs.get("refusal") or ""),
            function_call=as_object(kwargs.get("function_call")) or None,
        )


def _reasoning_of(message: Any, kwargs: JsonObject) -> str:
    """The reasoning, from where any of LangChain's packages puts it."""
    try:
        blocks = cast("list[JsonObject]", message.content_blocks)
    except Exception:  # noqa: BLE001 - a translator of core's that fails on this content
        blocks = []
    found = [str(b.get("reasoning") or "") for b in blocks if b["type"] == "reasoning"]
    return "".join(found) or str(
        kwargs.get("reasoning_content") or kwargs.get("reasoning") or ""
    )


def _chat_model(
    module: str, name: str, **parameters: object
) -> Callable[[Target], Asker]:
    def make(target: Target) -> Asker:
        own = {"model": target.model, "base_url": target.url, "api_key": target.key}
        return _ChatModel(module, name, **{**own, "max_retries": 0, **parameters})

    return make


def _chat_groq(target: Target) -> Asker:
    path = "/openai/v1"  # its SDK adds this by itself
    base = target.url.removesuffix(path)
    if base == target.url and "//127.0.0.1:" not in base:
        raise ValueError(f"it can ask only at URLs that end in {path}")
    make = _chat_model("langchain_groq", "ChatGroq")
    return make(replace(target, url=base))


# ── the SDK ─────────────────────────────────────────────────────────────────────────


class _Sdk:
    """The ``openai`` package by itself, with the loop that its users write."""

    def __init__(self, target: Target) -> None:
        sdk = import_module("openai")
        client = sdk.OpenAI(base_url=target.url, api_key=target.key, max_retries=0)
        self._create = client.chat.completions.create
        self._model = target.model

    def stream(self, prompt: str) -> Iterator[Any]:
        chunks = self._create(
            model=self._model,
            messages=[{"role": "user", "content": prompt}],
            stream=True,
            stream_options={"include_usage": True},
        )
        return iter(chunks)

    def invoke(self, prompt: str) -> object:
        return self._create(
            model=self._model, messages=[{"role": "user", "content": prompt}]
        )

    def is_content(self, piece: Any) -> bool:
        return any(
            getattr(said, name, None)
            for choice in _choices(piece)
            if (said := _said(choice)) is not None
            for name in ("content", "tool_calls", "refusal", *_SDK_REASONING)
        )

    def add_up(self, pieces: list[Any]) -> Reading:
        reading = Reading()
        calls: dict[object, dict[str, str]] = {}
        for piece in pieces:
            usage = getattr(piece, "usage", None)
            reading.usage = _sdk_usage(usage) if usage else reading.usage
            for choice in _choices(piece):
                reading.finish_reason = choice.finish_reason or reading.finish_reason
                said = _said(choice)
                if said is not None:
                    _add_said(reading, calls, said)
        for call in calls.values():
            try:
                arguments = load_json(call["arguments"].encode())
            except ValueError:
                continue
            reading.calls.append(Call(call["id"], call["name"], as_object(arguments)))
        return reading


_SDK_REASONING = ("reasoning_content", "reasoning")  # passed through, not declared


def _choices(piece: Any) -> list[Any]:
    """The first choice, where a chunk has something of it."""
    choices = getattr(piece, "choices", None) or ()
    return [choice for choice in choices if choice.index in {0, None}]


def _said(choice: Any) -> Any:
    """What a choice of a chunk, or of a whole answer, says."""
    declared = getattr(choice, "__pydantic_fields__", {})
    return getattr(choice, "delta" if "delta" in declared else "message", None)


def _add_said(reading: Reading, calls: dict[object, dict[str, str]], said: Any) -> None:
    reading.text += said.content if isinstance(said.content, str) else ""
    reading.refusal += said.refusal or ""
    thoughts = (getattr(said, name, None) for name in _SDK_REASONING)
    reading.reasoning += next((str(one) for one in thoughts if one), "")
    if said.function_call:
        reading.function_call = said.function_call.model_dump()
    for place, piece in enumerate(said.tool_calls or ()):
        index = getattr(piece, "index", place)
        call = calls.setdefault(index, {"id": "", "name": "", "arguments": ""})
        call["id"] = piece.id or call["id"]
        function = getattr(piece, "function", None)
        if function is not None:
            call["name"] = function.name or call["name"]
            call["arguments"] += function.arguments or ""


def _sdk_usage(usage: Any) -> dict[str, int]:
    return {
        "input": usage.prompt_tokens,
        "output": usage.completion_tokens,
        "total": usage.total_tokens,
    }


CLIENTS: tuple[Client, ...] = (
    Client(
        "ChatStreamKit",
        _OWN_PACKAGE,
        _chat_model("langchain_streamkit", "ChatStreamKit"),
    ),
    Client(
        "ChatOpenAI",
        "langchain-openai",
        _chat_model("langchain_openai", "ChatOpenAI", stream_usage=True),
    ),
    Client(
        "ChatDeepSeek",
        "langchain-deepseek",
        _chat_model("langchain_deepseek", "ChatDeepSeek", stream_usage=True),
    ),
    Client("ChatGroq", "langchain-groq", _chat_groq),
    Client(
        "ChatMistralAI",
        "langchain-mistralai",
        _chat_model("langchain_mistralai", "ChatMistralAI", max_retries=1),
    ),
    Client("openai SDK", "openai", _Sdk),
)
"""Every client, in the order of the table."""
