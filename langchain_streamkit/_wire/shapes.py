"""What a value is said to be and what it is: shapes of parsed JSON, without trust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["as_items", "as_mapping", "as_text", "is_mapping", "mappings"]


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether the value is an object.

    Args:
        value: Any parsed JSON.

    Returns:
        True for a dict.
    """
    return isinstance(value, dict)


def as_mapping(value: object) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one.

    Args:
        value: Any parsed JSON.

    Returns:
        A mapping.
    """
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def as_items(value: object) -> Sequence[Any]:
    """The items of the value if it is a list, else none.

    Args:
        value: Any parsed JSON.

    Returns:
        A sequence.
    """
    return cast("Sequence[Any]", value) if isinstance(value, list) else ()


def as_text(value: object) -> str:
    """The value if it is a string, else an empty one.

    Args:
        value: Any parsed JSON.

    Returns:
        A string.
    """
    return value if isinstance(value, str) else ""


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The objects in the value if it is a list, else none.

    Args:
        value: Any parsed JSON.

    Returns:
        A new list.
    """
    return [item for item in as_items(value) if is_mapping(item)]
