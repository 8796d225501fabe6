"""A comparison as a table of plain text, and as JSON.

Clients are the columns, so that the table stays as wide as a page however many fields
there are; every row says how many recordings are at stake in it.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from langchain_streamkit.cli._comparison import Comparison, Standing
    from langchain_streamkit.cli._readings import Reading
    from langchain_streamkit.testing._values import JsonObject

__all__ = ["render_details", "render_live", "render_recordings", "to_json"]

_NONE = "-"
_FAILINGS = {
    "error": "error swallowed",
    "cut": "cut unnoticed",
    "exceptions": "raised wrongly",
}


def render_recordings(comparison: Comparison) -> str:
    """The table of what clients read right.

    Args:
        comparison: Of recordings.
    """
    standings = comparison.standings
    count = comparison.streams + comparison.bodies
    rows = _head(standings)
    if count == 1:
        rows += [
            [name, "", *(_word(one.words(name)) for one in standings)]
            for name in comparison.fields
        ]
    else:
        rows.append(["right", f"of {count}", *(str(one.right) for one in standings)])
        rows.append(["", "in 100", *(_share(one.right, count) for one in standings)])
        rows += [
            [
                _FAILINGS.get(name, f"{name} lost or wrong"),
                f"of {comparison.at_stake(name)}",
                *(str(sum(map(bool, one.words(name)))) for one in standings),
            ]
            for name in comparison.fields
        ]
    cpu = [_figure(one.frame_seconds, 1e6) for one in standings]
    rows += [[], ["CPU a frame", "µs", *cpu], _first(standings)]
    title = (
        f"Recordings of streams: {comparison.streams}, "
        f"of whole answers: {comparison.bodies}"
    )
    return "\n".join([title, "", *_lines(rows), *_left_out(comparison)])


def render_live(comparison: Comparison) -> str:
    """The table of what clients reported of a live server; one lacks what another has.

    Args:
        comparison: Of a live server.
    """
    standings = comparison.standings
    last = [one.readings[-1] for one in standings]
    rows = _head(standings)
    for name, show in _SHOWN.items():
        cells = [show(reading) for reading in last]
        if any(cells):
            rows.append([name, "", *(cell or "lost" for cell in cells)])
    if any(reading.error for reading in last):
        names = [reading.error.partition(":")[0] or _NONE for reading in last]
        rows.append(["raised", "", *names])
    rows.append(["chunks", "", *(str(reading.pieces) for reading in last)])
    cpu = [_figure([r.cpu_seconds for r in one.readings], 1e3) for one in standings]
    rows += [[], ["CPU a call", "ms", *cpu], _first(standings)]
    errors = [
        f"{one.client.name} raised {one.readings[-1].error}"
        for one in standings
        if one.readings[-1].error
    ]
    return "\n".join([*_lines(rows), *_left_out(comparison), *errors])


def render_details(comparison: Comparison) -> str:
    """A line for every reading that was not right.

    Args:
        comparison: Of recordings.
    """
    lines = [
        f"{one.client.name}: {recording}: "
        + ", ".join(f"{name} {word}" for name, word in words.items() if word)
        for one in comparison.standings
        for recording, words in one.verdicts.items()
        if any(words.values())
    ]
    return "\n".join(lines)


def to_json(comparison: Comparison) -> JsonObject:
    """All that is known, for programs.

    Args:
        comparison: Any.

    Returns:
        Times are medians, or null where nothing was measured.
    """
    return {
        "streams": comparison.streams,
        "bodies": comparison.bodies,
        "at_stake": {name: comparison.at_stake(name) for name in comparison.fields},
        "left_out": comparison.left_out,
        "clients": [_standing(one, comparison.fields) for one in comparison.standings],
    }


def _standing(one: Standing, fields: Sequence[str]) -> JsonObject:
    return {
        "client": one.client.name,
        "version": one.client.version,
        "right": one.right,
        "wrong": {name: sum(map(bool, one.words(name))) for name in fields},
        "cpu_us_a_frame": _rounded(one.frame_seconds, 1e6),
        "first_token_ms": _rounded(one.first_seconds, 1e3),
        "not_right": {
            recording: {name: word for name, word in words.items() if word}
            for recording, words in one.verdicts.items()
            if any(words.values())
        },
        "readings": [_shown(reading) for reading in one.readings],
    }


def _shown(reading: Reading) -> JsonObject:
    return {
        **{name: show(reading) for name, show in _SHOWN.items()},
        "error": reading.error,
        "chunks": reading.pieces,
        "cpu_ms": _rounded([reading.cpu_seconds], 1e3),
    }


def _tokens(reading: Reading) -> str:
    usage = reading.usage
    return f"{usage['input']} + {usage['output']}" if usage else ""


def _length(text: str) -> str:
    return f"{len(text)} chars" if text else ""


_SHOWN: dict[str, Callable[[Reading], str]] = {
    "text": lambda reading: _length(reading.text),
    "reasoning": lambda reading: _length(reading.reasoning),
    "tool calls": lambda reading: str(len(reading.calls) or ""),
    "finish reason": lambda reading: reading.finish_reason or "",
    "tokens in + out": _tokens,
    "refusal": lambda reading: _length(reading.refusal),
}


def _head(standings: Sequence[Standing]) -> list[list[str]]:
    return [
        ["", "", *(one.client.name for one in standings)],
        ["", "", *(one.client.version or _NONE for one in standings)],
        [],
    ]


def _first(standings: Sequence[Standing]) -> list[str]:
    cells = [_figure(one.first_seconds, 1e3) for one in standings]
    return ["first token", "ms", *cells]


def _lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns in line: the first one to the left, all others to the right."""
    columns = max(map(len, rows))
    widths = [
        max(len(row[place]) for row in rows if place < len(row))
        for place in range(columns)
    ]
    lines: list[str] = []
    for row in rows:
        cells = [
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _left_out(comparison: Comparison) -> list[str]:
    left_out = comparison.left_out.items()
    return [f"\nleft out: {name}: {why}" for name, why in left_out]


def _word(words: Sequence[str]) -> str:
    """Of a single recording: right, or what went wrong."""
    return _NONE if not words else next(filter(None, words), "right")


def _share(right: int, count: int) -> str:
    """In 100, and never 100 for less than all."""
    return str(100 * right // count) if count else _NONE


def _figure(seconds: Sequence[float], unit: float) -> str:
    """The median, in parts of a second."""
    if not seconds:
        return _NONE
    value = median(seconds) * unit
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def _rounded(seconds: Sequence[float], unit: float) -> float | None:
    return round(median(seconds) * unit, 3) if seconds else None
