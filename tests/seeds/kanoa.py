"""kanoa's page: statuses, text, cost and a figure. It has lost its line breaks."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from langchain_core.messages import AIMessage, HumanMessage
from matplotlib import pyplot as plt
from traitlets.config import Config
from typing_extensions import override

from langchain_streamkit import aiter_events, collect, iter_events
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
    from collections.abc import Callable, Iterator

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
        "aiter_events": aiter_events,
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
    assert [event.usage and event.usage.cost for event in events[2:]] == [
        None,
        0.5,
        None,
    ]
    assert [event.metadata for event in events[:3]] == [
        {"model": "m"},
        {},
        {"model": "m"},
    ]


def _figure_went_along(stage: Stage) -> None:
    """The figure was sent as a picture, and the answer was streamed all the same."""
    [request] = stage.server.requests
    assert request.stream is True
    content = request.messages[0]["content"]
    assert content[0] == {"type": "text", "text": "What does it show?"}
    assert content[1]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")


def _streamed(stage: Stage) -> None:
    printed = stage.run()
    assert printed == (
        f"Status: [Connecting to {stage.server.origin.removeprefix('http://')}] "
        "[Generating] It is rising.\nTotal Cost: $0.1200\n"
    )
    _figure_went_along(stage)


def _blocking(stage: Stage) -> None:
    assert stage["result"].usage.total_tokens == 1100
    _figure_went_along(stage)


@contextmanager
def _notebook(folder: Path, draw: Callable[[str], None]) -> Iterator[InteractiveShell]:
    """A shell that takes itself for a kernel's, and draws Markdown."""

    class Publisher(DisplayPublisher):
        @override
        def publish(self, data: Any, *_: Any, **__: Any) -> None:
            draw(data["text/markdown"])

    before = sys.displayhook, sys.excepthook
    config = Config({"HistoryManager": {"enabled": False}})
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config, ipython_dir=str(folder))
    try:
        shell.display_pub = Publisher(parent=shell)
        shell.kernel = object()
        yield shell
    finally:
        InteractiveShell.clear_instance()
        sys.displayhook, sys.excepthook = before


async def _in_a_notebook(stage: Stage) -> None:
    """One output grows while the cell runs, and the message is the cell's value."""
    _figure_went_along(stage)
    gate = Gate()
    rest = Send(_frame(" rising.", "stop"))
    stage.server.script(Reply.script(Send(_frame("It is")), Hold(gate), rest))
    drawn: list[str] = []
    begun = asyncio.Event()

    def draw(markdown: str) -> None:
        drawn.append(markdown)
        if "It is" in markdown:
            begun.set()

    with _notebook(Path.cwd(), draw) as shell:
        shell.user_ns.update(_names(stage))
        code = shell.transform_cell(stage.source())
        run = shell.run_cell_async(stage.source(), transformed_cell=code)
        cell = asyncio.ensure_future(run)
        await asyncio.wait_for(begun.wait(), 30)
        assert not cell.done()
        gate.open()
        result = await cell
    result.raise_error()
    assert isinstance(result.result, AIMessage)
    assert result.result.text == "It is rising."
    assert "It is rising." in drawn[-1]


def _frame(text: str, finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


ROWS = (
    Row("@dataclass class InterpretationChunk:", "declares", then=_answers_to_chunk),
    Row(
        "iterator = interpreter.interpret(fig=plt.gcf()) print(",
        "runs",
        ((ASK, EVENTS),),
        says=(RISING,),
        names=_names,
        then=_streamed,
        breaks=(
            'print("Status',
            "for chunk",
            '    if chunk.type == "status',
            "        print(",
            '    elif chunk.type == "text',
            "        print(",
            '    elif chunk.type == "usage',
            "        print(",
        ),
    ),
    Row(
        "result = interpreter.interpret(",
        "runs",
        ((ASK_BLOCKING, f"collect({EVENTS})"),),
        says=(RISING,),
        names=_names,
        prints="It is rising.\nCost: $0.1200\n",
        then=_blocking,
        breaks=("print(result", 'print(f"Cost'),
    ),
    Row(
        "# In a notebook cell interpreter.interpret(",
        "runs",
        ((ASK_BLOCKING, f"await show(a{EVENTS})"),),
        says=(RISING,),
        names=_names,
        prints="It is rising.\n",  # outside of a notebook it is printed
        then=_in_a_notebook,
        breaks=("interpreter.", "# Output"),
    ),
    Row(
        "# In a notebook cell for _ in",
        "runs",
        ((ASK, EVENTS),),
        says=(RISING,),
        names=_names,
        prints="",
        then=_figure_went_along,
        breaks=("for _", "    pass"),
    ),
)
