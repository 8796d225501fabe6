"""A chat with Gradio: ``make example-gradio``.

The page is Gradio's own; ``chat_fn`` answers it. Its stop button ends the model's
connection, also while the model stalls. Nothing of it leaves this machine: analytics
are off, and there is no share link.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import gradio as gr

from examples.serving import QUESTIONS, example_model
from langchain_streamkit.adapters.gradio import chat_fn


def main() -> None:
    """Serve the page until Ctrl-C."""
    with example_model() as model:
        page = gr.ChatInterface(
            chat_fn(model),
            title="ChatStreamKit",
            description=f"Answers by {model.model}",
            examples=[[question] for question in QUESTIONS],
            cache_examples=False,
            concurrency_limit=100,  # Gradio's own is one answer at a time, for all
        )
        _, address, _ = page.launch(
            server_name="127.0.0.1",
            server_port=int(os.environ.get("PORT") or 0) or None,  # None: a free one
            prevent_thread_lock=True,
            quiet=True,
        )
        print(
            f"The app is listening on {address.rstrip('/')} (Ctrl-C stops it)",
            flush=True,
        )
        page.block_thread()


if __name__ == "__main__":
    main()
