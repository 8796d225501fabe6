"""A browser for each module, a new page for each test, and the model's server.

The browser lives as long as its module: playwright runs an event loop in this thread
meanwhile, and other modules' tests want loops of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from langchain_streamkit.testing import FakeServer
from tests.integration_tests.conftest import running
from tests.integration_tests.servers import chromium as _chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page


@pytest.fixture(scope="module")
def model_server() -> Iterator[FakeServer]:
    """The server that the example under test talks to."""
    with FakeServer() as server:
        yield server


@pytest.fixture
def fake(model_server: FakeServer) -> FakeServer:
    """The same, with nothing left of the test before."""
    model_server.wait_idle()
    model_server.reset()
    return model_server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The real browser."""
    yield from running(_chromium.browser())


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page of a new profile; a script that fails, or any alert, fails us."""
    context = browser.new_context(viewport={"width": 900, "height": 760})
    context.set_default_timeout(20_000)
    page = context.new_page()
    troubles: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            troubles.append(message.text)

    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", hear)
    page.on("dialog", lambda dialog: troubles.append(f"dialog: {dialog.message}"))
    yield page
    context.close()
    assert troubles == []
