"""Secrets are hidden wherever reads are cut, and nothing else is changed."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit._wire.scrubbing import HIDDEN, Read, Scrubber, parts_of

KEY = 'sk-proj/Ab+12"quo\\te'
LONG = "x" * 20 + "y" * 20 + "-long-secret-of-more-than-32-characters"


def scrub(secrets: list[str], pieces: list[bytes]) -> list[Read]:
    scrubber = Scrubber(secrets)
    reads = [r for i, p in enumerate(pieces) for r in scrubber.feed(Read(float(i), p))]
    return reads + scrubber.flush()


def joined(reads: list[Read]) -> bytes:
    return b"".join(read.data for read in reads)


@pytest.mark.parametrize(
    "written",
    [
        KEY,
        json.dumps(KEY)[1:-1],
        json.dumps(KEY)[1:-1].replace("/", "\\/"),
        "sk-proj%2FAb%2B12%22quo%5Cte",
    ],
)
def test_a_secret_is_hidden_in_every_form_at_every_cut(written: str) -> None:
    data = f"before {written} after".encode()
    for at in range(len(data) + 1):
        reads = scrub([KEY], [data[:at], data[at:]])
        assert joined(reads) == b"before [hidden] after", at
        assert [read.seconds for read in reads] == [0.0, 1.0]


def test_single_bytes_are_hidden_too() -> None:
    data = b"a sk-12345 b sk-12345"
    reads = scrub(["sk-12345"], [data[i : i + 1] for i in range(len(data))])
    assert joined(reads) == b"a [hidden] b [hidden]"
    assert len(reads) == len(data)


def test_of_two_secrets_the_longer_one_is_hidden_whole() -> None:
    secrets = ["abc-123", "abc-123-xyz"]
    assert joined(scrub(secrets, [b"abc-123", b"-xyz!"])) == b"[hidden]!"
    assert joined(scrub(secrets, [b"abc-123", b"-xyy!"])) == b"[hidden]-xyy!"


def test_the_beginning_of_a_long_secret_is_enough() -> None:
    quoted = LONG[:36].encode()
    assert joined(scrub([LONG], [b"<" + quoted + b"...>"])) == b"<[hidden]...>"


def test_half_a_secret_at_the_end_is_hidden() -> None:
    assert (
        joined(scrub(["sk-1234567890"], [b"the key sk-12345"])) == b"the key [hidden]"
    )


def test_a_read_is_given_at_once_unless_a_secret_may_begin_in_it() -> None:
    scrubber = Scrubber(["sk-12345"])
    read = Read(0.5, b"data: {}\n\n")
    assert scrubber.feed(read) == [read]
    assert scrubber.feed(Read(0.6, b"ask")) == []
    assert scrubber.feed(Read(0.7, b"ing\n")) == [
        Read(0.6, b"ask"),
        Read(0.7, b"ing\n"),
    ]


def test_short_values_hide_nothing() -> None:
    assert joined(scrub(["a", "", "12345"], [b"a 12345"])) == b"a 12345"


def test_texts_are_hidden_with_lone_surrogates_around() -> None:
    assert Scrubber(["sk-12345"]).hide("\ud800sk-12345") == f"\ud800{HIDDEN}"


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("Bearer abc-123", ["Bearer abc-123", "abc-123"]),
        ("session=0123abcd; theme=dark", ["session=0123abcd; theme=dark", "0123abcd"]),
        ("medium", []),
        ("a1", []),
    ],
)
def test_what_looks_like_a_secret_in_a_value(value: str, parts: list[str]) -> None:
    assert parts_of(value) == parts


@given(
    st.lists(st.sampled_from(["abcabcd", "bcab", "x", "abcab", "\n"]), max_size=12),
    st.lists(st.integers(0, 60), max_size=6),
)
def test_cuts_change_nothing(parts: list[str], cuts: list[int]) -> None:
    data = "".join(parts).encode()
    ends = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[a:b] for a, b in pairwise(ends)]
    secrets = ["abcabcd", "abcabx"]
    whole = joined(scrub(secrets, [data]))
    assert joined(scrub(secrets, pieces)) == whole
    assert b"abcabcd" not in whole


@given(st.lists(st.binary(max_size=30)))
def test_bytes_without_a_secret_pass_as_they_are(pieces: list[bytes]) -> None:
    reads = scrub(["sk-12345", LONG], pieces)
    assert [read.data for read in reads] == pieces
