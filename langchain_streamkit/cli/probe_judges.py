"""How ``streamkit probe`` judges: a small function a question.

Strategy: a judge sees what was read from the answer to its own request, and those of
the others to compare with. ``yes`` and ``no`` need something that would have been
different otherwise; a parameter that was taken without any visible effect is
``unclear``. Refusals, clocks and broken answers never reach a judge, unless its
question is about refusals.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from langchain_streamkit._wire.parse_json import parse_json
from langchain_streamkit.cli.probe_asks import (
    COLOURS,
    FEW_TOKENS,
    MARKER,
    PREFILL_FORMS,
    Halves,
)
from langchain_streamkit.cli.probe_findings import Finding, no, quote, unclear, yes
from langchain_streamkit.cli.probe_reading import Reading, refusal_words
from langchain_streamkit.testing._values import as_object, is_object

__all__ = ["JUDGES", "Judge", "Seen"]

_TAKEN = "taken, without a visible effect"
_REQUEST_IDS = ("x-request-id", "request-id", "x-generation-id", "x-ms-request-id")


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a judge may compare with.

    Attributes:
        readings: The answers, by the names of their requests.
        halves: The answer to the first request, cut in two.
    """

    readings: Mapping[str, Reading]
    halves: Halves | None = None

    def text(self, name: str) -> str:
        """The text of an answer, empty if there is none."""
        reading = self.readings.get(name)
        return reading.text if reading is not None else ""

    def added_tokens(self, reading: Reading, name: str) -> int | None:
        """How many prompt tokens more than another request a request has."""
        other = self.readings.get(name)
        there = other.input_tokens if other is not None else None
        here = reading.input_tokens
        return None if here is None or there is None else here - there


Judge = Callable[[Reading, Seen], Finding]


# ── streams ─────────────────────────────────────────────────────────────────────


def _answers(reading: Reading, _: Seen) -> Finding:
    return yes(quote(reading.text))


def _streaming(reading: Reading, _: Seen) -> Finding:
    if not reading.is_stream:
        return no("one JSON body, though a stream was asked for")
    return yes(f"{len(reading.frames)} frames")


def _done(reading: Reading, _: Seen) -> Finding:
    if not reading.is_stream:
        return unclear("there is no stream")
    return yes("[DONE]") if reading.is_done else no("the body just ends")


def _usage(without: str, reading: Reading, _: Seen) -> Finding:
    if not reading.is_stream:
        return unclear("there is no stream")
    if not reading.usage_frames:
        return no(without)
    times = reading.usage_frames
    place = reading.usage_place if times == 1 else f"on {times} frames"
    return yes(f"{place}: {reading.input_tokens} + {reading.output_tokens} tokens")


def _reasoning(_: Reading, seen: Seen) -> Finding:
    places = {
        "stream": "unasked",
        "whole": "unasked",
        "reasoning": "when the prompt asks for it",
        "reasoning_effort": "with reasoning_effort",
    }
    for name, when in places.items():
        reading = seen.readings.get(name)
        if reading is None:
            continue
        if reading.tags is not None:
            return yes(f"in the text, between {' and '.join(reading.tags)}, {when}")
        if reading.reasoning:
            return yes(f"in {', '.join(reading.reasoning)}, {when}")
    return no("none came, in any field")


def _reasoning_effort(reading: Reading, _: Seen) -> Finding:
    if reading.reasoning:
        return yes(f"reasoning in {', '.join(reading.reasoning)}")
    return unclear(_TAKEN)


# ── tools ───────────────────────────────────────────────────────────────────────


def _tools(reading: Reading, _: Seen) -> Finding:
    if not reading.calls:
        if "get_weather" in reading.text:
            return no(f"the call stands in the text: {quote(reading.text)}")
        return unclear(f"the model answered with text: {quote(reading.text)}")
    call = reading.calls[0]
    if not is_object(_json(call.arguments)):
        return unclear(f"the arguments are no object: {quote(call.arguments)}")
    return yes(quote(f"{call.name}({call.arguments})").strip('"'))


def _streamed_arguments(reading: Reading, _: Seen) -> Finding:
    if not reading.calls or not reading.is_stream:
        return unclear("no call came in a stream")
    pieces = reading.calls[0].pieces
    return yes(f"in {pieces} pieces") if pieces > 1 else no("each call comes whole")


