"""Which tools a prompt calls for, and with which arguments.

Strategy: make the whole plan from the prompt alone, then see how many calls the
conversation has made already and do the next ones. So the same rule serves parallel
calls, one call at a time, and an agent that comes back with results.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from langchain_streamkit.testing._arguments import coerce, fill
from langchain_streamkit.testing._prompt import Prompt, words_of
from langchain_streamkit.testing._schemas import resolve, type_of
from langchain_streamkit.testing._values import as_list, as_object, as_text
from langchain_streamkit.testing.replies import ToolCall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_streamkit.testing._values import JsonObject

__all__ = ["next_calls"]

_ENOUGH = 2
_NAME_WEIGHT, _OTHER_WEIGHT = 3, 1
_MAX_CALLS = 16
_EMPTY = """
a about after all an and any apply are as at be by call can do does for from function
get give given has have how i if in input into is it its me my of on one or out output
please result return returns run s set take takes tell that the their this to tool two
up use user value want what when which with you your
"""
_EMPTY_WORDS = frozenset(_EMPTY.split())
_SYMBOLS = {
    "+": ("add", "sum", "plus"),
    "-": ("subtract", "minus"),
    "*": ("multiply", "times", "product"),
    "/": ("divide",),
    "^": ("power",),
}
_MADE_OF = {
    "adder": "add",
    "addition": "add",
    "adding": "add",
    "adds": "add",
    "multiplication": "multiply",
    "multiplier": "multiply",
}


@dataclass(frozen=True, slots=True)
class _Tool:
    name: str
    kind: str
    parameters: JsonObject
    name_words: frozenset[str]
    other_words: frozenset[str]

    def score(self, words: frozenset[str]) -> int:
        named = len(self.name_words & words) * _NAME_WEIGHT
        return named + len(self.other_words & words) * _OTHER_WEIGHT

    @property
    def words(self) -> frozenset[str]:
        return self.name_words | self.other_words


def next_calls(
    body: JsonObject, prompt: str, done: Sequence[str] = (), results: str = ""
) -> list[ToolCall]:
    """The calls to make now.

    Args:
        body: The request.
        prompt: What the user asked for.
        done: The names of the tools called since the user spoke, in order.
        results: What those calls gave.

    Returns:
        The calls; none if the answer is text.
    """
    tools = [_read(as_object(tool)) for tool in as_list(body.get("tools"))]
    mode, names = _choice(body.get("tool_choice"))
    if mode == "none" or not tools:
        return []
    allowed = [tool for tool in tools if not names or tool.name in names]
    plan = [call for tool in _wanted(allowed, prompt) for call in _calls(tool, prompt)]
    pending = plan[len(done) :]
    if not pending and mode == "required":
        fresh = [tool for tool in allowed if tool.name not in done] or allowed[-1:]
        best = _ranked(fresh, _content_words(prompt)) or fresh
        pending = _calls(best[0], f"{prompt}\n{results}".strip())[:1]
    if body.get("parallel_tool_calls") is False:
        return pending[:1]
    return pending[:_MAX_CALLS]


def _read(tool: JsonObject) -> _Tool:
    kind = as_text(tool.get("type"))
    inner = as_object(tool.get(kind))
    name = as_text(inner.get("name"))
    parameters = as_object(inner.get("parameters"))
    others = [as_text(inner.get("description")).split("\n\n")[0]]
    others += as_object(parameters.get("properties"))
    return _Tool(
        name,
        kind,
        parameters,
        _content_words(name),
        frozenset(word for text in others for word in _content_words(text)),
    )


def _choice(choice: object) -> tuple[str, frozenset[str]]:
    """The mode (``auto``, ``none``, ``required``) and the tools it is limited to."""
    if choice is None or isinstance(choice, str):
        mode = {"any": "required"}.get(str(choice), str(choice))
        return (mode if choice else "auto"), frozenset()
    form = as_object(choice)
    if form.get("type") == "allowed_tools":
        allowed = as_object(form.get("allowed_tools"))
        named = [as_object(tool) for tool in as_list(allowed.get("tools"))]
        return as_text(allowed.get("mode")) or "auto", _names(named)
    return "required", _names([form])


def _names(tools: list[JsonObject]) -> frozenset[str]:
    inner = (as_object(tool.get(as_text(tool.get("type")))) for tool in tools)
    return frozenset(as_text(function.get("name")) for function in inner)


def _content_words(text: str) -> frozenset[str]:
    """The words that mean something, without their endings."""
    words = [word for word in words_of(text) if word not in _EMPTY_WORDS]
    for symbol in re.findall(r"(?<=\d)\s*([-+*/^])\s*(?=\d)", text):
        words += _SYMBOLS[symbol]
    return frozenset(_MADE_OF.get(word, _stem(word)) for word in words)


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "s", "ed"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word.removesuffix(ending)
    return word.removesuffix("e") if len(word) > 3 else word


def _ranked(tools: Sequence[_Tool], words: frozenset[str]) -> list[_Tool]:
    """The tools that the words call for, the best first."""
    matching = [tool for tool in tools if tool.score(words) >= _ENOUGH]
    return sorted(matching, key=lambda tool: -tool.score(words))


def _wanted(tools: Sequence[_Tool], prompt: str) -> list[_Tool]:
    """The tools that the prompt names, else those that its words call for.

    Each word counts once: after the best tool, another one needs words of its own.
    """
    named = [(place, tool) for tool in tools if (place := _place(tool, prompt)) >= 0]
    if named:
        return [tool for _, tool in sorted(named, key=lambda pair: pair[0])]
    words = _content_words(prompt)
    wanted: list[_Tool] = []
    left = list(tools)
    while best := _ranked(left, words):
        if wanted and not best[0].name_words & words:
            break
        wanted.append(best[0])
        left.remove(best[0])
        words -= best[0].words
    return wanted


def _place(tool: _Tool, prompt: str) -> int:
    """Where the prompt writes the tool's name as it is, or -1."""
    if not tool.name:
        return -1
    match = re.search(rf"(?<!\w){re.escape(tool.name)}(?!\w)", prompt)
    plain_word = tool.name.isalpha() and tool.name.islower()
    if match is None or (plain_word and not prompt.startswith("(", match.end())):
        return -1
    return match.start()


