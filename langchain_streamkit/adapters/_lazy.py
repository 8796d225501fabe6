"""The libraries of the extras: imported when they are needed, with a hint."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["extra"]


@contextmanager
def extra(name: str) -> Generator[None]:
    """Say which extra is missing where an import fails.

    Args:
        name: The extra.

    Yields:
        Once, for the imports.

    Raises:
        ImportError: If one of them cannot be imported; it names the extra.

    Example:
        >>> with extra("rich"):
        ...     import no_such_library
        Traceback (most recent call last):
        ImportError: No module named 'no_such_library'. It comes with an extra: ...
    """
    try:
        yield
    except ImportError as error:
        message = (
            f"{error}. It comes with an extra: "
            f'pip install "langchain-streamkit[{name}]".'
        )
        raise ImportError(message, name=error.name) from error
