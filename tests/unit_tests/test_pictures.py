"""The pages' pictures show what the program shows today."""

from __future__ import annotations

import pytest

from docs import picture

pytestmark = pytest.mark.loopback


@pytest.mark.parametrize("name", picture.PICTURES)
def test_a_picture_is_fresh_and_loads_nothing(name: str) -> None:
    kept = (picture.HERE / name).read_text("utf-8")
    assert "url(http" not in kept
    assert picture.words_of(kept) == picture.words_of(picture.PICTURES[name]()), (
        "run: python docs/picture.py"
    )
