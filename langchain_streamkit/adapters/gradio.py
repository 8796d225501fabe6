"""A chat page with Gradio 6: ``gr.ChatInterface(chat_fn(model)).launch()``.

Text grows; reasoning stands in a drawer that closes when the answer begins; a tool
call holds its arguments and, inside, its result; sources come last. The stop button
ends the request to the model, also while the model stalls. HTML of the model is shown,
not run, and pictures are links.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator  # noqa: TC003 - Gradio evaluates it
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol

from langchain_core.exceptions import ModelError

from langchain_streamkit.adapters._batches import batches
from langchain_streamkit.adapters._failure import describe_error
from langchain_streamkit.adapters._lazy import extra
from langchain_streamkit.errors import StreamKitError
from langchain_streamkit.streaming import aiter_events
from langchain_streamkit.streaming._runs import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import gradio as gr
    from langchain_core.messages import BaseMessage
    from langchain_core.runnables import Runnable

__all__ = ["ChatFunction", "chat_fn", "to_messages"]


class ChatFunction(Protocol):
    """What ``gr.ChatInterface`` takes."""

    def __call__(
        self, message: str | Mapping[str, Any], history: Sequence[Mapping[str, Any]]
    ) -> AsyncGenerator[list[gr.ChatMessage], None]:
        """Answer a message.

        Args:
            message: Text, or a dict of ``text`` and ``files``.
            history: What was said before it.

        Returns:
            The answer, growing: each list is all of it so far.
        """
        ...


def chat_fn(
    runnable: Runnable[Any, Any],
    *,
    reasoning: bool = True,
    tools: bool = True,
    interval: float = 0.1,
    to_input: Callable[[Any, Any], Any] | None = None,
) -> ChatFunction:
    """Make the function of a ``gr.ChatInterface``.

    Args:
        runnable: A chat model, a chain, an agent or a graph.
        reasoning: Whether reasoning is shown.
        tools: Whether tool calls and their results are shown.
        interval: Seconds between two updates of the page, at the least: each one sends
            the whole conversation through Gradio.
        to_input: Makes the Runnable's input of Gradio's message and history; if not
            given, ``to_messages``, and ``{"messages": ...}`` of it for a graph.

    Returns:
        An async generator function. An error of a model, or a file that cannot be
        sent, is told on the page below what came before it; any other exception is
        raised, and Gradio tells of it.

    Raises:
        ImportError: If Gradio is not installed.
    """
    with extra("gradio"):
        from langchain_streamkit.adapters._browser_parts import Parts
        from langchain_streamkit.adapters._gradio_messages import make_messages

    def make_input(message: Any, history: Any) -> Any:
        if to_input is not None:
            return to_input(message, history)
        messages = to_messages(message, history)
        return {"messages": messages} if kind_of(runnable) == "graph" else messages

    async def chat(message: Any, history: Any) -> AsyncGenerator[list[Any], None]:
        parts = Parts(time.monotonic, reasoning=reasoning, tools=tools)
        try:
            asked = make_input(message, history)
        except (OSError, ValueError) as error:
            parts.end(f"⚠️ {error}")
            yield make_messages(parts)
            return
        try:
            events = aiter_events(runnable, asked)
            async with aclosing(batches(events, interval)) as some:
                async for batch in some:
                    for event in batch:
                        parts.add(event)
                    if parts.shown or parts.status:
                        yield make_messages(parts)
        except (StreamKitError, ModelError) as error:
            parts.end(f"⚠️ {describe_error(error)['message']}")
            yield make_messages(parts)

    return chat


def to_messages(
    message: str | Mapping[str, Any], history: Sequence[Mapping[str, Any]]
) -> list[BaseMessage]:
    """LangChain's messages of what Gradio hands over.

    Args:
        message: Text, or a dict of ``text`` and ``files`` (``multimodal=True``).
        history: The conversation as dicts of ``role``, ``content`` and ``metadata``.

    Returns:
        The conversation, and the message as the last one. Files are content blocks.
        What stands in drawers (reasoning, tools, sources, notes) is left out, and
        neighbours of one role are one message.

    Raises:
        ImportError: If Gradio is not installed.
        OSError: If a file cannot be read.
        ValueError: If one is too large.
    """
    with extra("gradio"):
        from langchain_streamkit.adapters._gradio_messages import read_messages
    return read_messages(message, history)
