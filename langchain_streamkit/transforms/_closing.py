"""Closing what a transform reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

__all__ = ["aclose", "close"]


def close(items: Iterator[object]) -> None:
    """Close an iterator that can be closed."""
    method = getattr(items, "close", None)
    if callable(method):
        method()


async def aclose(items: AsyncIterator[object]) -> None:
    """Close an async iterator that can be closed."""
    method: Any = getattr(items, "aclose", None)
    if method is not None:
        await method()
