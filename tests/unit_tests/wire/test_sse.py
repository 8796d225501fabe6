"""Bytes become server-sent events, by the standard's rules, split anywhere."""

from __future__ import annotations

import itertools
import tracemalloc
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit._wire.sse import ServerSentEvent, SSEDecoder
from langchain_streamkit.errors import StreamLimitError
from tests.unit_tests.wire.shared_files import SSECase, sse_cases


def decode(*chunks: bytes, limit: int = 1 << 24) -> list[ServerSentEvent]:
    decoder = SSEDecoder(limit)
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def datas(*chunks: bytes) -> list[bytes]:
    return [event.data for event in decode(*chunks)]


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[place : place + size] for place in range(0, len(data), size)]


# ── the standard ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("case", sse_cases())
def test_a_case_of_the_standard_reads_the_same_however_it_is_split(
    case: SSECase,
) -> None:
    for chunks in (case.chunks, [case.data], *(cut(case.data, n) for n in (1, 2, 7))):
        decoder = SSEDecoder()
        events = [event for chunk in chunks for event in decoder.feed(chunk)]
        read = [(e.data.decode("utf-8", "replace"), *e[1:]) for e in events]
        assert read == case.events
        last = decoder.flush()
        assert (last and last.data.decode("utf-8", "replace")) == case.unfinished


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=["LF", "CR", "CRLF"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_every_line_end_of_the_standard_ends_a_line(end: bytes, size: int) -> None:
    stream = b"event: a\ndata: 1\ndata: 2\n\n: note\n\ndata: 3\n\n"
    events = decode(*cut(stream.replace(b"\n", end), size))
    assert [(e.event, e.data) for e in events] == [("a", b"1\n2"), ("message", b"3")]


def test_a_carriage_return_ends_a_line_without_waiting_for_what_follows() -> None:
    decoder = SSEDecoder()
    assert [e.data for e in decoder.feed(b"data: 1\r\r")] == [b"1"]
    assert decoder.feed(b"\ndata: 2\n") == []
    assert [e.data for e in decoder.feed(b"\n")] == [b"2"]


def test_a_line_feed_belongs_to_the_carriage_return_right_before_it_only() -> None:
    assert datas(b"data: 1\r\rdata: 2", b"\n\n") == [b"1", b"2"]
    assert datas(b"data: 1\r", b"", b"\n", b"\n") == [b"1"]
    assert datas(b"data: 1\r\n\r\n", b"data: 2\r\n\n") == [b"1", b"2"]


def test_one_space_after_the_colon_is_no_part_of_the_value() -> None:
    stream = b"data: a\ndata:b\ndata:  c\ndata:\td\ndata\ndata:\n data: x\n\n"
    assert datas(stream) == [b"a\nb\n c\n\td\n\n"]


def test_names_are_known_as_they_are_written_only() -> None:
    stream = b"DATA: 1\nData: 2\ndata : 3\ndatax: 4\n: data: 5\ndata: 6\n\n"
    assert datas(stream) == [b"6"]


@pytest.mark.parametrize("character", "\u2028\u2029\u0085\x0b\x0c\x1c\x1d\x1e\x00")
def test_no_other_character_ends_a_line(character: str) -> None:
    text = f'{{"c":"a{character}b"}}'.encode()
    assert datas(b"data: " + text + b"\n\n") == [text]
    assert datas(*cut(b"data: " + text + b"\n\n", 1)) == [text]


def test_one_byte_order_mark_is_no_part_of_the_first_line() -> None:
    mark = b"\xef\xbb\xbf"
    assert datas(*cut(mark + b"data: 1\n\n", 1)) == [b"1"]
    assert datas(mark + mark + b"data: 1\n\ndata: 2\n\n") == [b"2"]
    assert datas(b"\n" + mark + b"data: 1\n\n") == []
    decoder = SSEDecoder()
    decoder.feed(mark + b"data: [DONE]")
    assert decoder.flush() == ServerSentEvent(b"[DONE]")


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b": ping\n",
        b"retry: 10\n",
        b"id: 7\n",
        b"event: ping\n",
        b"x\n",
        b"error: 1\n",
    ],
)
def test_a_block_without_data_is_no_event(block: bytes) -> None:
    assert datas(block + b"\n" + block + b"\ndata: 1\n\n") == [b"1"]


