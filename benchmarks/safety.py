"""Which chat models run a tool call that was cut in the middle?

A server streams the arguments ``{"path": "/data/x", "only_empty": true}`` and stops
after every character with ``finish_reason: "length"``. An agent with a tool that must
not fire is asked over each chat model; what counts is how often the tool ran.

Run it with ``make safety``.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from typing import Any

from langchain.agents import create_agent
from langchain_core.tools import tool

from langchain_streamkit.testing import FakeServer, Reply, ToolCall

ARGUMENTS = json.dumps({"path": "/data/x", "only_empty": True})
CLIENTS = (
    ("langchain_streamkit", "ChatStreamKit", "base_url"),
    ("langchain_openai", "ChatOpenAI", "base_url"),
    ("langchain_deepseek", "ChatDeepSeek", "api_base"),
    ("langchain_groq", "ChatGroq", "base_url"),
    ("langchain_mistralai", "ChatMistralAI", "base_url"),
)
WAYS = ("invoke", "stream")


def cut_reply(place: int) -> Reply:
    """An answer that is cut within its call's arguments."""
    call = ToolCall("delete", ARGUMENTS[:place], id="call_0001", pieces="whole")
    return Reply("", tool_calls=[call], finish_reason="length")


def count_runs(module: str, name: str, url_parameter: str, way: str) -> int | None:
    """How often the tool ran, over all places of the cut; None if not installed."""
    try:
        kind: Any = getattr(importlib.import_module(module), name)
    except ImportError:
        return None
    ran = 0

    @tool
    def delete(path: str, *, only_empty: bool = False) -> str:
        """Delete a folder."""
        nonlocal ran
        ran += 1
        return f"deleted {path} {only_empty}"

    for place in range(len(ARGUMENTS)):
        with FakeServer(
            [cut_reply(place), "Done."], repeat_last=True, validate=False
        ) as server:
            # Groq's client adds its own path to the address.
            url = server.origin if name == "ChatGroq" else server.url
            parameters = {
                url_parameter: url,
                "api_key": "k",
                "streaming": way == "stream",
            }
            model = kind(model="m", max_retries=0, **parameters)
            agent: Any = create_agent(model, [delete])
            for _ in agent.stream({"messages": [("user", "Go")]}):
                pass
    return ran


def main() -> int:
    """Print the comparison; fail if this package ran a cut call."""
    warnings.simplefilter("ignore")
    print(f"A call cut at each of {len(ARGUMENTS)} characters: how often it ran\n")
    print(f"{'chat model':<16}" + "".join(f"{way:>10}" for way in WAYS))
    ours = 0
    for module, name, url_parameter in CLIENTS:
        runs = [count_runs(module, name, url_parameter, way) for way in WAYS]
        shown = ["absent" if count is None else str(count) for count in runs]
        print(f"{name:<16}" + "".join(f"{text:>10}" for text in shown))
        if name == "ChatStreamKit":
            ours = sum(count or 0 for count in runs)
    return 1 if ours else 0


if __name__ == "__main__":
    sys.exit(main())
