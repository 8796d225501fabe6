"""Tools and the choice among them, as a chat-completions request wants them.

Strategy: langchain-core turns Python things into OpenAI functions; what it does not
do is done here: dicts are told by their keys and never echoed, OpenAI's flat
(Responses) forms are nested, ``strict`` is applied to a copy, so that the caller's
schema stays as it is, and what a server would refuse is refused with the tool's
name. Core's strict mode closes objects and demands every property; the keyword
``default``, which Azure and others refuse then, goes as well.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import (
    convert_to_openai_function,
    convert_to_openai_tool,
)

from langchain_streamkit._langchain.json_values import (
    as_mapping,
    plain_json,
    unsendable,
)

if TYPE_CHECKING:
    from langchain_streamkit.providers import Provider

__all__ = ["render_tool", "render_tool_choice", "render_tools"]

Tool = dict[str, Any]

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_FUNCTION_KEYS = frozenset({"name", "description", "parameters", "strict"})
_SCHEMA_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean"})
_REQUIRED_WORDS = frozenset({"any", "required"})
_OTHER_WORDS = frozenset({"auto", "none"})


def render_tool(
    tool: object, provider: Provider, *, strict: bool | None = None
) -> Tool:
    """Turn one tool of any kind into the request's form.

    Args:
        tool: A LangChain tool, a function, a Pydantic or TypedDict class, a
            Runnable, a JSON schema with a title, or a dict in the form of OpenAI
            (either API), Anthropic or Bedrock. A dict of another type (a server's
            own tool) passes as it is.
        provider: The facts about the server; ``strict`` is sent only where it is
            taken.
        strict: True makes the schema strict and False says that it is not; None
            leaves what the tool itself says.

    Returns:
        A new dict that shares nothing with the tool.

    Raises:
        UnsendableInputError: If it cannot be turned into a tool, or bears a name
            that servers refuse.

    Example:
        >>> from langchain_streamkit.providers import get_provider
        >>> def add(a: int, b: int) -> int:
        ...     '''Add two numbers.'''
        ...     return a + b
        >>> render_tool(add, get_provider("openai"))["function"]["name"]
        'add'
    """
    return _render(tool, provider, strict, "the tool")


def render_tools(
    tools: Sequence[object], provider: Provider, *, strict: bool | None = None
) -> list[Tool]:
    """Turn all tools of a request into its ``tools``.

    Args:
        tools: As ``render_tool`` takes them.
        provider: The facts about the server.
        strict: As in ``render_tool``, for all of them.

    Returns:
        One dict a tool, in their order; the same tool twice is sent once.

    Raises:
        UnsendableInputError: If one of them cannot be sent, if two that
            differ bear one name, or if the server can call none.
    """
    if tools and not provider.tools:
        title = provider.title or provider.name
        raise unsendable("tools", f"{title} cannot call tools. Ask another provider.")
    rendered = [
        _render(tool, provider, strict, f"tools[{index}]")
        for index, tool in enumerate(tools)
    ]
    by_name: dict[str, int] = {}
    kept: list[Tool] = []
    for index, tool in enumerate(rendered):
        name = _name_of(tool)
        first = by_name.setdefault(name, index) if name else index
        if first == index:
            kept.append(tool)
        elif _untitled(tool) != _untitled(rendered[first]):
            raise unsendable(
                f"tools[{index}]",
                f"its name, {name!r}, is that of tools[{first}] too, and they differ. "
                "Give each tool a name of its own.",
            )
    return kept


def render_tool_choice(
    tool_choice: object, tools: Sequence[Tool], provider: Provider
) -> str | dict[str, Any] | None:
    """Turn a tool choice of any form into the request's ``tool_choice``.

    A server that has no word for "call some tool" is asked for the one tool by name
    where there is one only, else it chooses (``"auto"``). A server that cannot be
    asked for a tool by name is asked to call some tool, which is the same where
    there is one only, and the nearest thing where there are more.

    Args:
        tool_choice: None, False or "" for no choice; True, ``"any"`` or ``"required"``
            for some tool; ``"auto"``, ``"none"``; a tool's name; a dict in the form
            of OpenAI (either API) or Anthropic, or ``{"name": ...}``.
        tools: The request's tools, as ``render_tools`` gives them.
        provider: The facts about the server.

    Returns:
        The value of the field, or None where it stays out.

    Raises:
        UnsendableInputError: If no tool has the name, or the form is unknown.

    Example:
        >>> from langchain_streamkit.providers import get_provider
        >>> tools = [{"type": "function", "function": {"name": "add"}}]
        >>> render_tool_choice("any", tools, get_provider("openai"))
        'required'
    """
    if tool_choice is None or tool_choice is False or tool_choice == "":
        return None
    if tool_choice is True:
        return _require(tools, provider)
    if isinstance(tool_choice, str):
        return _choose_by_word(tool_choice, tools, provider)
    if isinstance(tool_choice, Mapping):
        return _choose_by_dict(cast("Mapping[str, Any]", tool_choice), tools, provider)
    raise unsendable(
        "tool_choice",
        f"it is a {type(tool_choice).__name__}. Give a tool's name, 'auto', 'none', "
        "'any', True, or a dict.",
    )


def _render(tool: object, provider: Provider, strict: bool | None, place: str) -> Tool:
    given = cast("Mapping[str, Any]", tool) if isinstance(tool, Mapping) else None
    rendered = _from_dict(given, place) if given is not None else None
    if rendered is None:
        rendered = _from_dict(_convert(cast("object", tool), place), place)
    rendered = cast("Tool", plain_json(rendered, place))
    name = _name_of(rendered)
    if rendered["type"] in {"function", "custom"} and not _NAME.fullmatch(name):
        raise unsendable(
            place,
            f"its name, {name[:80]!r}, is one that servers refuse: they want 1 to 64 "
            "letters, digits, hyphens and underscores. Rename it.",
        )
    if rendered["type"] == "function":
        rendered["function"] = _finish(rendered["function"], provider, strict, place)
    return rendered


def _from_dict(tool: Mapping[str, Any], place: str) -> Tool | None:
    """A dict in a form that core does not know; None for one that it does."""
    kind = tool.get("type")
    if "input_schema" in tool or "toolSpec" in tool:
        return None
    if isinstance(kind, str) and kind in {"function", "custom"}:
        inner = as_mapping(tool.get(kind)) or tool
        function = {key: inner[key] for key in inner if key != "type"}
        return {"type": kind, kind: _nest_format(function)}
    if isinstance(kind, str) and kind not in _SCHEMA_TYPES:
        return dict(tool)
    if "name" in tool or "title" in tool:
        return None
    raise unsendable(
        place,
        f"a dict with the keys {', '.join(sorted(map(str, tool)))} is no known form of "
        "a tool. A JSON schema needs a title; a function needs a name.",
    )


def _nest_format(function: Tool) -> Tool:
    """A custom tool's grammar is flat in Responses, and nested in chat completions."""
    format_ = as_mapping(function.get("format"))
    if format_.get("type") != "grammar" or "grammar" in format_:
        return function
    grammar = {key: value for key, value in format_.items() if key != "type"}
    return {**function, "format": {"type": "grammar", "grammar": grammar}}


