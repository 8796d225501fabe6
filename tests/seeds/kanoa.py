"""kanoa's page: statuses, text, cost and a figure; its text has lost its line breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from langchain_core.messages import AIMessage, HumanMessage
from matplotlib import pyplot as plt

from langchain_streamkit import collect, iter_events
from langchain_streamkit.adapters.jupyter import show
from langchain_streamkit.blocks import image_block
from langchain_streamkit.events import (
    FinalEvent,
    MetaEvent,
    StatusEvent,
    TextEvent,
    Usage,
    UsageEvent,
)
from langchain_streamkit.testing import Gate, Hold, Reply, Send

from .rows import Row, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

ASK = r"interpreter\.interpret\(fig=plt\.gcf\(\)\)"
ASK_BLOCKING = r"interpreter\.interpret\(fig=plt\.gcf\(\), stream=False\)"
EVENTS = "iter_events(model, question(image_block(plt.gcf())))"

PRICES = {"input": 100.0, "output": 200.0}  # USD per million tokens
USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
RISING = Reply("It is rising.", usage=USAGE)


def _names(stage: Stage) -> dict[str, Any]:
    plt.close("all")
    plt.plot([1, 2, 4])
    return {
        "model": stage.model(prices=PRICES),
        "question": lambda figure: [HumanMessage(["What does it show?", figure])],
        "plt": plt,
        "iter_events": iter_events,
        "collect": collect,
        "image_block": image_block,
        "show": show,
    }


def _answers_to_chunk(stage: Stage) -> None:
    for name in ("content", "type", "is_final", "usage", "metadata"):
        assert f" {name}: " in stage.block.words
    events = (
        StatusEvent("connecting", "Connecting", metadata={"model": "m"}),
        TextEvent("It is"),
        MetaEvent(metadata={"model": "m"}),
        UsageEvent(Usage(1, 2, 3, cost=0.5)),
        FinalEvent(usage=Usage(1, 2, 3)),
    )
    types = [event.type for event in events]
    assert types == ["status", "text", "meta", "usage", "final"]
    assert [event.content for event in events] == ["Connecting", "It is", "", "", ""]
    assert [event.is_final for event in events] == [False] * 4 + [True]
    assert [event.usage and event.usage.cost for event in events[2:]] == [None, 0.5, None]
    assert [event.metadata for event in events[:3]] == [{"model": "m"}, {}, {"model": "m"}]


def _figure_went_along(stage: Stage) -> None:
    """The figure was sent as a picture, and the answer was streamed all the same."""
    [request] = stage.server.requests
    assert request.stream is True
    [words, picture] = request.messages[0]["content"]
    assert words == {"type": "text", "text": "What does it show?"}
    assert picture["image_url"]["url"].startswith("data:image/png;base64,iVBOR")


def _streamed(stage: Stage) -> None:
    printed = stage.run()
    assert printed == (
        f"Status: [Connecting to {stage.server.origin.removeprefix('http://')}] "
        "[Generating] It is rising.\nTotal Cost: $0.1200\n"
    )
    _figure_went_along(stage)


async def _in_a_notebook(stage: Stage) -> None:
    """One output grows while the cell runs, and the message is the cell's value."""
    shell, outputs = _shell()
    gate = Gate()
    stage.server.script(
        Reply.script(Send(_frame("It is")), Hold(gate), Send(_frame(" rising.", "stop")))
    )
    seen: list[str] = []

    class Outputs(CapturingDisplayPublisher):
        def publish(self, data: Any, *args: Any, **kwargs: Any) -> None:
            text = str(data.get("text/markdown") or data.get("text/plain") or "")
            seen.append(text)
            if "It is" in text:  # the cell runs on only after this was drawn
                gate.open()

    shell.display_pub = Outputs(parent=shell)
    shell.user_ns.update(_names(stage))
    shell.user_ns["aiter_events"] = _aiter_events
    result = await shell.run_cell_async(
        "await show(aiter_events(model, question(image_block(plt.gcf()))))"
    )
    result.raise_error()
    assert isinstance(result.result, AIMessage)
    assert result.result.text == "It is rising."
    drawn = [text for text in seen if "It is" in text]
    assert "rising" not in drawn[0]
    assert "It is rising." in drawn[-1]


ROWS: tuple[Row, ...] = ()
