"""What the runs found, in lines and as a table."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

NAMED_RUNS = 3
HEAD: tuple[str, ...] = ("provider", "recordings", "runs", "failures", "seconds")


@dataclass
class Result:
    """What became of one recording.

    Attributes:
        name: The recording's.
        provider: Who answered.
        runs: How many runs it had.
        failed: How many of them were wrong.
        seconds: How long all of them took.
        problems: By problem, the runs that have it.
    """

    name: str
    provider: str
    runs: int = 0
    failed: int = 0
    seconds: float = 0.0
    problems: dict[str, list[str]] = field(default_factory=dict)

    def add(self, run: str, problems: list[str]) -> None:
        self.runs += 1
        self.failed += bool(problems)
        for problem in dict.fromkeys(problems):
            self.problems.setdefault(problem, []).append(run)

    def lines(self) -> list[str]:
        """A line for each problem, with the runs that have it."""
        return [
            f"FAIL {self.name}: {problem} [{name_some(runs)}]"
            for problem, runs in self.problems.items()
        ]


def name_some(runs: list[str]) -> str:
    more = len(runs) - NAMED_RUNS
    named = ", ".join(runs[:NAMED_RUNS])
    return f"{named} and {more} more" if more > 0 else named


def table(results: list[Result]) -> str:
    """A line for each provider, and one for all."""
    groups: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        groups[result.provider].append(result)
    rows = [HEAD]
    rows += [row(name, groups[name]) for name in sorted(groups)]
    rows.append(row("total", results))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        for cells in rows
    )


def row(name: str, results: list[Result]) -> tuple[str, ...]:
    runs = sum(result.runs for result in results)
    failed = sum(result.failed for result in results)
    seconds = sum(result.seconds for result in results)
    return name, str(len(results)), str(runs), str(failed), f"{seconds:.1f}"
