"""A server's count of tokens becomes one true figure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit._wire.usage import is_report, merge_usage, parse_usage


def counts(
    given_: int, made: int, total: int, **details: dict[str, int]
) -> dict[str, Any]:
    return {
        "input_tokens": given_,
        "output_tokens": made,
        "total_tokens": total,
        **{f"{side}_token_details": found for side, found in details.items()},
    }


SHAPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "openai": (
        {
            "prompt_tokens": 10,
            "completion_tokens": 7,
            "total_tokens": 17,
            "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 1},
            "completion_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 2},
        },
        counts(
            *(10, 7, 17),
            input={"audio": 1, "cache_read": 4},
            output={"audio": 2, "reasoning": 3},
        ),
    ),
    "plain": ({"prompt_tokens": 3, "completion_tokens": 4}, counts(3, 4, 7)),
    "responses": (
        {
            "input_tokens": 3,
            "output_tokens": 4,
            "input_tokens_details": {"cached_tokens": 1},
            "output_tokens_details": {"reasoning_tokens": 2},
        },
        counts(3, 4, 7, input={"cache_read": 1}, output={"reasoning": 2}),
    ),
    "deepseek": (
        {
            "prompt_tokens": 9,
            "completion_tokens": 4,
            "total_tokens": 13,
            "prompt_cache_hit_tokens": 5,
            "prompt_cache_miss_tokens": 4,
        },
        counts(9, 4, 13, input={"cache_read": 5}),
    ),
    "moonshot": (
        {
            "prompt_tokens": 9,
            "completion_tokens": 4,
            "total_tokens": 13,
            "cached_tokens": 8,
        },
        counts(9, 4, 13, input={"cache_read": 8}),
    ),
    "databricks": (
        {
            "prompt_tokens": 36,
            "completion_tokens": None,
            "total_tokens": None,
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 5,
        },
        counts(36, 0, 36, input={"cache_creation": 5, "cache_read": 0}),
    ),
    "xai counts reasoning beside": (
        {
            "prompt_tokens": 361,
            "completion_tokens": 26,
            "total_tokens": 622,
            "prompt_tokens_details": {"cached_tokens": 360},
            "completion_tokens_details": {"reasoning_tokens": 235},
        },
        counts(361, 261, 622, input={"cache_read": 360}, output={"reasoning": 235}),
    ),
    "reasoning within": (
        {
            "prompt_tokens": 361,
            "completion_tokens": 261,
            "total_tokens": 622,
            "completion_tokens_details": {"reasoning_tokens": 235},
        },
        counts(361, 261, 622, output={"reasoning": 235}),
    ),
    "reasoning without a total": (
        {"prompt_tokens": 1, "completion_tokens": 5, "reasoning_tokens": 3},
        counts(1, 5, 6, output={"reasoning": 3}),
    ),
    "a total of another kind": (
        {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 100},
        counts(3, 4, 100),
    ),
    "a total alone": ({"total_tokens": 9}, counts(0, 0, 9)),
    "a total of zero": (
        {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 0},
        counts(3, 4, 7),
    ),
    "details of null": (
        {
            "prompt_tokens": 3,
            "completion_tokens": 4,
            "total_tokens": 7,
            "prompt_tokens_details": None,
            "completion_tokens_details": None,
        },
        counts(3, 4, 7),
    ),
    "floats": (
        {"prompt_tokens": 3.0, "completion_tokens": 4.0, "total_tokens": 7.0},
        counts(3, 4, 7),
    ),
}


@pytest.mark.parametrize(("usage", "expected"), SHAPES.values(), ids=SHAPES)
def test_every_shape_becomes_the_standard_one(
    usage: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert parse_usage(usage) == expected
    assert is_report(usage)


@pytest.mark.parametrize(
    "usage",
    [
        *(None, {}, [], "seven", 7, {"prompt_tokens": 0}, {"total_tokens": None}),
        *({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, {"odd": 7}),
        *({"total_tokens": 0, "total_characters": 0}, {"prompt_tokens": "7.5"}),
        *(
            {"prompt_tokens": True},
            {"prompt_tokens": -1},
            {"prompt_tokens": float("nan")},
        ),
    ],
    ids=str,
)
def test_what_says_nothing_is_no_report(usage: Any) -> None:
    assert not is_report(usage)


@pytest.mark.parametrize(
    "bad", [None, "seven", True, -1, float("inf"), float("nan"), [], {}]
)
def test_a_count_that_is_none_counts_as_nothing(bad: Any) -> None:
    usage = {"prompt_tokens": bad, "completion_tokens": 4, "total_tokens": bad}
    assert parse_usage(usage) == counts(0, 4, 4)
    details = {"prompt_tokens_details": {"cached_tokens": bad}}
    assert "input_token_details" not in parse_usage({"completion_tokens": 4, **details})


def test_an_integer_of_any_size_is_a_count() -> None:
    assert parse_usage({"prompt_tokens": 10**400})["input_tokens"] == 10**400


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["cached_tokens", "reasoning_tokens", "audio_tokens"]),
            inner,
        )
    ),
    max_leaves=4,
)
KEYS = st.sampled_from(
    [
        *("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens"),
        *("output_tokens", "prompt_tokens_details", "completion_tokens_details"),
        *("reasoning_tokens", "cached_tokens", "prompt_cache_hit_tokens"),
    ]
)


@given(st.dictionaries(KEYS, ANY))
def test_any_report_gives_whole_numbers_that_are_not_negative(
    usage: dict[str, Any],
) -> None:
    found = parse_usage(usage)
    details = [value for value in found.values() if isinstance(value, dict)]
    numbers = [value for value in found.values() if not isinstance(value, dict)]
    numbers += [number for detail in details for number in detail.values()]
    assert all(type(number) is int and number >= 0 for number in numbers)


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([{"prompt_tokens": 3}, {"completion_tokens": 4}], (3, 4, 7)),
        ([{"input_tokens": 3}, {"output_tokens": 4}], (3, 4, 7)),
        (
            [
                {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
                {"prompt_tokens": 0, "completion_tokens": 9, "total_tokens": 9},
            ],
            (3, 9, 12),
        ),
        (
            [
                {"prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12},
                {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
            ],
            (3, 4, 7),
        ),
    ],
    ids=["by sides", "by sides, other names", "zero for the prompt", "a correction"],
)
def test_a_side_that_one_report_counted_is_kept(
    reports: list[dict[str, Any]], expected: tuple[int, int, int]
) -> None:
    kept: dict[str, Any] | None = None
    for report in reports:
        kept = merge_usage(kept, report)
    assert parse_usage(kept or {}) == counts(*expected)


def test_a_count_may_be_written_as_text() -> None:
    assert parse_usage({"prompt_tokens": "3", "completion_tokens": "4"}) == counts(
        3, 4, 7
    )
