"""``streamkit serve``: the real command, asked by the openai SDK."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import openai
import pytest

from langchain_streamkit.cli.main import main
from langchain_streamkit.cli.serve import KEY_VARIABLE
from langchain_streamkit.testing import FakeServer, Reply

if TYPE_CHECKING:
    from pathlib import Path

HELLO: Any = [{"role": "user", "content": "Hello"}]


def test_the_command_serves_with_our_resilience(
    fake_server: FakeServer, tmp_path: Path
) -> None:
    fake_server.script(Reply.error(503, retry_after=0.01), "Here I am.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "langchain_streamkit.cli", "serve", "m"]
    where = ["--base-url", fake_server.url, "--port", port, "--name", "mine"]
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(
            [*command, *where],
            stderr=log,
            env={**os.environ, KEY_VARIABLE: "geheim"},
        ) as process,
        openai.OpenAI(
            base_url=f"http://127.0.0.1:{port}/v1",
            api_key="geheim",
            max_retries=0,
            # tried again while the command starts
            http_client=httpx.Client(transport=httpx.HTTPTransport(), trust_env=False),
        ) as client,
    ):
        try:
            while True:
                try:
                    names = [model.id for model in client.models.list()]
                    break
                except openai.APIConnectionError:
                    assert process.poll() is None, (tmp_path / "log").read_text()
            completion = client.chat.completions.create(model="mine", messages=HELLO)
        finally:
            process.terminate()
    assert names == ["mine"]
    assert completion.choices[0].message.content == "Here I am."
    assert len(fake_server.requests) == 2


def test_it_does_not_open_itself_to_strangers(capsys) -> None:
    command = ["serve", "m", "--base-url", "http://127.0.0.1:9/v1", "--host", "0.0.0.0"]
    assert main(command) == 1
    assert KEY_VARIABLE in capsys.readouterr().err


@pytest.mark.parametrize("library", ["uvicorn", "fastapi"])
def test_a_missing_library_is_named_with_its_extra(
    monkeypatch, capsys, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    assert main(["serve", "m", "--base-url", "http://127.0.0.1:9/v1"]) == 1
    said = capsys.readouterr().err
    assert library in said
    assert 'pip install "langchain-streamkit[serve]"' in said
