"""A model's parameters become calls.

Strategy: the address, the key and the clients are worked out when they are first
needed and again whenever one of the parameters behind them has changed, so that a
copy of a model with another ``base_url`` never talks to the old server. The key of
a variable is read from the environment for each call.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from langchain_streamkit._http.call import Call
from langchain_streamkit._http.clients import Clients
from langchain_streamkit._http.endpoint import (
    Endpoint,
    KeySource,
    check_base_url,
    find_key_variable,
    fits_header,
    refuse_header,
    resolve_provider,
)
from langchain_streamkit._http.recorder import check_folder
from langchain_streamkit._resilience.clocks import Timeouts
from langchain_streamkit._resilience.runaway import limits_of
from langchain_streamkit.errors import ConfigurationError
from langchain_streamkit.providers import deployment_provider

if TYPE_CHECKING:
    from langchain_streamkit.providers import Provider

__all__ = ["Connection", "ConnectionSettings", "stream_timeout"]

_CONNECT_SECONDS = 10.0
_WHOLE_BODY_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """The parameters that say where calls go and what lets them in."""

    provider: str | Provider | None = None
    base_url: str | None = None
    api_key: KeySource | str | None = field(default=None, repr=False)
    organization: str | None = None
    proxy: str | None = field(default=None, repr=False)
    default_headers: Mapping[str, str] | None = field(default=None, repr=False)
    default_query: Mapping[str, Any] | None = field(default=None, repr=False)
    azure_endpoint: str | None = None
    azure_deployment: str | None = None
    api_version: str | None = None
    http_client: httpx.Client | None = None
    http_async_client: httpx.AsyncClient | None = None


class Connection:
    """The address, the facts and the clients behind one model.

    Args:
        settings: The parameters.

    Attributes:
        settings: The same, to see whether they have changed.
        provider: The row of the server.
        base_url: Its address.
        key_variable: The environment variable whose key it may get.
        clients: Where its connections come from.

    Raises:
        ConfigurationError: If a parameter is wrong, or a needed key is missing.
    """

    def __init__(self, settings: ConnectionSettings) -> None:
        self.settings = settings
        given = settings.base_url
        is_deployment = settings.azure_endpoint is not None
        if given is None and settings.azure_endpoint is not None:
            given = check_base_url(settings.azure_endpoint)
        self.provider, self.base_url = resolve_provider(
            settings.provider or (deployment_provider() if is_deployment else None),
            given,
        )
        self.key_variable = find_key_variable(self.provider, self.base_url)
        self._headers = self._checked_headers()
        self.clients = Clients(
            self.base_url,
            proxy=settings.proxy,
            client=settings.http_client,
            async_client=settings.http_async_client,
        )
        self._check_key()

    def endpoint(
        self,
        model: str,
        *,
        extra_headers: Mapping[str, str] | None = None,
        extra_query: Mapping[str, Any] | None = None,
    ) -> Endpoint:
        """Where the calls of a model go.

        Args:
            model: Its name, which some servers want in the path.
            extra_headers: Headers of one call.
            extra_query: Query values of one call.

        Returns:
            The endpoint, with the key as it is now.
        """
        settings = self.settings
        path = "/chat/completions"
        query = {str(k): str(v) for k, v in (settings.default_query or {}).items()}
        if self.provider.deployment_path and "/openai/v1" not in self.base_url:
            name = quote(settings.azure_deployment or model, safe="")
            if "/deployments/" not in self.base_url:
                root = "" if self.base_url.endswith("/openai") else "/openai"
                path = f"{root}/deployments/{name}{path}"
            if settings.api_version:
                query.setdefault("api-version", settings.api_version)
        query.update({str(k): str(v) for k, v in (extra_query or {}).items()})
        unfit = _unfit_header(extra_headers or {})
        if unfit is not None:
            del extra_headers, query  # a traceback that shows locals must not
            refuse_header(f"extra_headers[{unfit!r}]")
        return Endpoint(
            provider=self.provider,
            base_url=self.base_url,
            path=path,
            query=query,
            headers={**self._headers, **(extra_headers or {})},
            key=self._key(),
        )

    def call(
        self, body: Mapping[str, Any], options: Mapping[str, Any], *, is_stream: bool
    ) -> Call:
        """One call, ready for an exchange.

        Args:
            body: The request's body.
            options: The model's parameters, under those of the call.
            is_stream: Whether the answer is wanted in pieces.

        Returns:
            The call.
        """
        return Call(
            endpoint=self.endpoint(
                body["model"],
                extra_headers=options.get("extra_headers"),
                extra_query=options.get("extra_query"),
            ),
            model=body["model"],
            body=body,
            is_stream=is_stream,
            timeout=stream_timeout(options["timeout"], is_stream=is_stream),
            timeouts=Timeouts(
                first_token=options["first_token_timeout"],
                stall=options["stall_timeout"],
                total=options["total_timeout"],
                whole=stream_timeout(options["timeout"], is_stream=False).read,
            ),
            max_retries=options["max_retries"],
            reasoning_tags=options["reasoning_tags"],
            max_event_bytes=options["max_event_bytes"],
            max_response_bytes=options["max_response_bytes"],
            resume=options["resume"],
            stream_fallback=options["stream_fallback"],
            include_response_headers=options["include_response_headers"],
            limits=limits_of(options, body["model"]),
            record=check_folder(options["record"]),
            hidden_fields=options["extra_body"] or {},
            prices=options["prices"],
        )

    def _key(self) -> KeySource | None:
        given = self.settings.api_key
        if given is not None:
            return SecretStr(given) if isinstance(given, str) else given
        value = os.environ.get(self.key_variable)
        return SecretStr(value) if value else None

    def _check_key(self) -> None:
        key = self._key()
        if isinstance(key, SecretStr) and not fits_header(key.get_secret_value()):
            refuse_header("api_key")
        if key is not None or not self.provider.key_required:
            return
        has_own_key = any(name.lower() in _KEY_HEADERS for name in self._headers)
        if has_own_key or not self.provider.owns(self.base_url):
            return
        message = (
            f"{self.provider.title or self.provider.name} needs a key. Set the "
            f"environment variable {self.key_variable}, or pass api_key=."
        )
        raise ConfigurationError(message)

    def _checked_headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        if self.settings.organization:
            headers["OpenAI-Organization"] = self.settings.organization
        headers.update(self.settings.default_headers or {})
        unfit = _unfit_header(headers)
        if unfit is not None:
            del headers  # a traceback that shows locals must not
            refuse_header(f"default_headers[{unfit!r}]")
        return headers


def _unfit_header(headers: Mapping[str, str]) -> str | None:
    """The name of the first header that cannot be sent."""
    pairs = headers.items()
    return next((name for name, value in pairs if not fits_header(name, value)), None)


_KEY_HEADERS = frozenset({"authorization", "api-key", "x-api-key"})


def stream_timeout(
    timeout: (
        float | httpx.Timeout | tuple[float, float] | Mapping[str, float | None] | None
    ),
    *,
    is_stream: bool,
) -> httpx.Timeout:
    """The bounds of httpx for one call.

    Args:
        timeout: The user's: seconds for everything, or one bound each.
        is_stream: Whether the answer comes in pieces; a whole one is waited for
            ten minutes if nothing else was said.

    Returns:
        Bounds in seconds; ten for connecting where none was given.
    """
    if isinstance(timeout, httpx.Timeout):
        return timeout
    if isinstance(timeout, tuple):
        return httpx.Timeout(timeout[1], connect=timeout[0])
    if isinstance(timeout, Mapping):
        bounds = {
            "connect": _CONNECT_SECONDS,
            "read": None,
            "write": None,
            "pool": None,
        }
        return httpx.Timeout(**{**bounds, **timeout})
    read = timeout if timeout is not None or is_stream else _WHOLE_BODY_SECONDS
    connect = _CONNECT_SECONDS if timeout is None else min(timeout, _CONNECT_SECONDS)
    return httpx.Timeout(connect=connect, read=read, write=timeout, pool=timeout)
