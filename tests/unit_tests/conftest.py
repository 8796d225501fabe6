"""Unit tests see no network and nothing of the developer's own settings.

Sockets are refused, unless a test has the marker ``loopback`` or uses the fixture
of that name: then it may open them, and connect to this machine only.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from langchain_streamkit import ChatStreamKit
from tests.conftest import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_streamkit.testing import FakeServer, Reply

_HERE = Path(__file__).parent

# Keys, addresses, proxies and tracing: what a developer's shell may hold, and what
# would make a test pass or fail for another reason than the code.
_PERSONAL = re.compile(
    r"(LANGCHAIN|LANGSMITH|OPENAI|AZURE|STREAMKIT)_.*|.*_API_KEY|.*_API_TOKEN"
    r"|(HTTP|HTTPS|ALL|NO)_PROXY",
    re.IGNORECASE,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not item.path.is_relative_to(_HERE):
            continue
        wants_loopback = item.get_closest_marker("loopback") is not None
        if wants_loopback or "loopback" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))
        else:
            item.add_marker(pytest.mark.disable_socket)


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in filter(_PERSONAL.fullmatch, list(os.environ)):
            patch.delenv(name)
        yield


class MakeModel(Protocol):
    """Gives a model whose server answers with the replies, in order."""

    def __call__(self, *replies: Reply | str, **parameters: Any) -> ChatStreamKit: ...


@pytest.fixture
def make_model(fake_server: FakeServer) -> MakeModel:
    """A model whose next answers are given; without any, the server's own."""

    def make(*replies: Reply | str, **parameters: Any) -> ChatStreamKit:
        if replies:
            fake_server.script(*replies)
        return ChatStreamKit(model="fake", base_url=fake_server.url, **parameters)

    return make
