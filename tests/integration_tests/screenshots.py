"""The pictures of docs/examples.md: ``make screenshots`` takes them anew.

The examples run with their own fake server, so a picture shows what a reader sees
after ``make example-NAME``.
"""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from playwright.sync_api import expect

from tests.integration_tests.servers.chromium import browser
from tests.integration_tests.servers.example import CHECKOUT, serve, serve_streamlit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

IMAGES = CHECKOUT / "docs" / "images"
QUESTION = "Why is the sky blue?"


@contextmanager
def opened(
    running: Browser,
    url: str,
    colours: Literal["light", "dark"] = "light",
    height: int = 640,
) -> Iterator[Page]:
    context = running.new_context(
        viewport={"width": 860, "height": height},
        device_scale_factor=1.5,
        color_scheme=colours,
    )
    page = context.new_page()
    page.goto(url)
    yield page
    context.close()


def save(page: Page, name: str) -> None:
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    print(f"{path.relative_to(CHECKOUT)}, {path.stat().st_size // 1024} KiB")


def take_page(running: Browser) -> None:
    with serve("fastapi_app", "", module="examples.fastapi_app.app") as url:
        with opened(running, url, height=720) as page:
            page.get_by_role("button", name=QUESTION).click()
            page.get_by_text("Thinking").first.click()
            expect(page.get_by_role("status")).to_contain_text("tokens", timeout=30_000)
            save(page, "page")
        with opened(running, url, "dark") as page:
            page.get_by_role("button", name=QUESTION).click()
            expect(page.locator(".answer")).to_have_text(re.compile("thrown about"))
            save(page, "page-dark")


def take_gradio(running: Browser) -> None:
    with (
        serve("gradio_app", "") as url,
        opened(running, url, height=760) as page,
    ):
        box = page.get_by_test_id("textbox")
        box.fill(QUESTION)
        box.press("Enter")
        expect(page.get_by_text("Sources (2)")).to_be_visible(timeout=30_000)
        save(page, "gradio")


def take_streamlit(running: Browser) -> None:
    with serve_streamlit("") as url, opened(running, url, height=800) as page:
        page.get_by_test_id("stChatInputTextArea").fill(QUESTION)
        page.get_by_test_id("stChatInputSubmitButton").click()
        expect(page.get_by_text("154 tokens")).to_be_visible(timeout=30_000)
        save(page, "streamlit")


PICTURES = {"page": take_page, "gradio": take_gradio, "streamlit": take_streamlit}


def main(names: list[str]) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with browser() as running:
        for name in names or PICTURES:
            PICTURES[name](running)


if __name__ == "__main__":
    main(sys.argv[1:])
