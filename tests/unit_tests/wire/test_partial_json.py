"""Half a JSON text shows what is certain, and nothing that it takes back."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import pydantic_core
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from langchain_streamkit._wire import partial_json
from langchain_streamkit._wire.partial_json import (
    MAX_DEPTH,
    BrokenJsonError,
    PartialJson,
)

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
HALVES = st.text(st.sampled_from("a\ud83d\ude00\ud800\udfff\u2028"), max_size=6)
NUMBERS = st.integers() | st.floats(allow_nan=False) | st.integers(10**40, 10**45)
SCALARS = st.none() | st.booleans() | NUMBERS | WORDS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner),
    max_leaves=15,
)
ROOTS = st.lists(VALUES) | st.dictionaries(WORDS, VALUES)
LAYOUTS = st.fixed_dictionaries(
    {
        "ensure_ascii": st.booleans(),
        "indent": st.sampled_from([None, 0, 2, "\t"]),
        "separators": st.sampled_from([None, (",", ":"), (" , ", " : ")]),
    }
)
CUTS = st.lists(st.floats(0, 1), max_size=20)


def pieces(text: str, cuts: list[float]) -> list[str]:
    """The text, cut at these shares of its length."""
    places = [0, *sorted(int(cut * len(text)) for cut in cuts), len(text)]
    return [text[start:end] for start, end in pairwise(places)]


def partials(parts: list[str], opening: Any = "{[") -> tuple[list[Any], PartialJson]:
    """The different values that the pieces show, and what they were fed to."""
    partial = PartialJson(opening)
    values: list[Any] = []
    for part in parts:
        value = partial.feed(part)
        if value is not None and (not values or values[-1] is not value):
            values.append(value)
    return values, partial


def whole(text: str, opening: Any = "{[") -> Any:
    return partials([text], opening)[1].close()


def mended(value: Any) -> Any:
    """The value with half surrogate pairs replaced, as they are for every reader."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [mended(item) for item in value]
    if isinstance(value, dict):
        return {mended(key): mended(item) for key, item in value.items()}
    return value


def is_beginning(early: Any, late: Any) -> bool:
    """Whether one value can grow into the other, at its last leaf only."""
    if isinstance(early, dict) and isinstance(late, dict):
        return list(early) == list(late)[: len(early)] and is_beginning(
            list(early.values()), list(late.values())
        )
    if isinstance(early, list) and isinstance(late, list):
        *closed, last = early or [None]
        return not early or (
            closed == late[: len(closed)]
            and len(early) <= len(late)
            and (last == late[len(closed)] or is_beginning(last, late[len(closed)]))
        )
    if isinstance(early, str) and isinstance(late, str):
        return late.startswith(early)
    return type(early) is type(late) and early == late


# ── values ──────────────────────────────────────────────────────────────────────


@given(ROOTS, LAYOUTS, CUTS)
def test_any_cut_gives_the_same_value(root, layout, cuts) -> None:
    text = json.dumps(root, **layout)

    _, partial = partials(pieces(text, cuts))

    assert partial.close() == json.loads(text)


@given(ROOTS, LAYOUTS, CUTS)
def test_each_value_is_the_beginning_of_the_next(root, layout, cuts) -> None:
    text = json.dumps(root, **layout)

    values, partial = partials(pieces(text, cuts))

    assert all(is_beginning(early, late) for early, late in pairwise(values))
    assert values[-1:] == [partial.close()]


@given(ROOTS, LAYOUTS)
def test_a_character_at_a_time_shows_only_beginnings(root, layout) -> None:
    text = json.dumps(root, **layout)

    values, _ = partials(list(text))

    assert all(is_beginning(value, root) for value in values)
    assert all(early != late for early, late in pairwise(values))


@given(ROOTS, CUTS)
def test_a_value_once_given_is_never_changed(root, cuts) -> None:
    partial = PartialJson()
    given: list[tuple[Any, str]] = []
    for piece in pieces(json.dumps(root), cuts):
        value = partial.feed(piece)
        given.append((value, json.dumps(value)))

    assert all(json.dumps(value) == then for value, then in given)


