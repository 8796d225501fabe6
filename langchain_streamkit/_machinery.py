"""What a model runs on, imported when the first one is made.

Strategy: everything is imported here, at the top, and this module by the functions
of ``_settings`` and ``chat_models`` that need it, the constructor first of all. So a
program that imports the class pays for LangChain and pydantic alone, and no call
waits for an import. The way of a call: ``exchange`` (parameters and messages become
a request), the shells of ``_http`` (the request becomes events) and ``_langchain``
(events become chunks, protocol events or whole messages).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from langchain_streamkit._http.connection import Connection, ConnectionSettings
from langchain_streamkit._http.exchange import Exchange
from langchain_streamkit._http.recorder import check_folder
from langchain_streamkit._http.shells import aread_events, read_events
from langchain_streamkit._langchain.chunks import ChunkBuilder
from langchain_streamkit._langchain.identity import HIDDEN_FIELDS, without_hidden
from langchain_streamkit._langchain.messages import render_messages
from langchain_streamkit._langchain.parameters import normalize_parameters
from langchain_streamkit._langchain.protocol_events import ProtocolEventBuilder
from langchain_streamkit._langchain.request_parameters import (
    request_parameters,
    split_call,
)
from langchain_streamkit._langchain.response_format import render_response_format
from langchain_streamkit._langchain.results import result_of
from langchain_streamkit._langchain.status_events import custom_event_sender
from langchain_streamkit._langchain.streams import aproject, project
from langchain_streamkit._langchain.tools import render_tool_choice, render_tools
from langchain_streamkit._resilience.runaway import LIMITS
from langchain_streamkit._resilience.token_estimates import estimate_message_tokens
from langchain_streamkit._wire.request import render_body
from langchain_streamkit.errors import ConfigurationError
from langchain_streamkit.pricing import check_prices

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence

    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import ChatGenerationChunk, ChatResult
    from langchain_core.tools import BaseTool
    from langchain_protocol.protocol import MessagesData

__all__ = ["Calls", "Connection", "check_parameters", "connection_settings"]

_NONE_IS_DEFAULT = ("max_retries", "stream_usage", "streaming", "model_kwargs")
_CONNECTION_FIELDS = tuple(
    field.name for field in dataclasses.fields(ConnectionSettings)
)


def check_parameters(
    given: Mapping[str, Any], fields: Collection[str]
) -> dict[str, Any]:
    """The constructor's keywords, by the names of the fields, as pydantic takes them.

    Args:
        given: What the user wrote.
        fields: The names of all fields.

    Returns:
        The values of the fields.

    Raises:
        ConfigurationError: If a name is unknown, or a value is wrong in a way that
            pydantic does not see.
    """
    values = normalize_parameters(given, fields)
    if isinstance(values.get("api_key"), str):
        values["api_key"] = SecretStr(values["api_key"])
    for name in _NONE_IS_DEFAULT:
        if name in values and values[name] is None:
            del values[name]
    if "record" in values:
        values["record"] = check_folder(values["record"], is_new=True)
    for name in HIDDEN_FIELDS:
        if isinstance(values.get(name), Mapping):
            values[name] = without_hidden(name, values[name])
    check_prices(values.get("prices"))
    return values


def connection_settings(parameters: Mapping[str, Any]) -> ConnectionSettings:
    """Those parameters that a connection is made of."""
    return ConnectionSettings(**{name: parameters[name] for name in _CONNECTION_FIELDS})


class Calls:
    """The calls of one model, by its parameters as they are now.

    Args:
        connection: Where they go.
        parameters: The values of the model's fields.
    """

    def __init__(self, connection: Connection, parameters: Mapping[str, Any]) -> None:
        self._connection = connection
        self._parameters = parameters

    # --- what the answers become ---

    def chunks(self, exchange: Exchange) -> Iterator[ChatGenerationChunk]:
        """The chunks of a call."""
        builder = ChunkBuilder(self._parameters["output_version"], exchange.context)
        batches = read_events(exchange, self._connection.clients)
        return project(batches, builder.chunks, exchange)

    def achunks(self, exchange: Exchange) -> AsyncIterator[ChatGenerationChunk]:
        """The async twin of ``chunks``."""
        builder = ChunkBuilder(self._parameters["output_version"], exchange.context)
        batches = aread_events(exchange, self._connection.clients)
        return aproject(batches, builder.chunks, exchange)

    def protocol_events(self, exchange: Exchange) -> Iterator[MessagesData]:
        """The events of core's protocol, version 3."""
        builder = ProtocolEventBuilder(exchange.context)
        batches = read_events(exchange, self._connection.clients)
        return project(batches, builder.events, exchange)

    def aprotocol_events(self, exchange: Exchange) -> AsyncIterator[MessagesData]:
        """The async twin of ``protocol_events``."""
        builder = ProtocolEventBuilder(exchange.context)
        batches = aread_events(exchange, self._connection.clients)
        return aproject(batches, builder.events, exchange)

    def result(self, exchange: Exchange) -> ChatResult:
        """The whole answers."""
        batches = read_events(exchange, self._connection.clients)
        events = project(batches, lambda event: (event,), exchange)
        return result_of(list(events), exchange.context)

    async def aresult(self, exchange: Exchange) -> ChatResult:
        """The async twin of ``result``."""
        batches = aread_events(exchange, self._connection.clients)
        events = aproject(batches, lambda event: (event,), exchange)
        return result_of([event async for event in events], exchange.context)

    # --- what is asked ---

    def exchange(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        kwargs: Mapping[str, Any],
        *,
        is_stream: bool,
    ) -> Exchange:
        """A call that has not begun.

        Args:
            messages: What to answer.
            stop: LangChain's own argument of a call.
            kwargs: Bound keywords and those of the call.
            is_stream: Whether the answer is wanted in pieces.

        Returns:
            The exchange.

        Raises:
            ConfigurationError: If several answers are to come as one stream.
            UnsendableInputError: If a message, a tool or a schema cannot be sent.
        """
        if is_stream and (choices := self.choices(kwargs)) > 1:
            message = (
                f"n={choices} answers cannot be one stream: use generate(), or n=1."
            )
            raise ConfigurationError(message)
        provider = self._connection.provider
        request, given = split_call(kwargs)
        extra_body: dict[str, Any] = {
            **(self._parameters["extra_body"] or {}),
            **(given.get("extra_body") or {}),
        }
        options: dict[str, Any] = {
            **self._parameters,
            **given,
            "extra_body": extra_body,
        }
        parameters = request_parameters(
            self._parameters,
            request,
            messages=render_messages(
                messages, provider, send_reasoning=bool(options["send_reasoning"])
            ),
            stop=stop,
            provider=provider,
        )
        body = render_body(
            parameters,
            provider,
            is_stream=is_stream,
            stream_usage=options["stream_usage"],
            extra_body=extra_body,
        )
        call = self._connection.call(body, options, is_stream=is_stream)
        return Exchange(call, sender=custom_event_sender())

    def choices(self, kwargs: Mapping[str, Any]) -> int:
        """How many answers a call asks for."""
        own = self._parameters
        holders = (kwargs.get("extra_body"), own["extra_body"], kwargs)
        given = [holder["n"] for holder in holders if holder and "n" in holder]
        n = [*given, own["n"] or own["model_kwargs"].get("n")][0]
        return n if isinstance(n, int) else 1

    def is_guarded(self, kwargs: Mapping[str, Any]) -> bool:
        """Whether a limit on runaways is set, which a stream alone can keep."""
        return any(kwargs.get(name, self._parameters[name]) for name in LIMITS)

    def values(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of one call: the model's, under those of the call."""
        request, _ = split_call(kwargs)
        return {**self._parameters, **request}

    # --- tools ---

    def tool_keywords(
        self,
        tools: Sequence[Mapping[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | bool | Mapping[str, Any] | None,
        strict: bool | None,
        parallel_tool_calls: bool | None,
        response_format: Mapping[str, Any] | type | None,
    ) -> dict[str, Any]:
        """The keywords of a call that offers tools; see ``bind_tools``."""
        provider = self._connection.provider
        rendered = render_tools(tools, provider, strict=strict)
        bound: dict[str, Any] = {
            "tools": rendered,
            "tool_choice": render_tool_choice(tool_choice, rendered, provider),
            "parallel_tool_calls": parallel_tool_calls,
            "response_format": (
                render_response_format(response_format, strict=strict)
                if response_format is not None
                else None
            ),
        }
        return {name: value for name, value in bound.items() if value is not None}

    def count_tokens(
        self,
        messages: list[BaseMessage],
        tools: Sequence[Mapping[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        count: Callable[[str], int],
    ) -> int:
        """About how many tokens a request has.

        Args:
            messages: Its messages.
            tools: Its tools.
            count: Counts those of one text.

        Returns:
            The count of all that would be sent.
        """
        provider = self._connection.provider
        return estimate_message_tokens(
            render_messages(messages, provider, send_reasoning=False),
            render_tools(tools, provider),
            count=count,
        )
