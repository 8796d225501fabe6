"""What the AI SDK's own reader makes of our UI message streams, in three versions."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_streamkit.adapters import encode
from langchain_streamkit.errors import StreamInterruptedError
from langchain_streamkit.events import FinalEvent, ReasoningEvent, TextEvent
from tests.integration_tests.servers._process import (
    MissingToolError,
    UnavailableError,
)
from tests.integration_tests.servers.ai_sdk import VERSIONS, read
from tests.unit_tests.adapters.scripted import HOSTILE, RUN, Scripted, SyncScripted

pytestmark = pytest.mark.timeout(300, func_only=True)  # the first use installs


@pytest.fixture(params=sorted(VERSIONS))
def version(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


def shown(version: int, frames: bytes) -> dict[str, Any]:
    try:
        result = read(version, frames)
    except MissingToolError as error:
        pytest.skip(str(error))
    except UnavailableError as error:
        pytest.fail(str(error), pytrace=False)
    assert result["invalid"] == []
    return result


def test_a_whole_run_is_shown(version: int) -> None:
    result = shown(version, b"".join(encode(RUN, "vercel", version=version)))
    message = result["message"]
    assert (result["errors"], message["id"]) == ([], "")
    parts = {part["type"]: part for part in message["parts"]}
    assert parts["reasoning"]["text"] == "Let me look."
    assert parts["text"] | {"state": "done"} == parts["text"]
    assert parts["text"]["text"] == "It rains."
    assert parts["source-url"]["url"] == "https://weather.example/"
    tools = [part for part in message["parts"] if part["type"] == "dynamic-tool"]
    assert [(tool["toolName"], tool["state"]) for tool in tools] == [
        ("search", "output-available"),
        ("cut", "output-error"),
    ]
    assert tools[0]["output"] == {"hits": 3}
    assert message["metadata"]["usage"]["total_tokens"] == 12
    assert not any(part["type"] == "data-status" for part in message["parts"])


def test_hostile_text_comes_whole(version: int) -> None:
    events = [TextEvent(HOSTILE), TextEvent("a\ud83d"), TextEvent("\udc4b")]
    frames = b"".join(encode([*events, FinalEvent()], "vercel", version=version))
    (part,) = (
        part
        for part in shown(version, frames)["message"]["parts"]
        if part["type"] == "text"
    )
    assert part["text"] == HOSTILE + "a👋"


@pytest.mark.parametrize("piece", [TextEvent("Half"), ReasoningEvent("Half")])
def test_an_error_leaves_no_part_open(version: int, piece: Any) -> None:
    cut = StreamInterruptedError("The answer was cut.")
    frames = b"".join(encode(SyncScripted([piece, cut]), "vercel", version=version))
    result = shown(version, frames)
    assert result["errors"] == ["The answer was cut."]
    assert [part.get("state") for part in result["message"]["parts"][1:]] == ["done"]


async def test_a_stop_leaves_no_part_open(version: int) -> None:
    frames = encode(Scripted([TextEvent("Half")] * 9), "vercel", version=version)
    taken = [await anext(frames) for _ in range(5)]
    await frames.stop()
    taken += [frame async for frame in frames]
    result = shown(version, b"".join(taken))
    assert [part.get("state") for part in result["message"]["parts"][1:]] == ["done"]
