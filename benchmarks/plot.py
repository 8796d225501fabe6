"""The table as a picture: bars on a logarithmic scale, one group a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.report import Results

__all__ = ["draw"]

ROWS = {
    "text": "text at once",
    "write": "a write\nper frame",
    "paced-100": "100 paced\nstreams",
    "tool": "tool-call\narguments",
    "reasoning": "reasoning",
    "v2": "events v2",
    "v3": "events v3",
}
CLIENTS = {
    "floor": "#b0b0b0",
    "streamkit": "#2a7f62",
    "ChatOpenAI": "#d1495b",
    "ChatDeepSeek": "#e08e79",
    "ChatMistralAI": "#edae49",
    "ChatMaritaca": "#f3d38a",
    "openai SDK": "#7a6c9d",
    "httpx, orjson": "#5b8db8",
}


def draw(results: Results, path: Path) -> None:
    """Write the picture as an SVG, the same bytes for the same figures."""
    mpl.rcParams["svg.hashsalt"] = "streamkit"
    canvas = Canvas(figsize=(10, 4.2), layout="constrained")
    axes = canvas.add_subplot()
    width = 0.9 / len(CLIENTS)
    for place, (client, colour) in enumerate(CLIENTS.items()):
        found = [(at, results.median(row, client)) for at, row in enumerate(ROWS)]
        bars = [(at + place * width, value) for at, value in found if value]
        if bars:
            label = "LangChain's fake" if client == "floor" else client
            axes.bar(*zip(*bars, strict=True), width, color=colour, label=label)
    axes.set_yscale("log")
    axes.set_ylabel("CPU a chunk, µs")
    axes.set_xticks([at + 0.45 - width / 2 for at in range(len(ROWS))], ROWS.values())
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(ncols=4, frameon=False, fontsize="small")
    canvas.savefig(path, metadata={"Date": None})
