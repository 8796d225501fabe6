"""A loop is found, whatever its passage; text that is no loop is left alone."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_streamkit._resilience.repetition import LONGEST_PASSAGE, LoopDetector

WORDS = ("the", "of", "and", "to", "in", "is", "you", "that", "it", "he", "was", "for")


def prose(length: int, seed: int) -> str:
    """Words by chance: they repeat, but in no order."""
    chance = random.Random(seed)
    words = " ".join(chance.choice(WORDS) for _ in range(length))
    return words[:length]


def place_found(text: str, max_repetitions: int, sizes: list[int]) -> int | None:
    """After how many whole steps the detector has had enough."""
    detector = LoopDetector(max_repetitions)
    at = 0
    turn = 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        if detector.feed(text[at : at + size]) is not None:
            return (at + size) // 64
        at += size
        turn += 1
    return None


def is_loop(text: str, max_repetitions: int) -> bool:
    return LoopDetector(max_repetitions).feed(text) is not None


@pytest.mark.parametrize("period", [*range(1, 70), 127, 128, 129, 255, 500, 513, 999])
@pytest.mark.parametrize("alphabet", ["ab", "abcdefgh"])
def test_a_loop_of_any_period_is_found_after_any_text(
    period: int, alphabet: str
) -> None:
    chance = random.Random(period)
    for start in (0, 1, 63, 700, 5000):
        passage = "".join(chance.choice(alphabet) for _ in range(period))
        loop = passage * (max(10 * period, 600) // period + 1)
        found = LoopDetector(3).feed(prose(start, period) + loop)
        assert found is not None
        assert passage in (loop[:found] * 2 + passage)
        assert period % found == 0


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(st.text("ab-", min_size=1, max_size=6), st.integers(1, 250)),
        min_size=1,
        max_size=5,
    ).map(lambda parts: "".join(text * times for text, times in parts)),
    st.integers(0, 300),
)
def test_loops_with_loops_inside_are_found(passage: str, start: int) -> None:
    passage = passage[:LONGEST_PASSAGE]
    loop = passage * (max(8 * len(passage), 3000) // len(passage) + 1)
    assert is_loop(prose(start, 1) + loop, 3)


@given(st.text(st.sampled_from("ab \n-"), max_size=1000), st.lists(st.integers(1, 90)))
def test_how_the_text_is_cut_changes_nothing(text: str, sizes: list[int]) -> None:
    text = text + "ab-" * 200 + text * 3
    assert place_found(text, 5, [64]) == place_found(text, 5, [1])
    assert is_loop(text, 5) == (place_found(text, 5, sizes or [7]) is not None)


@given(st.integers(0, 10**6), st.sampled_from(["ab", "0123456789", "abcdef \n"]))
def test_random_text_is_no_loop(seed: int, alphabet: str) -> None:
    chance = random.Random(seed)
    text = "".join(chance.choice(alphabet) for _ in range(8000))
    assert not is_loop(text, 2)
    assert not is_loop(prose(8000, seed), 2)


@pytest.mark.parametrize("period", [1, 7, 30, 100, 600, 999])
@pytest.mark.parametrize("limit", [3, 10, 40])
def test_it_takes_more_repetitions_than_the_limit(period: int, limit: int) -> None:
    passage = prose(period - 1, 5) + "z"
    shortest = max(period * limit, 199)
    assert not is_loop("Well: " + (passage * limit)[:shortest] + " done. " * 2, limit)
    enough = max(limit + 1, 6) * period + 3 * 64
    assert is_loop((passage * (enough // period + 200))[: max(enough, 400)], limit)


@pytest.mark.parametrize(
    "text",
    [
        "Title\n" + "=" * 300 + "\n" + "-" * 900 + "\n",
        "| a | b |\n" + "|---|---|\n" + "|   |   |\n" * 100,
        "def f():\n" + " " * 1500 + "return 1\n",
        "\n" * 500,
        "ha" * 60 + "!" * 150,
        "\n".join(f"{n}. This is the same line again and again." for n in range(300)),
        "[" + ", ".join(str(n % 10) for n in range(60)) + "]",
    ],
)
def test_what_writers_repeat_on_purpose_is_no_loop(text: str) -> None:
    assert not is_loop(text, 20)


@pytest.mark.parametrize("text", [" \n", "\t", "-", "0", "ab"])
def test_what_never_stops_is_a_loop(text: str) -> None:
    assert LoopDetector(20).feed("{" + text * 3000) == len(text)


def test_memory_is_bounded_and_large_pieces_are_quick() -> None:
    detector = LoopDetector(20)
    detector.feed(prose(2_000_000, 3))
    kept = [getattr(detector, name) for name in detector.__slots__]
    assert sum(len(value) for value in kept if isinstance(value, str)) < 10_000
