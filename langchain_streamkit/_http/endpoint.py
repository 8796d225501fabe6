"""Where a model's requests go, and what they carry to be let in.

Strategy: the row of the table is the one that ``provider`` names, or that the host
of ``base_url`` selects; any other host gets OpenAI's defaults. A key in a variable
of a row goes to the hosts of that row and to no other; ``STREAMKIT_API_KEY`` is for
every server that has no row.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import urlencode, urlsplit

import httpx
from pydantic import SecretStr

from langchain_streamkit.errors import ConfigurationError
from langchain_streamkit.providers import (
    Provider,
    default_provider,
    get_provider,
    provider_for_url,
)

__all__ = [
    "CUSTOM",
    "Endpoint",
    "KeySource",
    "check_base_url",
    "find_key_variable",
    "fits_header",
    "refuse_header",
    "resolve_provider",
]

KeySource = SecretStr | Callable[[], str] | Callable[[], Awaitable[str]]

CUSTOM = Provider(name="custom", title="OpenAI-compatible server")
"""The facts of a server without a row: what OpenAI's own API takes."""

_COMPLETIONS = "/chat/completions"
_OPENAI_URL_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_BASE")
_ANY_KEY = "STREAMKIT_API_KEY"
_ANY_URL = "STREAMKIT_BASE_URL"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server, as one model uses it. No repr shows a key or a header's value.

    Attributes:
        provider: The facts about the server.
        base_url: Its address, without a slash at the end.
        path: What stands between the address and the query.
        query: The query's names and values.
        headers: Headers of the user.
        key: The key, or a callable that gives it anew for each attempt.
    """

    provider: Provider
    base_url: str
    path: str = _COMPLETIONS
    query: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    key: KeySource | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The address of chat completions, with the query."""
        query = f"?{urlencode(self.query)}" if self.query else ""
        return f"{self.base_url}{self.path}{query}"

    @property
    def prefill_url(self) -> str | None:
        """The address that continues answers, where the row has another one."""
        base = self.provider.prefill_base_url
        if base is None or not self.provider.owns(self.base_url):
            return None
        return f"{base}{self.path}"

    @property
    def host(self) -> str:
        """The host and port, for messages."""
        return urlsplit(self.base_url).netloc

    def key_headers(self, key: SecretStr | None) -> dict[str, str]:
        """The header that carries a key.

        Args:
            key: The key, or None.

        Returns:
            One header, or none.

        Raises:
            ConfigurationError: If the key cannot stand in a header.
        """
        if key is None or not key.get_secret_value():
            return {}
        if not fits_header(key.get_secret_value()):
            refuse_header("api_key")
        if self.provider.key_header == "api-key":
            return {"api-key": key.get_secret_value()}
        return {"authorization": f"Bearer {key.get_secret_value()}"}


def resolve_provider(
    provider: str | Provider | None, base_url: str | None
) -> tuple[Provider, str]:
    """The row and the address that two parameters and the environment mean.

    Args:
        provider: A name, a row, or None.
        base_url: An address, or None.

    Returns:
        The facts, and the checked address.

    Raises:
        ConfigurationError: If the name is unknown, the address is wrong, or the
            row has no address of its own and none was given.
    """
    if isinstance(provider, str):
        provider = get_provider(provider)
    if provider is None and base_url is None:
        base_url = os.environ.get(_ANY_URL) or _first_set(_OPENAI_URL_VARIABLES)
        provider = default_provider() if base_url is None else None
    if base_url is None:
        base_url = provider.base_url if provider is not None else None
    if base_url is None:
        raise ConfigurationError(_no_address(provider or CUSTOM))
    url = check_base_url(base_url)
    return provider or provider_for_url(url) or CUSTOM, url


def _no_address(provider: Provider) -> str:
    """What to pass for a row that everybody runs, or has, at another address."""
    if provider.deployment_path:
        example = "azure_endpoint='https://NAME.openai.azure.com'"
    elif provider.hosts:
        example = f"base_url=, with a host like {provider.hosts[0]}"
    else:
        example = "base_url=, for example base_url='http://localhost:8000/v1'"
    return f"provider={provider.name!r} has no address of its own: pass {example}."


def find_key_variable(provider: Provider, base_url: str) -> str:
    """The environment variable whose key a server may get.

    Args:
        provider: Its row.
        base_url: Its address.

    Returns:
        The first variable of the row that is set, or its first one, where the host
        is the row's (or the row has no hosts of its own, as those of servers that
        people run themselves); for any other host ``STREAMKIT_API_KEY``.
    """
    has_hosts = bool(provider.hosts or provider.base_url)
    if has_hosts and not provider.owns(base_url):
        return _ANY_KEY
    set_ones = [name for name in provider.key_variables if os.environ.get(name)]
    if set_ones:
        return set_ones[0]
    if os.environ.get(_ANY_KEY) or not provider.key_variables:
        return _ANY_KEY
    return provider.key_variables[0]


def check_base_url(url: str) -> str:
    """The address, without a slash at the end.

    Args:
        url: What the user gave.

    Returns:
        The same address in its plain form.

    Raises:
        ConfigurationError: If it cannot be one; the message says what to write.
    """
    url = url.strip()
    shown = url if "@" not in url else "(an address with a user name)"
    if "://" not in url:
        _refuse(shown, f"has no scheme. Write 'https://{shown}' or 'http://...'.")
    try:
        parts = urlsplit(url)
        _ = parts.port, httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        _refuse(shown, "is not a URL. Write for example 'https://host.example/v1'.")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        _refuse(shown, "is not an http or https URL with a host.")
    if parts.username or parts.password:
        _refuse(shown, "must not hold a user name or password. Use api_key=.")
    if any(character.isspace() or not character.isprintable() for character in url):
        _refuse("(with white space)", "must not hold white space or line breaks.")
    if parts.query or parts.fragment:
        _refuse(
            parts._replace(query="", fragment="").geturl(),
            "must not hold a query. Use default_query={...} for it.",
        )
    path = parts.path.rstrip("/")
    for ending in (_COMPLETIONS, "/completions"):
        if path.endswith(ending):
            right = parts._replace(path=path.removesuffix(ending)).geturl()
            _refuse(shown, f"goes too far: {ending} is added here. Write {right!r}.")
    return parts._replace(path=path).geturl()


def fits_header(*values: object) -> bool:
    """Whether values can stand in a header.

    Args:
        *values: Names or values of headers.

    Returns:
        False for line breaks, control characters and what is not ASCII.
    """
    return all(
        isinstance(value, str) and value.isascii() and value.isprintable()
        for value in values
    )


def refuse_header(name: str) -> NoReturn:
    """Raise for a header that does not fit.

    It takes no value, for a traceback may show the arguments of its functions.

    Args:
        name: The parameter.

    Raises:
        ConfigurationError: Always.
    """
    message = (
        f"{name} holds a line break, a control character or a character outside "
        "ASCII, and cannot be sent in a header. Was it copied with its line end?"
    )
    raise ConfigurationError(message)


def _refuse(shown: str, why: str) -> NoReturn:
    message = f"base_url={shown!r} {why}"
    raise ConfigurationError(message)


def _first_set(names: tuple[str, ...]) -> str | None:
    return next((value for name in names if (value := os.environ.get(name))), None)
