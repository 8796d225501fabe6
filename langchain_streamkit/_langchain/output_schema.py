"""A schema of any kind, read once, and what requests want of it.

Strategy: langchain-core turns classes into functions, whose parameters are JSON
schemas without references. Dicts are told by their keys. Three things are done here
that core does not do: a JSON schema needs no title, a name that servers would refuse
is mended, and a class that contains itself keeps its definitions, where core leaves
a hole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from langchain_core.utils.function_calling import convert_to_openai_function
from langchain_core.utils.pydantic import is_basemodel_subclass

from langchain_streamkit._langchain.json_values import as_mapping, plain_json
from langchain_streamkit._langchain.tools import render_tool
from langchain_streamkit.errors import ConfigurationError
from langchain_streamkit.providers import Provider

__all__ = ["OutputSchema", "Schema", "read_schema", "safe_name"]

Schema: TypeAlias = Mapping[str, Any] | type

_SCHEMA_KEYWORDS = frozenset(
    {"type", "properties", "items", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"}
)
_STRICT_KEYWORDS = frozenset(
    {
        "type", "properties", "required", "additionalProperties", "items", "enum",
        "const", "anyOf", "$ref", "$defs", "definitions", "title", "description",
        "pattern", "format", "multipleOf", "minimum", "maximum", "exclusiveMinimum",
        "exclusiveMaximum", "minItems", "maxItems",
    }
)  # fmt: skip
"""What a strict schema may say (OpenAI's guide "Structured Outputs", 2026-11)."""
_TYPE_KEYWORDS = frozenset({"type", "enum", "const", "anyOf", "$ref"})
_DEFINITIONS = ("$defs", "definitions")
_REFERENCE = re.compile(r'"#/\$defs/([^"/]+)"')
_BAD_NAME_CHARACTERS = re.compile(r"[^a-zA-Z0-9_-]+")
_NAME_LENGTH = 64
_DEFAULT_NAME = "structured_output"
_DEFAULTS = Provider(name="defaults")  # with strict tools


@dataclass(frozen=True, slots=True)
class OutputSchema:
    """A schema, whatever it was written in.

    Attributes:
        name: A name that servers take.
        description: What the object is, if that is said.
        json_schema: The JSON schema, without a title and that description.
        strict: What the schema itself says of strictness.
        output_class: The Pydantic class of the instances, or None for dicts.
    """

    name: str
    description: str | None
    json_schema: dict[str, Any]
    strict: bool | None
    output_class: type[Any] | None

    @property
    def is_object(self) -> bool:
        """Whether the root can only be an object."""
        schema = self.json_schema
        return not schema or schema.get("type") == "object" or "properties" in schema

    def function(self) -> dict[str, Any]:
        """The schema as an OpenAI function."""
        function: dict[str, Any] = {"name": self.name, "parameters": self.json_schema}
        if self.description is not None:
            function["description"] = self.description
        return function

    def response_format(self, strict: bool | None = None) -> dict[str, Any]:
        """The schema as a request's ``response_format``.

        Args:
            strict: True brings the schema into the form that strictness demands, as
                langchain-core does it: every object closed, every property required.
                False says that it is not strict. With None it goes out as it is, and
                is marked strict where it says so itself or has that form already.

        Returns:
            A new dict.
        """
        schema = self.json_schema
        if strict:
            tool = {"type": "function", "function": self.function()}
            schema = render_tool(tool, _DEFAULTS, strict=True)["function"]["parameters"]
        marked = self.strict if strict is None else strict
        if marked is None and self.is_object and _is_strict(schema):
            marked = True
        body: dict[str, Any] = {"name": self.name, "schema": schema}
        if self.description:
            body["description"] = self.description
        if marked is not None:
            body["strict"] = marked
        return {"type": "json_schema", "json_schema": body}


def read_schema(schema: Schema) -> OutputSchema:
    """Read a schema of any kind.

    Args:
        schema: A Pydantic class (v1 or v2), a TypedDict class, a JSON schema, or an
            OpenAI function, tool or ``response_format``.

    Returns:
        What it says; nothing in it is shared with the schema.

    Raises:
        ConfigurationError: If no JSON schema can be made of it.

    Example:
        >>> read_schema({"type": "object", "title": "A person"}).name
        'A_person'
    """
    if isinstance(schema, Mapping):
        function = _read_dict(schema)
        output_class = None
    else:
        function = _read_class(schema)
        output_class = schema if is_basemodel_subclass(schema) else None
    strict = function.get("strict")
    return OutputSchema(
        name=safe_name(str(function.get("name") or "")),
        description=function.get("description"),
        json_schema=plain_json(as_mapping(function.get("parameters")), "schema"),
        strict=strict if isinstance(strict, bool) else None,
        output_class=output_class,
    )


def safe_name(name: str) -> str:
    """A name that servers take.

    Args:
        name: Any text.

    Returns:
        It, mended where it has to be.
    """
    mended = _BAD_NAME_CHARACTERS.sub("_", name)
    return mended[:_NAME_LENGTH].strip("_") or _DEFAULT_NAME


def _read_dict(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A dict of any form as a function."""
    for key in ("json_schema", "function"):
        if schema.get("type") == key and key in schema:
            schema = as_mapping(schema[key])
    if "name" in schema and "properties" not in schema:
        keys = ("schema", "parameters", "input_schema")
        parameters = next((schema[key] for key in keys if key in schema), None)
        return {**schema, "parameters": as_mapping(parameters)}
    if not schema.keys() & _SCHEMA_KEYWORDS:
        raise _no_schema(schema)
    function: dict[str, Any] = {"name": schema.get("title")}
    if "description" in schema:
        function["description"] = schema["description"]
    dropped = {"title", "description"}
    rest = {key: value for key, value in schema.items() if key not in dropped}
    return {**function, "parameters": rest}


def _read_class(schema: object) -> Mapping[str, Any]:
    """A class, or anything else that langchain-core can turn into a function."""
    try:
        function = convert_to_openai_function(cast("Any", schema))
    except Exception as error:
        raise _no_schema(schema) from error
    render = getattr(schema, "model_json_schema", None)
    if render is not None and _is_recursive(whole := render()):
        function["parameters"] = _with_definitions(whole)
    return function


def _no_schema(schema: object) -> ConfigurationError:
    what = f"a {type(schema).__name__}"
    if isinstance(schema, Mapping):
        keys = ", ".join(sorted(map(str, cast("Mapping[Any, Any]", schema))))
        what = f"a dict with the keys {keys or '(none)'}"
    elif isinstance(schema, type):
        what = f"the class {schema.__name__}"
    return ConfigurationError(
        f"No JSON schema can be made of {what}. Give a Pydantic or TypedDict class, a "
        "JSON schema, or an OpenAI function."
    )


def _is_recursive(schema: Mapping[str, Any]) -> bool:
    """Whether a definition leads back to itself."""
    leads_to = {
        name: set(_REFERENCE.findall(json.dumps(definition)))
        for name, definition in as_mapping(schema.get("$defs")).items()
    }
    while ends := [name for name, to in leads_to.items() if not to & leads_to.keys()]:
        for name in ends:
            del leads_to[name]
    return bool(leads_to)


def _with_definitions(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with its definitions; a reference at its root is followed."""
    root = dict(schema)
    for part in root.pop("allOf", ()):  # Pydantic before 2.9 wraps the reference
        root.update(part)
    name = str(root.get("$ref", "")).rpartition("/")[2]
    root.update(as_mapping(as_mapping(root.get("$defs")).get(name)))
    dropped = {"$ref", "title", "description"}
    return {key: value for key, value in root.items() if key not in dropped}


def _is_strict(schema: object) -> bool:
    """Whether a schema has the form that strictness demands, as it is."""
    node = as_mapping(schema)
    if not node.keys() <= _STRICT_KEYWORDS or not node.keys() & _TYPE_KEYWORDS:
        return False
    properties = as_mapping(node.get("properties"))
    if node.get("type") == "object" or "properties" in node:
        is_closed = node.get("additionalProperties") is False
        if not is_closed or set(node.get("required", ())) != set(properties):
            return False
    definitions = [as_mapping(node.get(key)) for key in _DEFINITIONS]
    children = [
        *properties.values(),
        *node.get("anyOf", ()),
        *(child for group in definitions for child in group.values()),
        *([node["items"]] if "items" in node else ()),
    ]
    return all(map(_is_strict, children))
