"""JSON objects for ``json_object``: with the keys that the prompt names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_streamkit.testing._arguments import fill
from langchain_streamkit.testing._prompt import Prompt
from langchain_streamkit.testing._values import as_object, is_object, load_json

if TYPE_CHECKING:
    from langchain_streamkit.testing._values import JsonObject

__all__ = ["json_answer"]

_KEYS_WORD = r"(?:keys?|fields?|properties|attributes|columns)"
_KEYS_BEFORE = re.compile(rf"([^.;\n]*?)\s+(?:as\s+)?{_KEYS_WORD}\b", re.IGNORECASE)
_KEYS_AFTER = re.compile(rf"\b{_KEYS_WORD}\b\s*:?\s*([^.;\n]+)", re.IGNORECASE)
_QUOTED_KEY = re.compile(r"['\"`\u201c\u2018]([\w -]+)['\"`\u201d\u2019]")
_PLAIN_KEY = re.compile(r"[A-Za-z_]\w*")
_JOINERS = frozenset(["and", "or", "the", "as", "with", "are"])
_NUMERIC = frozenset(
    ["age", "amount", "count", "number", "price", "quantity", "size", "total", "year"]
)
_MAX_KEYS = 32
_TYPES = {"bool": "boolean", "int": "integer", "float": "number", "list": "array"}


def json_answer(prompt: Prompt) -> JsonObject:
    """An object as the prompt describes it.

    A JSON schema in the prompt is followed, an example object gives its keys and
    types, and a phrase such as "with 'setup' and 'punchline' keys" gives the keys.

    Example:
        >>> from langchain_streamkit.testing._prompt import Prompt
        >>> sorted(json_answer(Prompt("A joke as JSON with 'a' and 'b' keys")))
        ['a', 'b']
    """
    shown, rest = _shown(prompt.text)
    if "properties" in shown:
        return as_object(fill(shown, Prompt(rest)))
    properties: JsonObject = {key: _like(value) for key, value in shown.items()}
    if not properties:
        keys, rest = _keys(rest)
        kinds = ("number" if key in _NUMERIC else "string" for key in keys)
        properties = {
            key: {"type": kind} for key, kind in zip(keys, kinds, strict=True)
        }
    names = list(properties)
    schema: JsonObject = {"type": "object", "properties": properties, "required": names}
    return as_object(fill(schema, Prompt(rest)))


def _shown(text: str) -> tuple[JsonObject, str]:
    """The JSON object that stands in the prompt, and the prompt without it."""
    start, end = text.find("{"), text.rfind("}") + 1
    if not 0 <= start < end:
        return {}, text
    try:
        shown = as_object(load_json(text[start:end].encode("utf-8", "replace")))
    except ValueError:
        return {}, text
    return shown, f"{text[:start]} {text[end:]}"


def _like(value: object) -> JsonObject:
    """A schema for values like this one."""
    if is_object(value):
        fields = {key: _like(item) for key, item in value.items()}
        return {"type": "object", "properties": fields, "required": list(fields)}
    return {"type": _TYPES.get(type(value).__name__, "string")}


def _keys(text: str) -> tuple[list[str], str]:
    """The keys that the prompt names, and the prompt without the phrase."""
    for pattern in (_KEYS_BEFORE, _KEYS_AFTER):
        for match in pattern.finditer(text):
            quoted = [*_QUOTED_KEY.finditer(match[0])]
            if quoted:
                phrase = match[0][quoted[0].start() :]
                keys = [found[1] for found in quoted[:_MAX_KEYS]]
                return keys, text.replace(phrase, "")
    plain = _KEYS_AFTER.search(text)
    if plain is None:
        return ["answer"], text
    names = [key for key in _PLAIN_KEY.findall(plain[1]) if key not in _JOINERS]
    return names[:_MAX_KEYS] or ["answer"], text.replace(plain[0], "")
