"""A window on a long answer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_streamkit.transforms import tail

from .sources import cuts


@given(st.data(), st.text(min_size=1, max_size=50), st.integers(1, 20))
def test_the_window_does_not_depend_on_the_cuts(
    data: Any, text: str, max_chars: int
) -> None:
    whole = list(tail([text], max_chars))[-1]
    last = list(tail(data.draw(cuts(text)), max_chars))[-1]
    assert (last.text, last.total_chars) == (whole.text, whole.total_chars)
    assert last.full_text == text
    assert last.omitted_chars == len(text) - len(last.text)
    assert text.endswith(last.text)


def test_each_item_has_its_view() -> None:
    views = list(tail(["ab", "cd", "ef"], 3))
    assert [view.text for view in views] == ["ab", "bcd", "def"]
    assert [view.full_text for view in views] == ["ab", "abcd", "abcdef"]
    assert [view.item for view in views] == ["ab", "cd", "ef"]
    assert views[-1].message is None


def test_an_accent_does_not_lose_its_letter() -> None:
    view = list(tail(["cafe\u0301 noir"], 6))[-1]
    assert view.text == " noir"
    assert view.omitted_chars == 5


def test_the_window_has_room() -> None:
    with pytest.raises(ValueError, match="must be 1 or more"):
        tail([], 0)
