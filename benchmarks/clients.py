"""Who is measured, in a table: each client works in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from benchmarks.bare import HttpxClient, OpenAIClient, SocketClient
from benchmarks.chat_models import ChatModelClient, model_maker
from benchmarks.client import Client
from benchmarks.floor import Floor, FloorClient, NativeFloor, NativeFloorClient
from benchmarks.floor import floor_maker

__all__ = ["CLIENTS", "MODELS", "make_client"]

# Name: module, class, the parameter of the address, and more parameters.
MODELS: dict[str, tuple[str, str, str, dict[str, object]]] = {
    "streamkit": ("langchain_streamkit", "ChatStreamKit", "base_url", {}),
    "ChatOpenAI": ("langchain_openai", "ChatOpenAI", "base_url", {}),
    "ChatDeepSeek": ("langchain_deepseek", "ChatDeepSeek", "api_base", {}),
    "ChatMistralAI": ("langchain_mistralai", "ChatMistralAI", "base_url", {}),
    "ChatMaritaca": ("langchain_maritaca", "ChatMaritaca", "base_url", {}),
}


def _chat_model(name: str) -> Client:
    module, kind, address, more = MODELS[name]
    return ChatModelClient(model_maker(module, kind, address, **more))


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
