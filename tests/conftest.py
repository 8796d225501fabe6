"""What all tests share: bounded randomness, a clean environment, loopback."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_streamkit.testing import FakeServer

LOOPBACK = ["127.0.0.1", "::1"]

set_hypothesis_home_dir(Path(__file__).parent.parent / ".cache" / "hypothesis")
# No deadline: a shared machine's pauses are no bugs. CI repeats the same examples.
settings.register_profile(
    "local", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "ci", parent=settings.get_profile("local"), derandomize=True, print_blob=True
)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture
def loopback() -> None:
    """Let the test open sockets and connect to this machine, and nowhere else.

    The same as ``@pytest.mark.loopback``, for fixtures that start a server:
    every test that uses them may then talk to it.
    """


@pytest.fixture
def fake_server(loopback: None) -> Iterator[FakeServer]:
    """A scriptable OpenAI-compatible server on a free port of this machine."""
    from langchain_streamkit.testing import FakeServer

    with FakeServer() as server:
        yield server
