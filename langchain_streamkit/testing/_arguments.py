"""Values for a JSON schema, taken from a prompt where it has some.

Strategy: walk the schema; at each leaf ask the prompt for the thing that fits best
(a value stated for the key, a number in the bounds, a quoted piece, a name after
"in"), else take the default, else make something valid. What need not be given is
given only where the prompt speaks of it. The same schema and prompt always give the
same value.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from langchain_streamkit.testing._meanings import FORMATS, find_by_meaning
from langchain_streamkit.testing._prompt import words_of
from langchain_streamkit.testing._schemas import (
    is_nullable,
    options_of,
    resolve,
    type_of,
)
from langchain_streamkit.testing._values import (
    as_list,
    as_number,
    as_object,
    as_text,
    is_object,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_streamkit.testing._prompt import Prompt
    from langchain_streamkit.testing._values import JsonObject

__all__ = ["coerce", "fill"]

_MAX_DEPTH = 12
_MAX_ITEMS = 20
_ABSENT = object()


def fill(schema: JsonObject, prompt: Prompt, root: JsonObject | None = None) -> object:
    """A value of the schema.

    Args:
        schema: The JSON schema.
        prompt: Where names, numbers and words come from.
        root: Where references lead into; None for the schema itself.

    Example:
        >>> from langchain_streamkit.testing._prompt import Prompt
        >>> fill(
        ...     {
        ...         "type": "object",
        ...         "properties": {"n": {"type": "integer"}},
        ...         "required": ["n"],
        ...     },
        ...     Prompt("the value of f(3)"),
        ... )
        {'n': 3}
    """
    return _Filler(prompt, schema if root is None else root).value(schema, "", 0)


def coerce(text: str, schema: JsonObject, root: JsonObject) -> object:
    """A piece of text as a value of the schema's type, if it can be one."""
    found = resolve(schema, root)
    for option in options_of(found):
        found = resolve(option, root)
        if type_of(found) != "null":
            break
    kind = type_of(found)
    try:
        if kind in {"integer", "number"}:
            number = float(text)
            return int(number) if number.is_integer() else number
    except (ValueError, OverflowError):
        return text
    if kind == "boolean":
        return text.lower() in {"true", "yes", "on", "1"}
    return text