def _demanded(reading: Reading, _: Seen) -> Finding:
    if reading.calls:
        return yes("a call, where the prompt wants none")
    return no(f"ignored: {quote(reading.text)}")


def _named(reading: Reading, _: Seen) -> Finding:
    if not reading.calls:
        return no(f"ignored: {quote(reading.text)}")
    name = reading.calls[0].name
    if name == "get_time":
        return yes("the tool that was named, against the prompt")
    return no(f"ignored: {quote(name)} was called")


def _parallel(reading: Reading, _: Seen) -> Finding:
    if len(reading.calls) > 1:
        return yes(f"{len(reading.calls)} calls in one answer")
    if reading.calls:
        return unclear("one call came where two were asked for")
    return unclear(f"no call came: {quote(reading.text)}")


def _serial(reading: Reading, seen: Seen) -> Finding:
    if len(reading.calls) > 1:
        return no(f"ignored: {len(reading.calls)} calls")
    parallel = seen.readings.get("tools_parallel")
    if reading.calls and parallel is not None and len(parallel.calls) > 1:
        return yes("false leaves one call")
    return unclear(_TAKEN)


def _taken(_: Reading, __: Seen) -> Finding:
    return unclear(_TAKEN)


def _tool_results(reading: Reading, _: Seen) -> Finding:
    if reading.text:
        return yes(quote(reading.text))
    return yes("taken, and another call made")


# ── objects ─────────────────────────────────────────────────────────────────────


def _schema(reading: Reading, _: Seen) -> Finding:
    value = as_object(_json(reading.text))
    fits = (
        value.keys() == {"colour", "count"}
        and value["colour"] in COLOURS
        and isinstance(value["count"], int)
    )
    return yes(quote(reading.text)) if fits else no(f"ignored: {quote(reading.text)}")


def _json_mode(reading: Reading, _: Seen) -> Finding:
    if is_object(_json(reading.text)):
        return yes(f"against the prompt: {quote(reading.text)}")
    return no(f"ignored: {quote(reading.text)}")


def _json(text: str) -> object:
    try:
        value: object = parse_json(text.encode("utf-8", "replace"))
    except ValueError:
        return None
    return value


# ── parameters ──────────────────────────────────────────────────────────────────


def _logprobs(reading: Reading, _: Seen) -> Finding:
    count = reading.logprobs
    return yes(f"of {count} tokens") if count else no("ignored: none came")


def _stop(reading: Reading, seen: Seen) -> Finding:
    if seen.halves is None:
        return unclear("no text to stop at")
    stop, text = seen.halves.stop, reading.text
    before, found, after = text.partition(stop)
    if re.search(r"\w", after):
        return no(f"ignored: {quote(text)}")
    if found:
        return yes(f"and the stop text is kept: {quote(text)}")
    if _words(before) == _words(seen.halves.first):
        return yes(f"before {quote(stop)}")
    return unclear(f"the answer was another one: {quote(text)}")


def _choices(reading: Reading, _: Seen) -> Finding:
    if reading.choices > 1:
        return yes(f"{reading.choices} choices")
    return no("ignored: one choice")


def _seed(reading: Reading, seen: Seen) -> Finding:
    if reading.text != seen.text("seed_again"):
        return no("one seed, two answers")
    if reading.text != seen.text("seed_other"):
        return yes("one seed, one answer; another seed, another one")
    return unclear("the same answer, whatever the seed")


def _bound(reading: Reading, seen: Seen) -> Finding:
    tokens, unbounded = reading.output_tokens, seen.readings["whole"]
    said = f"{tokens} tokens" if tokens is not None else quote(reading.text)
    if reading.finish_reason == "length":
        return yes(f"{said} for {FEW_TOKENS}")
    if (unbounded.output_tokens or FEW_TOKENS + 2) <= FEW_TOKENS + 1:
        return unclear(f"the answer is no longer without it: {said}")
    if tokens is not None:
        is_short = tokens <= FEW_TOKENS + 1
        return (yes if is_short else no)(f"{said} for {FEW_TOKENS}")
    if reading.text == unbounded.text:
        return no(f"ignored: {said}")
    return unclear(said)


