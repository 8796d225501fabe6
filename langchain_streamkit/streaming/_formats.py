"""Which runs of a chain are asked for an object, and of what type.

Strategy: ``with_structured_output`` of every LangChain model binds a description of
what it asks for, and core hands that to handlers when the model begins: the method and
the schema, by its name. The class of that name is looked for in the chain itself, among
its bindings and its parsers. Where there is none, any JSON will do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import pydantic
import pydantic.v1
from langchain_core.language_models import BaseLanguageModel
from langchain_core.output_parsers import BaseOutputParser
from langchain_core.prompts import BasePromptTemplate
from langchain_core.runnables import Runnable

from langchain_streamkit._langchain.field_reading import FieldReading
from langchain_streamkit._langchain.field_types import ANYTHING, FieldType, type_of
from langchain_streamkit._langchain.json_values import as_mapping
from langchain_streamkit._langchain.output_schema import safe_name

__all__ = ["Formats"]

_FORMAT = "ls_structured_output_format"
_PARTS = (
    "bound",  # of bindings
    "default",  # of what is configurable
    "steps",  # of sequences
    "steps__",  # of parallels
    "mapper",  # of assignments
    "runnables",  # of fallbacks
    "branches",
)
_CLASSES = ("output_class", "pydantic_object", "tools", "custom_output_type")


class Formats:
    """The classes in a chain, by their names.

    Args:
        runnable: The chain.
    """

    def __init__(self, runnable: Runnable[Any, Any]) -> None:
        self._classes: dict[str, set[type[Any]]] = {}
        for part in _inside(runnable):
            for found in _classes_of(part):
                self._classes.setdefault(_name_of(found), set()).add(found)
        self._types: dict[str, FieldType | None] = {}

    def reading(self, options: object) -> FieldReading | None:
        """What follows the answer of a run.

        Args:
            options: What core tells of the run when it begins.

        Returns:
            None if no object was asked for, or if nobody knows which of several
            classes of one name was meant.
        """
        asked = as_mapping(as_mapping(options).get(_FORMAT))
        if not asked:
            return None
        schema = as_mapping(asked.get("schema"))
        title = str(schema.get("title") or "")
        type_ = self._type(safe_name(title))
        if type_ is None:
            return None
        method = as_mapping(asked.get("kwargs")).get("method")
        return FieldReading(
            type_,
            tool_name=title if method == "function_calling" else None,
            is_object=schema.get("type", "object") == "object"
            or "properties" in schema,
        )

    def _type(self, name: str) -> FieldType | None:
        if name not in self._types:
            classes = self._classes.get(name, set())
            if len(classes) > 1:
                self._types[name] = None
            else:
                self._types[name] = type_of(*classes) if classes else ANYTHING
        return self._types[name]


_LEAVES = (BaseLanguageModel, BaseOutputParser, BasePromptTemplate)


def _inside(part: object) -> Iterator[Runnable[Any, Any]]:
    """A Runnable and all that it is made of; functions are not looked into."""
    if isinstance(part, Runnable):
        yield cast("Runnable[Any, Any]", part)
        if not isinstance(part, _LEAVES):
            for name in _PARTS:
                yield from _inside(getattr(cast("Any", part), name, None))
    elif isinstance(part, Mapping):
        yield from _inside(list(cast("Mapping[str, object]", part).values()))
    elif isinstance(part, list | tuple | Iterator):
        for one in cast("Iterator[object]", part):
            yield from _inside(one)


def _classes_of(part: Runnable[Any, Any]) -> Iterator[type[Any]]:
    """The Pydantic classes that a parser or a binding names."""
    named: list[object] = []
    if isinstance(part, BaseLanguageModel):
        return
    for name in _CLASSES:
        found = getattr(part, name, None)
        named += cast("list[object]", found) if isinstance(found, list) else [found]
    asked = as_mapping(as_mapping(getattr(part, "kwargs", None)).get(_FORMAT))
    named.append(asked.get("schema"))
    for one in named:
        if isinstance(one, type) and issubclass(one, _MODELS):
            yield one


_MODELS = (pydantic.BaseModel, pydantic.v1.BaseModel)


def _name_of(kind: type[Any]) -> str:
    """The name that a class goes by in requests."""
    config: object = getattr(kind, "model_config", None)
    return safe_name(str(as_mapping(config).get("title") or kind.__name__))