def test_the_type_and_the_time_belong_to_their_own_block_only() -> None:
    stream = (
        b"event: a\nretry: 9\n\ndata: 1\n\nevent: b\nretry: 5\ndata: 2\n\ndata: 3\n\n"
    )
    assert [(e.event, e.retry) for e in decode(stream)] == [
        ("message", None),
        ("b", 5),
        ("message", None),
    ]


def test_an_id_with_a_null_is_no_id() -> None:
    assert [e.id for e in decode(b"id: 1\nid: 2\0\ndata: a\n\n")] == ["1"]


def test_the_last_id_stays_until_another_comes() -> None:
    stream = b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\nid: 2\n\ndata: d\n\n"
    assert [e.id for e in decode(stream)] == ["1", "1", "", "2"]


@pytest.mark.parametrize(
    "digits", [b"9" * 5000, b"-1", b"+5", b"1_0", b"5 ", "\u0661".encode()]
)
def test_a_time_that_is_no_number_is_not_read(digits: bytes) -> None:
    assert decode(b"retry: " + digits + b"\ndata: 1\n\n") == [ServerSentEvent(b"1")]


# ── the end ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("tail", [b"data: x", b"data: x\n", b"data: x\r"])
def test_what_is_unfinished_at_the_end_is_given_apart(tail: bytes) -> None:
    decoder = SSEDecoder()
    assert decoder.feed(tail) == []
    assert decoder.flush() == ServerSentEvent(b"x")


@pytest.mark.parametrize("stream", [b"", b"\n", b": x", b"data: 1\n\n", b"data: 1\r\r"])
def test_nothing_is_unfinished_after_a_clean_end(stream: bytes) -> None:
    decoder = SSEDecoder()
    decoder.feed(stream)
    assert decoder.flush() is None


# ── a field that the standard does not know ─────────────────────────────────────


def test_an_error_field_is_an_event_for_those_who_ask() -> None:
    stream = b'data: 1\n\nerror: {"code":400}\n\ndata: [DONE]\n\n'
    for size in (1, 3, len(stream)):
        decoder = SSEDecoder(has_error_fields=True)
        events = [e for chunk in cut(stream, size) for e in decoder.feed(chunk)]
        assert [(e.event, e.data) for e in events] == [
            ("message", b"1"),
            ("error", b'{"code":400}'),
            ("message", b"[DONE]"),
        ]


# ── bounds ──────────────────────────────────────────────────────────────────────


def test_a_line_without_end_is_given_up_with_bounded_memory() -> None:
    limit, read = 1 << 20, b"x" * 65536
    decoder = SSEDecoder(limit)
    tracemalloc.start()
    try:
        decoder.feed(b"data: ")
        for _ in range(50 * 16):
            decoder.feed(bytes(read))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(decoder.failure, StreamLimitError)
    assert peak < 2 * limit
    assert decoder.flush() is None


def test_events_before_one_that_is_too_large_are_given() -> None:
    stream = b"data: 1\n\ndata: 2\n\ndata: " + b"x" * 100 + b"\n\ndata: 3\n\n"
    for size in (1, 10, 1000):
        decoder = SSEDecoder(50)
        events = [e for chunk in cut(stream, size) for e in decoder.feed(chunk)]
        assert [e.data for e in events] == [b"1", b"2"]
        assert decoder.failure is not None


@pytest.mark.parametrize("first", [b"data: 1", b"foo: 12", b"id: 123", b"event:e"])
def test_all_lines_of_an_event_count(first: bytes) -> None:
    stream = first + b"\ndata: 2\n\n"  # fourteen bytes in two lines
    lines = [line + b"\n" for line in stream.split(b"\n")[:-1]]
    for chunks in ([stream], lines, [lines[0], b"data: 2\n\n"], cut(stream, 1)):
        for limit, fits in ((13, False), (14, True)):
            decoder = SSEDecoder(limit)
            for chunk in chunks:
                decoder.feed(chunk)
            assert (decoder.failure is None) is fits


