"""The shapes of frames that say one thing, so that most frames are read at a glance.

Strategy: the frames of one stream have few shapes, that is, the same names in the same
places. A shape is judged once, when the general way has read the first frame of it:
which values must be silent for a frame to say nothing beside its delta, and which
names of the delta may speak. After that one look into a dict replaces all questions
about names. Shapes with a name that the short way does not know are never learned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_streamkit._wire.frame_keys import (
    CHOICE_KEYS,
    INERT_DELTA_KEYS,
    INERT_KEYS,
    PLAIN_DELTA_KEYS,
    SPEAKING_KEYS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["SILENT", "PlainShape", "names_of", "shape_of"]

SILENT: tuple[object, ...] = (None, "", [])
"""What a name of the delta holds when it says nothing."""


class PlainShape(NamedTuple):
    """What must be asked of a frame whose names are known.

    Attributes:
        quiet_frame: Names of the frame whose values must be false.
        quiet_choice: The same in its choice.
        speakers: Names of the delta, of which one may say something.
    """

    quiet_frame: tuple[str, ...]
    quiet_choice: tuple[str, ...]
    speakers: tuple[str, ...]


def names_of(frame: Any, choice: Any, delta: Any) -> tuple[str | None, ...]:
    """All names of a frame, by which its shape is known.

    Args:
        frame: The frame.
        choice: Its only choice.
        delta: The choice's delta.

    Returns:
        The names in their order; None stands between the places.
    """
    return (*frame, None, *choice, None, *delta)


def shape_of(
    frame: Mapping[str, Any],
    choice: Mapping[str, Any],
    delta: Mapping[str, Any],
    missing: Iterable[str],
) -> PlainShape | None:
    """Judge the names of a frame.

    Args:
        frame: The frame.
        choice: Its only choice.
        delta: The choice's delta.
        missing: Names of the frame that no frame has filled so far.

    Returns:
        Its shape, or None if frames like it must go the general way.
    """
    if not (
        INERT_KEYS.issuperset(frame)
        and CHOICE_KEYS.issuperset(choice)
        and SPEAKING_KEYS.isdisjoint(choice)
        and PLAIN_DELTA_KEYS.issuperset(delta)
    ):
        return None
    return PlainShape(
        tuple(key for key in ("usage", *missing) if key in frame),
        tuple(key for key in ("finish_reason", "logprobs") if key in choice),
        tuple(key for key in delta if key not in INERT_DELTA_KEYS),
    )
