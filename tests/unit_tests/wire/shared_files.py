"""Reads what may lie beside the repository: SSE cases and recorded answers.

Neither is part of the project; where they are missing, the tests that want them are
skipped and say so, and the tests beside them cover the same ground.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).parents[4] / "shared"
SSE_CASES = SHARED / "sse_conformance.json"
RECORDINGS = SHARED / "wire"


@dataclass(frozen=True)
class SSECase:
    """One case: bytes, how they were split, and what must come out."""

    name: str
    chunks: tuple[bytes, ...]
    events: list[tuple[str, str, str, int | None]]
    unfinished: str | None

    @property
    def data(self) -> bytes:
        return b"".join(self.chunks)


@dataclass(frozen=True)
class Recording:
    """A recorded answer, and what a correct client must report of it."""

    name: str
    path: Path
    facts: dict[str, Any]

    @property
    def data(self) -> bytes:
        return self.path.read_bytes()

    @property
    def expected(self) -> dict[str, Any]:
        expected: dict[str, Any] = self.facts["expected"]
        return expected


def sse_cases() -> list[Any]:
    """All cases as parameters, or one that is skipped."""
    if not SSE_CASES.is_file():
        return [_missing(SSE_CASES)]
    cases = map(_sse_case, json.loads(SSE_CASES.read_bytes())["cases"])
    return [pytest.param(case, id=case.name) for case in cases]


def recordings(suffix: str) -> list[Any]:
    """Recordings of a kind (".sse", ".body.json") as parameters, or one skipped."""
    paths = sorted(RECORDINGS.glob(f"*/*{suffix}"))
    if not paths:
        return [_missing(RECORDINGS)]
    found = (_recording(path, suffix) for path in paths)
    return [pytest.param(recording, id=recording.name) for recording in found]


def _sse_case(case: dict[str, Any]) -> SSECase:
    chunks = case.get("chunks_b64") or [case["bytes_b64"]]
    flushed = case.get("eof_flush_event")
    return SSECase(
        name=case["name"],
        chunks=tuple(map(base64.b64decode, chunks)),
        events=[
            (event["data"], event["event"], event["id"], event["retry"])
            for event in case["expected_events"]
        ],
        unfinished=flushed["data"] if flushed else None,
    )


def _recording(path: Path, suffix: str) -> Recording:
    stem = path.name.removesuffix(suffix)
    facts = json.loads((path.parent / f"{stem}.json").read_bytes())
    return Recording(f"{path.parent.name}/{stem}", path, facts)


def _missing(path: Path) -> Any:
    reason = f"{path.name} is no part of the repository, and not beside it either"
    return pytest.param(None, id="missing", marks=pytest.mark.skip(reason=reason))
