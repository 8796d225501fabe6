"""Watch a stream: ``make demo``, or ``make demo URL=... MODEL=...`` for a real server.

First a chain streams, then the bare model: its reasoning is dim, its text comes as it
is made, and it calls a tool. Without a URL a fake server on this machine answers from
a script, at the pace of a real one.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import nullcontext

import httpx
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

from langchain_streamkit import ChatStreamKit, StreamKitError, errors
from langchain_streamkit.providers import provider_for_url
from langchain_streamkit.testing import FakeServer, Reply, ToolCall

PROMPT = ChatPromptTemplate.from_template("In two short sentences: what is {thing}?")
QUESTION = "Do I need an umbrella in Bergen today? Think, then look up the weather."
FAKE_REPLIES = [
    Reply(
        "A stream is an answer that you can read while it is being written. It comes "
        "in pieces, and the first is on your screen long before the last one exists.",
        first_delay=0.3,
        frame_delay=0.04,
    ),
    Reply(
        "It often rains in Bergen, so let me look before I say anything.",
        reasoning="An umbrella is for rain. Whether it rains there today is nothing "
        "that I know, but there is a tool that does.",
        tool_calls=[ToolCall("current_weather", {"city": "Bergen", "unit": "celsius"})],
        first_delay=0.3,
        frame_delay=0.04,
    ),
]

BOLD, DIM, GREEN = "1", "2", "32"
HARMFUL = re.compile(  # what moves the cursor, sets a title, or turns text around
    "[^\n\t -~\xa0-\U0010ffff]"
    "|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def current_weather(city: str, unit: str = "celsius") -> str:
    """The weather in a city at this moment."""
    return f"8 degrees {unit} and rain in {city}"


def show(text: str, style: str = "") -> None:
    """Print a piece of text, styled on a terminal, with nothing harmful in it."""
    encoding = sys.stdout.encoding
    text = HARMFUL.sub("?", text).encode(encoding, "replace").decode(encoding)
    if style and text and sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        text = f"\x1b[{style}m{text}\x1b[0m"
    print(text, end="", flush=True)


def stream_chain(model: ChatStreamKit) -> None:
    """Stream a prompt, the model and a parser as one chain."""
    show("prompt | model | parser\n", BOLD)
    chain = PROMPT | model | StrOutputParser()
    for text in chain.stream({"thing": "a stream"}):
        show(text)


def stream_model(model: ChatStreamKit) -> None:
    """Stream all that the model itself says, and tell what it took."""
    show("\n\nmodel.bind_tools([current_weather])\n", BOLD)
    kind = ""
    for chunk in model.bind_tools([current_weather]).stream(QUESTION):
        for block in chunk.content_blocks:
            begins = block["type"] != kind or block.get("name")
            show("\n" if kind and begins else "")
            kind = block["type"]
            if block["type"] == "reasoning":
                show(block.get("reasoning", ""), DIM)
            elif block["type"] == "text":
                show(block["text"])
            elif block["type"] == "tool_call_chunk":
                show(f"{block['name']} " if block["name"] else "", GREEN)
                show(block["args"] or "", GREEN)
    usage, timing = chunk.usage_metadata, chunk.response_metadata["timing"]
    first, total = timing["first_token_seconds"], timing["total_seconds"]
    tokens = usage["output_tokens"] if usage else 0
    pace = tokens / ((total - first) or total or 1.0)
    counted = f"{tokens} tokens, {pace:.0f} a second" if usage else "not counted"
    show(f"\n\n{counted}; the first after {first:.2f} s, all in {total:.2f} s\n", DIM)


def key_names(url: str) -> tuple[str, ...]:
    """The environment variables that may hold the key of a server."""
    row = provider_for_url(url)
    return (*(row.key_variables if row else ()), "STREAMKIT_API_KEY")


def models_at(url: str) -> str:
    """What a server says of its models, as the end of an error's message."""
    names = key_names(url)
    key = next((os.environ[name] for name in names if os.environ.get(name)), None)
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        answer = httpx.get(f"{url.rstrip('/')}/models", headers=headers, timeout=10)
        answer.raise_for_status()
        models = sorted(str(entry["id"]) for entry in answer.json()["data"])
    except httpx.HTTPStatusError as error:
        if error.response.status_code in (401, 403):
            return f"It tells them for a key only: set {' or '.join(names)}."
        return f"Its list of models cannot be had ({error.response.status_code})."
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        return f"Its list of models cannot be had ({type(error).__name__}: {error})."
    more = f" and {len(models) - 20} more" if len(models) > 20 else ""
    return f"It has {', '.join(models[:20])}{more}."


def main(url: str = "", name: str = "") -> int:
    """Run the demo; 0, or 1 with one line on standard error that says what is wrong."""
    try:
        with nullcontext() if url else FakeServer(FAKE_REPLIES) as server:
            address = server.url if server else url
            model = ChatStreamKit(model=name or "demo", base_url=address)
            if url and not name:
                raise errors.ConfigurationError(f"Say MODEL=... {models_at(url)}")
            show(f"{model.model} at {address}{' (fake)' if server else ''}\n\n", DIM)
            stream_chain(model)
            stream_model(model)
    except StreamKitError as error:
        hint = ""
        if isinstance(error, errors.NotFoundError):
            hint = models_at(url)
        elif isinstance(error, errors.AuthenticationError):
            hint = f"Here it comes from {' or '.join(key_names(url))}."
        line = HARMFUL.sub("?", " ".join(f"{error} {hint}".split()))
        show("\n" if sys.stdout.isatty() else "")
        print(f"demo: {line}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
