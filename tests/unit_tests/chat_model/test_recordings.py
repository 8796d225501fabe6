"""The flight recorder: what it writes, what it leaves out, and that it plays back."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import pickle
import re
import stat
import threading
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.errors import ConfigurationError, StreamKitError
from langchain_streamkit.testing import (
    Compress,
    Cut,
    ErrorFrame,
    FakeServer,
    Fault,
    Insert,
    Raw,
    Reply,
    Reset,
    Rewrite,
    Send,
    Stall,
    ToolCall,
    broken_json,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.unit_tests.conftest import MakeModel

pytestmark = pytest.mark.loopback

KEY = "sk-0123456789abcdef"
SECONDS = 0.6  # of the clocks where a server stalls; nowhere else do they matter
TEXT = Reply("Größe matters, \U0001f600 they say", reasoning="Let me think")
CALLS = Reply("Well", tool_calls=[ToolCall("add", {"a": 1, "b": "two"})])
FRAME = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def recorded(folder: Path) -> list[list[dict[str, Any]]]:
    return [lines(path) for path in sorted(folder.iterdir())]


def outcome(model: ChatStreamKit, way: str) -> dict[str, Any]:
    """All that a caller can see of one call, but its times and its addresses."""
    chunks: list[Any] = []
    error: StreamKitError | None = None

    async def read() -> None:
        async for chunk in model.astream("Hello"):
            chunks.append(chunk)  # noqa: PERF401 - what came before an error counts

    async def aread() -> None:
        try:
            await (read() if way == "astream" else add(model.ainvoke("Hello")))
        finally:
            await model.aclose()

    async def add(answer: Any) -> None:
        chunks.append(await answer)

    try:
        if way == "stream":
            chunks.extend(model.stream("Hello"))
        elif way == "invoke":
            chunks.append(model.invoke("Hello"))
        else:
            asyncio.run(aread())
    except StreamKitError as caught:
        error = caught
    finally:
        model.close()
    partial = error.partial if error is not None else None
    return {
        "chunks": [seen(chunk) for chunk in chunks],
        "error": type(error),
        "status": getattr(error, "status_code", None),
        "request_id": getattr(error, "request_id", None),
        "partial": seen(partial) if partial is not None else None,
    }


def seen(message: Any) -> str:
    shown = message.model_dump(exclude={"id"})
    shown["response_metadata"].pop("timing", None)
    return MADE_UP.sub("call_made_up", repr(shown))


def there_and_back(replies: Sequence[Reply], way: str, **parameters: Any) -> None:
    """Record one call, replay it, and compare."""
    settings = {"model": "m", "max_retries": 0, **parameters}
    with TemporaryDirectory() as folder:
        with FakeServer(replies) as server:
            model = ChatStreamKit(base_url=server.url, record=folder, **settings)
            first = outcome(model, way)
        assert first["chunks"] or first["error"] is not type(None)
        with FakeServer.replay(folder, speed=None) as server:
            again = outcome(ChatStreamKit(base_url=server.url, **settings), way)
    assert again == first


# The id of a call whose own id was lost on the way: drawn, so never the same again.
MADE_UP = re.compile(r"call_[0-9a-f]{32}")
CLOCKS = ("first_token_timeout", "stall_timeout")
WAYS = ("stream", "astream", "invoke", "ainvoke")
CASES: dict[str, Reply] = {
    "whole": TEXT,
    "tools": CALLS,
    "closed": TEXT.replace(faults=[Cut(after_frames=4)]),
    "closed in a character": TEXT.replace(faults=[Cut(after_bytes=700)]),
    "cut body": TEXT.replace(faults=[Cut(after_frames=4, how="end")]),
    "reset": TEXT.replace(faults=[Cut(after_frames=4, how="reset")]),
    "reset at once": TEXT.replace(faults=[Cut(before_headers=True, how="reset")]),
    "closed at once": TEXT.replace(faults=[Cut(before_headers=True)]),
    "broken frame": TEXT.replace(faults=[Rewrite(broken_json, 2)]),
    "bad bytes": TEXT.replace(faults=[Insert(b"data: \xff\n\n", after_frames=2)]),
    "error frame": TEXT.replace(faults=[ErrorFrame("no", after_frames=3)]),
    "gzip": TEXT.replace(faults=[Compress()]),
    "deflate, cut": CALLS.replace(faults=[Compress("deflate"), Cut(after_frames=4)]),
    "gzip, corrupt": TEXT.replace(faults=[Compress(corrupt=True)]),
    "refused": Reply.error(404, "no such model", code="model_not_found"),
    "busy": Reply.error(429, "slow down", retry_after=1),
    "page": Reply.body("<html>log in</html>", content_type="text/html"),
    "empty": Reply.body(b""),
    "no HTTP": Reply.script(Raw(b"hello\r\n\r\n"), framing="raw"),
    "broken chunk": Reply.script(Send(FRAME), Raw(b"what?\r\n"), Reset()),
    "strange coding": TEXT.replace(headers={"content-encoding": "br"}),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CASES)
def test_a_replay_ends_like_the_recorded_call(name: str, way: str) -> None:
    there_and_back([CASES[name]], way)


@pytest.mark.flaky(reruns=3)  # real clocks, and short ones
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stall", [Stall(after_frames=3), Stall(before_headers=True)])
def test_a_replay_stalls_like_the_recorded_call(stall: Stall, way: str) -> None:
    names = ("timeout",) if "invoke" in way else CLOCKS
    there_and_back([TEXT.replace(faults=[stall])], way, **dict.fromkeys(names, SECONDS))


def faults() -> st.SearchStrategy[list[Fault]]:
    frames = st.integers(0, 9)
    one = st.one_of(
        st.builds(Cut, frames, how=st.sampled_from(["close", "reset", "end"])),
        st.builds(Cut, after_bytes=st.integers(0, 2000)),
        st.builds(Insert, st.binary(max_size=12), frames),
        st.builds(Rewrite, st.just(broken_json), frames),
        st.builds(ErrorFrame, after_frames=frames, ends=st.booleans()),
        st.builds(Compress, st.sampled_from(["gzip", "deflate"])),
    )
    return st.lists(one, max_size=2)


@settings(max_examples=40)
@example(CALLS, [Insert(b"\0", 2)], "stream")
@given(st.sampled_from([TEXT, CALLS]), faults(), st.sampled_from(["stream", "astream"]))
def test_any_faults_play_back(reply: Reply, wrong: list[Fault], way: str) -> None:
    packs = [fault for fault in wrong if isinstance(fault, Compress)]
    others = [fault for fault in wrong if not isinstance(fault, Compress)]
    there_and_back([reply.replace(faults=[*packs[:1], *others])], way)


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_each_attempt_is_a_file_and_a_folder_plays_them_in_order(way: str) -> None:
    replies = [
        Reply.error(503, "busy", retry_after=0.01),
        TEXT.replace(faults=[Cut(after_frames=5)]),
        TEXT,
    ]
    there_and_back(replies, way, max_retries=3, resume="replay")


@pytest.mark.parametrize("way", WAYS)
def test_a_redirect_within_the_server_leads_to_the_replay(
    way: str, fake_server: FakeServer, tmp_path: Path
) -> None:
    fake_server.script(Reply.redirect(f"{fake_server.url}/chat/completions"), TEXT)
    model = ChatStreamKit(model="m", base_url=fake_server.url, record=tmp_path)
    first = outcome(model, way)
    assert [exchange[-1]["end"] for exchange in recorded(tmp_path)] == [
        "stopped",
        "complete",
    ]
    with FakeServer.replay(tmp_path, speed=0) as server:
        again = outcome(ChatStreamKit(model="m", base_url=server.url), way)
        assert len(server.requests) == 2
    assert again == first


@pytest.mark.parametrize("way", WAYS)
def test_a_server_that_is_not_there_is_played_as_a_reset(
    way: str, loopback: None, tmp_path: Path
) -> None:
    with FakeServer() as server:
        url = server.url
    model = ChatStreamKit(model="m", base_url=url, record=tmp_path, max_retries=0)
    first = outcome(model, way)
    [[_, end]] = recorded(tmp_path)
    assert (end["end"], end["error"]) == ("unreachable", "ConnectionFailedError")
    with FakeServer.replay(tmp_path) as server:
        model = ChatStreamKit(model="m", base_url=server.url, max_retries=0)
        assert outcome(model, way) == first


# ── what is in the file, and what is not ────────────────────────────────────────


def test_the_file_tells_the_exchange(make_model: MakeModel, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "recordings"
    model = make_model(Reply(["Hel", "lo"], usage=None), record=folder)
    assert model.record == str(folder)
    list(model.stream("Hi there"))
    [path] = folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    request, head, *reads, end = lines(path)
    assert request["request"]["method"] == "POST"
    assert request["request"]["url"].endswith("/v1/chat/completions")
    messages = request["request"]["body"]["messages"]
    assert messages == [{"role": "user", "content": "Hi there"}]
    assert head["status"] == 200
    assert head["headers"]["content-type"].startswith("text/event-stream")
    text = "".join(read["text"] for read in reads)
    assert '"Hel"' in text
    assert text.endswith("data: [DONE]\n\n")
    assert (end["end"], end["error"]) == ("complete", None)
    times = [line["seconds"] for line in (head, *reads, end)]
    assert times == sorted(times)


def test_no_secret_is_in_the_file_wherever_the_server_quotes_it(
    loopback: None, tmp_path: Path
) -> None:
    values = {
        "key": KEY,
        "header": "tenant-header-1",
        "cookie": "sid=0a1b2c3d4e",
        "query": "query+secret/1",
        "field": "field-secret-1",
        "nested": "nested-secret-1",
        "one call": "call-header-secret",
    }
    frames = [
        b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % v.encode()
        for v in (*values.values(), "0a1b2c3d4e")
    ]
    bytewise = [Send(bytes([byte])) for byte in b"".join(frames)]
    gone = Reply.script(*bytewise, headers={"set-cookie": "x=y123456", "x-k": KEY})
    refused = Reply.error(401, f"bad key {KEY}", headers={"x-echo": KEY})
    with FakeServer([gone, gone.replace(faults=[Compress()]), refused]) as server:
        model = ChatStreamKit(
            model="m",
            base_url=server.url,
            api_key=KEY,
            max_retries=0,
            record=tmp_path,
            default_headers={"x-tenant": values["header"], "Cookie": values["cookie"]},
            default_query={"sig": values["query"]},
            extra_body={"user": values["field"], "a": [{"b": values["nested"]}]},
        )
        for _ in range(3):
            with pytest.raises(StreamKitError):
                list(
                    model.stream(
                        f"my key is {KEY}",
                        extra_headers={"x-call": values["one call"]},
                    )
                )
    files = [path.read_text() for path in sorted(tmp_path.iterdir())]
    assert len(files) == 3
    for text in files:
        whole = "".join(
            line.get("text", "") for line in map(json.loads, text.split("\n")[:-1])
        )
        for name, value in values.items():
            assert value not in text, name
            assert value not in whole, name
        assert "0a1b2c3d4e" not in text
        assert "y123456" not in text
    request = json.loads(files[0].split("\n")[0])["request"]
    assert request["url"].endswith("?sig=[hidden]")
    assert request["headers"]["authorization"] == "[hidden]"
    assert (request["body"]["user"], request["body"]["a"]) == ("[hidden]", "[hidden]")
    assert request["body"]["messages"][0]["content"] == "my key is [hidden]"


def test_headers_of_an_own_client_are_hidden(fake_server, tmp_path: Path) -> None:
    import httpx

    with httpx.Client(headers={"x-own": "own-secret-1"}) as client:
        model = ChatStreamKit(
            model="m", base_url=fake_server.url, http_client=client, record=tmp_path
        )
        model.invoke("say own-secret-1")
    [path] = tmp_path.iterdir()
    assert "own-secret-1" not in path.read_text()


def test_a_reader_that_leaves_is_noted(make_model: MakeModel, tmp_path: Path) -> None:
    model = make_model(TEXT, TEXT, record=str(tmp_path))
    stream = model.stream("Hello")
    next(stream)
    stream.close()

    async def leave() -> None:
        stream = model.astream("Hello")
        await anext(stream)
        await stream.aclose()
        await model.aclose()

    asyncio.run(leave())
    assert [lines[-1]["end"] for lines in recorded(tmp_path)] == ["left", "left"]


def test_what_came_is_in_the_file_while_more_is_awaited(
    make_model: MakeModel, tmp_path: Path
) -> None:
    model = make_model(TEXT.replace(faults=[Stall(after_frames=4)]), record=tmp_path)
    stream = model.stream("Hello")
    next(stream)
    [exchange] = recorded(tmp_path)
    assert "end" not in exchange[-1]
    assert "Let" in exchange[-1]["text"]
    stream.close()


def test_names_never_collide_and_sort_by_time(
    make_model: MakeModel, tmp_path: Path
) -> None:
    model = make_model(record=tmp_path)
    threads = [
        threading.Thread(target=lambda: model.batch(["a", "b", "c"])) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = recorded(tmp_path)
    assert len(files) == 12
    started = [exchange[0]["started"] for exchange in files]
    assert started == sorted(started)


# ── a disk that fails, and the parameter ────────────────────────────────────────


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_folder_that_cannot_be_written_costs_one_warning(
    way: str, make_model: MakeModel, tmp_path: Path, caplog
) -> None:
    model = make_model(TEXT, TEXT, record=tmp_path / way)
    (tmp_path / way).write_text("in the way")
    with caplog.at_level(logging.WARNING):
        assert len(outcome(model, way)["chunks"]) > 3
        assert len(outcome(model, way)["chunks"]) > 3
    [record] = [r for r in caplog.records if "recorded" in r.message]
    assert "The answers are not affected" in record.message


def test_a_full_disk_ends_the_recording_and_not_the_stream(
    make_model: MakeModel, tmp_path: Path, caplog, monkeypatch
) -> None:
    from langchain_streamkit._http import recorder

    real, count = recorder.os.write, 0

    def write(file: int, data: bytes) -> int:
        nonlocal count
        count += 1
        if count > 3:
            raise OSError(28, "No space left on device")
        return int(real(file, data))

    monkeypatch.setattr(recorder.os, "write", write)
    model = make_model(TEXT, record=tmp_path)
    assert outcome(model, "stream")["error"] is type(None)
    assert "No space left" in caplog.text
    assert len(recorded(tmp_path)[0]) == 3


@pytest.mark.parametrize("wrong", [7, True, b"bytes", "", "  ", "a\0b", ["a"]])
def test_what_is_no_path_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigurationError, match="record"):
        ChatStreamKit(model="m", base_url="http://localhost/v1", record=wrong)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="is a file"):
        ChatStreamKit(
            model="m", base_url="http://localhost/v1", record=tmp_path / "file"
        )


def test_one_call_may_be_recorded(make_model: MakeModel, tmp_path: Path) -> None:
    model = make_model()
    model.invoke("Hello", record=tmp_path)
    model.invoke("Hello")
    assert len(recorded(tmp_path)) == 1
    with pytest.raises(ConfigurationError, match="record"):
        model.invoke("Hello", record=3)


def test_copies_keep_it_and_caches_do_not_see_it(
    make_model: MakeModel, tmp_path: Path
) -> None:
    plain, model = make_model(), make_model(record=tmp_path)
    assert pickle.loads(pickle.dumps(model)).record == str(tmp_path)
    assert copy.deepcopy(model).record == str(tmp_path)
    assert model._get_llm_string() == plain._get_llm_string()
    assert plain._get_llm_string(record="x") == plain._get_llm_string()


def test_a_bound_on_the_response_bounds_the_file(
    make_model: MakeModel, tmp_path: Path
) -> None:
    bomb = Reply.bomb(4_000_000)
    model = make_model(bomb, record=tmp_path, max_response_bytes=100_000, max_retries=0)
    with pytest.raises(StreamKitError):
        list(model.stream("Hello"))
    [path] = tmp_path.iterdir()
    assert path.stat().st_size < 300_000
    assert lines(path)[-1] == {
        "seconds": lines(path)[-1]["seconds"],
        "end": "stopped",
        "error": "StreamLimitError",
    }
