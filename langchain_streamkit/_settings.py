"""What a ``ChatStreamKit`` is made of: its parameters, and what may be told of them.

Strategy: parameters bear ChatOpenAI's names where it has one. The constructor knows
every name or says which was meant; the address and the key are checked there, so
that a mistake shows before the first request. What caches, traces and serialized
copies get is made from the live parameters each time, without values that may be
secret.
"""

from __future__ import annotations

import copy
import functools
import warnings
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, cast

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.load import dumpd
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr
from typing_extensions import override

from langchain_streamkit._langchain.identity import (
    HIDDEN_FIELDS,
    cache_string,
    hide_call,
    hide_values,
    provider_reference,
    snapshot,
)
from langchain_streamkit._langchain.late_types import LateType
from langchain_streamkit._langchain.profile import profile_of
from langchain_streamkit._wire.limits import DEFAULT_MAX_EVENT_BYTES
from langchain_streamkit.errors import ConfigurationError

if TYPE_CHECKING:
    import httpx

    from langchain_streamkit._http.connection import Connection
    from langchain_streamkit.providers import Provider
else:
    Connection = Any
    httpx = SimpleNamespace(
        AsyncClient=Annotated[Any, LateType("httpx", "AsyncClient")],
        Client=Annotated[Any, LateType("httpx", "Client")],
        Timeout=Annotated[Any, LateType("httpx", "Timeout")],
    )
    Provider = Annotated[Any, LateType("langchain_streamkit.providers", "Provider")]

__all__ = ["ModelSettings"]

_NOT_CARRIED = ("rate_limiter", "http_client", "http_async_client")


