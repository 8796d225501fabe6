"""The Streamlit app in a real browser."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from langchain_streamkit.testing import Cut, Gate, Reply
from tests.integration_tests.servers import example as _example
from tests.integration_tests.servers.example import HOSTILE, Pause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

    from langchain_streamkit.testing import FakeServer

pytestmark = pytest.mark.timeout(120, func_only=True)

WORDS = "one two three four five six seven eight nine ten"
LONG = " ".join(f"word{number}" for number in range(400))


@pytest.fixture(scope="module")
def app(model_server: FakeServer) -> Iterator[str]:
    with _example.serve_streamlit(model_server.url) as url:
        yield url


def ask(page: Page, question: str = "Go on") -> None:
    page.get_by_test_id("stChatInputTextArea").fill(question)
    page.get_by_test_id("stChatInputSubmitButton").click()


def answer(page: Page) -> Locator:
    return page.get_by_test_id("stChatMessage").last.get_by_test_id("stText").first


def text_of(element: Locator) -> Any:
    return element.evaluate("element => element.textContent")


def test_text_grows_and_the_reasoning_opens(app: str, fake: FakeServer, page: Page):
    gate = Gate()
    pause = Pause(gate, after_frames=6)
    fake.script(Reply(WORDS, frame_delay=0.12, faults=[pause]), "Again.")
    page.goto(app)
    ask(page, "Count")
    expect(answer(page)).to_have_text(re.compile("^one two three"))
    assert text_of(answer(page)) != WORDS
    gate.open()
    expect(answer(page)).to_have_text(WORDS)
    expect(page.get_by_text(re.compile(r"^\d+ tokens$"))).to_be_visible()
    ask(page, "Again?")
    expect(answer(page)).to_have_text("Again.")
    said = [one["content"] for one in fake.requests[1].messages]
    assert said == ["Count", WORDS, "Again?"]


def test_stop_closes_the_connection_and_keeps_what_came(
    app: str, fake: FakeServer, page: Page
):
    fake.script(Reply(LONG, frame_delay=0.03))
    page.goto(app)
    ask(page)
    expect(answer(page)).to_have_text(re.compile("word5"))
    pressed = time.monotonic()
    page.get_by_role("button", name="Stop").click()
    assert fake.requests[0].wait_disconnected(5)
    assert (fake.requests[0].disconnected_at or 0) - pressed < 0.5


def test_hostile_text_is_only_text(app: str, fake: FakeServer, page: Page):
    cited = [
        {"type": "url_citation", "url_citation": source}
        for source in (
            {"title": "![x](http://127.0.0.1:9/a.png) <b>", "url": "https://a.org/"},
            {"title": "bad", "url": "javascript:alert(4)"},
        )
    ]
    fake.script(Reply(HOSTILE, reasoning=HOSTILE, annotations=cited))
    page.goto(app)
    ask(page)
    expect(page.get_by_text(re.compile(r"^\d+ tokens$"))).to_be_visible()
    page.get_by_text("Thoughts").click()
    texts = page.get_by_test_id("stChatMessage").last.get_by_test_id("stText")
    thought, said, bad = texts.all()
    assert text_of(said) == HOSTILE
    assert text_of(thought) == HOSTILE
    assert text_of(bad) == "2. bad"
    message = page.get_by_test_id("stChatMessage").last
    assert message.locator("img, script, b, i").count() == 0
    link = message.get_by_role("link")
    expect(link).to_have_text("1. ![x](http://127.0.0.1:9/a.png) <b>")
    expect(link).to_have_attribute("href", "https://a.org/")


def test_a_cut_answer_says_so(app: str, fake: FakeServer, page: Page):
    fake.script(Reply(WORDS, faults=[Cut(after_frames=4, how="end")]))
    page.goto(app)
    ask(page)
    expect(page.get_by_text("The answer broke off.")).to_be_visible()
    assert text_of(answer(page)) == "one two three"


def test_it_brings_a_server_of_its_own(page: Page):
    with _example.serve_streamlit("") as url:
        page.goto(url)
        ask(page, "Say hello.")
        expect(page.get_by_text(re.compile(r"^\d+ tokens$"))).to_be_visible()
        assert text_of(answer(page))
