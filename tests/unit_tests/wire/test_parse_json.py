"""JSON from strangers becomes values, or a ValueError, and nothing else."""

from __future__ import annotations

import copy
import itertools
import json
import math
import pickle
from time import process_time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit._wire.nesting import MAX_DEPTH, JsonNesting, is_too_deep
from langchain_streamkit._wire.parse_json import parse_json, parse_strict_json

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
TEXTS = VALUES.map(lambda value: json.dumps(value, ensure_ascii=False))


@given(VALUES)
def test_what_was_written_is_read_back(value: Any) -> None:
    assert parse_json(json.dumps(value).encode()) == value


@given(st.text(st.characters(codec=None), max_size=20))  # halves of pairs included
def test_any_string_is_read_as_python_reads_it(text: str) -> None:
    written = json.dumps(text)
    assert parse_json(written.encode()) == json.loads(written)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'"\\ud83d"', "\ud83d"),
        (b'"a\xffb"', "a\ufffdb"),
        (b'"\xed\xa0\xbd"', "\ufffd\ufffd\ufffd"),
        (b"1e999", math.inf),
        (b"-Infinity", -math.inf),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b' \r\n\t{"a": [1]} \n', {"a": [1]}),
    ],
)
def test_what_the_standard_refuses_and_servers_send_is_read(
    data: bytes, value: Any
) -> None:
    assert parse_json(data) == value
    assert parse_json(b'{"in": ' + data + b"}") == {"in": value}


def test_not_a_number_is_read() -> None:
    assert math.isnan(parse_json(b"[NaN]")[0])


@pytest.mark.parametrize("data", [b'"\\ud83d"', b"NaN", b"1e999", b'"\xff"', b"", b"{"])
def test_the_strict_way_reads_the_standard_only(data: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        parse_strict_json(data)


@pytest.mark.parametrize(
    "data",
    [
        *(
            b"",
            b" ",
            b"{",
            b'{"a"',
            b"{'a':1}",
            b"[1,]",
            b"1 2",
            b"nul",
            b"\xff",
            b"\x00",
        ),
        *(b'"\x01"', b"\xef\xbb\xbf{}", b"1" * 5000, b"-" + b"9" * 100_000),
    ],
)
def test_what_is_broken_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its words are a parser's own
        parse_json(data)


@pytest.mark.parametrize("brackets", ["[]", '{"a":}'], ids=["lists", "objects"])
@pytest.mark.parametrize(
    "tail", ["1", "NaN", '"\\ud83d"'], ids=["number", "odd", "half"]
)
def test_depth_is_bounded_for_both_parsers(brackets: str, tail: str) -> None:
    opening, closing = brackets[:-1], brackets[-1]

    def nested(depth: int) -> bytes:
        text = opening * depth + tail + closing * depth
        return text.ljust(4 * MAX_DEPTH + 1).encode()  # shorter ones may be deeper

    parse_json(nested(MAX_DEPTH))
    for depth in (MAX_DEPTH + 1, 600, 100_000):
        with pytest.raises(ValueError, match="nests deeper"):
            parse_json(nested(depth))


def test_the_deepest_value_can_be_copied_compared_and_written() -> None:
    depth = 2 * MAX_DEPTH
    with pytest.raises(ValueError, match="nests deeper"):
        parse_json(b"[" * (depth + 1) + b"]" * (depth + 1))
    value, twin = (parse_json(b"[" * depth + b"]" * depth) for _ in range(2))

    def from_deep_inside(depth: int) -> None:  # as an agent's frames are
        if depth:
            return from_deep_inside(depth - 1)
        assert copy.deepcopy(value) == twin
        assert pickle.loads(pickle.dumps(value)) == twin
        assert json.loads(json.dumps(value)) == twin
        return None

    from_deep_inside(300)


@pytest.mark.parametrize("text", ["[" * 1000, "[{" * 1000, '\\"[' * 1000, "]" * 1000])
@pytest.mark.parametrize("half", ["", "\ud83d"])
def test_brackets_in_strings_are_no_depth(text: str, half: str) -> None:
    data = json.dumps({"a": [text + half]}).encode()
    assert parse_json(data) == {"a": [text + half]}


def test_many_brackets_side_by_side_are_no_depth() -> None:
    assert parse_json(b"[" + b"[]," * 5000 + b"NaN]")[:-1] == [[]] * 5000


@pytest.mark.parametrize("unit", ['\\"[', '"[', "[", "]", '"', "\\", '{"a":['])
def test_depth_is_found_in_time_that_grows_with_the_length_only(unit: str) -> None:
    def seconds(times: int) -> float:
        start = process_time()
        is_too_deep('"' + unit * times)
        is_too_deep(unit * times)
        return process_time() - start

    one = min(seconds(20_000) for _ in range(3))
    assert seconds(200_000) < 40 * one + 0.01


# ── the brackets of a text that grows ───────────────────────────────────────────


def follow(*pieces: str) -> tuple[list[str], bool, bool, int]:
    nesting = JsonNesting()
    for piece in pieces:
        nesting.feed(piece)
    return nesting.stack, nesting.is_in_string, nesting.was_closed, nesting.deepest


@given(TEXTS)
def test_a_whole_text_leaves_nothing_open(text: str) -> None:
    stack, is_in_string, was_closed, _ = follow(text)
    assert (stack, is_in_string) == ([], False)
    assert was_closed is (text[0] in "[{")


@given(
    st.text('{}[]"\\a', max_size=40) | TEXTS, st.lists(st.integers(0, 40), max_size=5)
)
def test_any_cut_of_a_text_is_followed_alike(text: str, places: list[int]) -> None:
    ends = [0, *sorted(places), len(text)]
    parts = [text[a:b] for a, b in itertools.pairwise(ends)]
    assert follow(text) == follow(*parts) == follow(*text)


@given(TEXTS, st.data())
def test_what_a_cut_leaves_open_closes_it(text: str, data: st.DataObject) -> None:
    cut = text[: data.draw(st.integers(0, len(text)))]
    nesting = JsonNesting()
    nesting.feed(cut)
    for character in text[len(cut) :]:
        nesting.feed(character)
    assert (nesting.stack, nesting.is_in_string) == ([], False)


def test_open_brackets_strings_and_escapes_are_told() -> None:
    assert follow('{"a": ["[') == (["{", "["], True, False, 2)
    assert follow('{"a\\') == (["{"], True, False, 1)
    assert follow('{"a\\', '"') == (["{"], True, False, 1)
    assert follow('{"a\\\\', '"') == (["{"], False, False, 1)
    assert follow("[[]") == (["["], False, False, 2)
    assert follow("]}", "{}") == ([], False, True, 1)
