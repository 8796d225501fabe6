"""Values are told once, as soon as they are closed, wherever the text was cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit._wire.json_fields import MAX_PATH, JsonFields, Path

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
ROOTS = st.lists(VALUES, max_size=4) | st.dictionaries(st.text(max_size=4), VALUES)


def closed_in(value: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    """What is closed in a value, parts before wholes."""
    parts: Any = []
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    told = [one for key, part in parts for one in closed_in(part, (*path, key))]
    return [*told, (path, value)]


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    places = sorted(cut % (len(text) + 1) for cut in cuts)
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


def feed(*pieces: str) -> list[tuple[Path, Any]]:
    fields = JsonFields()
    return [one for piece in pieces for one in fields.feed(piece)]


@given(ROOTS, st.lists(st.integers(min_value=0)), st.booleans())
def test_each_value_is_told_once_however_the_text_is_split(
    root: Any, cuts: list[int], ascii_only: bool
) -> None:
    text = "Here: " + json.dumps(root, ensure_ascii=ascii_only) + "\n``` {} []"
    assert feed(*pieces_of(text, cuts)) == closed_in(root)


@given(ROOTS, st.integers(min_value=0))
def test_what_was_told_of_a_cut_text_stays_true(root: Any, cut: int) -> None:
    text = json.dumps(root)
    told = feed(text[: cut % (len(text) + 1)])
    assert told == closed_in(root)[: len(told)]


@pytest.mark.parametrize(
    ("waits", "then", "told"),
    [
        ('{"a": 12', ",", [(("a",), 12)]),
        ('{"a": tru', "e}", [(("a",), True), ((), {"a": True})]),
        ('{"a": "x\\', '""', [(("a",), 'x"')]),
        ('{"a": "\\ud83d', '\\ude00"', [(("a",), "\U0001f600")]),
        ("[[", "]", [((0,), [])]),
    ],
)
def test_a_value_is_told_at_its_end_and_not_before(
    waits: str, then: str, told: list[Any]
) -> None:
    fields = JsonFields()
    assert fields.feed(waits) == []
    assert fields.feed(then) == told


def test_of_a_key_that_comes_twice_the_first_value_is_told_and_the_last_stays() -> None:
    told = feed('{"a": {"b": 1}, "a": {"b": 2, "c": [3]}}')
    assert told == [
        (("a", "b"), 1),
        (("a",), {"b": 1}),
        ((), {"a": {"b": 2, "c": [3]}}),
    ]


def test_what_lies_deep_is_told_with_what_it_lies_in() -> None:
    depth = 2 * MAX_PATH
    told = feed("[" * depth + "1" + "]" * depth)
    assert [len(path) for path, _ in told] == list(range(MAX_PATH, -1, -1))


@pytest.mark.parametrize("text", ['{"a": 1, b', '{"a": 1 "', "[1}", "[" * 129 + "1]"])
def test_nothing_is_told_after_the_text_breaks(text: str) -> None:
    fields = JsonFields()
    fields.feed(text)
    assert fields.feed(' "c": 2}]}') == []


def test_a_bracket_in_prose_is_none() -> None:
    assert feed("See [the list] {of all}: ", '{"a": ', "1}") == [
        (("a",), 1),
        ((), {"a": 1}),
    ]
