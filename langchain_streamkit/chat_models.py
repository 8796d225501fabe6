"""``ChatStreamKit``: LangChain's hooks on a model of any OpenAI-compatible server.

Strategy: a hook gathers what it needs and hands it on; nothing is decided here. A
call's way is ``_exchange`` (parameters and messages become a request), the shells of
``_http`` (the request becomes events) and ``_langchain`` (events become chunks,
protocol events or whole messages). The parameters stand in ``_settings``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.language_models.base import LangSmithParams, LanguageModelInput
from langchain_core.tools import BaseTool
from typing_extensions import override

from langchain_streamkit._http.exchange import Exchange
from langchain_streamkit._http.shells import aread_events, read_events
from langchain_streamkit._langchain.chunks import ChunkBuilder
from langchain_streamkit._langchain.messages import render_messages
from langchain_streamkit._langchain.protocol_events import ProtocolEventBuilder
from langchain_streamkit._langchain.request_parameters import (
    request_parameters,
    split_call,
)
from langchain_streamkit._langchain.response_format import render_response_format
from langchain_streamkit._langchain.results import combine_outputs, result_of
from langchain_streamkit._langchain.status_events import custom_event_sender
from langchain_streamkit._langchain.streams import aproject, project
from langchain_streamkit._langchain.tools import render_tool_choice, render_tools
from langchain_streamkit._resilience.runaway import LIMITS
from langchain_streamkit._resilience.token_estimates import (
    estimate_message_tokens,
    estimate_tokens,
)
from langchain_streamkit._settings import ModelSettings
from langchain_streamkit._wire.request import render_body
from langchain_streamkit.errors import ConfigurationError

if TYPE_CHECKING:
    from langchain_core.callbacks import (
        AsyncCallbackManagerForLLMRun,
        CallbackManagerForLLMRun,
    )
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.outputs import ChatGenerationChunk, ChatResult
    from langchain_core.runnables import Runnable
    from langchain_protocol.protocol import MessagesData
    from pydantic import BaseModel

__all__ = ["ChatStreamKit"]

_Tool = Mapping[str, Any] | type | Callable[..., Any] | BaseTool


class ChatStreamKit(ModelSettings):
    """A LangChain chat model for any server that speaks OpenAI's chat completions.

    Parameters are keywords and bear ``ChatOpenAI``'s names, so that code moves over
    by changing the import. These are the ones to begin with; all of them are in
    ``docs/parameters.md``.

    Args:
        model: The server's name of the model.
        base_url: The server's address, before ``/chat/completions``.
        provider: A name in the table of servers instead, such as ``"groq"``.
        api_key: The key, or a function that gives it; else it comes from the
            environment variable of the server's row, or ``STREAMKIT_API_KEY``.
        temperature: How freely tokens are drawn; not sent if not given, like all
            fields of the request.
        max_tokens: The most tokens of the answer.
        max_retries: How often a failure before any content is tried again (2).
        first_token_timeout: Seconds until the first content of a stream (600).
        stall_timeout: Seconds between one piece of content and the next (120).
        total_timeout: Seconds for the whole answer (no bound).
        resume: What follows a cut in mid-answer: ``"off"`` (an error), ``"prefill"``,
            ``"replay"`` or ``"auto"``.

    Raises:
        ConfigurationError: If a parameter's name, the address or the provider is
            wrong, or a key is missing.
        pydantic.ValidationError: If a value has the wrong type. Both are ValueErrors.

    Example:
        >>> from langchain_streamkit import ChatStreamKit
        >>> from langchain_streamkit.testing import FakeServer
        >>> with FakeServer(replies=["Hello, you."]) as server:
        ...     model = ChatStreamKit(model="any", base_url=server.url)
        ...     print("".join(chunk.text for chunk in model.stream("Hi")))
        Hello, you.
    """

    # --- streams ---

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        exchange = self._exchange(messages, stop, kwargs, is_stream=True)
        builder = ChunkBuilder(self.output_version, exchange.context)
        batches = read_events(exchange, self._connect().clients)
        return project(batches, builder.chunks, exchange)

    @override
    def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        exchange = self._exchange(messages, stop, kwargs, is_stream=True)
        builder = ChunkBuilder(self.output_version, exchange.context)
        batches = aread_events(exchange, self._connect().clients)
        return aproject(batches, builder.chunks, exchange)

    def _stream_chat_model_events(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[MessagesData]:
        """Core's hook for ``stream_events(version="v3")``."""
        exchange = self._exchange(messages, stop, kwargs, is_stream=True)
        builder = ProtocolEventBuilder(exchange.context)
        batches = read_events(exchange, self._connect().clients)
        return project(batches, builder.events, exchange)

    def _astream_chat_model_events(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[MessagesData]:
        """Core's hook for ``astream_events(version="v3")``."""
        exchange = self._exchange(messages, stop, kwargs, is_stream=True)
        builder = ProtocolEventBuilder(exchange.context)
        batches = aread_events(exchange, self._connect().clients)
        return aproject(batches, builder.events, exchange)

    # --- whole answers ---

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        exchange = self._exchange(messages, stop, kwargs, is_stream=False)
        batches = read_events(exchange, self._connect().clients)
        events = project(batches, lambda event: (event,), exchange)
        return result_of(list(events), exchange.context)

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        exchange = self._exchange(messages, stop, kwargs, is_stream=False)
        batches = aread_events(exchange, self._connect().clients)
        events = aproject(batches, lambda event: (event,), exchange)
        return result_of([event async for event in events], exchange.context)

    @override
    def _combine_llm_outputs(
        self, _llm_outputs: list[dict[str, Any] | None], /
    ) -> dict[str, Any]:
        return combine_outputs(_llm_outputs)

    # --- one call ---

    def _exchange(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        kwargs: Mapping[str, Any],
        *,
        is_stream: bool,
    ) -> Exchange:
        if is_stream and (choices := self._choices(kwargs)) > 1:
            message = (
                f"n={choices} answers cannot be one stream: use generate(), or n=1."
            )
            raise ConfigurationError(message)
        connection = self._connect()
        provider = connection.provider
        request, given = split_call(kwargs)
        extra_body: dict[str, Any] = {
            **(self.extra_body or {}),
            **(given.get("extra_body") or {}),
        }
        options: dict[str, Any] = {**self.__dict__, **given, "extra_body": extra_body}
        parameters = request_parameters(
            self.__dict__,
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
        call = connection.call(body, options, is_stream=is_stream)
        return Exchange(call, sender=custom_event_sender())

    def _choices(self, kwargs: Mapping[str, Any]) -> int:
        holders = (kwargs.get("extra_body"), self.extra_body, kwargs)
        given = [holder["n"] for holder in holders if holder and "n" in holder]
        n = [*given, self.n or self.model_kwargs.get("n")][0]
        return n if isinstance(n, int) else 1

    @override
    def _should_stream(self, *, async_api: bool, **kwargs: Any) -> bool:
        if self._choices(kwargs) > 1 and not kwargs.get("stream"):
            return False
        if self._is_guarded(kwargs):
            kwargs = {"stream": True, **kwargs}
        return super()._should_stream(async_api=async_api, **kwargs)

    def _is_guarded(self, kwargs: Mapping[str, Any]) -> bool:
        """Whether a limit on runaways is set, which a stream alone can keep."""
        return any(kwargs.get(name, getattr(self, name)) for name in LIMITS)

    @override
    def _should_use_protocol_streaming(self, *, async_api: bool, **kwargs: Any) -> bool:
        if self._choices(kwargs) > 1 and not kwargs.get("stream"):
            return False
        return super()._should_use_protocol_streaming(async_api=async_api, **kwargs)

    # --- tools and structured output ---

    @override
    def bind_tools(
        self,
        tools: Sequence[_Tool],
        *,
        tool_choice: str | bool | Mapping[str, Any] | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        response_format: Mapping[str, Any] | type | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools to the model.

        Args:
            tools: LangChain tools, functions, Pydantic or TypedDict classes, JSON
                schemas, or a server's own tools as dicts.
            tool_choice: ``"auto"``, ``"none"``, ``"any"`` or ``"required"`` (also
                True), a tool's name, or a server's own form.
            strict: Whether the arguments must fit the schema, for servers that can
                promise it.
            parallel_tool_calls: Whether several calls may come at once.
            response_format: A schema for the answer after the tools.
            **kwargs: More keywords of each call.

        Returns:
            The model with the tools bound to it.

        Raises:
            UnsendableInputError: If a tool cannot be sent, or the choice names none.

        Example:
            >>> def add(a: int, b: int) -> int:
            ...     "Add two numbers."
            ...     return a + b
            >>> model = ChatStreamKit(model="any", base_url="http://localhost:8000/v1")
            >>> bound = model.bind_tools([add], tool_choice="any")
        """
        provider = self._connect().provider
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
        given = {name: value for name, value in bound.items() if value is not None}
        return super().bind(**given, **kwargs)

    @override
    def with_structured_output(
        self,
        schema: Mapping[str, Any] | type | None = None,
        *,
        method: Literal["json_schema", "function_calling", "json_mode"] | None = None,
        include_raw: bool = False,
        strict: bool | None = None,
        tools: Sequence[_Tool] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """Make the model answer with an object.

        Args:
            schema: A Pydantic class (gives instances), a TypedDict or a JSON schema
                (gives dicts); None for ``json_mode`` only.
            method: ``"json_schema"``, ``"function_calling"`` or ``"json_mode"``;
                without one the best that the server's row knows.
            include_raw: Whether to give ``raw``, ``parsed`` and ``parsing_error``.
            strict: Whether the server must keep to the schema, where it can.
            tools: Tools to offer besides, with ``"json_schema"``.
            **kwargs: More keywords of each call.

        Returns:
            A Runnable that gives the object; while streaming, the object as it
            grows.

        Raises:
            ConfigurationError: If the method is unknown, or needs a schema.
        """
        from langchain_streamkit._langchain.structured_output import (
            structured_output,
        )

        return structured_output(
            self,
            schema,
            method=method,
            include_raw=include_raw,
            strict=strict,
            tools=tools,
            provider=self._connect().provider,
            **kwargs,
        )

    # --- counts and traces ---

    @override
    def get_num_tokens(self, text: str) -> int:
        """About how many tokens a text has; see ``get_num_tokens_from_messages``."""
        if self.custom_get_token_ids is not None:
            return len(self.custom_get_token_ids(text))
        return estimate_tokens(text)

    @override
    def get_num_tokens_from_messages(
        self,
        messages: list[BaseMessage],
        tools: Sequence[_Tool] | None = None,
    ) -> int:
        """About how many tokens a request has, without asking anybody.

        Args:
            messages: The messages.
            tools: The tools that would go with them.

        Returns:
            An estimate from the kinds of characters, or the exact count of
            ``custom_get_token_ids`` over the same texts.
        """
        provider = self._connect().provider
        return estimate_message_tokens(
            render_messages(messages, provider, send_reasoning=False),
            render_tools(tools or [], provider),
            count=self.get_num_tokens,
        )

    @override
    def _get_ls_params(
        self, stop: list[str] | None = None, **kwargs: Any
    ) -> LangSmithParams:
        request, _ = split_call(kwargs)
        values = {**self.__dict__, **request}
        params = LangSmithParams(
            ls_provider=self._connect().provider.name,
            ls_model_name=values["model"],
            ls_model_type="chat",
        )
        if values["temperature"] is not None:
            params["ls_temperature"] = values["temperature"]
        if values["max_tokens"] is not None:
            params["ls_max_tokens"] = values["max_tokens"]
        ended_by = stop or values["stop"]
        if ended_by:
            params["ls_stop"] = [ended_by] if isinstance(ended_by, str) else ended_by
        return params
