"""The chat page in a real browser, and the routes behind it."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from httpx_sse import connect_sse
from playwright.sync_api import expect
from websockets.sync.client import connect

from langchain_streamkit.testing import Cut, Gate, Reply
from tests.integration_tests.servers import example as _example
from tests.integration_tests.servers.example import HOSTILE, Pause
from tests.integration_tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

    from langchain_streamkit.testing import FakeServer

pytestmark = pytest.mark.timeout(120, func_only=True)

WORDS = "one two three four five six seven eight nine ten"
LONG = " ".join(f"word{number}" for number in range(400))


@pytest.fixture(scope="module")
def app(model_server: FakeServer) -> Iterator[str]:
    module = "examples.fastapi_app.app"
    with _example.serve("fastapi_app", model_server.url, module=module) as url:
        yield url


def ask(page: Page, question: str = "Go on") -> None:
    page.get_by_role("textbox", name="Your question").fill(question)
    page.get_by_role("button", name="Send").click()


def answer(page: Page) -> Locator:
    return page.locator("article.assistant").last.locator(".answer")


def text_of(element: Locator) -> Any:
    """Its text as the page holds it: no line break is changed, no space is joined."""
    return element.evaluate("element => element.textContent")


def test_text_grows_and_the_reasoning_opens(app: str, fake: FakeServer, page: Page):
    gate = Gate()
    thought = "First I count. "
    fake.script(Reply(WORDS, reasoning=thought, faults=[Pause(gate, after_frames=9)]))
    page.goto(app)
    ask(page, "Count")
    expect(answer(page)).to_have_text(re.compile("^one two three"))
    assert gate.wait_reached()
    assert len(text_of(answer(page))) < len(WORDS)
    expect(page.get_by_role("button", name="Send")).to_be_hidden()
    reasoning = page.locator(".reasoning .text")
    expect(reasoning).to_be_hidden()
    page.get_by_text("Thoughts").click()
    expect(reasoning).to_be_visible()
    assert text_of(reasoning) == thought
    gate.open()
    expect(answer(page)).to_have_text(WORDS)
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("tokens")
    assert fake.requests[0].last_user_text == "Count"


def test_a_second_question_sends_the_first_answer_along(
    app: str, fake: FakeServer, page: Page
):
    fake.script("The first answer.", "The second answer.")
    page.goto(app)
    ask(page, "First?")
    expect(answer(page)).to_have_text("The first answer.")
    page.get_by_role("textbox").fill("Second?")
    page.get_by_role("textbox").press("Enter")
    expect(answer(page)).to_have_text("The second answer.")
    said = [(one["role"], one["content"]) for one in fake.requests[1].messages]
    assert said == [
        ("user", "First?"),
        ("assistant", "The first answer."),
        ("user", "Second?"),
    ]


def test_stop_closes_the_connection_of_the_model(
    app: str, fake: FakeServer, page: Page
):
    fake.script(Reply(LONG, frame_delay=0.02))
    page.goto(app)
    ask(page)
    expect(answer(page)).to_have_text(re.compile("word3"))
    clicked = time.monotonic()
    page.get_by_role("button", name="Stop").click()
    assert fake.requests[0].wait_disconnected(5)
    left = fake.requests[0].disconnected_at
    assert left is not None
    assert left - clicked < 0.5
    expect(page.get_by_role("status")).to_contain_text("Stopped")
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    assert LONG.startswith(text_of(answer(page)))


def test_stop_is_heard_while_the_model_stalls(app: str, fake: FakeServer, page: Page):
    gate = Gate()
    fake.script(Reply(WORDS, faults=[Pause(gate, after_frames=3)]))
    page.goto(app)
    ask(page)
    expect(answer(page)).to_have_text(re.compile("one"))
    assert gate.wait_reached()
    clicked = time.monotonic()
    page.get_by_role("button", name="Stop").click()
    assert fake.requests[0].wait_disconnected(5)
    assert (fake.requests[0].disconnected_at or 0) - clicked < 0.5
    expect(page.get_by_role("status")).to_contain_text("Stopped")


def test_a_reload_in_mid_answer_brings_the_rest_once(
    app: str, fake: FakeServer, page: Page
):
    gate = Gate()
    fake.script(
        Reply(LONG, reasoning="I think.", faults=[Pause(gate, after_frames=60)])
    )
    page.goto(app)
    ask(page)
    assert gate.wait_reached()
    expect(answer(page)).to_have_text(re.compile("word50"))
    before = text_of(answer(page))
    with page.expect_request(lambda sent: sent.method == "POST") as sent:
        page.reload()
    assert sent.value.header_value("last-event-id")
    expect(answer(page)).to_have_text(re.compile("word50"))
    assert text_of(answer(page)) == before
    gate.open()
    expect(page.get_by_role("status")).to_contain_text("tokens")
    assert text_of(answer(page)) == LONG
    assert text_of(page.locator(".reasoning .text")) == "I think."
    assert len(fake.requests) == 1
    page.reload()  # and nothing is asked for again
    expect(answer(page)).to_have_text(LONG)
    assert len(fake.requests) == 1


def test_a_lost_connection_is_made_again(app: str, fake: FakeServer, page: Page):
    gate = Gate()
    fake.script(Reply(LONG, faults=[Pause(gate, after_frames=60)]))
    with Proxy(app) as proxy:
        page.goto(proxy.url)
        ask(page)
        assert gate.wait_reached()
        expect(answer(page)).to_have_text(re.compile("word50"))
        proxy.cut()
        expect(page.get_by_role("status")).to_contain_text("Connection lost")
        gate.open()
        proxy.mend()
        expect(page.get_by_role("status")).to_contain_text("tokens", timeout=20_000)
        assert text_of(answer(page)) == LONG
    assert len(fake.requests) == 1


def test_a_failure_is_told_before_and_in_the_middle_of_an_answer(
    app: str, fake: FakeServer, page: Page
):
    fake.script(
        Reply.error(401, "no such key"),
        Reply(WORDS, faults=[Cut(after_frames=4, how="end")]),
    )
    page.goto(app)
    ask(page)
    expect(page.get_by_role("alert")).to_contain_text("no such key")
    ask(page)
    expect(page.locator(".error").last).not_to_be_empty()
    assert text_of(answer(page)) == "one two three"
    expect(page.get_by_role("button", name="Send")).to_be_visible()


def test_hostile_text_is_only_text(app: str, fake: FakeServer, page: Page):
    sources = [
        {"title": "<i>good</i>", "url": "https://example.org/?a=1&b=2"},
        {"title": "bad", "url": "javascript:alert(4)"},
        {"title": "worse", "url": "data:text/html,<script>alert(5)</script>"},
    ]
    cited = [{"type": "url_citation", "url_citation": source} for source in sources]
    fake.script(
        Reply(HOSTILE, reasoning=HOSTILE, annotations=cited, split="characters")
    )
    page.goto(app)
    ask(page, HOSTILE.replace("\x00", ""))
    expect(page.get_by_role("status")).to_contain_text("tokens")
    assert text_of(answer(page)) == HOSTILE
    assert text_of(page.locator(".reasoning .text")) == HOSTILE
    assert page.locator("article :is(b, i, img, script, p *)").count() == 0
    links = page.locator("article a")
    assert links.evaluate_all("all => all.map(one => [one.href, one.rel])") == [
        ["https://example.org/?a=1&b=2", "noopener noreferrer"]
    ]
    assert page.locator(".sources li").all_text_contents() == [
        "<i>good</i>",
        "bad",
        "worse",
    ]
    assert page.title() == "ChatStreamKit"
    page.reload()
    assert text_of(answer(page)) == HOSTILE


def test_every_control_has_a_name(app: str, page: Page):
    page.goto(app)
    expect(page.get_by_role("log", name="Conversation")).to_be_visible()
    expect(page.get_by_role("textbox", name="Your question")).to_be_focused()
    nameless = page.get_by_role("button").evaluate_all(
        "all => all.filter(one => !one.textContent.trim()).length"
    )
    assert nameless == 0


def test_a_narrow_screen_does_not_scroll_sideways(
    app: str, fake: FakeServer, page: Page
):
    fake.script("x" * 2000)
    page.set_viewport_size({"width": 340, "height": 600})
    page.goto(app)
    ask(page)
    expect(page.get_by_role("status")).to_contain_text("tokens")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 340


# ── Without a browser ───────────────────────────────────────────────────────────


def test_a_websocket_carries_hostile_text_whole(app: str, fake: FakeServer):
    fake.script(Reply(HOSTILE, reasoning=HOSTILE), WORDS)
    with connect(app.replace("http", "ws") + "/ws", proxy=None) as socket:
        for question, expected in (("Go on", HOSTILE), ("And now?", WORDS)):
            socket.send(json.dumps({"input": question}))
            events: list[dict[str, Any]] = []
            while not events or events[-1]["type"] not in {"final", "error"}:
                message = socket.recv(timeout=20)
                assert isinstance(message, str)
                assert "</script" not in message
                events.append(json.loads(message))
            said = [one["content"] for one in events if one["type"] == "text"]
            assert "".join(said) == expected


def test_another_sites_page_may_not_use_the_websocket(app: str):
    from websockets.exceptions import InvalidStatus

    with (
        pytest.raises(InvalidStatus, match="403"),
        connect(
            app.replace("http", "ws") + "/ws",
            origin="https://evil.example",
            proxy=None,
        ),
    ):
        pass


def test_a_stream_that_nobody_can_guess_is_asked_for(app: str):
    body = {"messages": [{"role": "user", "content": "Hello"}]}
    assert httpx.post(f"{app}/chat/1", json=body).status_code == 422


def test_it_brings_a_server_of_its_own():
    body = {"messages": [{"role": "user", "content": "Why is the sky blue?"}]}
    with _example.serve("fastapi_app", "", module="examples.fastapi_app.app") as url:
        answer = httpx.post(f"{url}/chat/{'b' * 32}", json=body, timeout=30)
    assert "https://en.wikipedia.org/wiki/Rayleigh_scattering" in answer.text
    assert "event: final" in answer.text


def test_another_reader_of_server_sent_events_agrees(app: str, fake: FakeServer):
    fake.script(Reply(HOSTILE))
    body = {"messages": [{"role": "user", "content": "Hello"}]}
    url = f"{app}/chat/{'a' * 32}"
    with httpx.Client() as client, connect_sse(client, "POST", url, json=body) as got:
        events = [json.loads(frame.data) for frame in got.iter_sse()]
    said = [one["content"] for one in events if one["type"] == "text"]
    assert "".join(said) == HOSTILE
