"""The server that the tests share ends with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .serving import stop_serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def _stop_the_server_at_the_end() -> Iterator[None]:
    yield
    stop_serving()
