"""Debian's Chromium, without a screen, driven by playwright.

Playwright brings a driver, but no browser that starts here; the one of the system is
used, which ``.ci/run`` installs. Its profile is new and empty each time, and it is
told not to call home.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import Error, sync_playwright

from tests.integration_tests.servers._process import MissingToolError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

__all__ = ["browser"]

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--no-sandbox",  # which root may not use; only pages of our own are opened
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@contextmanager
def browser() -> Iterator[Browser]:
    """Run the browser for as long as the context lasts.

    Yields:
        Playwright's handle of it, of the sync interface.

    Raises:
        MissingToolError: If there is none, and we may not install one.
        UnavailableError: If there is none though we may, or it does not start.
    """
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        raise _no_browser()
    with sync_playwright() as playwright:
        try:
            running = playwright.chromium.launch(
                executable_path=program, args=list(_FLAGS)
            )
        except Error as error:
            raise UnavailableError(f"{program} does not start: {error}") from error
        with running:
            yield running


def _no_browser() -> UnavailableError:
    missing = "There is no Chromium on this machine (Debian's package: chromium)"
    if os.name == "posix" and os.getuid() == 0 and shutil.which("apt-get"):
        return UnavailableError(f"{missing}; .ci/run installs it.")
    return MissingToolError(f"{missing}, and installing it needs root and apt-get.")
