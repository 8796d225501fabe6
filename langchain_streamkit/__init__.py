"""One LangChain chat model for every OpenAI-compatible server.

How a chunk travels, from the socket to you::

    _http          bytes of the response           the only input and output
      _wire        bytes -> events                 no I/O, no clock, no LangChain
      _resilience  again? how long? too late?      pure decisions, times are passed in
    _langchain     events -> AIMessageChunk        and v3's protocol events
    chat_models    ChatStreamKit                   what you import

Names without an underscore are yours to import; the others are machinery.

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
