"""The server in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from langchain_streamkit.testing.__main__ import main
from tests.unit_tests.testing.fake_server_client import body, frames, message

pytestmark = pytest.mark.loopback


@contextmanager
def serving(*arguments: str):
    command = [sys.executable, "-X", "dev", "-m", "langchain_streamkit.testing"]
    with subprocess.Popen(
        [*command, *arguments],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.terminate()
            process.wait(10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_url_and_serves_until_it_is_told_to_end(number) -> None:
    with serving("--port", "0") as (process, url):
        answer = httpx.post(f"{url}/chat/completions", json=body("say 'yes'"))
        assert message(answer)["content"] == "yes"
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


def test_it_can_answer_with_a_number_of_words_and_want_a_key() -> None:
    with serving("--words", "30", "--frames-per-send", "10", "--api-key", "k") as (
        _,
        url,
    ):
        target = f"{url}/chat/completions"
        assert httpx.post(target, json=body()).status_code == 401
        headers = {"Authorization": "Bearer k"}
        answer = httpx.post(target, json=body(stream=True), headers=headers)
        assert len(frames(answer)) == 32
        assert httpx.post(target, json=body(), headers=headers).status_code == 200


def test_wrong_arguments_are_named(capsys) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--port", "http"])
    assert "--port" in capsys.readouterr().err


def test_it_can_answer_as_a_recording_does(tmp_path) -> None:
    lines = (
        '{"streamkit_recording": 1, "request": {}}',
        '{"seconds": 0, "status": 418, "headers": {}}',
        '{"seconds": 9, "text": "as recorded"}',
        '{"seconds": 9, "end": "complete"}',
    )
    (tmp_path / "one.jsonl").write_text("\n".join([*lines, ""]))
    with serving("--replay", str(tmp_path), "--speed", "0") as (_, url):
        answer = httpx.post(f"{url}/chat/completions", json={})
        assert (answer.status_code, answer.text) == (418, "as recorded")
