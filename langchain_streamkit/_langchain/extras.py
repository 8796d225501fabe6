"""Packages that only some users need: imported when they are first used.

Strategy: one function, so that whoever misses a package is told the same thing, the
name of the extra that brings it.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["import_extra"]


def import_extra(module: str, extra: str) -> Any:
    """Import a module that an extra brings.

    Args:
        module: The module's name.
        extra: The extra of this package that brings it.

    Returns:
        The module.

    Raises:
        ImportError: If it is not installed; the message says what to do.

    Example:
        >>> import_extra("no_such_module", "toon")
        Traceback (most recent call last):
        ImportError: no_such_module is missing: pip install "langchain-streamkit[toon]"
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise ImportError(
            f'{module} is missing: pip install "langchain-streamkit[{extra}]"',
            name=error.name,
        ) from None