class _Filler:
    def __init__(self, prompt: Prompt, root: JsonObject) -> None:
        self._prompt = prompt
        self._root = root

    def value(self, schema: object, key: str, depth: int) -> object:
        found = resolve(schema, self._root)
        if "const" in found:
            return found["const"]
        if as_list(found.get("enum")):
            return self._member(as_list(found["enum"]), key, found)
        options = options_of(found)
        if options:
            return self.value(self._option(options, depth), key, depth)
        make = _MAKERS.get(type_of(found))
        return (
            self._text(found, key, depth)
            if make is None
            else make(self, found, key, depth)
        )

    def _option(self, options: list[object], depth: int) -> object:
        """The first alternative that is not null; deep down the simplest one."""
        resolved = [resolve(option, self._root) for option in options]
        wanted = [option for option in resolved if type_of(option) != "null"]
        simple = [option for option in resolved if type_of(option) not in _NESTING]
        if depth > _MAX_DEPTH // 2 and simple:
            return simple[-1]
        return (wanted or resolved)[0]

    def _member(self, members: list[object], key: str, schema: JsonObject) -> object:
        """The member that the prompt names; of several the one named first."""
        stated = (self._prompt.stated(key) or "").lower() if key else ""
        text = self._prompt.text.lower()
        named = [
            (match.start(), place)
            for place, member in enumerate(members)
            if (match := re.search(rf"(?<!\w){re.escape(str(member).lower())}(?!\w)",
                                   text))
        ]  # fmt: skip
        for member in members:
            if stated and str(member).lower() == stated:
                return member
        if named:
            return members[min(named)[1]]
        return schema.get("default", members[0])

    def make_object(self, schema: JsonObject, key: str, depth: int) -> object:
        del key
        properties = as_object(schema.get("properties"))
        required = [as_text(name) for name in as_list(schema.get("required"))]
        filled: JsonObject = {}
        for name, part in properties.items():
            value = self._property(part, name, depth, needed=name in required)
            if value is not _ABSENT:
                filled[name] = value
        for name in required:
            if name not in filled:
                filled[name] = self.value({}, name, depth + 1)
        extra = schema.get("additionalProperties")
        if not properties and is_object(extra) and depth < _MAX_DEPTH:
            filled |= self._free_keys(extra, depth)
        return filled

    def _free_keys(self, schema: JsonObject, depth: int) -> JsonObject:
        """For an object with any keys: the ``key=value`` pairs of the prompt."""
        pairs = re.findall(r"\b([A-Za-z_]\w*)\s*=", self._prompt.text)
        return {
            name: self.value(schema, name, depth + 1) for name in pairs[:_MAX_ITEMS]
        }

    def _property(self, part: object, name: str, depth: int, *, needed: bool) -> object:
        found = resolve(part, self._root)
        nullable = is_nullable(found, self._root)
        must = needed and not nullable
        if depth >= _MAX_DEPTH and not must:
            return None if needed else _ABSENT
        if must or self._speaks_of(found, name, depth):
            return self.value(found, name, depth + 1)
        if not needed:
            return _ABSENT
        return found.get("default")

    def _speaks_of(self, schema: JsonObject, name: str, depth: int) -> bool:
        prompt = self._prompt
        if prompt.stated(name) is not None or prompt.mentions(name):
            return True
        options = [resolve(option, self._root) for option in options_of(schema)]
        for option in options or [schema]:
            kind = type_of(option)
            members = [str(member).lower() for member in as_list(option.get("enum"))]
            if not prompt.words.isdisjoint(members):
                return True
            if kind == "object" and depth < _MAX_DEPTH // 2:
                names = as_object(option.get("properties"))
                if any(prompt.stated(inner) is not None for inner in names):
                    return True
            form = FORMATS.get(as_text(option.get("format")))
            if form is not None and prompt.matching(form[0]):
                return True
        return False

    def make_array(self, schema: JsonObject, key: str, depth: int) -> object:
        fixed = as_list(schema.get("prefixItems"))
        if fixed:
            return [self.value(item, key, depth + 1) for item in fixed]
        low = int(as_number(schema.get("minItems")) or 0)
        high = int(as_number(schema.get("maxItems")) or max(low, _MAX_ITEMS))
        if depth >= _MAX_DEPTH or high == 0:
            return []
        items = self._items(resolve(schema.get("items"), self._root), key, depth)
        unique = [item for place, item in enumerate(items) if item not in items[:place]]
        if schema.get("uniqueItems") is True:
            items = unique
        for number in range(len(items), max(low, 1)):
            items.append(self._another(schema, key, depth, number))
        return items[:high]

    def _another(self, schema: JsonObject, key: str, depth: int, number: int) -> object:
        item = resolve(schema.get("items"), self._root)
        members = as_list(item.get("enum"))
        if members:
            return members[number % len(members)]
        value = self.value(item, key, depth + 1)
        if schema.get("uniqueItems") is True and number:
            return f"{value} {number + 1}" if isinstance(value, str) else number
        return value

    def _items(self, item: JsonObject, key: str, depth: int) -> list[object]:
        """As many items as the prompt has to offer for this list."""
        kind = type_of(item)
        text = self._prompt.text.lower()
        members = as_list(item.get("enum"))
        if members:
            return [member for member in members if str(member).lower() in text]
        if kind in {"integer", "number"}:
            numbers: list[object] = []
            while (number := self._fitting(item)) is not None:
                numbers.append(number)
            return numbers
        if kind not in {"string", ""} or options_of(item):
            return [self.value(item, key, depth + 1)] if depth < _MAX_DEPTH // 2 else []
        stated = self._prompt.stated(key)
        if stated is not None:
            rest = self._prompt.text[self._prompt.text.find(stated) :]
            line = re.split(r"[.;\n]", rest)[0]
            return [*filter(None, map(str.strip, re.split(r",|\band\b", line)))]
        quoted: list[object] = [*iter(self._prompt.take_quoted, None)]
        none: list[str] = []
        longest = max(self._prompt.lists, key=len, default=none)
        return quoted or ([*longest] if len(longest) > 1 else [])

    def make_number(self, schema: JsonObject, key: str, depth: int) -> object:
        del depth
        stated = self._prompt.stated(key) if key else None
        match = re.match(r"-?\d+(?:\.\d+)?", stated or "")
        low, high = _bounds(schema)
        if match is not None:
            number = coerce(match[0], schema, self._root)
            if isinstance(number, int | float) and low <= number <= high:
                return number
        found = self._fitting(schema)
        if found is not None:
            return found
        if "default" in schema:
            return schema["default"]
        return _within(low, high, schema)

    def _fitting(self, schema: JsonObject) -> int | float | None:
        whole = type_of(schema) == "integer"
        step = as_number(schema.get("multipleOf")) or (1 if whole else 0)
        number = self._prompt.take_number(*_bounds(schema), step)
        return int(number) if whole and number is not None else number

    def make_boolean(self, schema: JsonObject, key: str, depth: int) -> object:
        del depth
        stated = self._prompt.stated(key)
        if stated is not None:
            return stated.lower().split()[0] in {"true", "yes", "on", "1"}
        last = re.escape((words_of(key) or [key])[-1])
        negated = rf"\b(?:no|not|without|don't|never|disable)\s+(?:\w+\s+){{0,2}}{last}"
        if re.search(negated, self._prompt.text, re.IGNORECASE):
            return False
        if self._prompt.mentions(key):
            return True
        return schema.get("default", True)

    def make_null(self, schema: JsonObject, key: str, depth: int) -> object:
        del schema, key, depth
        return None

    def _text(self, schema: JsonObject, key: str, depth: int) -> object:
        del depth
        form = FORMATS.get(as_text(schema.get("format")))
        if form is not None:
            return self._prompt.matching(form[0]) or schema.get("default", form[1])
        pattern = as_text(schema.get("pattern"))
        if pattern:
            inner = pattern.removeprefix("^").removesuffix("$")
            found = self._prompt.matching(inner)
            if found:
                return found
        text = (
            self._words_for(key)
            if "default" not in schema
            else (self._prompt.stated(key) or as_text(schema["default"]))
        )
        return _sized(text, schema)

    def _words_for(self, key: str) -> str:
        prompt = self._prompt
        stated = prompt.stated(key) if key else None
        if stated is not None:
            return stated
        found = find_by_meaning(key, prompt)
        found = found or prompt.take_quoted() or prompt.take_name()
        if found:
            return found
        what = " ".join(words_of(key)).capitalize() or "Something"
        return f"{what} about {prompt.topic}"


