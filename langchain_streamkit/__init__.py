"""One LangChain chat model for every OpenAI-compatible server.

How a chunk travels, from the socket to a screen::

    _http            bytes of the response            the only input and output
      _wire          bytes -> events                  no I/O, no clock, no LangChain
      _resilience    again? how long? too late?       pure decisions, times passed in
    _langchain       events -> AIMessageChunk         and v3's protocol events
    chat_models      ChatStreamKit                    stream(), invoke(), bind_tools()
    streaming        chunks of any model -> events    iter_events(), collect()
    transforms       gathered, split, buffered        coalesce(), segments(), tail()
    adapters         events -> a screen               web, terminal, gradio, jupyter

And beside the way::

    events, errors   what comes, and what goes wrong: every floor speaks in these
    providers        the table of servers: addresses, key variables, facts
    pricing          tokens -> USD
    callbacks        totals, budgets and telemetry of any model's calls
    blocks           figures, tables and TOON -> parts of a prompt
    output_parsers   text -> TOON, JSON that grows, or whichever it is
    testing          FakeServer, a server for your tests
    cli              streamkit chat, serve, probe, compare

Names without an underscore are yours to import; the others are machinery. Imports
go downward only; ``docs/architecture.md`` shows the floors and says why.

Example:
    >>> from langchain_streamkit import ChatStreamKit
    >>> model = ChatStreamKit(model="qwen3:8b", base_url="http://localhost:11434/v1")
    >>> model.model
    'qwen3:8b'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from langchain_streamkit._version import __version__

if TYPE_CHECKING:
    from langchain_streamkit.chat_models import ChatStreamKit
    from langchain_streamkit.errors import StreamInterruptedError, StreamKitError
    from langchain_streamkit.streaming import (
        StreamResult,
        acollect,
        aevents_from,
        aiter_events,
        collect,
        events_from,
        iter_events,
    )

__all__ = [
    "ChatStreamKit",
    "StreamInterruptedError",
    "StreamKitError",
    "StreamResult",
    "__version__",
    "acollect",
    "aevents_from",
    "aiter_events",
    "collect",
    "events_from",
    "iter_events",
]

_HOMES = {
    "ChatStreamKit": "chat_models",
    "StreamInterruptedError": "errors",
    "StreamKitError": "errors",
    "StreamResult": "streaming",
    "acollect": "streaming",
    "aevents_from": "streaming",
    "aiter_events": "streaming",
    "collect": "streaming",
    "events_from": "streaming",
    "iter_events": "streaming",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    module = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    """The public names."""
    return __all__
