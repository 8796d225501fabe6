"""The libraries of the extras: imported when they are needed, with a hint."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from langchain_streamkit._langchain.extras import missing_extra

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
        ImportError: no_such_library is not installed. Install it with: pip install ...
    """
    try:
        yield
    except ImportError as error:
        raise missing_extra(error, name) from error
