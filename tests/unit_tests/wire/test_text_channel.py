"""Text is said once, in whole characters, and thoughts are told from it."""

from __future__ import annotations

import itertools
from time import process_time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from langchain_streamkit._wire.surrogates import SurrogateJoiner
from langchain_streamkit._wire.text_channel import (
    CumulativeGuard,
    TagSplitter,
    TextChannel,
)

THINK = ("<think>", "</think>")


def guard(*pieces: str) -> str:
    filter_ = CumulativeGuard()
    return "".join(map(filter_.feed, pieces)) + filter_.flush()


# ── growing totals ──────────────────────────────────────────────────────────────

ANSWER = "Hello there, how are you today? I am fine, thank you."


@pytest.mark.parametrize("size", [3, 5, 7, 20])
@pytest.mark.parametrize("text", [ANSWER, "你好我是一个人工智能助手很高兴认识你们大家"])
def test_growing_totals_are_said_once(text: str, size: int) -> None:
    totals = [text[:end] for end in range(size, len(text) + size, size)]
    assert guard(*totals) == text
    assert guard(*totals, totals[-1]) == text


@given(st.text("abcdefgh ", min_size=3), st.integers(3, 20))
def test_growing_totals_of_any_text_are_said_once(text: str, size: int) -> None:
    totals = [text[:end] for end in range(size, len(text) + size, size)]
    assume(len(totals[0].strip()) >= 3)
    assert guard(*totals) == text


def test_few_totals_are_known_at_the_end() -> None:
    assert guard("Hello") == "Hello"
    assert guard("Hello", "Hello you") == "Hello you"
    assert guard("H", "He", "Hey") == "Hey"


def test_totals_are_given_as_soon_as_they_are_known() -> None:
    filter_ = CumulativeGuard()
    given_ = [filter_.feed(ANSWER[:end]) for end in (5, 10, 15, 20, 25)]
    assert given_ == ["Hello", "", " there, ho", "w are", " you "]


def test_a_total_that_is_repeated_or_shorter_adds_nothing() -> None:
    totals = [ANSWER[:end] for end in (5, 10, 15, 15, 10, 20)]
    assert guard(*totals) == ANSWER[:20]


def test_an_increment_after_totals_is_added() -> None:
    totals = [ANSWER[:end] for end in (5, 10, 15)]
    assert guard(*totals, "!?") == ANSWER[:15] + "!?"
    assert guard(*totals, "!?", ANSWER[:15] + "!? Yes") == ANSWER[:15] + "!? Yes"


# ── increments ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "pieces",
    [
        ["Hello", " there"],
        ["ha", "haha", "!"],
        ["ha", "haha", "hahaha", "hahahaha", " funny"],
        ["ha", "haha!", " ha"],
        ["1", "10", "2"],
        ["1", "10", "100", "1000", "10000", " and so on"],
        ["=", "==", "====", "========", "================", "\n"],
        ["\n", "\n\n", "\n\n\n", "Hello"],
        [" ", "  ", "   ", "    ", "     ", "return"],
        ["a", "a"],
        ["no", "nope"],
        ["-", "---"],
        ["the", "then", "the", "then"],
        ["I", "I", "I think"],
        ["Hello", "Hello", "Hello you"],
        ["Hello there", "Hello there!", " I said hello."],
        ["<", "<a", "<a>", "<b"],
    ],
    ids=" ".join,
)
def test_increments_are_all_said(pieces: list[str]) -> None:
    assert guard(*pieces) == "".join(pieces)


@given(st.lists(st.text("ab\n", min_size=1, max_size=7), min_size=2))
def test_short_increments_are_all_said_unless_all_of_them_grow(
    pieces: list[str],
) -> None:
    """Seven characters are no sign of a total, however often they come again."""
    grows = [
        later.startswith(earlier) and len(later) > len(earlier)
        for earlier, later in itertools.pairwise(pieces)
    ]
    assume(not all(grows))
    assert guard(*pieces) == "".join(pieces)


@given(st.lists(st.text(min_size=1, max_size=30), min_size=2))
def test_increments_are_all_said_once_one_does_not_begin_as_the_last(
    pieces: list[str],
) -> None:
    assume(not pieces[1].startswith(pieces[0]))
    assert guard(*pieces) == "".join(pieces)


def test_only_what_may_be_a_total_waits() -> None:
    filter_ = CumulativeGuard()
    assert filter_.feed("ha") == "ha"
    assert not filter_.is_holding
    assert filter_.feed("haha") == ""
    assert filter_.is_holding
    assert filter_.feed("!") == "haha!"
    assert not filter_.is_holding
    assert filter_.is_decided
    assert filter_.feed("haha!haha!") == "haha!haha!"


# ── halves of characters ────────────────────────────────────────────────────────


@given(st.text(st.characters(codec=None)), st.lists(st.integers(0, 50), max_size=6))
def test_halves_join_wherever_text_is_cut(text: str, places: list[int]) -> None:
    """As UTF-16 units, which is how servers come to cut a character in two."""
    units = text.encode("utf-16-le", "surrogatepass")
    whole = units.decode("utf-16-le", "replace")
    ends = [0, *sorted(2 * place for place in places), len(units)]
    parts = [
        units[a:b].decode("utf-16-le", "surrogatepass")
        for a, b in itertools.pairwise(ends)
    ]
    joiner = SurrogateJoiner()
    said = [joiner.feed(part) for part in parts] + [joiner.flush()]
    assert "".join(said) == whole
    assert not joiner.is_holding
    for piece in said:
        piece.encode()


