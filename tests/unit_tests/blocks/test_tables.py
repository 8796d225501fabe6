"""Frames and rows become text; TOON and what it saves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
import toon_format
from pydantic import BaseModel

from langchain_streamkit._langchain import extras
from langchain_streamkit.blocks import (
    compare_formats,
    dataframe_block,
    to_toon,
    toon_encoder,
)

FRAME = pd.DataFrame({"city": ["Bergen", "Oslo"], "rain": [8.5, None]})


def text_of(frame: Any, **options: Any) -> str:
    return str(dataframe_block(frame, **options)["text"])


@pytest.mark.parametrize(
    ("format_", "expected"),
    [
        ("markdown", "| city | rain |\n| --- | --- |\n| Bergen | 8.5 |\n| Oslo |  |"),
        ("csv", "```csv\ncity,rain\nBergen,8.5\nOslo,\n```"),
        ("json", '```json\n[{"city": "Bergen", "rain": 8.5}]\n```'),
        ("toon", "```toon\n[1]{city,rain}:\n  Bergen,8.5\n```"),
    ],
)
def test_a_frame_is_written(format_: Any, expected: str) -> None:
    frame = FRAME if "Oslo" in expected else FRAME[:1]
    assert text_of(frame, format=format_) == expected
    rows = frame.to_dict("records")
    assert text_of(rows, format=format_) == expected


def test_an_index_with_a_meaning_is_a_column() -> None:
    named = FRAME.set_index("city")
    assert text_of(named).startswith("| city | rain |")
    assert text_of(FRAME[FRAME["rain"].isna()]).startswith("| city | rain |")
    lettered = pd.DataFrame({"x": [1]}, index=["a"])
    assert text_of(lettered).startswith("| index | x |")
    clashing = FRAME.set_index(FRAME["city"])
    assert text_of(clashing).startswith("| city (index) | city |")
    grouped = FRAME.set_index(["city", "rain"])
    assert text_of(grouped.assign(x=1)).startswith("| city | rain | x |")


def test_a_series_and_columns_of_columns_are_tables() -> None:
    assert text_of(FRAME["city"]) == "| city |\n| --- |\n| Bergen |\n| Oslo |"
    frame = pd.DataFrame({("a", "x"): [1], ("a", "y"): [2]})
    assert text_of(frame).startswith("| a/x | a/y |")


def test_columns_of_one_length_are_a_table() -> None:
    assert text_of({"a": [1, 2], "b": ["x", "y"]}).endswith("| 1 | x |\n| 2 | y |")


def test_the_model_is_told_what_is_left_out() -> None:
    text = text_of(pd.DataFrame({"n": range(500)}), title="Numbers", max_rows=2)
    assert text.startswith("Numbers\n| n |")
    assert text.endswith("| 0 |\n| 1 |\n(The first 2 of 500 rows.)")
    assert "first" not in text_of(FRAME)


def test_cells_cannot_break_the_table() -> None:
    rows = [{"a|b": "x|y\nz", "c": None, "d": pd.NaT, "e": pd.Timestamp(0)}]
    assert text_of(rows).split("\n") == [
        "| a\\|b | c | d | e |",
        "| --- | --- | --- | --- |",
        "| x\\|y z |  |  | 1970-01-01T00:00:00 |",
    ]


def test_a_fence_in_the_data_does_not_close_the_fence() -> None:
    text = text_of([{"a": "```"}], format="csv")
    assert text.startswith("````csv")
    assert text.endswith("\n````")


@pytest.mark.parametrize("wrong", [7, "text", [1, 2], {"a": [1], "b": [1, 2]}, {}])
def test_what_is_no_table_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="is no table"):
        dataframe_block(wrong)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="must be one of markdown, csv, json, toon"):
        dataframe_block(FRAME, format="xml")


# ── TOON ────────────────────────────────────────────────────────────────────────


class Model(BaseModel):
    day: date


@dataclass
class Data:
    x: int


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"a": [{"i": 1}, {"i": 2}]}, "a[2]{i}:\n  1\n  2"),
        (FRAME, "[2]{city,rain}:\n  Bergen,8.5\n  Oslo,null"),
        ({"frame": FRAME[:1]}, "frame[1]{city,rain}:\n  Bergen,8.5"),
        (Model(day=date(2026, 11, 21)), "day: 2026-11-21"),
        (Data(7), "x: 7"),
        ({"n": np.float64(1.5), "a": np.array([1, 2])}, "n: 1.5\na[2]: 1,2"),
        (float("nan"), "null"),
    ],
    ids=["dict", "frame", "frame inside", "model", "dataclass", "numpy", "nan"],
)
def test_data_is_written_as_toon(data: Any, text: str) -> None:
    assert to_toon(data) == text


def test_options_reach_the_encoder() -> None:
    rows = [{"a": 1, "b": 2}]
    assert to_toon(rows, delimiter="\t") == "[1\t]{a\tb}:\n  1\t2"
    encoder = toon_encoder(fenced=True)
    assert encoder.invoke(rows) == "```toon\n[1]{a,b}:\n  1,2\n```"
    assert list(encoder.stream(rows)) == [encoder.invoke(rows)]


def test_what_has_no_form_in_toon_is_refused() -> None:
    with pytest.raises(TypeError, match="object cannot be written as TOON"):
        to_toon({"a": object()})


def test_formats_are_compared_by_the_callers_counter() -> None:
    rows = [{"id": number, "city": "Bergen"} for number in range(30)]
    sizes = compare_formats(rows, lambda text: len(text) // 4)
    assert [size.tokens for size in sizes] == sorted(size.tokens for size in sizes)
    by_name = {size.format: size for size in sizes}
    assert set(by_name) == {
        "toon", "toon_tabs", "json", "json_indented", "csv", "markdown",
    }  # fmt: skip
    assert by_name["json"].ratio == 1
    assert by_name["toon"].ratio < 0.6
    assert toon_format.loads(by_name["toon_tabs"].text) == rows


def test_nested_data_is_not_compared_as_a_table() -> None:
    sizes = compare_formats({"a": {"b": [1, {"c": 2}]}}, len)
    assert {size.format for size in sizes} == {
        "toon", "toon_tabs", "json", "json_indented",
    }  # fmt: skip


def test_whoever_misses_a_package_is_told_its_extra(monkeypatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(extras.importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"langchain-streamkit\[toon\]"):
        to_toon([1])