def _bounds(schema: JsonObject) -> tuple[float, float]:
    """The lowest and the highest value; whole numbers keep off exclusive bounds."""
    low, high = -math.inf, math.inf
    gap = 1 if type_of(schema) == "integer" else 1e-6
    for name, sign in _LIMITS.items():
        limit = as_number(schema.get(name))
        if limit is None:
            continue
        limit += sign * gap if name.startswith("exclusive") else 0
        if sign > 0:
            low = max(low, limit)
        else:
            high = min(high, limit)
    return low, high


_LIMITS = {"minimum": 1, "exclusiveMinimum": 1, "maximum": -1, "exclusiveMaximum": -1}


def _within(low: float, high: float, schema: JsonObject) -> int | float:
    """A number within the bounds, and a multiple where one is asked for."""
    step = as_number(schema.get("multipleOf")) or 0
    number: float = min(max(1, low), high)
    if step:
        number = math.ceil(number / step) * step
    if type_of(schema) == "integer":
        return math.ceil(number)
    return number


def _sized(text: str, schema: JsonObject) -> str:
    low = int(as_number(schema.get("minLength")) or 0)
    high = as_number(schema.get("maxLength"))
    if len(text) < low:
        text = (text or "x") * (low // max(len(text), 1) + 1)
        text = text[: max(low, 1)]
    return text if high is None else text[: int(high)]


_NESTING = ("object", "array")
_MAKERS: dict[str, Callable[[_Filler, JsonObject, str, int], object]] = {
    "object": _Filler.make_object,
    "array": _Filler.make_array,
    "integer": _Filler.make_number,
    "number": _Filler.make_number,
    "boolean": _Filler.make_boolean,
    "null": _Filler.make_null,
}
