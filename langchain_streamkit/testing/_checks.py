"""The smallest checks of a request: types, ranges, names.

Each raises an ``InvalidError`` that says what is wrong and which field is to blame.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from langchain_streamkit.testing._schemas import strict_problem
from langchain_streamkit.testing._values import as_number, as_text

if TYPE_CHECKING:
    from langchain_streamkit.testing._values import JsonObject

__all__ = [
    "CALL_FIELDS",
    "Check",
    "InvalidError",
    "a_boolean",
    "a_string",
    "an_object",
    "check_function_name",
    "check_strict_schema",
    "number_within",
    "of_type",
    "refuse",
    "require_text",
]

Check: TypeAlias = Callable[[object, str], None]

CALL_FIELDS: dict[object, tuple[str, str]] = {
    "function": ("function", "arguments"),
    "custom": ("custom", "input"),
}


class InvalidError(Exception):
    """A field is not as it must be."""

    def __init__(self, message: str, param: str, code: str | None) -> None:
        super().__init__(message)
        self.param = param
        self.code = code


def refuse(message: str, param: str, code: str | None = "invalid_value") -> NoReturn:
    """End the checks; the codes of missing and mistyped fields have short names."""
    codes = {"missing": "missing_required_parameter", "type": "invalid_type"}
    raise InvalidError(message, param, codes.get(code or "", code))


def of_type(kind: type, words: str) -> Check:
    """A check for one of JSON's types."""

    def check(value: object, name: str) -> None:
        if not isinstance(value, kind):
            refuse(f"Invalid type for '{name}': expected {words}.", name, "type")

    return check


def number_within(low: float, high: float | None, *, whole: bool = False) -> Check:
    """A check for a number between two bounds, both included."""

    def check(value: object, name: str) -> None:
        number = as_number(value)
        if number is None or (whole and not isinstance(number, int)):
            kind = "an integer" if whole else "a number"
            refuse(f"Invalid type for '{name}': expected {kind}.", name, "type")
        if number < low or (high is not None and number > high):
            above = "" if high is None else f" and <= {high:g}"
            message = f"Invalid '{name}': expected a value >= {low:g}{above}."
            refuse(message, name)

    return check


an_object = of_type(dict, "an object")
a_boolean = of_type(bool, "a boolean")
a_string = of_type(str, "a string")


def require_text(value: object, name: str) -> None:
    """Refuse what is not a string with something in it."""
    if value is None:
        refuse(f"Missing required parameter: '{name}'.", name, "missing")
    a_string(value, name)
    if not value:
        refuse(f"Invalid '{name}': empty string.", name, "empty_string")


_FUNCTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def check_function_name(value: object, where: str) -> None:
    """Refuse a name that OpenAI does not take for a function or a schema."""
    require_text(value, where)
    if not _FUNCTION_NAME.fullmatch(as_text(value)):
        refuse(f"Invalid '{where}': it must match {_FUNCTION_NAME.pattern}.", where)


def check_strict_schema(schema: JsonObject, where: str) -> None:
    """Refuse a schema that says strict and is not."""
    problem = strict_problem(schema)
    if problem is not None:
        refuse(f"Invalid schema for '{where}': {problem}", where)
