"""A chat with Streamlit: ``make example-streamlit``.

Text is shown by ``st.text``, never as Markdown: a model's Markdown may hold a picture
whose address carries away what it has read. Streamlit's own stop button, a new
question or a closed tab end the loop, and with it the model's connection. A screen
update sends the whole text again, so there are at most ten of them in a second.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import streamlit as st

from examples.serving import QUESTIONS, example_model
from langchain_streamkit import StreamKitError, iter_events

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_streamkit import ChatStreamKit
    from langchain_streamkit.events import Source, StreamEvent

SECONDS_BETWEEN_UPDATES = 0.1


def shared_model() -> ChatStreamKit:
    """One model for all sessions; it lives as long as the server."""
    model: ChatStreamKit = st.cache_resource(_start)()[1]
    return model


def _start() -> tuple[ExitStack, ChatStreamKit]:
    running = ExitStack()  # kept with the model: it holds the server
    return running, running.enter_context(example_model())


def main() -> None:
    """Streamlit runs this from the top at each interaction."""
    st.set_page_config(page_title="ChatStreamKit")
    st.title("ChatStreamKit")
    messages: list[dict[str, Any]] = st.session_state.setdefault("messages", [])
    for message in messages:
        with st.chat_message(message["role"]):
            show(message)
    question = st.chat_input(QUESTIONS[0])
    if not question:
        return
    asked = {"role": "user", "content": question}
    with st.chat_message("user"):
        show(asked)
    # The answer is there before it begins, so that a stop keeps what came.
    answer: dict[str, Any] = {"role": "assistant", "content": ""}
    history = [
        {"role": one["role"], "content": one["content"]}
        for one in [*messages, asked]
        if one["content"]
    ]
    messages += [asked, answer]
    with (
        st.chat_message("assistant"),
        closing(iter_events(shared_model(), history)) as events,
    ):
        follow(events, answer)


def follow(events: Iterable[StreamEvent], answer: dict[str, Any]) -> None:
    """Show an answer while it comes, and keep it in ``answer``."""
    place, status = st.empty(), st.empty()
    shown = 0.0
    try:
        for event in events:
            if event.type == "status":
                status.caption(f":gray[{event.content.replace('[', '(')}]")
            elif event.type == "text":
                answer["content"] += event.content
            elif event.type == "reasoning":
                answer["reasoning"] = answer.get("reasoning", "") + event.content
            elif event.is_final:
                answer["sources"] = event.sources
                answer["usage"] = event.usage
            now = time.monotonic()
            if now - shown >= SECONDS_BETWEEN_UPDATES:
                shown = now
                with place.container():
                    show(answer)
    except StreamKitError as error:
        answer["error"] = str(error)
    status.empty()
    with place.container():
        show(answer)


def show(message: dict[str, Any]) -> None:
    """One message: thoughts, text, sources, and what it took."""
    if message.get("reasoning"):
        with st.expander("Thoughts"):
            st.text(message["reasoning"])
    st.text(message["content"])
    for number, source in enumerate(message.get("sources", ()), 1):
        show_source(number, source)
    if usage := message.get("usage"):
        st.caption(f"{usage.output_tokens} tokens")
    if "error" in message:
        st.error("The answer broke off.")
        st.text(message["error"])


def show_source(number: int, source: Source) -> None:
    """A button to a page of the web; anything else is only text."""
    words = f"{number}. {source.title or source.url or source.content_excerpt}"
    if source.url and source.url.lower().startswith(("http://", "https://")):
        st.link_button(_plain(words), source.url)
    else:
        st.text(words)


def _plain(label: str) -> str:
    """A label without Markdown, which Streamlit would read in it."""
    return "".join(
        f"\\{one}" if one in r"\`*_{}[]()#+-.!|<>:$~" else one for one in label
    )


main()
