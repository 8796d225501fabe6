"""Types of parameters whose modules are imported when the first value comes.

Strategy: pydantic must know a field's type when the class is made, and httpx alone
takes longer to import than the class. So the field's type is ``Any`` to pydantic,
with a check that imports the real type and has pydantic check against that. Type
checkers never see it: they read the real name where they look, under
``TYPE_CHECKING``.
"""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from pydantic import ConfigDict, TypeAdapter
from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

__all__ = ["LateType"]


class LateType:
    """A check against a type that may not be imported yet, for ``Annotated[Any, _]``.

    Args:
        module: Where the type is at home.
        name: Its name there.

    Example:
        >>> from typing import Annotated, Any
        >>> from pydantic import BaseModel
        >>> class Sized(BaseModel):
        ...     size: Annotated[Any, LateType("fractions", "Fraction")]
        >>> Sized(size="large")
        Traceback (most recent call last):
            ...
        pydantic_core._pydantic_core.ValidationError: 1 validation error for Sized
        ...
    """

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self.__name__ = name  # by which pydantic's messages call a check

    def __get_pydantic_core_schema__(
        self, source: type, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Pydantic's hook."""
        return core_schema.no_info_plain_validator_function(self)

    def __call__(self, value: object) -> Any:
        """The value, if pydantic takes it for one of the type."""
        return self._adapter.validate_python(value)

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        real: Any = getattr(import_module(self._module), self.__name__)
        config = ConfigDict(arbitrary_types_allowed=True)
        # Pydantic takes a config for a union, but none for a dataclass by itself.
        return TypeAdapter[Any](cast("Any", real | None), config=config)
