"""A recorded exchange is played back: same bytes, same times, same end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest

from langchain_streamkit._wire.recordings import (
    render_end,
    render_head,
    render_read,
    render_request,
)
from langchain_streamkit._wire.scrubbing import Read
from langchain_streamkit.testing import FakeServer
from langchain_streamkit.testing.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.loopback

START = render_request({"method": "POST"}, started="2026-01-01T00:00:00Z")


def recording(*reads: Read, end: str = "complete", **headers: str) -> bytes:
    lines = b"".join(map(render_read, reads))
    head = render_head(0.0, 200, {k.replace("_", "-"): v for k, v in headers.items()})
    return START + head + lines + render_end(reads[-1].seconds, end, None)


def ask(server: FakeServer) -> httpx.Response:
    return httpx.post(f"{server.url}/chat/completions", json={"any": "request"})


def test_headers_and_bytes_are_as_recorded(tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    headers = {
        "content_type": "text/odd",
        "x_request_id": "req-7",
        "set_cookie": "[hidden]",
        "transfer_encoding": "chunked",
    }
    file.write_bytes(recording(Read(0, b"one \xff"), Read(0, b"two"), **headers))
    with FakeServer.replay(file) as server:
        answer = ask(server)
        assert answer.content == b"one \xfftwo"
        assert answer.headers["content-type"] == "text/odd"
        assert answer.headers["x-request-id"] == "req-7"
        assert "set-cookie" not in answer.headers
        assert ask(server).content == answer.content


@pytest.mark.parametrize(("speed", "least"), [(1.0, 0.4), (2.0, 0.2)])
def test_the_times_are_as_recorded(tmp_path: Path, speed: float, least: float) -> None:
    file = tmp_path / "one.jsonl"
    file.write_bytes(recording(Read(0.1, b"one"), Read(0.4, b"two")))
    with FakeServer.replay(file, speed=speed) as server:
        began = time.monotonic()
        ask(server)
        assert time.monotonic() - began >= least


@pytest.mark.parametrize("speed", [0, None])
def test_a_replay_may_play_at_once(tmp_path: Path, speed: float | None) -> None:
    file = tmp_path / "one.jsonl"
    file.write_bytes(recording(Read(3600.0, b"one"), Read(7200.0, b"two")))
    with FakeServer.replay(file, speed=speed) as server:
        assert ask(server).content == b"onetwo"


def test_a_whole_body_whose_length_has_changed_has_its_true_length(
    tmp_path: Path,
) -> None:
    file = tmp_path / "one.jsonl"
    file.write_bytes(recording(Read(0, b'{"a":"[hidden]"}'), content_length="999"))
    with FakeServer.replay(file) as server:
        answer = ask(server)
    assert answer.headers["content-length"] == "16"
    assert answer.json() == {"a": "[hidden]"}


@pytest.mark.parametrize("length", [{}, {"content_length": "3"}])
def test_a_cut_is_a_cut(tmp_path: Path, length: dict[str, str]) -> None:
    file = tmp_path / "one.jsonl"
    file.write_bytes(recording(Read(0, b"only half"), end="cut", **length))
    with (
        FakeServer.replay(file) as server,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        ask(server)


def test_a_folder_is_played_in_the_order_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "2.jsonl").write_bytes(recording(Read(0, b"second")))
    (tmp_path / "1.jsonl").write_bytes(recording(Read(0, b"first")))
    (tmp_path / "notes.txt").write_text("no recording")
    with FakeServer.replay(str(tmp_path)) as server:
        assert [ask(server).text for _ in range(3)] == ["first", "second", "second"]
    with FakeServer.replay(tmp_path, repeat_last=False) as server:
        assert [ask(server).status_code for _ in range(3)] == [200, 200, 500]


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bug.jsonl"
    file.write_bytes(START + b'{"seconds": "soon"}\n')
    with pytest.raises(ValueError, match=r"bug\.jsonl, line 2: 'seconds' must be"):
        FakeServer.replay(file)
    with pytest.raises(FileNotFoundError):
        FakeServer.replay(tmp_path / "none.jsonl")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="has no recordings"):
        FakeServer.replay(tmp_path / "empty")


@pytest.mark.parametrize("speed", [-1, float("nan"), float("inf")])
def test_a_speed_that_is_none_is_refused(tmp_path: Path, speed: float) -> None:
    with pytest.raises(ValueError, match="speed must be 0 or more"):
        FakeServer.replay(tmp_path, speed=speed)


def test_the_command_line_names_a_bad_file(tmp_path: Path, capsys) -> None:
    file = tmp_path / "bug.jsonl"
    file.write_text("hello\n")
    with pytest.raises(SystemExit):
        main(["--replay", str(file)])
    assert "bug.jsonl, line 1: this is no JSON" in capsys.readouterr().err
