"""``ChatStreamKit``: LangChain's hooks on a model of any OpenAI-compatible server.

Strategy: a hook hands on what it gets; nothing is decided here. The parameters stand
in ``_settings``, the way of a call in ``_machinery``, which the first model imports:
this module is cheap to import (docs/performance.md has the figures, and a test keeps
them).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from langchain_core.language_models.base import LangSmithParams, LanguageModelInput
from pydantic import ConfigDict
from typing_extensions import override

from langchain_streamkit._settings import ModelSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

    from langchain_core.callbacks import (
        AsyncCallbackManagerForLLMRun,
        CallbackManagerForLLMRun,
    )
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.outputs import ChatGenerationChunk, ChatResult
    from langchain_core.runnables import Runnable
    from langchain_core.tools import BaseTool
    from langchain_protocol.protocol import MessagesData
    from pydantic import BaseModel

    from langchain_streamkit._machinery import Calls

    _Tool = Mapping[str, Any] | type | Callable[..., Any] | BaseTool

__all__ = ["ChatStreamKit"]


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

    model_config = ConfigDict(defer_build=False)  # threads may make the first one

    # --- streams ---

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        calls = self._calls
        exchange = calls.exchange(messages, stop, kwargs, is_stream=True)
        return calls.chunks(exchange)

    @override
    def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        calls = self._calls
        exchange = calls.exchange(messages, stop, kwargs, is_stream=True)
        return calls.achunks(exchange)

    def _stream_chat_model_events(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[MessagesData]:
        """Core's hook for ``stream_events(version="v3")``."""
        calls = self._calls
        exchange = calls.exchange(messages, stop, kwargs, is_stream=True)
        return calls.protocol_events(exchange)

    def _astream_chat_model_events(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[MessagesData]:
        """Core's hook for ``astream_events(version="v3")``."""
        calls = self._calls
        exchange = calls.exchange(messages, stop, kwargs, is_stream=True)
        return calls.aprotocol_events(exchange)

    # --- whole answers ---

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        calls = self._calls
        exchange = calls.exchange(messages, stop, kwargs, is_stream=False)
        return calls.result(exchange)

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        calls = self._calls
        exchange = calls.exchange(messages, stop, kwargs, is_stream=False)
        return await calls.aresult(exchange)

    @override
    def _combine_llm_outputs(
        self, _llm_outputs: list[dict[str, Any] | None], /
    ) -> dict[str, Any]:
        from langchain_streamkit._langchain.results import combine_outputs

        return combine_outputs(_llm_outputs)

    # --- one call ---

    @property
    def _calls(self) -> Calls:
        """What does the work, by the parameters as they are now."""
        from langchain_streamkit._machinery import Calls

        return Calls(self._connect(), self.__dict__)

    @override
    def _should_stream(self, *, async_api: bool, **kwargs: Any) -> bool:
        calls = self._calls
        if calls.choices(kwargs) > 1 and not kwargs.get("stream"):
            return False
        if calls.is_guarded(kwargs):
            kwargs = {"stream": True, **kwargs}
        return super()._should_stream(async_api=async_api, **kwargs)

    @override
    def _should_use_protocol_streaming(self, *, async_api: bool, **kwargs: Any) -> bool:
        if self._calls.choices(kwargs) > 1 and not kwargs.get("stream"):
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
        bound = self._calls.tool_keywords(
            tools,
            tool_choice=tool_choice,
            strict=strict,
            parallel_tool_calls=parallel_tool_calls,
            response_format=response_format,
        )
        return super().bind(**bound, **kwargs)

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
        from langchain_streamkit._resilience.token_estimates import estimate_tokens

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
        return self._calls.count_tokens(
            messages, tools or [], count=self.get_num_tokens
        )

    @override
    def _get_ls_params(
        self, stop: list[str] | None = None, **kwargs: Any
    ) -> LangSmithParams:
        values = self._calls.values(kwargs)
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