class ModelSettings(BaseChatModel):
    """The parameters of ``ChatStreamKit``; see there for examples."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        # No use_attribute_docstrings: it reads and parses this file at each import.
        defer_build=True,  # only ChatStreamKit has instances
        hide_input_in_errors=True,
        protected_namespaces=(),
    )

    model: str
    """The server's name of the model. Also ``model_name``."""
    provider: str | Provider | None = None
    """A name in the table of servers, or a row of your own."""
    base_url: str | None = None
    """The server's address, before ``/chat/completions``. Also ``openai_api_base``."""
    api_key: (
        SecretStr | str | Callable[[], str] | Callable[[], Awaitable[str]] | None
    ) = None
    """The key, or a callable that is asked for it before each attempt."""
    organization: str | None = None
    """OpenAI's organization, sent as a header."""
    proxy: str | None = Field(default=None, repr=False)
    """A proxy's URL; without one the environment's proxies are used."""
    azure_endpoint: str | None = None
    """Azure's resource address, with ``provider="azure"``."""
    azure_deployment: str | None = None
    """Azure's deployment; the model's name if not given."""
    api_version: str | None = None
    """Azure's ``api-version``."""

    temperature: float | None = None
    """How freely tokens are drawn; the server's default if not given."""
    top_p: float | None = None
    """The share of probability that tokens are drawn from."""
    max_tokens: int | None = None
    """The most tokens of the answer. Also ``max_completion_tokens``."""
    stop: list[str] | str | None = None
    """Texts that end the answer. Also ``stop_sequences``."""
    seed: int | None = None
    """A seed for servers that can repeat themselves."""
    n: int | None = None
    """How many answers ``generate`` gives; more than one cannot be streamed."""
    presence_penalty: float | None = None
    """Pushes tokens away that have occurred."""
    frequency_penalty: float | None = None
    """Pushes tokens away the more often they have occurred."""
    logit_bias: dict[str, int | float] | dict[int, int | float] | None = None
    """Changes of single tokens' chances, by token id."""
    logprobs: bool | None = None
    """Asks for the log probabilities of the tokens."""
    top_logprobs: int | None = None
    """For how many tokens at each place."""
    reasoning_effort: str | None = None
    """How long a reasoning model thinks: ``"low"``, ``"high"`` and the like."""
    verbosity: str | None = None
    """How long the answer should be, for models that know this."""
    service_tier: str | None = None
    """The server's class of service."""
    store: bool | None = None
    """Whether the server keeps the answer."""
    model_kwargs: dict[str, Any] = Field(default_factory=dict[str, Any])
    """More fields of the request, by their names."""
    extra_body: dict[str, Any] | None = None
    """More fields of the request; these win over all others, and stay hidden."""
    default_headers: dict[str, str] | None = None
    """Headers of every request; their values stay hidden."""
    default_query: dict[str, Any] | None = None
    """Query values of every request; they stay hidden."""

    stream_usage: bool = True
    """Whether a stream ends with its count of tokens."""
    streaming: bool = False
    """Whether ``invoke`` streams underneath."""
    include_response_headers: bool = False
    """Whether ``response_metadata`` holds the response's headers."""
    timeout: (
        float | httpx.Timeout | tuple[float, float] | dict[str, float | None] | None
    ) = None
    """Seconds for connecting, writing and each read. Also ``request_timeout``."""
    max_retries: int = Field(default=2, ge=0)
    """How often a failed attempt is repeated, before any content has come."""
    first_token_timeout: float | None = Field(default=600.0, gt=0)
    """Seconds until the first content of a stream."""
    stall_timeout: float | None = Field(default=120.0, gt=0)
    """Seconds between one piece of content and the next."""
    total_timeout: float | None = Field(default=None, gt=0)
    """Seconds for the whole answer, all attempts together."""
    resume: Literal["off", "auto", "prefill", "replay"] = "off"
    """What follows a cut in the middle of an answer: an error, or how to go on."""
    stream_fallback: bool = False
    """Whether a server that cannot stream is asked for a whole answer instead."""
    send_reasoning: Literal["auto", False] = "auto"
    """Whether reasoning of earlier turns goes back where a server wants it."""
    reasoning_tags: tuple[str, str] | None = None
    """Tags of inline reasoning, for example ``("<think>", "</think>")``."""
    max_event_bytes: int = Field(default=DEFAULT_MAX_EVENT_BYTES, gt=0)
    """The most bytes of one event of a stream, or of a whole body."""
    max_response_bytes: int | None = Field(default=None, gt=0)
    """The most bytes of a whole response."""
    max_repetitions: int | None = Field(default=None, ge=2)
    """How often the same passage may come in a row; then the stream is ended."""
    max_reasoning_tokens: int | None = Field(default=None, gt=0)
    """The most tokens that the model may think before the stream is ended."""
    max_cost: float | None = Field(default=None, gt=0)
    """The most USD that one answer may cost by ``prices``; then it is ended."""
    prices: dict[str, float] | dict[str, dict[str, float]] | None = None
    """USD per million tokens: input, output, cached_input, reasoning."""
    record: str | None = None
    """A folder for scrubbed recordings, one file an exchange."""
    http_client: httpx.Client | None = Field(default=None, exclude=True, repr=False)
    """Your own client for sync calls; it is never closed here."""
    http_async_client: httpx.AsyncClient | None = Field(
        default=None, exclude=True, repr=False
    )
    """Your own client for async calls; it is never closed here."""

    _connection: Connection | None = PrivateAttr(default=None)
    # What was last written down, and the parameters that it was made of.
    _written: tuple[dict[str, Any], dict[str, Any]] | None = PrivateAttr(default=None)

    if not TYPE_CHECKING:

        def __init__(self, *unnamed: Any, **parameters: Any) -> None:
            """Check every name and value, the address and the key."""
            from langchain_streamkit._machinery import check_parameters

            values = check_parameters(parameters, type(self).model_fields)
            if unnamed or not values.get("model"):
                message = "model is missing: write ChatStreamKit(model='...', ...)."
                raise ConfigurationError(message)
            super().__init__(**values)
            self.profile = profile_of(self._connect().provider, self.profile)

    @property
    def model_name(self) -> str:
        """The server's name of the model."""
        return self.model

    def close(self) -> None:
        """Close this process's connections; a later call opens new ones."""
        if self._connection is not None:
            self._connection.clients.close()

    async def aclose(self) -> None:
        """Close this event loop's connections; a later call opens new ones."""
        if self._connection is not None:
            await self._connection.clients.aclose()

    def _connect(self) -> Connection:
        """The connection of the parameters as they are now."""
        from langchain_streamkit._machinery import Connection, connection_settings

        wanted = connection_settings(self.__dict__)
        if self._connection is None or self._connection.settings != wanted:
            self._connection = Connection(wanted)
        return self._connection

    # --- what may be told of a model ---

    @property
    @override
    def _llm_type(self) -> str:
        return "chat-streamkit"

    @property
    @override
    def lc_secrets(self) -> dict[str, str]:
        """The key by the name of the variable that it may come from."""
        return {"api_key": self._connect().key_variable}

    @classmethod
    @override
    def is_lc_serializable(cls) -> bool:
        """True: ``dumps`` works, and ``loads`` gives the model back."""
        return True

    @property
    @override
    def lc_attributes(self) -> dict[str, Any]:
        """Parameters in a form that is safe to write down."""
        attributes: dict[str, Any] = {
            name: hide_values(value)
            for name in HIDDEN_FIELDS
            if (value := getattr(self, name))
        }
        # What is left is a Provider and httpx's Timeout, of modules not imported here.
        if not isinstance(self.provider, str | None):
            attributes["provider"] = provider_reference(self.provider)
        if not isinstance(self.timeout, float | int | tuple | dict | None):
            attributes["timeout"] = self.timeout.as_dict()
        return attributes

    @property
    @override
    def _serialized(  # pyright: ignore[reportIncompatibleVariableOverride]
        self,
    ) -> dict[str, Any]:
        # Core asks at each call, and would keep it whatever becomes of the parameters.
        if self._written is None or self._written[0] != vars(self):
            self._written = (snapshot(vars(self)), dumpd(self))
        return self._written[1]

    @property
    @override
    def _identifying_params(self) -> dict[str, Any]:
        shown = {
            name: value
            for name, default in _own_fields(type(self)).items()
            if (value := getattr(self, name)) not in (None, default)
        }
        connection = self._connect()
        return {
            **shown,
            **self.lc_attributes,
            "base_url": connection.base_url,
            "provider": connection.provider.name,
        }

    @override
    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        facts = self.lc_attributes.get("provider")
        told = self._identifying_params
        told.pop("record", None)  # where an answer is written does not change it
        kwargs.pop("record", None)
        parameters = {
            **told,
            "facts": facts,
            "type": self._llm_type,
        }
        return cache_string(parameters, {**kwargs, "stop": stop})

    @override
    def _get_invocation_params(
        self, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        return super()._get_invocation_params(stop=stop, **hide_call(kwargs))

    @override
    def __repr_args__(self) -> Any:
        for name, value in super().__repr_args__():
            hide = name in HIDDEN_FIELDS and isinstance(value, Mapping)
            shown = cast("Mapping[str, Any]", value)
            yield name, hide_values(shown) if hide else value

    # --- copies ---

    @override
    def __getstate__(self) -> dict[Any, Any]:
        state = copy.copy(super().__getstate__())
        values = dict(state["__dict__"])
        lost = [name for name in _NOT_CARRIED if values.get(name) is not None]
        if lost:
            warnings.warn(
                f"A copy of ChatStreamKit goes without its {', '.join(lost)}: locks "
                "and connections cannot be copied. Set them again on the copy.",
                stacklevel=3,
            )
        values.update(dict.fromkeys(lost))
        state["__dict__"] = values
        state["__pydantic_private__"] = {"_connection": None, "_written": None}
        return state

    @override
    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        twin = type(self).__new__(type(self))
        twin.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return twin


@functools.cache
def _own_fields(kind: type[ModelSettings]) -> dict[str, Any]:
    """The defaults of those parameters that may be told."""
    return {
        name: field.get_default()
        for name, field in kind.model_fields.items()
        if name not in BaseChatModel.model_fields
        and not field.exclude
        and name not in {"api_key", "proxy"}
    }
