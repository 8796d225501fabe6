"""What ``streamkit probe`` prints: a table, or JSON.

Strategy: a report is data first. Every text in it goes through ``_shown`` on its way
out, whatever it went through before, because most of it was written by a stranger.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_streamkit.cli.probe_questions import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_streamkit.cli.probe_findings import Finding
    from langchain_streamkit.cli.probe_reading import Reading
    from langchain_streamkit.cli.probe_suggestion import Suggestion

__all__ = ["Report", "Timing", "measure", "render_json", "render_table"]

_SHORTEST_STREAM = 0.05
_MANY = 8


@dataclass(frozen=True, slots=True)
class Timing:
    """How fast the server was.

    Attributes:
        first_token_seconds: From the request to the first content of a stream.
        tokens_per_second: Between the first and the last content; None where that
            was too short to say.
    """

    first_token_seconds: float | None
    tokens_per_second: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """All that a probe has found out.

    Attributes:
        url: The server's address.
        model: The model that was asked.
        models: All models that the server lists.
        findings: What was found, by question.
        timing: How fast it was.
        suggestion: The model to use.
        works: What became of the suggestion when it was tried.
        hide: Takes the key out of a text.
    """

    url: str
    model: str
    models: Sequence[str]
    findings: Mapping[str, Finding]
    timing: Timing
    suggestion: Suggestion
    works: Finding
    hide: Callable[[str], str]


def measure(readings: Mapping[str, Reading]) -> Timing:
    """How fast the streams were.

    Args:
        readings: The answers.

    Returns:
        The earliest first token of all streams, and the speed of the longest one.
    """
    streams = [reading for reading in readings.values() if reading.is_stream]
    firsts = [r.first_seconds for r in streams if r.first_seconds is not None]
    best: tuple[float, float | None] = (_SHORTEST_STREAM, None)
    for reading in streams:
        seconds = reading.last_seconds - (reading.first_seconds or 0.0)
        tokens = (reading.output_tokens or len(reading.frames)) - 1
        if seconds > best[0]:
            best = (seconds, tokens / seconds)
    return Timing(min(firsts, default=None), best[1])


def render_table(report: Report) -> str:
    """The report for people.

    Args:
        report: What was found out.

    Returns:
        Lines of text, ready for any terminal.
    """
    rows = [(q.title, *report.findings[q.name]) for q in QUESTIONS]
    rows.append(("the model below works", *report.works))
    width = max(len(title) for title, _, _ in rows)
    lines = [f"{report.url}, model {report.model}", ""]
    lines += [f"{title:<{width}}  {answer:<7}  {seen}" for title, answer, seen in rows]
    lines += ["", f"models: {_listing(report.models)}", _speed(report.timing)]
    shown = [_shown(line, report.hide).rstrip() for line in lines]
    code = report.hide(report.suggestion.code())
    return "\n".join([*shown, "", code, ""])


def _listing(models: Sequence[str]) -> str:
    if not models:
        return "none are listed"
    more = f" and {len(models) - _MANY} more" if len(models) > _MANY else ""
    return ", ".join(models[:_MANY]) + more


def _speed(timing: Timing) -> str:
    first, speed = timing.first_token_seconds, timing.tokens_per_second
    if first is None:
        return "speed: there is no stream"
    rate = "too fast to measure" if speed is None else f"{speed:.1f} tokens a second"
    return f"speed: first token after {first:.3f} seconds, {rate}"


def render_json(report: Report) -> str:
    """The report for programs.

    Args:
        report: What was found out.

    Returns:
        One JSON object, in ASCII.
    """
    hide = report.hide
    findings = {**report.findings, "suggestion_works": report.works}
    value = {
        "url": _shown(report.url, hide),
        "model": _shown(report.model, hide),
        "models": [_shown(name, hide) for name in report.models],
        "findings": {
            name: {"answer": found.answer, "evidence": _shown(found.evidence, hide)}
            for name, found in findings.items()
        },
        "first_token_seconds": _rounded(report.timing.first_token_seconds),
        "tokens_per_second": _rounded(report.timing.tokens_per_second),
        "code": hide(report.suggestion.code()),
    }
    return json.dumps(value, indent=2) + "\n"


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)


def _shown(text: str, hide: Callable[[str], str]) -> str:
    """One line without the key, and without anything that moves a cursor."""
    kept = (c if c.isprintable() else " " for c in hide(text))
    return "".join(kept)
