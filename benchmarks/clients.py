"""Who is measured, in a table: each client works in a process of its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.bare import HttpxClient, OpenAIClient, SocketClient
from benchmarks.chat_models import ChatModelClient, model_maker
from benchmarks.floor import (
    Floor,
    FloorClient,
    NativeFloor,
    NativeFloorClient,
    floor_maker,
)
from benchmarks.models import MODELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.client import Client

__all__ = ["CLIENTS", "make_client"]


def _chat_model(name: str) -> Client:
    return ChatModelClient(model_maker(*MODELS[name]))


CLIENTS: dict[str, Callable[[], Client]] = {
    "floor": lambda: FloorClient(floor_maker(Floor)),
    "native floor": lambda: NativeFloorClient(floor_maker(NativeFloor)),
    **{name: partial(_chat_model, name) for name in MODELS},
    "openai SDK": OpenAIClient,
    "httpx, orjson": HttpxClient,
    "bare socket": SocketClient,
}


def make_client(name: str) -> Client:
    """The client of that name.

    Raises:
        ImportError: If it is not installed.
    """
    return CLIENTS[name]()
