"""What the examples share: the model that they talk to, and the port that they serve.

All of them read the same variables, which ``make example-NAME URL=... MODEL=...`` sets:

- ``URL``: the base URL of a real server. Without it a fake one on this machine plays
  a model, so that every example starts with no key and no network.
- ``MODEL``: the model's name. Keys come from where ``ChatStreamKit`` looks for them.
- ``PORT``: the port to serve; any free one if it is not set.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from langchain_streamkit import ChatStreamKit
from langchain_streamkit.testing import FakeServer, Reply
from langchain_streamkit.testing.assistant import answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_streamkit.testing import ReceivedRequest

__all__ = ["QUESTIONS", "example_model", "listening_socket"]

QUESTIONS = (
    "Why is the sky blue?",
    "Count to 80.",
    'Say "<script>alert(1)</script> is only text here".',
)
_SKY = (
    "Sunlight holds every colour, and air scatters the short waves far more than the "
    "long ones: blue light about five times as much as red.\n\n"
    "So while the red goes almost straight through, the blue is thrown about, and "
    "some of it reaches your eye from every part of the sky. Violet is scattered even "
    "more, but the sun sends less of it and our eyes hardly see it.\n\n"
    "In the evening the light comes a long way through the air. Most of the blue is "
    "lost before it arrives, and what is left is orange and red."
)
_SKY_THOUGHTS = (
    "They ask why the sky is blue. The answer is Rayleigh scattering: its strength "
    "goes with the inverse fourth power of the wavelength, so 450 nm against 680 nm "
    "makes (680 / 450)^4, about 5.2. I should also say why it is not violet, and why "
    "sunsets are red, because that is what people ask next."
)
_SKY_SOURCES = (
    ("Rayleigh scattering", "https://en.wikipedia.org/wiki/Rayleigh_scattering"),
    ("Diffuse sky radiation", "https://en.wikipedia.org/wiki/Diffuse_sky_radiation"),
)


def fake_reply(request: ReceivedRequest) -> Reply:
    """What the fake server says."""
    if "sky" in request.last_user_text.lower():
        cited = [
            {"type": "url_citation", "url_citation": {"title": title, "url": url}}
            for title, url in _SKY_SOURCES
        ]
        return Reply(_SKY, reasoning=_SKY_THOUGHTS, annotations=cited)
    return answer(request.body or {})


def paced_reply(request: ReceivedRequest) -> Reply:
    """The same, at the pace of a real server."""
    return fake_reply(request).replace(first_delay=0.4, frame_delay=0.03)


@contextmanager
def example_model(*, is_paced: bool = True) -> Iterator[ChatStreamKit]:
    """The model of ``URL`` and ``MODEL``, or of a fake server that runs meanwhile."""
    url, name = os.environ.get("URL", ""), os.environ.get("MODEL", "")
    if url and not name:
        sys.exit(f"Say MODEL=..., the name of a model of {url}.")
    if url:
        yield ChatStreamKit(model=name, base_url=url)
        return
    handler = paced_reply if is_paced else fake_reply
    with FakeServer(handler=handler, keep_requests=1) as server:
        yield ChatStreamKit(model=name or "fake", base_url=server.url, api_key="none")


def listening_socket(what: str) -> socket.socket:
    """A socket that listens on ``PORT``, or on a free one; its address is printed."""
    listening = socket.create_server(("127.0.0.1", int(os.environ.get("PORT") or 0)))
    port = listening.getsockname()[1]
    print(f"{what} is listening on http://127.0.0.1:{port} (Ctrl-C stops it)")
    sys.stdout.flush()
    return listening
