"""The protocols: who encodes each, and what its HTTP response says of it."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

from langchain_streamkit._langchain.extras import missing_extra

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_streamkit.adapters._encoder import Encoder

__all__ = [
    "HEADERS",
    "PROTOCOLS",
    "Protocol",
    "ProtocolName",
    "make_encoder",
]

ProtocolName = Literal["sse", "ndjson", "text", "vercel", "agui", "openai"]


@dataclass(frozen=True, slots=True)
class Protocol:
    """One protocol.

    Attributes:
        module: The module of its encoder, beside this one.
        encoder: The encoder's name there.
        media_type: What ``Content-Type`` says.
        extra: The extra that it needs, or nothing.
        headers: Headers of its own.
    """

    module: str
    encoder: str
    media_type: str = "text/event-stream"
    extra: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def is_event_stream(self) -> bool:
        """Whether its frames are server-sent events."""
        return self.media_type == "text/event-stream"


PROTOCOLS: dict[ProtocolName, Protocol] = {
    "sse": Protocol("_sse", "ServerSentEvents"),
    "ndjson": Protocol("_ndjson", "JsonLines", "application/x-ndjson"),
    "text": Protocol("_text", "PlainText", "text/plain; charset=utf-8"),
    "vercel": Protocol(
        "_vercel", "VercelStream", headers=(("x-vercel-ai-ui-message-stream", "v1"),)
    ),
    "agui": Protocol("_agui", "AgentUserInteraction", extra="agui"),
    "openai": Protocol("_openai", "ChatCompletionChunks"),
}

# nosniff: no browser may take a model's words for a page. The others keep proxies
# from collecting or storing what is meant to flow.
_COMMON = {
    "cache-control": "no-cache",
    "connection": "keep-alive",
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
}

HEADERS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        name: MappingProxyType(
            {"content-type": row.media_type, **_COMMON, **dict(row.headers)}
        )
        for name, row in PROTOCOLS.items()
    }
)
"""The headers of a response, by protocol; ``content-type`` is among them."""


def make_encoder(protocol: str, options: Mapping[str, Any]) -> Encoder:
    """A new encoder.

    Args:
        protocol: The protocol's name.
        options: The encoder's arguments.

    Returns:
        The encoder, for one stream.

    Raises:
        ValueError: If there is no such protocol.
        TypeError: If the protocol has no such option.
        ImportError: If its extra is not installed.
    """
    if protocol not in PROTOCOLS:
        names = ", ".join(get_args(ProtocolName))
        raise ValueError(f"There is no protocol {protocol!r}. There are: {names}.")
    row = PROTOCOLS[protocol]
    try:
        module = importlib.import_module(f"{__package__}.{row.module}")
    except ModuleNotFoundError as error:
        raise missing_extra(error, row.extra) from error
    kind: type[Encoder] = getattr(module, row.encoder)
    known = set(inspect.signature(kind).parameters if options else ())
    for name in options:
        if name not in known:
            raise TypeError(f"The protocol {protocol!r} has no option {name!r}.")
    return kind(**options)