@given(st.lists(HALVES), CUTS)
def test_half_a_surrogate_pair_never_shows(strings, cuts) -> None:
    text = json.dumps(strings)

    values, partial = partials(pieces(text, cuts))

    assert partial.close() == mended(json.loads(text))
    assert all(is_beginning(early, late) for early, late in pairwise(values))
    json.dumps(values, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"a": 12', {}),
        ('{"a": 12.', {}),
        ('{"a": -', {}),
        ('{"a": 1e5', {}),
        ('{"a": 12,', {"a": 12}),
        ('{"a": 12 ', {"a": 12}),
        ('{"a": tru', {}),
        ('{"a": true', {}),
        ('{"a": true}', {"a": True}),
        ('{"a": nul', {}),
        ('{"a": "tru', {"a": "tru"}),
        (r'{"a": "x\\', {"a": "x\\"}),
        ('{"a": "x\\', {"a": "x"}),
        (r'{"a": "x\u00e', {"a": "x"}),
        (r'{"a": "x\u00e9', {"a": "xé"}),
        (r'{"a": "x\ud83d', {"a": "x"}),
        (r'{"a": "x\ud83d\ude0', {"a": "x"}),
        (r'{"a": "x\ud83d\ude00', {"a": "x😀"}),
        (r'{"a": "x\ud83d!', {"a": "x\ufffd!"}),
        (r'{"a": "x\ude00', {"a": "x\ufffd"}),
        ('{"a": "x\ud83d', {"a": "x"}),
        ('{"a": 1, "b', {"a": 1}),
        ('{"a": 1, "b"', {"a": 1}),
        ('{"a": 1, "b":', {"a": 1}),
        ('{"a": 1, "b": "', {"a": 1, "b": ""}),
        ('{"a": [', {"a": []}),
        ('{"a": [{"b": 1}, 2', {"a": [{"b": 1}]}),
        ('{"a": {}', {"a": {}}),
        ('{"a": NaN}', {"a": math.nan}),
        ('{"a": -Infinity,', {"a": -math.inf}),
        ('{"a": 1e999,', {"a": math.inf}),
    ],
)
@pytest.mark.parametrize(
    "split", [list, lambda text: [text]], ids=["characters", "whole"]
)
def test_shows_what_is_certain(text: str, shown: Any, split) -> None:
    values, _ = partials(split(text))

    assert repr(values[-1]) == repr(shown)


@pytest.mark.parametrize(
    "before", ["", "\ufeff", " \n", "Sure!\n```json\n", "{x} [y] {"]
)
@pytest.mark.parametrize("after", ["", "\n```\nAnything else?", "}", '{"b": 2}', '"'])
def test_what_stands_around_the_json_is_left_out(before: str, after: str) -> None:
    for parts in ([before + '{"a": 1}' + after], list(before + '{"a": 1}' + after)):
        _, partial = partials(parts)
        assert partial.is_complete
        assert partial.close() == {"a": 1}


def test_a_bracket_in_prose_does_not_mislead_where_an_object_is_wanted() -> None:
    text = 'As said in [1], it is {"a": [2]}'

    assert whole(text) == [1]
    assert whole(text, opening="{") == {"a": [2]}


def test_a_bracket_that_may_be_prose_shows_nothing() -> None:
    values, _ = partials(["Take {", "x", "} or [", "the", " other", '] {"a', '": 1}'])

    assert values == [{}, {"a": 1}]


def test_raw_control_characters_in_strings_are_taken() -> None:
    text = '{"poem": "one\ntwo\tthree\x00", "k\ney": 1}'

    values, partial = partials(list(text))

    assert partial.close() == json.loads(text, strict=False)
    assert values[-1] == partial.close()


def test_of_a_key_that_comes_twice_the_last_value_counts() -> None:
    assert whole('{"a": 1, "b": 2, "a": 3}') == {"a": 3, "b": 2}


def test_a_number_of_many_digits_is_whole_or_an_error() -> None:
    assert whole(f"[{'9' * 4300}]") == [int("9" * 4300)]
    with pytest.raises(BrokenJsonError, match="broken at character 4:"):
        whole(f"[0, {'9' * 4301}")


def test_nesting_is_bounded() -> None:
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert whole(deepest) == json.loads(deepest)

    with pytest.raises(BrokenJsonError, match=f"deeper than {MAX_DEPTH}") as caught:
        whole("[" * 100_000)
    assert caught.value.position == MAX_DEPTH


# ── errors ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "position", "partial", "message"),
    [
        ("", 0, None, "There is no JSON"),
        ("Sorry, no.", 10, None, "There is no JSON"),
        ("true", 4, None, "There is no JSON"),
        ("{", 1, {}, "ends at character 1, before a key"),
        ('{"a": [1, {"b": "x', 18, {"a": [1, {"b": "x"}]}, "end of the string"),
        ('{"a": 12', 6, {}, "before a value"),
        ('{"a": "x\ud83d', 9, {"a": "x\ufffd"}, "before the end of the string"),
        (r'{"a": "x\ud83d', 8, {"a": "x"}, "before the end of the string"),
    ],
)
def test_a_text_that_is_cut_says_where_and_keeps_the_value(
    text: str, position: int, partial: Any, message: str
) -> None:
    with pytest.raises(BrokenJsonError, match=message) as caught:
        whole(text)

    assert caught.value.position == position
    assert caught.value.partial == partial
    assert caught.value.is_cut == (partial is not None)