def _calls(tool: _Tool, prompt: str) -> list[ToolCall]:
    """One call for each time the tool is written as a call, or for each of a list."""
    if tool.kind == "custom":
        reader = Prompt(prompt)
        return [ToolCall(tool.name, reader.take_quoted() or prompt, type="custom")]
    pattern = rf"(?<!\w){re.escape(tool.name)}\(([^()\n]*)\)"
    written = re.findall(pattern, prompt)
    if written:
        return [ToolCall(tool.name, _written(tool, text, prompt)) for text in written]
    arguments = as_object(fill(tool.parameters, Prompt(prompt)))
    calls = [ToolCall(tool.name, arguments)]
    free = _free_parameters(tool.parameters)
    if len(free) != 1:
        return calls
    [(key, schema)] = free.items()
    for others in Prompt(prompt).lists:
        if len(others) > 1 and str(arguments.get(key)) in others:
            values = (coerce(text, schema, tool.parameters) for text in others)
            return [ToolCall(tool.name, {**arguments, key: value}) for value in values]
    return calls


def _free_parameters(parameters: JsonObject) -> dict[str, JsonObject]:
    """Those that must be given and can be any text or number."""
    properties = as_object(parameters.get("properties"))
    required = map(as_text, as_list(parameters.get("required")))
    schemas = {key: resolve(properties.get(key), parameters) for key in required}
    return {
        key: schema
        for key, schema in schemas.items()
        if type_of(schema) in _SINGLE_TYPES and "enum" not in schema
    }


_SINGLE_TYPES = ("string", "integer", "number")


def _written(tool: _Tool, text: str, prompt: str) -> JsonObject:
    """Arguments of a call that is written out: ``add(1, b=2)``."""
    properties = as_object(tool.parameters.get("properties"))
    given: JsonObject = {}
    items = [item.strip() for item in text.split(",") if item.strip()]
    for place, item in enumerate(items):
        name, equals, value = item.partition("=")
        key = name.strip() if equals else next(iter(list(properties)[place:]), "")
        if key in properties:
            plain = (value if equals else item).strip().strip("'\"")
            given[key] = coerce(plain, as_object(properties[key]), tool.parameters)
    filled = as_object(fill(tool.parameters, Prompt(f"{text} {prompt}")))
    return {**filled, **given}
