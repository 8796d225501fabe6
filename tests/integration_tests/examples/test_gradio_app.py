"""The Gradio app in a real browser."""

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
    with _example.serve("gradio_app", model_server.url) as url:
        yield url


def ask(page: Page, question: str = "Go on") -> None:
    box = page.get_by_test_id("textbox")
    box.fill(question)
    box.press("Enter")


def answer(page: Page) -> Locator:
    outside_of_drawers = ".message-content:not(.thought-group *)"
    return page.get_by_test_id("bot").locator(outside_of_drawers).first


def text_of(element: Locator) -> Any:
    return element.evaluate("element => element.textContent.trim()")


def test_text_grows_and_the_reasoning_opens(app: str, fake: FakeServer, page: Page):
    gate = Gate()
    thought = "First I count. "
    pause = Pause(gate, after_frames=9)
    fake.script(Reply(WORDS, reasoning=thought, faults=[pause]), "Again.")
    page.goto(app)
    ask(page, "Count")
    expect(answer(page)).to_have_text(re.compile("one two three"))
    assert gate.wait_reached()
    assert text_of(answer(page)) != WORDS
    thinking = page.get_by_role("button", name="Thinking").first
    expect(page.get_by_text(thought)).to_be_hidden()
    thinking.click()
    expect(page.get_by_text(thought)).to_be_visible()
    gate.open()
    expect(answer(page)).to_have_text(re.compile("ten"))
    assert text_of(answer(page)) == WORDS
    expect(page.locator(".stop-button")).to_be_hidden()
    ask(page, "Again?")
    expect(page.get_by_text("Again.")).to_be_visible()
    said = [(one["role"], one["content"]) for one in fake.requests[1].messages]
    assert said == [("user", "Count"), ("assistant", WORDS), ("user", "Again?")]


def test_stop_closes_the_connection_of_the_model(
    app: str, fake: FakeServer, page: Page
):
    fake.script(Reply(LONG, frame_delay=0.02))
    page.goto(app)
    ask(page)
    expect(answer(page)).to_have_text(re.compile("word3"))
    clicked = time.monotonic()
    page.locator(".stop-button").click()
    assert fake.requests[0].wait_disconnected(5)
    assert (fake.requests[0].disconnected_at or 0) - clicked < 0.5
    expect(answer(page)).to_have_text(re.compile("word3"))


def test_stop_is_heard_while_the_model_stalls(app: str, fake: FakeServer, page: Page):
    gate = Gate()
    fake.script(Reply(WORDS, faults=[Pause(gate, after_frames=4)]))
    page.goto(app)
    ask(page)
    expect(answer(page)).to_have_text(re.compile("one two"))
    assert gate.wait_reached()
    clicked = time.monotonic()
    page.locator(".stop-button").click()
    assert fake.requests[0].wait_disconnected(5)
    assert (fake.requests[0].disconnected_at or 0) - clicked < 0.5


def test_a_reload_in_mid_answer_ends_the_model(app: str, fake: FakeServer, page: Page):
    """Gradio keeps nothing over a reload, so nobody would read the rest."""
    fake.script(Reply(LONG, frame_delay=0.05))
    page.goto(app)
    ask(page)
    expect(answer(page)).to_have_text(re.compile("word3"))
    page.reload()
    assert fake.requests[0].wait_disconnected(20)


def test_hostile_text_is_only_text(app: str, fake: FakeServer, page: Page):
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    fake.script(Reply(HOSTILE, reasoning=HOSTILE), "Again.")
    page.goto(app)
    ask(page)
    expect(answer(page)).to_have_text(re.compile(" end\n?$"))
    shown = text_of(answer(page))
    for line in (
        '<b>bold</b> <img src=x onerror="alert(1)"> <script>alert(2)</script>',
        "<!-- comment --> &lt;b&gt; &amp; ]]>",
        "data: not a frame",
        "event: final",
        "id: 9",
        ": comment",
        "\u241b[31mred\u241b[0m \u241b]0;title\u2407 \u241b[2J bell\u2407 nul\u2400",
        "seven\u240ceight",
        "\u65e5\u672c \U0001f469\u200d\U0001f469 end",
    ):
        assert line in shown
    bot = page.get_by_test_id("bot")
    assert bot.locator("script, iframe, .message-content b").count() == 0
    assert bot.locator("img").count() == 0
    assert (
        bot.locator("a").evaluate_all(
            "all => all.filter(one => !/^https?:$/.test(one.protocol)).length"
        )
        == 0
    )
    assert not [url for url in fetched if "127.0.0.1:9/" in url or url.endswith("/x")]
    ask(page, "Again?")
    expect(page.get_by_text("Again.")).to_be_visible()
    returned = fake.requests[1].messages[1]["content"]
    assert "<script>alert(2)</script> </script>" in str(returned)


def test_a_cut_answer_says_so(app: str, fake: FakeServer, page: Page):
    fake.script(Reply(WORDS, faults=[Cut(after_frames=4, how="end")]))
    page.goto(app)
    ask(page)
    expect(page.get_by_text("\u26a0")).to_be_visible()
    assert text_of(answer(page)) == "one two three"