def test_a_half_waits_for_the_next_piece_only() -> None:
    joiner = SurrogateJoiner()
    assert joiner.feed("\ud83d") == ""
    assert joiner.is_holding
    assert joiner.feed("") == ""
    assert joiner.feed("\ud83d") == "\ufffd"
    assert joiner.feed("a") == "\ufffda"
    assert joiner.flush() == ""


# ── tags ────────────────────────────────────────────────────────────────────────


def split(*pieces: str, tags: tuple[str, str] = THINK) -> tuple[str, str]:
    splitter = TagSplitter(*tags)
    out = [part for piece in pieces for part in splitter.feed(piece)] + splitter.flush()
    assert not splitter.is_holding
    return (
        "".join(text for is_thought, text in out if is_thought),
        "".join(text for is_thought, text in out if not is_thought),
    )


@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("<think>why</think>so", "why", "so"),
        ("a<think>b</think>c<think>d</think>e", "bd", "ace"),
        ("<think<think>a</think</think>b", "a</think", "<thinkb"),
        ("<<think>a<</think>b", "a<", "<b"),
        ("<think>a<think>b</think>c", "a<think>b", "c"),
        ("<think></think>so", "", "so"),
        ("<think>cut", "cut", ""),
        ("<think>cut</thin", "cut</thin", ""),
        ("no tag <thin", "", "no tag <thin"),
        ("why</think>so", "", "why</think>so"),
        ("1 < 2 > 0", "", "1 < 2 > 0"),
        ("<THINK>a</THINK>", "", "<THINK>a</THINK>"),
        ("", "", ""),
    ],
)
def test_tags_are_found_wherever_they_are_cut(
    text: str, thought: str, answer: str
) -> None:
    assert split(text) == (thought, answer)
    assert split(*text) == (thought, answer)
    for place in range(len(text)):
        assert split(text[:place], text[place:]) == (thought, answer)


def test_an_empty_opening_tag_begins_inside() -> None:
    tags = ("", "</think>")
    assert split("why</think>so", tags=tags) == ("why", "so")
    assert split(*"why</think>so</think>!", tags=tags) == ("why", "so</think>!")


def test_an_empty_closing_tag_never_closes() -> None:
    assert split("a<think>b</think>c", tags=("<think>", "")) == ("b</think>c", "a")


@given(st.text("<>/think ab", max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_any_cut_of_tagged_text_says_the_same(text: str, places: list[int]) -> None:
    ends = [0, *sorted(places), len(text)]
    parts = [text[a:b] for a, b in itertools.pairwise(ends)]
    assert split(text) == split(*parts)


def test_only_what_may_be_a_tag_waits() -> None:
    splitter = TagSplitter(*THINK)
    assert splitter.feed("a<b") == [(False, "a<b")]
    assert splitter.feed("a<t") == [(False, "a")]
    assert splitter.is_holding
    assert splitter.feed("ea") == [(False, "<tea")]


def test_many_tags_in_one_piece_take_time_by_its_length_only() -> None:
    def seconds(times: int) -> float:
        text = "<think></think>" * times
        start = process_time()
        split(text)
        return process_time() - start

    one = min(seconds(2_000) for _ in range(3))
    # Time by its square would be four hundred times as much.
    assert min(seconds(40_000) for _ in range(3)) < 120 * one + 0.05


# ── all of them ─────────────────────────────────────────────────────────────────


def say(*pieces: str, tags: tuple[str, str] | None = None, last: bool = True) -> str:
    channel, parts = TextChannel(tags), list[str]()
    for place, piece in enumerate(pieces, start=1):
        is_last = last and place == len(pieces)
        out = channel.feed(piece, is_last=is_last, parts=parts)
        parts += [text for is_thought, text in out if not is_thought]
    parts += [text for is_thought, text in channel.flush() if not is_thought]
    return "".join(parts)


def test_a_whole_text_that_ends_the_answer_once_more_is_dropped() -> None:
    assert say("Hello there,", " how are", " you?", "Hello there, how are you?") == (
        "Hello there, how are you?"
    )


@pytest.mark.parametrize(
    "pieces",
    [
        ["ha", "-", "ha", "ha-ha"],  # too short to be sure
        ["Hello there,", " how are you?", "Hello there, how are you!"],
        ["Hello there,", " how are you?", " how are you?"],
    ],
)
def test_a_last_piece_that_only_resembles_the_text_is_said(pieces: list[str]) -> None:
    assert say(*pieces) == "".join(pieces)


def test_a_repetition_that_does_not_end_the_answer_is_said() -> None:
    pieces = ["Hello there,", " how are you?", "Hello there, how are you?"]
    assert say(*pieces, last=False) == "".join(pieces)


def test_text_passes_untouched_once_it_is_known_to_come_in_increments() -> None:
    channel = TextChannel()
    assert not channel.is_plain
    channel.feed("Hello", parts=[])
    assert not channel.is_plain
    channel.feed(" you", parts=[])
    assert channel.is_plain
    channel.feed("\ud83d", parts=[])
    assert channel.is_holding
    assert not channel.is_plain
    assert channel.feed("\udc4b", parts=[]) == [(False, "👋")]
    assert channel.is_plain


def test_text_with_tags_never_passes_untouched() -> None:
    channel = TextChannel(THINK)
    for piece in ("Hello", " you", " two"):
        channel.feed(piece, parts=[])
        assert not channel.is_plain


def test_totals_halves_and_tags_go_together() -> None:
    text = "<think>hm</think>Hello 👋 there"
    totals = [text[:end] for end in range(4, len(text) + 1)]
    assert say(*totals, "\ud83d", "\udc4b", tags=THINK) == "Hello 👋 there👋"
