"""Who is told what a call is busy with, beside its chunks.

Strategy: a status is no chunk, for a chunk would be taken for the start of the
answer. It goes to a listener in a context variable, which whoever wants to hear
sets around the call; where nobody does, nothing is made.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_streamkit.events import StatusEvent

__all__ = ["status_listener"]

status_listener: ContextVar[Callable[[StatusEvent], None] | None] = ContextVar(
    "streamkit_status_listener", default=None
)
"""Called from the thread and the task of the call, at once; it must not wait."""
