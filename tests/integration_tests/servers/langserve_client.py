"""LangServe's own client; it runs in LangServe's environment, beside the tests.

``python langserve_client.py URL`` asks in every way and prints what came as JSON;
``python langserve_client.py URL leave`` leaves after the first text.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

from langserve import RemoteRunnable

if TYPE_CHECKING:
    from collections.abc import Iterable


def said(chunks: Iterable[Any]) -> dict[str, Any]:
    chunks = list(chunks)
    total = chunks[0]
    for chunk in chunks[1:]:
        total += chunk
    usage = total.usage_metadata
    return {
        "chunks": len(chunks),
        "text": total.text,
        "reasoning": total.additional_kwargs.get("reasoning_content"),
        "output_tokens": usage["output_tokens"] if usage else None,
    }


async def asked(model: Any) -> dict[str, Any]:
    return said([chunk async for chunk in model.astream("astream")])


def error_of(model: Any) -> str:
    try:
        for _ in model.stream("broken"):
            pass
    except Exception as error:  # noqa: BLE001 - its name is what is asked for
        return type(error).__name__
    return ""


def main(url: str, leaves: bool) -> None:
    model: Any = RemoteRunnable(f"{url}/chat")
    if leaves:
        for chunk in model.stream("leave"):
            if chunk.text:
                sys.exit()
    answers = {
        "stream": said(model.stream("stream")),
        "astream": asyncio.run(asked(model)),
        "invoke": said([model.invoke("invoke")]),
        "batch": said(model.batch(["batch"])),
        "chain": "".join(
            RemoteRunnable(f"{url}/explain").stream({"topic": "a stream"})
        ),
        "error": error_of(model),
    }
    print(json.dumps(answers))


if __name__ == "__main__":
    main(sys.argv[1], leaves="leave" in sys.argv[2:])
