"""The state of a call as a custom event of LangChain.

Strategy: core takes a custom event only where a run is under way that the event can
belong to, and refuses it at the root. So the parent's config is looked up first, once
for a call, and without one there is no sender.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import (
    BaseCallbackManager,
    adispatch_custom_event,
    dispatch_custom_event,
)
from langchain_core.runnables.config import var_child_runnable_config

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

    from langchain_streamkit.events import StatusEvent

__all__ = ["STATUS_EVENT", "CustomEventSender", "custom_event_sender"]

STATUS_EVENT = "streamkit.status"
"""The name of the custom event."""


@dataclass(frozen=True, slots=True)
class CustomEventSender:
    """Sends statuses to the handlers of the run around a call.

    Args:
        config: The config of that run's children.
    """

    config: RunnableConfig

    def send(self, status: StatusEvent) -> None:
        """Send a status.

        Args:
            status: The status; the event's data is its fields, as a dict.
        """
        dispatch_custom_event(STATUS_EVENT, _data(status), config=self.config)

    async def asend(self, status: StatusEvent) -> None:
        """The async twin of ``send``."""
        await adispatch_custom_event(STATUS_EVENT, _data(status), config=self.config)


def custom_event_sender() -> CustomEventSender | None:
    """A sender, if a run is under way whose handlers may want to know.

    Returns:
        None at the root, and where nobody handles anything.
    """
    config = var_child_runnable_config.get()
    callbacks = config.get("callbacks") if config else None
    if config is None or not isinstance(callbacks, BaseCallbackManager):
        return None
    if callbacks.parent_run_id is None or not callbacks.handlers:
        return None
    return CustomEventSender(config)


def _data(status: StatusEvent) -> dict[str, Any]:
    return {
        "phase": status.phase,
        "message": status.content,
        "attempt": status.attempt,
        "max_attempts": status.max_attempts,
        "delay_seconds": status.delay_seconds,
        **status.metadata,
    }
