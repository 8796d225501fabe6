"""The ways in which a body reaches a client: where each write of the server ends."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_streamkit.cli._recordings import Recording

EDGE = 2048
"""Bytes at both ends of a body that are written one by one."""
AROUND = 3
"""Bytes on either side of a frame's end that are."""


def splits_of(recording: Recording, seed: int) -> dict[str, list[int]]:
    """Where the writes end, by the name of the split."""
    splits: dict[str, list[int]] = {
        "whole": [],
        "random": random_ends(recording, seed),
        "bytes": byte_ends(recording),
    }
    if recording.is_stream:
        splits["frames"] = recording.frame_ends
    if recording.network_ends:
        splits["network"] = list(recording.network_ends)
    return splits


def random_ends(recording: Recording, seed: int) -> list[int]:
    """Few or many cuts anywhere; the same ones for the same seed."""
    numbers = random.Random(f"{seed} {recording.name}")
    size = len(recording.body)
    most = max(1, size // numbers.choice([16, 64, 256, 1024]))
    return sorted(numbers.sample(range(size), min(most, size)))


def byte_ends(recording: Recording) -> list[int]:
    """Each byte at both ends of the body, and around the end of each frame."""
    size = len(recording.body)
    ends = {*range(min(EDGE, size)), *range(max(0, size - EDGE), size)}
    for end in recording.frame_ends:
        ends |= set(range(max(0, end - AROUND), min(size, end + AROUND)))
    return sorted(ends)
