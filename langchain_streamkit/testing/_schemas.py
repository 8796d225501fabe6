"""Reading JSON Schema: references, alternatives, and OpenAI's strict subset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_streamkit.testing._values import as_list, as_object, as_text, is_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_streamkit.testing._values import JsonObject

__all__ = ["is_nullable", "options_of", "resolve", "strict_problem", "type_of"]

_MAX_REFERENCES = 32


def resolve(schema: object, root: JsonObject) -> JsonObject:
    """A schema with its reference followed and its ``allOf`` merged.

    Args:
        schema: Any part of the root.
        root: The whole schema, where references lead into.

    Example:
        >>> root = {"$defs": {"Age": {"type": "integer"}}}
        >>> resolve({"$ref": "#/$defs/Age", "title": "Years"}, root)
        {'type': 'integer', 'title': 'Years'}
    """
    found = as_object(schema)
    for _ in range(_MAX_REFERENCES):
        if "$ref" in found:
            rest = {name: value for name, value in found.items() if name != "$ref"}
            found = {**_target(as_text(found["$ref"]), root), **rest}
        elif "allOf" in found:
            found = _merge(found)
        else:
            break
    return found


def _target(reference: str, root: JsonObject) -> JsonObject:
    here: object = root
    for name in reference.removeprefix("#").strip("/").split("/"):
        if name:
            here = as_object(here).get(name.replace("~1", "/").replace("~0", "~"))
    return as_object(here)


def _merge(schema: JsonObject) -> JsonObject:
    merged = {name: value for name, value in schema.items() if name != "allOf"}
    for part in as_list(schema["allOf"]):
        for name, value in as_object(part).items():
            known = merged.get(name)
            if is_object(known):
                merged[name] = {**known, **as_object(value)}
            elif as_list(known):
                merged[name] = [*as_list(known), *as_list(value)]
            else:
                merged[name] = value
    return merged


def options_of(schema: JsonObject) -> list[object]:
    """The alternatives of a schema (``anyOf``, ``oneOf``), or none."""
    return as_list(schema.get("anyOf")) or as_list(schema.get("oneOf"))


def type_of(schema: JsonObject) -> str:
    """The type of a schema; of several the first that is not null.

    Example:
        >>> type_of({"type": ["null", "string"]}), type_of({"properties": {}})
        ('string', 'object')
    """
    given = schema.get("type")
    if isinstance(given, str):
        return given
    types = [as_text(item) for item in as_list(given)]
    for name in [*types, *(type_ for key, type_ in _TELLING.items() if key in schema)]:
        if name and name != "null":
            return name
    return "null" if types else ""


_TELLING = {
    "properties": "object",
    "additionalProperties": "object",
    "items": "array",
    "prefixItems": "array",
    "minimum": "number",
    "maximum": "number",
    "minLength": "string",
    "pattern": "string",
}


def is_nullable(schema: JsonObject, root: JsonObject) -> bool:
    """True if null is a value of the schema."""
    if schema.get("type") == "null" or "null" in as_list(schema.get("type")):
        return True
    if "const" in schema and schema["const"] is None:
        return True
    options = (resolve(option, root) for option in options_of(schema))
    return any(is_nullable(option, root) for option in options)


def strict_problem(schema: JsonObject) -> str | None:
    """What keeps a schema out of OpenAI's strict subset, or None.

    Every object must forbid further properties and require all it has
    (platform.openai.com/docs/guides/structured-outputs, 2026-11).
    """
    if schema.get("type") != "object":
        return "the schema must be of type 'object'."
    for part in _parts(schema):
        properties = as_object(part.get("properties"))
        if not properties and part.get("type") != "object":
            continue
        if part.get("additionalProperties") is not False:
            return "'additionalProperties' is required to be supplied and to be false."
        missing = sorted(set(properties) - set(map(str, as_list(part.get("required")))))
        if missing:
            return (
                "'required' is required to be supplied and to be an array including "
                f"every key in properties. Missing '{missing[0]}'."
            )
    return None


def _parts(schema: object) -> Iterator[JsonObject]:
    found = as_object(schema)
    if found:
        yield found
    for name in ("properties", "$defs", "definitions"):
        for part in as_object(found.get(name)).values():
            yield from _parts(part)
    for name in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for part in as_list(found.get(name)):
            yield from _parts(part)
    yield from _parts(found["items"]) if "items" in found else ()
