"""Figures become a table: medians, spreads, ratios, and which goals are met."""

from __future__ import annotations

import json
import re
import statistics
from collections import defaultdict
from typing import TYPE_CHECKING

from benchmarks.workloads import GOAL_FLOOR, WORKLOADS

if TYPE_CHECKING:
    from benchmarks.worker import Figure

__all__ = ["Results", "print_report", "refresh"]

OURS, FLOOR, OPENAI = "streamkit", "floor", "ChatOpenAI"
IMPORT_GOAL_MS = 20.0
SAME_FAKE = ("text", "write", "awrite")
"""Rows whose floor is one and the same, measured minutes apart."""
_MARKS = re.compile(r"(<!-- bench: (\w+) -->\n).*?(<!-- bench: end -->)", re.DOTALL)
# Rows that are measured in a process of their own.
ONCE = (
    ("import_ms", "import, ms of CPU"),
    ("import_mb", "import, MB"),
    ("stream_kb", "an open stream, KB"),
)


class Results:
    """All figures, by workload and client.

    Args:
        environment: The versions that were measured.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.values: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(
            lambda: defaultdict(list)
        )
        self.notes: dict[tuple[str, str], str] = {}

    def add(self, workload: str, client: str, figure: Figure) -> None:
        """Take one measurement."""
        if figure.value is not None:
            self.values[workload][client].append(figure.value)
        if figure.note:
            self.notes[workload, client] = figure.note

    def median(self, workload: str, client: str) -> float | None:
        """The middle of the rounds."""
        values = self.values[workload][client]
        return statistics.median(values) if values else None

    def spread(self, workload: str, client: str) -> float:
        """How far the rounds lie apart: (most - least) / median, in percent."""
        values = self.values[workload][client]
        return (max(values) - min(values)) / statistics.median(values) * 100

    def slowness(self, workload: str = "") -> float:
        """How much slower this machine is than the one of the goals.

        Args:
            workload: In the minute of this row, if the fake does the same work there.
        """
        kept = [self.median(row, FLOOR) or GOAL_FLOOR for row in SAME_FAKE]
        own = self.median(workload, FLOOR) if workload in SAME_FAKE else None
        return (own or statistics.median(kept)) / GOAL_FLOOR

    def to_json(self) -> str:
        """Everything, for other programs and for the next plot."""
        notes = {f"{row}/{client}": note for (row, client), note in self.notes.items()}
        values = {row: dict(clients) for row, clients in self.values.items()}
        return json.dumps(
            {"environment": self.environment, "values": values, "notes": notes},
            indent=1,
        )

    @classmethod
    def from_json(cls, text: str) -> Results:
        """What ``to_json`` wrote."""
        kept = json.loads(text)
        results = cls(kept["environment"])
        for row, clients in kept["values"].items():
            for client, values in clients.items():
                results.values[row][client] = values
        for key, note in kept["notes"].items():
            row, _, client = key.partition("/")
            results.notes[row, client] = note
        return results


def cell(results: Results, row: str, client: str) -> str:
    """A median with its spread, or why there is none."""
    middle, note = results.median(row, client), results.notes.get((row, client), "")
    if middle is None:
        return "-" if note in {"", "does not do this"} else note
    mark = "*" if note == "loses it" else ""
    figure = f"{middle:.3g}" if middle < 1_000 else f"{middle:,.0f}"
    return f"{figure}{mark} ±{results.spread(row, client) / 2:.0f}%"


def table(results: Results) -> list[str]:
    """The whole table in Markdown: a row a workload, a column a client."""
    clients = [
        name
        for name in dict.fromkeys(c for row in results.values.values() for c in row)
        if any(results.values[row][name] for row in list(results.values))
    ]
    lines = [
        "| work | " + " | ".join(clients) + " |",
        "| --- |" + " ---: |" * len(clients),
    ]
    titles = {one.name: f"{one.title}, {one.unit}" for one in WORKLOADS}
    for row, title in {**titles, **dict(ONCE)}.items():
        if results.values.get(row):
            cells = (cell(results, row, client) for client in clients)
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return lines


def ratios(results: Results) -> list[str]:
    """Ours against the floor and against ChatOpenAI."""
    lines = ["| work | ours / floor | ours / ChatOpenAI |", "| --- | ---: | ---: |"]
    for workload in WORKLOADS:
        ours = results.median(workload.name, OURS)
        if ours is None:
            continue
        others = (results.median(workload.name, name) for name in (FLOOR, OPENAI))
        cells = (f"{ours / other:.2f}" if other else "-" for other in others)
        lines.append(f"| {workload.title} | " + " | ".join(cells) + " |")
    return lines


def goals(results: Results) -> list[str]:
    """Each goal, scaled to this machine, and whether it is met."""
    lines = ["| goal | limit here | ours | |", "| --- | ---: | ---: | --- |"]
    for workload in WORKLOADS:
        ours = results.median(workload.name, OURS)
        if workload.goal is not None and ours is not None:
            limit = workload.goal * results.slowness(workload.name)
            lines.append(goal_line(workload.title, limit, ours, "µs"))
    ours = results.median("import_ms", OURS)
    if ours is not None:
        limit = IMPORT_GOAL_MS * results.slowness()
        lines.append(goal_line("import after langchain-core", limit, ours, "ms"))
    growth = [grown(results, name) for name in (FLOOR, OURS)]
    if growth[0] is not None and growth[1] is not None:
        title = "50,000 chunks against 2,000, per chunk"
        lines.append(goal_line(title, growth[0], growth[1], "times"))
    return lines


def grown(results: Results, client: str) -> float | None:
    """How many times dearer a chunk becomes in a long stream."""
    long, short = results.median("grow-50000", client), results.median("text", client)
    return long / short if long and short else None


def goal_line(title: str, limit: float, ours: float, unit: str) -> str:
    """One goal."""
    verdict = "met" if ours <= limit else f"missed by {ours / limit - 1:.0%}"
    return f"| {title} | {limit:.3g} {unit} | {ours:.3g} {unit} | {verdict} |"


def versions(results: Results) -> list[str]:
    """What was measured, and how fast the machine was."""
    packages = ", ".join(f"{name} {v}" for name, v in results.environment.items())
    floors = [results.median(row, FLOOR) for row in SAME_FAKE]
    costs = ", ".join(f"{floor:.3g}" for floor in floors if floor)
    return [
        f"Versions: {packages}.",
        (
            f"The fake's text cost {costs} µs a chunk in the first three rows, which "
            "are minutes apart; the goals' limits are multiplied accordingly."
        ),
    ]


def refresh(page: str, results: Results) -> str:
    """Put the tables of a run into a page.

    Args:
        page: Its Markdown, with ``<!-- bench: NAME -->`` where a table begins.
        results: The run.

    Returns:
        The page with the run's tables.
    """
    parts = {
        "ratios": ratios(results),
        "table": table(results),
        "versions": versions(results),
        "goals": goals(results),
    }
    return _MARKS.sub(
        lambda found: "\n".join([found[1], *parts[found[2]], "", found[3]]), page
    )


def print_report(results: Results) -> None:
    """Print everything, as Markdown."""
    for name, package in results.environment.items():
        print(f"{name} {package}", end="; ")
    print("\n")
    for lines in (table(results), ratios(results), goals(results)):
        print("\n".join(lines) + "\n")
    print("Median, and half the distance between the least and the most.")
    print("*: this client gave less than the server sent. -: it does not do this.")
    print(f"Goals are for a machine that is {results.slowness():.2f} times as fast.")