def _convert(tool: object, place: str) -> Tool:
    """Anything that langchain-core can turn into a function or a custom tool."""
    try:
        return _convert_by_core(tool)
    except Exception as error:  # noqa: BLE001 - a tool's schema may raise anything
        name = getattr(tool, "name", None) or getattr(tool, "__name__", None)
        named = f" ({name})" if isinstance(name, str) else ""
        raise unsendable(
            place + named,
            f"a {type(tool).__name__} could not be turned into a tool "
            f"({type(error).__name__}). Give a function with type hints, a class "
            "derived from BaseModel, a LangChain tool, or a dict with a name.",
        ) from (None if isinstance(tool, Mapping) else error)  # core echoes dicts


def _convert_by_core(tool: object) -> Tool:
    if isinstance(tool, Mapping):
        as_dict = dict(cast("Mapping[str, Any]", tool))
        return {"type": "function", "function": convert_to_openai_function(as_dict)}
    return convert_to_openai_tool(_tool_of_runnable(tool))


def _tool_of_runnable(tool: object) -> Any:
    from langchain_core.tools import BaseTool  # noqa: PLC0415 - core has it by now

    if not isinstance(tool, Runnable) or isinstance(tool, BaseTool):
        return tool
    runnable = cast("Runnable[Any, Any]", tool)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as_tool is in beta
        return runnable.as_tool()


def _finish(
    function: object, provider: Provider, strict: bool | None, place: str
) -> Tool:
    """Fill in what servers want, and settle ``strict``."""
    given = as_mapping(function)
    kept = {key: value for key, value in given.items() if key in _FUNCTION_KEYS}
    if not kept.get("description"):
        kept.pop("description", None)
    parameters = kept.get("parameters")
    kept["parameters"] = {"type": "object", "properties": {}, **as_mapping(parameters)}
    own = kept.pop("strict", None)
    if not provider.strict_tools or (strict is None and own is None):
        return kept
    if strict is None:
        return {**kept, "strict": own}
    try:
        finished = convert_to_openai_function(kept, strict=strict)
    except (AttributeError, KeyError, TypeError):
        raise unsendable(
            place,
            "its parameters are no JSON schema that could be made strict. Mend the "
            "schema, or leave strict out.",
        ) from None
    if strict:
        _drop_defaults(finished["parameters"])
    return finished