def test_a_read_larger_than_an_event_may_be_holds_many_events() -> None:
    stream = b"data: 1234567890\n\n" * 100
    for first in (0, 1, 9, 17):  # the first byte, and a line, may be in another read
        decoder = SSEDecoder(20)
        events = decoder.feed(stream[:first]) + decoder.feed(stream[first:])
        assert len(events) == 100
        assert decoder.failure is None


LINES = st.lists(
    st.sampled_from(
        [
            b"",
            b"",
            b"data: 12345",
            b"data:1",
            b"data",
            b": a comment",
            b"event: e",
            b"zz",
        ]
    ),
    max_size=12,
)


@given(LINES, st.integers(4, 40), st.integers(1, 9))
def test_the_bound_on_an_event_does_not_depend_on_the_reads(
    lines: list[bytes], limit: int, size: int
) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    results = []
    for chunks in ([stream], cut(stream, size), cut(stream, 1)):
        decoder = SSEDecoder(limit)
        events = [e for chunk in chunks for e in decoder.feed(chunk)]
        results.append((events, decoder.failure is None))
    assert results[0] == results[1] == results[2]


def test_comments_do_not_add_up_to_a_large_event() -> None:
    decoder = SSEDecoder(100)
    for _ in range(1000):
        decoder.feed(b": still here\n")
    assert [e.data for e in decoder.feed(b"data: 1\n\n")] == [b"1"]


# ── any split ───────────────────────────────────────────────────────────────────

PIECES = st.lists(
    st.sampled_from(
        [
            *(
                b"\n",
                b"\r",
                b"\r\n",
                b"\n\n",
                b"\r\n\r\n",
                b"data: ",
                b"data:",
                b"data",
            ),
            *(b"id: 1", b"id:\0", b"event: e", b"retry: 3", b": c", b"\xef\xbb\xbf"),
            *(b"x", b" ", b":", b"\xe2\x80\xa8", b"\xff", b"error: e", b"{}"),
        ]
    ),
    max_size=30,
).map(b"".join)


@given(PIECES, st.lists(st.integers(0, 60), max_size=8))
def test_any_split_gives_the_same_events(stream: bytes, places: list[int]) -> None:
    def run(chunks: list[bytes]) -> tuple[list[ServerSentEvent], object]:
        decoder = SSEDecoder()
        events = [event for chunk in chunks for event in decoder.feed(chunk)]
        return events, decoder.flush()

    ends = [0, *sorted(places), len(stream)]
    parts = [stream[a:b] for a, b in itertools.pairwise(ends)]
    assert run([stream]) == run(parts) == run(cut(stream, 1))


@given(st.lists(st.binary().filter(lambda b: not set(b"\r\n") & set(b)), max_size=9))
def test_what_was_written_as_data_lines_is_read_back(lines: list[bytes]) -> None:
    block = b"".join(b"data: " + line + b"\n" for line in lines)
    assert datas(block + b"\n") == ([b"\n".join(lines)] if lines else [])


# ── cost ────────────────────────────────────────────────────────────────────────


def seconds(chunks: list[bytes]) -> float:
    start = process_time()
    decode(*chunks)
    return process_time() - start


@pytest.mark.parametrize(
    "unit",
    [b"data: {}\n\n", b"data: x\n", b": c\n", b"x"],
    ids=["events", "lines of one event", "comments", "one line"],
)
def test_time_grows_with_the_length_of_the_stream_only(unit: bytes) -> None:
    few, many = (unit * (n // len(unit)) for n in (60_000, 600_000))
    one = min(seconds(cut(few, 1)) for _ in range(3))
    assert seconds(cut(many, 1)) < 40 * one  # quadratic time would be 100 times
