"""The table of servers: where each lives, which variable holds its key, what it takes.

Example:
    >>> from langchain_streamkit.providers import get_provider
    >>> get_provider("groq").base_url
    'https://api.groq.com/openai/v1'
"""

from __future__ import annotations

import difflib

from langchain_streamkit.errors import ConfigurationError
from langchain_streamkit.providers._provider import Evidence, Provider
from langchain_streamkit.providers._rows import ROWS

__all__ = [
    "Evidence",
    "Provider",
    "get_provider",
    "provider_for_url",
    "provider_names",
    "register_provider",
]

_table: dict[str, Provider] = {row.name: row for row in ROWS}


def get_provider(name: str) -> Provider:
    """The row of a name.

    Args:
        name: A provider's name, for example ``"groq"``.

    Returns:
        Its facts.

    Raises:
        ConfigurationError: If there is no such row; the message names the nearest.

    Example:
        >>> get_provider("groq").key_variables
        ('GROQ_API_KEY',)
    """
    try:
        return _table[name.lower()]
    except KeyError:
        near = difflib.get_close_matches(name.lower(), _table, n=3)
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        message = (
            f"provider={name!r} is not in the table. {hint}"
            f"Known: {', '.join(sorted(_table))}. For any other server pass base_url=, "
            "or register a row with register_provider(Provider(name=..., ...))."
        )
        raise ConfigurationError(message) from None


def register_provider(provider: Provider) -> Provider:
    """Add a row to the table, or replace the one of the same name.

    Args:
        provider: The facts.

    Returns:
        The same row, so that the call can stand in an expression.

    Example:
        >>> from langchain_streamkit.providers import Provider, register_provider
        >>> register_provider(
        ...     Provider(name="mine", base_url="https://llm.example/v1")
        ... ).name
        'mine'
    """
    _table[provider.name.lower()] = provider
    return provider


def provider_for_url(url: str) -> Provider | None:
    """The row that a URL's host selects, or None.

    Args:
        url: An absolute URL.

    Returns:
        The first row that lists the host.

    Example:
        >>> provider_for_url("https://api.groq.com/openai/v1").name
        'groq'
    """
    return next((row for row in _table.values() if row.owns(url)), None)


def provider_names() -> list[str]:
    """The names of all rows, sorted."""
    return sorted(_table)
