"""The file of a recording: what is written is read, anything else refused."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit._wire.recordings import (
    Ending,
    parse_recording,
    render_end,
    render_head,
    render_read,
    render_request,
)
from langchain_streamkit._wire.scrubbing import Read

START = render_request({"method": "POST"}, started="2026-01-01T00:00:00Z")
HEAD = render_head(0.1, 200, {"content-type": "text/event-stream"})


@given(st.lists(st.binary(max_size=20)), st.sampled_from(get_args(Ending)))
def test_what_is_written_is_read(pieces: list[bytes], end: Ending) -> None:
    reads = [Read(0.2, data) for data in pieces]
    data = START + HEAD + b"".join(map(render_read, reads)) + render_end(0.3, end, "E")
    recording = parse_recording(data)
    assert recording.reads == reads
    assert (recording.end, recording.error, recording.end_seconds) == (end, "E", 0.3)
    assert (recording.status, recording.head_seconds) == (200, 0.1)


def test_text_is_text_and_anything_else_is_base64() -> None:
    assert json.loads(render_read(Read(0.5, "größe\n".encode()))) == {
        "seconds": 0.5,
        "text": "größe\n",
    }
    assert json.loads(render_read(Read(0.5, b"\xff\x00")))["base64"] == "/wA="


def test_a_line_that_was_cut_is_where_the_program_died() -> None:
    whole = START + HEAD + render_read(Read(0.2, b"one"))
    recording = parse_recording(whole + b'{"seconds": 0.3, "te')
    assert [read.data for read in recording.reads] == [b"one"]
    assert recording.end == "left"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "line 1: the file is empty"),
        (b"data: hello", "line 1: this is no JSON ("),
        (b"[]\n", "line 1: this is no JSON object"),
        (b"{}\n", "line 1: this is no recording"),
        (b'{"streamkit_recording": 9}\n', "line 1: format 9 is not known"),
        (b'{"streamkit_recording": 1}\n', "line 1: 'request' must be an object"),
        (START + b"\n", "line 2: this is no JSON ("),
        (START + b'{"text": "a"}\n', "line 2: 'seconds' must be a number"),
        (START + b'{"seconds": -1, "text": ""}\n', "line 2: 'seconds' must not be -1"),
        (START + b'{"seconds": NaN, "end": "cut"}\n', "line 2: 'seconds' must not"),
        (START + render_read(Read(0, b"")), "line 2: bytes come before a line"),
        (START + HEAD + HEAD, "line 3: a second line with 'status'"),
        (START + b'{"seconds": 0, "status": "a"}\n', "line 2: 'status' must be a num"),
        (START + b'{"seconds": 0, "status": 20}\n', "line 2: 'status' must be a num"),
        (START + b'{"seconds": 0, "status": 200}\n', "line 2: 'headers' must be an"),
        (
            START + render_head(0, 200, {"a": "b\r\nc: d"}),
            "line 2: the header 'a' must be one line",
        ),
        (START + HEAD + b'{"seconds": 1, "base64": "?"}\n', "line 3: 'base64' is none"),
        (START + HEAD + b'{"seconds": 1}\n', "line 3: one of 'status', 'text'"),
        (START + b'{"seconds": 1, "end": "bang"}\n', "line 2: 'end' is 'bang', and"),
        (START + b'{"seconds": 1, "end": []}\n', "line 2: 'end' is [], and"),
        (START + render_end(1, "cut", None) + HEAD, "line 3: the recording has ended"),
    ],
)
def test_what_is_no_recording_is_refused_by_its_line(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=r"bug\.jsonl, ") as caught:
        parse_recording(data, "bug.jsonl")
    assert words in str(caught.value)


@given(st.binary(max_size=80), st.sampled_from([b"", START, START + HEAD]))
def test_any_file_is_a_recording_or_a_value_error(data: bytes, start: bytes) -> None:
    with suppress(ValueError):
        assert parse_recording(start + data).end in get_args(Ending)
