"""The rules that no seed may break, each held against the log of one.

Strategy: what the server knows it has sent, and when, is the truth; the reader's own
account must agree with it. A rule yields a line for what is wrong.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

from langchain_streamkit.errors import (
    ConfigurationError,
    StreamKitError,
    TotalTimeoutError,
)

from .loop import HungError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .server import Served
    from .world import Seen, World

__all__ = ["problems_of"]

_DRAIN_SECONDS = 0.1
_REFUSAL_SECONDS = 5.0
_WHOLE_SECONDS = 600.0
_TOLERANCE = 0.001
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 8.0
_LONGEST_ASKED = 120.0
_OF_THE_CONNECTION = ("refuse_connection", "reset_while_writing", "no_head")


def problems_of(world: World) -> list[str]:
    """All that is wrong with a seed."""
    found: list[str] = []
    for number, seen in enumerate(world.calls, 1):
        served = [one for one in world.served if one.call == number]
        for rule in _RULES:
            name = rule.__name__.removeprefix("_").replace("_", " ")
            found += (
                f"call {number}: {name}: {words}" for words in rule(world, seen, served)
            )
    if any(peer.is_open for peer in world.peers):
        found.append("a connection is open after the model was closed")
    return found


def _an_end(world: World, seen: Seen, served: list[Served]) -> Iterator[str]:
    """Success, or a typed error; nothing else, and never nothing."""
    error = seen.error
    if isinstance(error, HungError):
        yield f"the reader waits for ever ({error})"
    elif isinstance(error, asyncio.CancelledError) or error is None:
        return
    elif not isinstance(error, StreamKitError) or isinstance(error, ConfigurationError):
        yield f"{type(error).__name__}: {error}"


def _exact_text(world: World, seen: Seen, served: list[Served]) -> Iterator[str]:
    """No character twice, none lost."""
    truth = world.script.text
    if not truth.startswith(seen.text):
        yield f"the reader saw {seen.text!r} of {truth!r}"
    is_whole = seen.error is None and not seen.has_left
    if is_whole and seen.text != truth:
        yield f"success with {seen.text!r}, which is not {truth!r}"
    if is_whole and seen.finish_reasons not in ([], ["stop"]):
        yield f"finish reasons {seen.finish_reasons}"
    if not world.script.reasoning.startswith(seen.reasoning):
        yield f"the reader saw the thought {seen.reasoning!r}"


def _partial_is_what_came(
    world: World, seen: Seen, served: list[Served]
) -> Iterator[str]:
    """An error has on it what the reader has got."""
    if isinstance(seen.error, StreamKitError):
        partial = seen.error.partial
        text = partial.text if partial is not None else ""
        streams = world.script.reader.way in {"astream", "stream"}
        if streams and text != seen.text:
            yield f"partial is {text!r}, and the reader has {seen.text!r}"
        if not world.script.text.startswith(text):
            yield f"partial is {text!r}"


def _usage_is_counted_once(
    world: World, seen: Seen, served: list[Served]
) -> Iterator[str]:
    """The counts are the sum over the attempts that gave content, each once."""
    if seen.error is not None or seen.has_left:
        return
    wanted = sum(
        10**one.number
        for one in served
        if _counts_came(one) and (one is served[-1] or one.said or one.came("text"))
    )
    got = [usage["input_tokens"] for usage in seen.usage]
    if got != ([wanted] if wanted else []):
        yield f"input tokens are {got}, not {wanted}"


def _counts_came(one: Served) -> bool:
    frames = one.came("text", "reasoning", "finish", "other")
    return bool(one.came("usage")) or any(isinstance(f, tuple) and f[1] for f in frames)


def _no_retry_after_content(
    world: World, seen: Seen, served: list[Served]
) -> Iterator[str]:
    for one, after in pairwise(served):
        content = one.came("text") or one.came("reasoning")
        if world.script.model["resume"] == "off" and any(v[0] for v in content):
            yield f"attempt {after.number} after content"


def _number_of_attempts(
    world: World, seen: Seen, served: list[Served]
) -> Iterator[str]:
    model = world.script.model
    most = 1 + model["max_retries"] + model["stream_fallback"]
    most += sum(one.is_refused and one.attempt.status == 400 for one in served)
    if len(served) > most:
        yield f"{len(served)} attempts, of {most}"


def _waits(world: World, seen: Seen, served: list[Served]) -> Iterator[str]:
    """Retry-After is kept; other waits are short, and not none."""
    counted, may_fall_back = 0, world.script.model["stream_fallback"]
    for one, after in pairwise(served):
        counted += 1
        ended, held_before = one.ended or (0.0, 0.0)
        waited = after.began - ended
        held = after.held - held_before  # the last words of a cut answer
        asked = _asked_to_wait(one)
        is_fallback = may_fall_back and not _teaches(one) and waited < _TOLERANCE
        is_fallback = is_fallback and (asked != 0 or one.attempt.status == 422)
        if is_fallback or _teaches(one):
            counted -= 1
            may_fall_back = may_fall_back and not is_fallback
            continue
        if asked is not None and asked > _LONGEST_ASKED:
            yield f"attempt {after.number} follows a wait of {asked:g} s"
        least = _FIRST_DELAY * 2 ** (counted - 1) * 0.75 if asked is None else asked
        longest = _FIRST_DELAY * 2 ** (counted - 1) if asked is None else asked + 1
        if waited < least - _TOLERANCE or waited > longest + held + _DRAIN_SECONDS:
            yield (
                f"attempt {after.number} comes after {waited:.3f} s, "
                f"not after {least:g} to {longest:g}"
            )


def _asked_to_wait(one: Served) -> float | None:
    return one.attempt.retry_after if one.is_refused and one.read else None


def _teaches(one: Served) -> bool:
    return (
        one.is_refused
        and one.attempt.status == 400
        and "stream_options" in (one.asked or {})
    )


def _total_deadline(world: World, seen: Seen, served: list[Served]) -> Iterator[str]:
    total = world.script.model["total_timeout"]
    if total is None:
        return
    deadline = seen.began + total
    for one in served[1:]:
        if one.began >= deadline + _TOLERANCE:
            yield f"attempt {one.number} begins {one.began - deadline:.3f} s late"
    late = seen.ended - deadline
    if not seen.has_left and late > max(seen.held, _DRAIN_SECONDS) + _TOLERANCE:
        yield f"the call ends {late:.3f} s late"


def _clocks(world: World, seen: Seen, served: list[Served]) -> Iterator[str]:
    """No attempt is waited for longer than its clock allows."""
    model = world.script.model
    for one in served:
        since, held_before = one.progress
        until, held = one.ended or one.progress
        waited = until - since - (held - held_before)
        bound = _WHOLE_SECONDS if model["timeout"] is None else model["timeout"]
        if world.script.reader.way in {"astream", "stream"} and one.is_stream:
            has_content = any(v[0] for v in one.came("text", "reasoning"))
            name = "stall_timeout" if has_content else "first_token_timeout"
            bound = model[name]
        slack = _REFUSAL_SECONDS if one.is_refused else _DRAIN_SECONDS
        if waited > bound + slack + _TOLERANCE:
            yield f"attempt {one.number} was waited for {waited:.3f} s, not {bound:g}"


def _nothing_is_left(world: World, seen: Seen, served: list[Served]) -> Iterator[str]:
    if seen.open_peers:
        yield f"{seen.open_peers} connections are open"
    if seen.tasks:
        yield f"tasks are left: {seen.tasks}"
    if seen.pooled:
        yield f"{seen.pooled} requests are in a pool"


def _no_early_surrender(
    world: World, seen: Seen, served: list[Served]
) -> Iterator[str]:
    """An error has a cause, and a fault that passes is outlasted."""
    error = seen.error
    if not isinstance(error, StreamKitError) or not served or seen.has_left:
        return
    last, model = served[-1].attempt, world.script.model
    if isinstance(error, TotalTimeoutError) and model["total_timeout"] is not None:
        return
    is_diverged = world.script.join == "other" and served[-1].said
    if last.fault == "none" and not is_diverged:
        yield f"{type(error).__name__} where nothing went wrong: {error}"
    passes = last.fault in _OF_THE_CONNECTION and not served[-1].said
    has_retries = served[-1].number < model["max_retries"]
    if passes and has_retries and model["total_timeout"] is None:
        yield f"gave up after {len(served)} attempts: {error}"


_RULES = (
    _an_end,
    _exact_text,
    _partial_is_what_came,
    _usage_is_counted_once,
    _no_retry_after_content,
    _number_of_attempts,
    _waits,
    _total_deadline,
    _clocks,
    _nothing_is_left,
    _no_early_surrender,
)