def _image(reading: Reading, seen: Seen) -> Finding:
    added = seen.added_tokens(reading, "image_without")
    said = quote(reading.text)
    if added == 0:
        return no(f"ignored: no prompt token more than without it; {said}")
    if added is not None and added > 0:
        return yes(f"{added} more prompt tokens; {said}")
    if re.search(r"\bred\b", reading.text, re.IGNORECASE):
        return yes(f"its colour is seen: {said}")
    return unclear(f"taken; {said}")


def _developer(reading: Reading, seen: Seen) -> Finding:
    if "teal" in reading.text.lower():
        return yes("followed")
    if "teal" in seen.text("system_role").lower():
        return no("not followed; as a system message it is")
    return unclear("taken; this model does not follow it as a system message either")


def _name(reading: Reading, seen: Seen) -> Finding:
    added = seen.added_tokens(reading, "whole")
    if added is None:
        return unclear(_TAKEN)
    if added > 0:
        return yes(f"{added} more prompt tokens")
    return no("ignored: no prompt token more than without it")


def _prefill(form: str, reading: Reading, seen: Seen) -> Finding:
    halves = seen.halves
    if halves is None:
        return unclear("no text to continue")
    said, marker = _words(reading.text), _words(MARKER)
    first, rest = _words(halves.first), _words(halves.rest)
    if said and said[:2] == rest[: len(said)][:2]:
        return yes(f"goes on: {quote(reading.text)}")
    if said[: len(first)] != first:
        return unclear(f"the answer was another one: {quote(reading.text)}")
    marked = _words(seen.text(f"prefill_{form}_marked"))
    if marked[: len(marker)] == marker:
        return yes(f"goes on, after the beginning once more: {quote(reading.text)}")
    return no(f"begins anew: {quote(reading.text)}")


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


# ── refusals ────────────────────────────────────────────────────────────────────


def _unknown_fields(reading: Reading, _: Seen) -> Finding:
    if reading.failure is not None:
        return yes(refusal_words(reading))
    return no("taken in silence")


def _unknown_model(reading: Reading, _: Seen) -> Finding:
    if reading.failure is not None:
        return yes(refusal_words(reading))
    return no(f"answers all the same, as {quote(reading.model)}")


def _error_details(reading: Reading, _: Seen) -> Finding:
    failure, headers = reading.failure, reading.answer.headers
    if failure is None:
        return no("answers a request whose messages are no list")
    parts = {"param": failure.param, "code": failure.code, "type": failure.kind}
    told = [f"{name} {quote(value)}" for name, value in parts.items() if value]
    told += [name for name in _REQUEST_IDS if name in headers][:1]
    said = ", ".join([str(reading.answer.status), *told])
    return yes(said) if failure.param or "messages" in failure.message else no(said)


JUDGES: Mapping[str, Judge] = {
    "answers": _answers,
    "streaming": _streaming,
    "done": _done,
    "stream_options": functools.partial(_usage, "taken, but no usage came"),
    "usage_unasked": functools.partial(_usage, "none came"),
    "reasoning": _reasoning,
    "reasoning_effort": _reasoning_effort,
    "tools": _tools,
    "streamed_arguments": _streamed_arguments,
    "tools_required": _demanded,
    "tools_any": _demanded,
    "tools_named": _named,
    "tools_parallel": _parallel,
    "parallel_tool_calls": _serial,
    "strict": _taken,
    "tool_results": _tool_results,
    "tool_results_null": _tool_results,
    "json_schema": _schema,
    "json_schema_enforced": _schema,
    "json_mode": _json_mode,
    "logprobs": _logprobs,
    "stop": _stop,
    "n": _choices,
    "seed": _seed,
    "max_completion_tokens": _bound,
    "max_tokens": _bound,
    "image": _image,
    **{f"prefill_{form}": functools.partial(_prefill, form) for form in PREFILL_FORMS},
    "developer_role": _developer,
    "message_names": _name,
    "unknown_fields": _unknown_fields,
    "unknown_model": _unknown_model,
    "error_details": _error_details,
}
"""The judge of each question, by the question's name."""
