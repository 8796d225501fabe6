"""A run of many prompts is killed in the middle, and goes on."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from langchain_streamkit.testing import FakeServer, Reply
from tests.integration_tests.servers._process import supervised
from tests.integration_tests.servers.example import environment

if TYPE_CHECKING:
    import subprocess
    from contextlib import AbstractContextManager
    from pathlib import Path

    from langchain_streamkit.testing import ReceivedRequest

PROMPTS, BATCH, BROKEN = 240, 20, 77


@pytest.mark.timeout(400, func_only=True)
def test_a_killed_run_goes_on_and_asks_nothing_twice(tmp_path: Path):
    is_broken = True

    def reply(request: ReceivedRequest) -> Reply:
        prompt = request.last_user_text
        if is_broken and prompt == f"What is {BROKEN} squared?":
            return Reply.error(400, "not today")
        return Reply(f"Answer to: {prompt}", head_delay=0.02)

    with FakeServer(handler=reply) as server:
        with run(server, tmp_path, "killed") as process:
            assert server.wait_requests(PROMPTS // 2, timeout=150)
        assert process.returncode != 0
        assert server.wait_connections(0, timeout=60)  # Ray's own workers are gone
        kept = results(tmp_path)
        assert len(server.requests) < PROMPTS
        assert 0 < len(kept) < PROMPTS
        assert BROKEN not in kept

        is_broken = False
        server.reset()
        with run(server, tmp_path, "resumed") as process:
            assert process.wait(150) == 0
        asked = [one.last_user_text for one in server.requests]
        assert len(asked) == len(set(asked)) == PROMPTS - len(kept)
    everything = results(tmp_path)
    assert sorted(everything) == list(range(PROMPTS))
    assert all(
        one["text"] == f"Answer to: What is {number} squared?"
        for number, one in everything.items()
    )
    assert {number: everything[number] for number in kept} == kept


def run(
    server: FakeServer, folder: Path, name: str
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    options = {"--prompts": PROMPTS, "--output": folder, "--batch": BATCH}
    options |= {"--actors": 1, "--at-once": 4}
    words = [str(word) for pair in options.items() for word in pair]
    return supervised(
        (sys.executable, "-m", "examples.batch_ray", *words),
        log=folder / f"{name}.log",
        env=environment(server.url),
    )


def results(folder: Path) -> dict[int, dict[str, Any]]:
    rows = [
        json.loads(line)
        for path in (folder / "results").glob("*.jsonl")
        for line in path.read_text("utf-8").splitlines()
    ]
    assert len(rows) == len({row["id"] for row in rows})
    return {row["id"]: row for row in rows}
