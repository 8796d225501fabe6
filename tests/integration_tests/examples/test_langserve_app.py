"""The LangServe app, in LangServe's environment, asked by LangServe's own client."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from langchain_streamkit.testing import Cut, FakeServer, Reply
from tests.integration_tests.conftest import running
from tests.integration_tests.servers import example as _example
from tests.integration_tests.servers._process import UnavailableError
from tests.integration_tests.servers.example import CHECKOUT, HOSTILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_streamkit.testing import ReceivedRequest

pytestmark = pytest.mark.timeout(120, func_only=True)

PYTHON = CHECKOUT / ".cache" / "venv-langserve" / "bin" / "python"
CLIENT = Path(_example.__file__).with_name("langserve_client.py")
LONG = " ".join(f"word{number}" for number in range(1000))


def reply(request: ReceivedRequest) -> Reply:
    if request.last_user_text == "broken":
        return Reply(HOSTILE, faults=[Cut(after_frames=4, how="end")])
    if request.last_user_text == "leave":
        return Reply(LONG, frame_delay=0.05)
    return Reply(HOSTILE, reasoning="I think. " + HOSTILE)


@pytest.fixture(scope="module")
def server() -> Iterator[FakeServer]:
    with FakeServer(handler=reply) as server:
        yield server


@pytest.fixture(scope="module")
def app(server: FakeServer) -> Iterator[str]:
    yield from running(start(server))


@contextmanager
def start(server: FakeServer) -> Iterator[str]:
    if not PYTHON.exists():
        raise UnavailableError("No environment for LangServe: make integration_tests")
    with _example.serve("langserve_app", server.url, python=str(PYTHON)) as url:
        yield url


def client(*arguments: str) -> str:
    command = [str(PYTHON), str(CLIENT), *arguments]
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, encoding="utf-8", timeout=100
    ).stdout


def test_every_way_of_asking_gives_the_whole_answer(app: str):
    answers: dict[str, Any] = json.loads(client(app))
    for way in ("stream", "astream", "invoke", "batch"):
        answer = answers[way]
        assert answer["text"] == HOSTILE
        assert answer["reasoning"] == "I think. " + HOSTILE
        assert answer["output_tokens"] > 10
    assert answers["stream"]["chunks"] > 10
    assert answers["chain"] == HOSTILE
    assert answers["error"] == "HTTPStatusError"


def test_a_client_that_leaves_stops_the_model(app: str, server: FakeServer):
    client(app, "leave")
    assert server.requests[-1].last_user_text == "leave"
    assert server.requests[-1].wait_disconnected(20)
