"""The table of servers: where each lives, which variable holds its key, what it takes.

Example:
    >>> from langchain_streamkit.providers import get_provider
    >>> get_provider("groq").base_url
    'https://api.groq.com/openai/v1'
"""

from __future__ import annotations

import difflib
import re
import threading

from langchain_streamkit.errors import ConfigurationError
from langchain_streamkit.providers._hosts import HostIndex
from langchain_streamkit.providers._provider import Evidence, Provider
from langchain_streamkit.providers._rows import ROWS

__all__ = [
    "Evidence",
    "Provider",
    "default_provider",
    "deployment_provider",
    "get_provider",
    "provider_for_url",
    "provider_names",
    "register_provider",
]

_table: dict[str, Provider] = {row.name: row for row in ROWS}
_indexes: list[HostIndex] = []  # of the table as it is now, or empty
_lock = threading.Lock()


def get_provider(name: str) -> Provider:
    """The row of a name.

    Args:
        name: A provider's name, for example ``"groq"``; ``-`` and ``_`` are one.

    Returns:
        Its facts.

    Raises:
        ConfigurationError: If there is no such row; the message names the nearest.

    Example:
        >>> get_provider("groq").key_variables
        ('GROQ_API_KEY',)
        >>> get_provider("Azure-Foundry").title
        'Azure AI Foundry'
    """
    row = _table.get(_key_of(name))
    if row is not None:
        return row
    near = _names_near(name)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    message = (
        f"provider={name!r} is not in the table. {hint}"
        f"Known: {', '.join(provider_names())}. For any other server pass base_url=, "
        "or register a row with register_provider(Provider(name=..., ...))."
    )
    raise ConfigurationError(message)


def default_provider() -> Provider:
    """The row that is meant where neither a provider nor an address is given.

    Returns:
        OpenAI's, whose API all the others follow.

    Example:
        >>> default_provider().key_variables
        ('OPENAI_API_KEY',)
    """
    return get_provider("openai")


def deployment_provider() -> Provider:
    """The row that is meant where a resource with deployments is given.

    Returns:
        Azure OpenAI's.

    Example:
        >>> deployment_provider().deployment_path
        True
    """
    return get_provider("azure")


def register_provider(provider: Provider) -> Provider:
    """Add a row to the table, or replace the one of the same name.

    Args:
        provider: The facts. A host that another row lists as well belongs to this
            one from now on.

    Returns:
        The same row, so that the call can stand in an expression.

    Example:
        >>> from langchain_streamkit.providers import Provider, register_provider
        >>> register_provider(
        ...     Provider(name="mine", base_url="https://llm.example/v1")
        ... ).name
        'mine'
    """
    with _lock:
        key = _key_of(provider.name)
        _table.pop(key, None)  # a row that comes anew comes last
        _table[key] = provider
        _indexes.clear()
    return provider


def provider_for_url(url: str) -> Provider | None:
    """The row that a URL's host selects, or None.

    Args:
        url: An absolute URL.

    Returns:
        The row that lists the host; of two such rows the one registered later.

    Example:
        >>> provider_for_url("https://api.groq.com/openai/v1").name
        'groq'
        >>> provider_for_url("https://api.groq.com.evil.example/openai/v1")
    """
    return _index().find(url)


def provider_names() -> list[str]:
    """The names of all rows, sorted."""
    return sorted(row.name for row in _table.values())


def _index() -> HostIndex:
    for index in _indexes:
        if index.table is _table:
            return index
    with _lock:
        _indexes[:] = [HostIndex(_table)]
        return _indexes[0]


def _key_of(name: str) -> str:
    return re.sub(r"[-_ ]+", "_", name.strip().lower())


def _names_near(name: str) -> list[str]:
    """Names that are spelled alike, and rows in whose title the word stands."""
    key = _key_of(name)
    alike = difflib.get_close_matches(key, _table, n=3)
    word = re.compile(rf"\b{re.escape(key.replace('_', ' '))}\b", re.IGNORECASE)
    titled = [key for key, row in _table.items() if word.search(row.title)]
    return list(dict.fromkeys([*titled, *alike]))[:3]
