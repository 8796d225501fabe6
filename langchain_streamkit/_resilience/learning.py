"""What a server refuses is left out the next time.

Strategy: a refusal with status 400 or 422 that blames a field of the request, and
says that it does not know or take it, teaches one lesson: send without the field, or
under its other name. A field is blamed by the error's ``param`` or by its name in the
words; a value that is merely out of range teaches nothing, for that is the user's to
mend. What changes the meaning of the question (messages, tools, the schema, the
choice among tools) is never dropped.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from typing_extensions import override

__all__ = ["Lesson", "LessonBook", "apply_lesson", "find_lesson"]

_OTHER_NAMES = {
    "max_completion_tokens": "max_tokens",
    "max_tokens": "max_completion_tokens",
}
_DROPPABLE = (
    "stream_options",
    "parallel_tool_calls",
    "temperature",
    "top_p",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "top_logprobs",
    "logprobs",
    "reasoning_effort",
    "verbosity",
    "service_tier",
    "store",
)
_STRICT, _NAME, _DEVELOPER = "tools.function.strict", "messages.name", "developer"
_NESTED = {
    _STRICT: re.compile(r"\bstrict\b"),
    _NAME: re.compile(r"\bmessages?\b.*\bname\b|\bname\b.*\bmessages?\b"),
    _DEVELOPER: re.compile(r"\bdeveloper\b"),
}
_REFUSAL = re.compile(
    r"unsupported|not (?:be )?(?:supported|permitted|allowed|accepted|recogni[sz]ed)"
    r"|(?:does|do|is|are) ?n[o']t (?:support|permit|allow|accept|recogni[sz]e)"
    r"|unknown|unrecogni[sz]ed|unexpected|extra[ _](?:input|field|forbidden|param)"
    r"|forbidden|additional propert|no longer|deprecated"
    r"|only .{0,40}(?:allowed|supported)"
    r"|not a valid (?:field|param)|cannot be used|must not be|instead\b|invalid role",
    re.IGNORECASE,
)
_MOST_ENTRIES = 1000


@dataclass(frozen=True, slots=True)
class Lesson:
    """One thing that a server does not take.

    Attributes:
        field: The field, by its place in the body.
        other_name: The name to send it by instead; None to leave it out.
    """

    field: str
    other_name: str | None = None

    @override
    def __str__(self) -> str:
        """The lesson in words, for logs and metadata."""
        if self.other_name is None:
            return f"{self.field} left out"
        return f"{self.field} sent as {self.other_name}"


def find_lesson(
    body: Mapping[str, Any], *, message: str, param: str | None, code: str | None
) -> Lesson | None:
    """What a refusal teaches.

    Args:
        body: The body that was refused.
        message: The server's words.
        param: The field that it names, if it does.
        code: Its short name for the error.

    Returns:
        The lesson, or None if the words teach nothing that may be applied.

    Example:
        >>> words = "Unsupported parameter: 'max_tokens'"
        >>> find_lesson({"max_tokens": 5}, message=words, param=None, code=None)
        Lesson(field='max_tokens', other_name='max_completion_tokens')
    """
    words = f"{message} {code or ''}"
    if not _REFUSAL.search(words):
        return None
    blamed = (param or "").rpartition("body.")[2]
    for field in (*_OTHER_NAMES, *_DROPPABLE):
        if field not in body:
            continue
        by_param = blamed.split(".")[0].split("[")[0] == field
        by_words = not param and re.search(rf"(?<![\w.]){field}(?![\w])", message)
        if by_param or by_words:
            return Lesson(field, _OTHER_NAMES.get(field))
    for field, pattern in _NESTED.items():
        text = f"{param or ''} {message}"
        if pattern.search(text) and apply_lesson(body, Lesson(field)) != dict(body):
            other = "system" if field == _DEVELOPER else None
            return Lesson(field, other)
    return None


def apply_lesson(body: Mapping[str, Any], lesson: Lesson) -> dict[str, Any]:
    """A body that heeds a lesson.

    Args:
        body: Any body of a request.
        lesson: What to heed.

    Returns:
        A new dict; equal to the old one if the lesson does not concern it.
    """
    if lesson.field in _IN_MESSAGES or lesson.field == _STRICT:
        where = "tools" if lesson.field == _STRICT else "messages"
        change = _IN_MESSAGES.get(lesson.field, _without_strict)
        items = body.get(where)
        if not isinstance(items, list):
            return dict(body)
        changed = [change(item) for item in cast("list[dict[str, Any]]", items)]
        return {**body, where: changed}
    result = dict(body)
    if lesson.field in result:
        value = result.pop(lesson.field)
        if lesson.other_name is not None:
            result[lesson.other_name] = value
    return result


class LessonBook:
    """What was learned, by endpoint and model, in this process.

    Example:
        >>> book = LessonBook()
        >>> book.learn("https://a.example/v1", "m", Lesson("seed"))
        True
        >>> book.known("https://a.example/v1", "m")
        (Lesson(field='seed', other_name=None),)
    """

    def __init__(self) -> None:
        self._lessons: OrderedDict[tuple[str, str], tuple[Lesson, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, endpoint: str, model: str) -> tuple[Lesson, ...]:
        """The lessons about a model of an endpoint, in the order of learning."""
        return self._lessons.get((endpoint, model), ())

    def learn(self, endpoint: str, model: str, lesson: Lesson) -> bool:
        """Keep a lesson.

        Args:
            endpoint: The server's address.
            model: The model's name.
            lesson: What it does not take.

        Returns:
            True if it is new.
        """
        key = (endpoint, model)
        with self._lock:
            known = self._lessons.get(key, ())
            if lesson in known:
                return False
            self._lessons[key] = (*known, lesson)
            while len(self._lessons) > _MOST_ENTRIES:
                self._lessons.popitem(last=False)
        return True

    def forget(self) -> None:
        """Forget everything, as a new process would."""
        with self._lock:
            self._lessons.clear()


def _without_strict(tool: dict[str, Any]) -> dict[str, Any]:
    function = tool.get("function")
    if not isinstance(function, Mapping):
        return tool
    inner = cast("Mapping[str, Any]", function)
    return {**tool, "function": {k: v for k, v in inner.items() if k != "strict"}}


def _without_name(message: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key != "name"}


def _as_system(message: dict[str, Any]) -> dict[str, Any]:
    is_developer = message.get("role") == "developer"
    return {**message, "role": "system"} if is_developer else message


_IN_MESSAGES = {_NAME: _without_name, _DEVELOPER: _as_system}
