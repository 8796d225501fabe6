"""What a cut gives: the same success, or a typed error with a prefix on it.

Strategy: the decoder reads a recording one byte at a time, once. Before each byte the
end is rehearsed on a copy of it; ``copy.deepcopy`` would take ten times as long as all
the rest. On sockets a few hundred places are drawn. A clean end after a finish reason
is how many servers end, so what one says after its finish reason can be missing: a
line break that Gemini sends behind its tool call (a recording of OpenRouter, 2025-10)
is allowed to, and nothing else.
"""

from __future__ import annotations

import random
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from langchain_streamkit._wire.deltas import AnswerEnd
from langchain_streamkit._wire.plain_frames import PlainShape
from langchain_streamkit._wire.stream_decoder import StreamDecoder
from langchain_streamkit.errors import StreamKitError
from langchain_streamkit.events import ReasoningEvent, TextEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Said",
    "cut_at_every_byte",
    "cut_problems",
    "draw_places",
    "has_finished",
    "is_all",
    "said_by",
]

Said = tuple[str, str]
"""Text and reasoning."""


def said_by(events: list[Any]) -> Said:
    """What a reader of these events has got."""
    return (
        "".join(event.content for event in events if isinstance(event, TextEvent)),
        "".join(event.content for event in events if isinstance(event, ReasoningEvent)),
    )


def read(body: bytes) -> tuple[Said, StreamKitError | None]:
    """A stream in one piece: what it says, and how it fails."""
    decoder = StreamDecoder()
    events = [*decoder.feed(body), *decoder.close()]
    return said_by(events), decoder.failure


def cut_at_every_byte(body: bytes) -> Iterator[str]:
    """Cut a stream after each of its bytes.

    Args:
        body: The stream.

    Yields:
        A line for each cut that ends in anything but the same success, or a typed
        error with what had come, which is a prefix.
    """
    whole, failure = read(body)
    decoder, text, reasoning = StreamDecoder(), "", ""
    for place in range(len(body) + 1):
        try:
            rehearsal = _copy(decoder, {})
            end = rehearsal.close()
            more = said_by(end)
            said = (text + more[0], reasoning + more[1])
            is_over = rehearsal.failure is None
            if is_over and not isinstance(end[-1], AnswerEnd):
                yield f"cut after {place} bytes: an end without its event"
            yield from _judge(
                place,
                said,
                rehearsal.failure,
                whole if failure is None else None,
                whole,
                is_finished=rehearsal.answer.finish_reason is not None,
            )
            answer = rehearsal.answer
            if (answer.text, "".join(answer.reasoning_parts)) != said:
                yield f"cut after {place} bytes: the partial is not what was given"
            if decoder.is_done or decoder.failure is not None or place == len(body):
                return
            given = said_by(decoder.feed(body[place : place + 1]))
            text, reasoning = text + given[0], reasoning + given[1]
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not come
            yield f"cut after {place} bytes: raised {type(error).__name__}: {error}"
            return


_ATOMS = frozenset({str, bytes, int, float, bool, type(None)})
_SHARED = (frozenset, re.Pattern, BaseException, PlainShape)


def _copy(value: Any, known: dict[int, Any]) -> Any:
    """A copy of an object of the decoder's, and of all that it holds."""
    kind = type(value)
    if kind in _ATOMS or callable(value) or isinstance(value, _SHARED):
        return value
    if (made := known.get(id(value))) is not None:
        return made
    if kind in {list, set, bytearray}:
        made = known[id(value)] = kind(value)
        if kind is list and not _ATOMS.issuperset(map(type, value)):
            made[:] = [_copy(one, known) for one in value]
    elif kind is dict:
        made = known[id(value)] = {k: _copy(one, known) for k, one in value.items()}
    elif kind is tuple:
        made = known[id(value)] = tuple(_copy(one, known) for one in value)
    else:
        made = known[id(value)] = object.__new__(kind)
        for name in _fields(kind) or vars(value):
            if hasattr(value, name):
                # Frozen dataclasses are copied, too.
                object.__setattr__(made, name, _copy(getattr(value, name), known))
    return made


@cache
def _fields(kind: type) -> tuple[str, ...]:
    slots = (getattr(one, "__slots__", ()) for one in kind.__mro__)
    return tuple(name for names in slots for name in names)


def _judge(
    place: int,
    said: Said,
    failure: Exception | None,
    success: Said | None,
    whole: Said,
    *,
    is_finished: bool,
) -> Iterator[str]:
    is_success = failure is None and success is not None
    if is_success and not is_all(said, whole, is_finished=is_finished):
        yield f"cut after {place} bytes: success with {said!r:.200}"
    if failure is not None and not isinstance(failure, StreamKitError):
        yield f"cut after {place} bytes: {type(failure).__name__}"
    yield from cut_problems(said, whole, f"cut after {place} bytes")


def is_all(said: Said, whole: Said, *, is_finished: bool) -> bool:
    """Whether a success may say no more.

    Args:
        said: What the reader got.
        whole: What there was to get.
        is_finished: Whether a finish reason came before the cut; then spaces may
            be missing at the end.
    """
    if not is_finished:
        return said == whole
    return [part.rstrip() for part in said] == [part.rstrip() for part in whole]


def has_finished(body: bytes) -> bool:
    """Whether the beginning of a stream holds its finish reason."""
    decoder = StreamDecoder()
    decoder.feed(body)
    decoder.close()
    return decoder.answer.finish_reason is not None


def cut_problems(said: Said, whole: Said, where: str) -> Iterator[str]:
    """Say where something is no beginning of the whole.

    Args:
        said: What the reader got.
        whole: What there was to get.
        where: How the line begins.
    """
    for name, part, all_of_it in zip(("text", "reasoning"), said, whole, strict=True):
        if not all_of_it.startswith(part):
            yield f"{where}: the {name} {part[-60:]!r} is no prefix"


def draw_places(seed: int, sizes: list[int], count: int) -> list[tuple[int, int]]:
    """So many places, each a recording's number and a byte in it."""
    numbers = random.Random(seed)
    chosen = numbers.choices(range(len(sizes)), k=count)
    return [(one, numbers.randrange(sizes[one] + 1)) for one in chosen]