def _drop_defaults(schema: object) -> None:
    """Remove the keyword ``default``, but no property of that name."""
    if isinstance(schema, list):
        for item in cast("list[object]", schema):
            _drop_defaults(item)
    if not isinstance(schema, dict):
        return
    node = cast("dict[str, object]", schema)
    node.pop("default", None)
    for key, value in node.items():
        if key in {"properties", "$defs", "definitions"} and isinstance(value, dict):
            _drop_defaults(list(cast("dict[str, object]", value).values()))
        elif key not in {"enum", "const", "examples"}:
            _drop_defaults(value)


def _untitled(value: Any) -> Any:
    """A tool without the titles of its schema, which say nothing to a model."""
    if isinstance(value, list):
        return [_untitled(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    items = cast("dict[str, Any]", value).items()
    return {
        key: _untitled(item)
        for key, item in items
        if key != "title" or not isinstance(item, str)
    }


def _name_of(tool: Tool) -> str:
    inner = as_mapping(tool.get(str(tool.get("type"))))
    name = inner.get("name", tool.get("name"))
    return name if isinstance(name, str) else ""


def _choose_by_word(
    word: str, tools: Sequence[Tool], provider: Provider
) -> str | dict[str, Any] | None:
    if any(_name_of(tool) == word for tool in tools):
        return _choose_by_name(word, tools, provider)
    if word in _REQUIRED_WORDS:
        return _require(tools, provider)
    if word in _OTHER_WORDS:
        return word if tools else None
    if any(tool["type"] == word for tool in tools):  # a server's own tool
        return {"type": word}
    return _choose_by_name(word, tools, provider)


def _choose_by_dict(
    choice: Mapping[str, Any], tools: Sequence[Tool], provider: Provider
) -> str | dict[str, Any] | None:
    kind = str(choice.get("type"))
    inner = as_mapping(choice.get("function")) or as_mapping(choice.get("custom"))
    name = inner.get("name", choice.get("name"))
    if isinstance(name, str):
        return _choose_by_name(name, tools, provider)
    if kind in _REQUIRED_WORDS | _OTHER_WORDS:
        return _choose_by_word(kind, tools, provider)
    if "type" in choice and kind not in {"function", "custom", "tool"}:
        return cast("dict[str, Any]", plain_json(choice, "tool_choice"))
    raise unsendable(
        "tool_choice",
        f"a dict with the keys {', '.join(sorted(map(str, choice)))} names no tool. "
        'Give {"type": "function", "function": {"name": ...}} or the name alone.',
    )


def _choose_by_name(
    name: str, tools: Sequence[Tool], provider: Provider
) -> str | dict[str, Any] | None:
    tool = next((tool for tool in tools if _name_of(tool) == name), None)
    if tool is None:
        names = ", ".join(filter(None, map(_name_of, tools))) or "there are none"
        raise unsendable(
            "tool_choice",
            f"no tool is named {name[:80]!r}. Tools: {names}. Other choices: 'auto', "
            "'none', 'any'.",
        )
    if not provider.tool_choice_named:
        return provider.tool_choice_required or "auto"
    return _NAMED.get(tool["type"], _named_other)(name, tool)


def _require(tools: Sequence[Tool], provider: Provider) -> str | dict[str, Any]:
    if not tools:
        raise unsendable(
            "tool_choice", "it demands a call, but there are no tools. Bind some."
        )
    if provider.tool_choice_required is not None:
        return provider.tool_choice_required
    name = _name_of(tools[0])
    if len(tools) == 1 and name and provider.tool_choice_named:
        return _NAMED.get(tools[0]["type"], _named_other)(name, tools[0])
    return "auto"


def _named_function(name: str, _tool: Tool) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def _named_custom(name: str, _tool: Tool) -> dict[str, Any]:
    return {"type": "custom", "custom": {"name": name}}


def _named_other(_name: str, tool: Tool) -> dict[str, Any]:
    return {"type": tool["type"]}


_NAMED: dict[str, Callable[[str, Tool], dict[str, Any]]] = {
    "function": _named_function,
    "custom": _named_custom,
}
