"""Packages that only some users need: imported when they are first used.

Strategy: one sentence, so that whoever misses a package is told the same thing
everywhere, the name of the extra that brings it.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["import_extra", "missing_extra"]


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
        ImportError: no_such_module is not installed. Install it with: pip install ...
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise missing_extra(error, extra) from None


def missing_extra(error: ImportError, extra: str) -> ImportError:
    """The error to raise where a library of an extra cannot be imported.

    Args:
        error: What the import said.
        extra: The extra of this package that brings it.

    Returns:
        An error that says what to install.

    Example:
        >>> print(missing_extra(ModuleNotFoundError(name="rich"), "rich"))
        rich is not installed. Install it with: pip install "langchain-streamkit[rich]"
    """
    is_absent = isinstance(error, ModuleNotFoundError)
    what = f"{error.name} is not installed" if is_absent else str(error)
    return ImportError(
        f'{what}. Install it with: pip install "langchain-streamkit[{extra}]"',
        name=error.name,
    )
