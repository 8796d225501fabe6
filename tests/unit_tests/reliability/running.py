"""Runs a model on a server that misbehaves, and says what its reader saw."""

from __future__ import annotations

import ssl
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_streamkit.testing import FakeServer, Reply, unreachable

from .cases import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_core.language_models import BaseChatModel

    from .cases import Case, Moment

__all__ = [
    "CERTIFICATE",
    "HEADERS",
    "KEY",
    "PROMPT",
    "SECRETS",
    "Seen",
    "Stage",
    "aread",
    "read",
    "server_tls",
    "staged",
]

CERTIFICATE = Path(__file__).parent.parent / "testing" / "localhost.pem"
KEY = "canary-key-5d41402abc4b2a76"
HEADERS = {"x-tenant": "canary-header-b9719d911017c592"}
PROMPT = "canary-prompt: what is the colour of the sky?"
SECRETS = (KEY, HEADERS["x-tenant"], PROMPT)


@dataclass(slots=True)
class Seen:
    """What a reader saw.

    Attributes:
        pieces: The text of the chunks that had some.
        error: How it ended, if not well.
        seconds: How long it took.
        finish_reason: What the last chunk said.
    """

    pieces: list[str] = field(default_factory=list)
    error: BaseException | None = None
    seconds: float = 0.0
    finish_reason: str | None = None

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Stage:
    """A server that plays a case.

    Attributes:
        server: The server.
        url: The address to ask; another one where nobody listens.
        elsewhere: The server that a redirect points at.
    """

    server: FakeServer
    url: str
    elsewhere: FakeServer


def server_tls() -> ssl.SSLContext:
    """What a server needs to speak TLS as 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@contextmanager
def staged(case: Case, moment: Moment, *then: Reply) -> Iterator[Stage]:
    """The server of a case.

    Args:
        case: The case.
        moment: When the fault happens.
        *then: What it answers after the first request; without any, the same again.

    Yields:
        Where to go.
    """
    with ExitStack() as stack:
        elsewhere = FakeServer(["You should not be here."])
        if case.is_redirect:
            stack.enter_context(elsewhere)
        target = f"{elsewhere.url}/chat/completions"
        server = FakeServer(
            [render(case, moment, target), *then],
            repeat_last=True,
            on_connect=case.on_connect,
            tls=server_tls() if case.tls else None,
        )
        stack.enter_context(server)
        url = server.url
        if case.where == "unreachable":
            url = stack.enter_context(unreachable())
        elif case.where == "stopped":
            server.stop()
        yield Stage(server, url, elsewhere)


def read(model: BaseChatModel, prompt: str = PROMPT) -> Seen:
    """Read a stream to whatever end it has."""
    seen, started = Seen(), time.monotonic()
    try:
        for chunk in model.stream(prompt):
            _see(seen, chunk)
    except Exception as error:  # noqa: BLE001 - what it was is what is asked
        seen.error = error
    seen.seconds = time.monotonic() - started
    return seen


async def aread(model: BaseChatModel, prompt: str = PROMPT) -> Seen:
    """The async twin of ``read``."""
    seen, started = Seen(), time.monotonic()
    try:
        async for chunk in model.astream(prompt):
            _see(seen, chunk)
    except Exception as error:  # noqa: BLE001 - what it was is what is asked
        seen.error = error
    seen.seconds = time.monotonic() - started
    return seen


def _see(seen: Seen, chunk: object) -> None:
    text = getattr(chunk, "text", "")
    if text:
        seen.pieces.append(str(text))
    metadata = getattr(chunk, "response_metadata", {})
    seen.finish_reason = metadata.get("finish_reason") or seen.finish_reason