@pytest.mark.parametrize(
    ("text", "position", "partial", "message"),
    [
        ('{"a" 1}', 5, {}, "a colon should stand there"),
        ('{"a": 1,}', 8, {"a": 1}, "a key in double quotes should"),
        ('{"a": 1 "b": 2}', 8, {"a": 1}, "a comma or a closing bracket"),
        ('{"a": [1}', 8, {"a": [1]}, "a comma or a closing bracket"),
        ('{"a": 1, b: 2}', 9, {"a": 1}, "a key in double quotes"),
        ('{"a": yes, "b": 1}', 6, {}, "a value should"),
        ('{"a": 01}', 6, {}, "a value should"),
        ('{"a": "\\q"}', 7, {"a": ""}, "no such escape"),
        ("[1, ]", 4, [1], "a value should"),
    ],
)
def test_a_text_that_is_broken_says_where_and_keeps_the_value(
    text: str, position: int, partial: Any, message: str
) -> None:
    for parts in ([text], list(text)):
        _, json_ = partials(parts)
        with pytest.raises(BrokenJsonError, match=message) as caught:
            json_.close()

        assert caught.value.position == position
        assert caught.value.partial == partial
        assert not caught.value.is_cut
        assert json_.feed('{"more": 1}') == partial


@given(st.text('{}[]",:\\u0d8Cntrue1-.eE \n', max_size=30).map("{".__add__), CUTS)
@example('{"\\ud8Cd"', [])
@example("{{{{", [])
def test_it_takes_what_the_standard_parser_takes_and_nothing_else(text, cuts) -> None:
    """Only the first bracket may differ: one that opens nothing is prose."""
    decoder = json.JSONDecoder(strict=False)
    found: list[Any] = []
    for place in (place for place, sign in enumerate(text) if sign in "{["):
        try:
            found.append(mended(decoder.raw_decode(text, place)[0]))
        except ValueError:
            found.append(None)

    _, partial = partials(pieces(text, cuts))
    try:
        value = partial.close()
    except BrokenJsonError:
        assert found[0] is None
    else:
        assert repr(value) == repr(found[0]) or (found[0] is None and value in found)


# ── cost ────────────────────────────────────────────────────────────────────────


def parsed_characters(text: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many characters are parsed while the text comes four at a time."""
    counted = 0
    parse = pydantic_core.from_json

    def count(part: str, **options: Any) -> Any:
        nonlocal counted
        counted += len(part)
        return parse(part, **options)

    with monkeypatch.context() as patch:
        patch.setattr(partial_json, "from_json", count)
        partials([text[at : at + 4] for at in range(0, len(text), 4)])
    return counted


@pytest.mark.parametrize(
    "text_of",
    [
        lambda size: json.dumps({"text": "lorem ipsum " * (size // 12)}),
        lambda size: json.dumps([{"id": 1, "name": "x"}] * (size // 24)),
        lambda size: json.dumps(list(range(10, 99)) * (size // 356)),
    ],
    ids=["one string", "objects", "numbers"],
)
def test_a_character_costs_the_same_in_a_long_text(text_of, monkeypatch) -> None:
    short, long = text_of(20_000), text_of(400_000)

    cost = parsed_characters(long, monkeypatch) / len(long)

    assert cost <= parsed_characters(short, monkeypatch) / len(short)
    assert cost < 100


def test_a_short_text_is_shown_at_each_piece() -> None:
    text = json.dumps({"text": "x" * 1500})

    values, _ = partials(list(text))

    assert len(values) > 1500


def test_the_last_bracket_shows_the_whole_value_of_a_long_text_at_once() -> None:
    root = {"text": "x" * 9_000, "number": 1}

    values, partial = partials(list(json.dumps(root)))

    assert values[-1] == partial.value == root


def test_what_shows_nothing_new_is_not_parsed(monkeypatch) -> None:
    head = '{"a": 1, "b"'

    counts = [
        parsed_characters(head + filler, monkeypatch) for filler in ("", " " * 50_000)
    ]

    assert counts[0] == counts[1]


@pytest.mark.parametrize("filler", ["{", "[", "{[", "prose "])
def test_hostile_openings_are_read_once(filler: str, monkeypatch) -> None:
    reads = 0
    find = PartialJson._find_opening

    def count(self: PartialJson, text: str, at: int) -> int:
        nonlocal reads
        reads += 1
        return find(self, text, at)

    monkeypatch.setattr(PartialJson, "_find_opening", count)
    text = filler * 5_000
    partial = PartialJson("{")
    for at in range(0, len(text), 10):
        partial.feed(text[at : at + 10])

    assert reads <= len(text)
