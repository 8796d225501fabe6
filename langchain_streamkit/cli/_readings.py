"""What a client reported of an answer, and whether it is what the server sent.

The rule: a reading is right if every field that the answer has is right, and if an
exception came exactly where one belongs. ``RULES`` says it field by field.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from langchain_streamkit.cli._expected import Words
from langchain_streamkit.testing._values import JsonObject, as_number, as_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_streamkit.cli._expected import Expected, ExpectedCall

__all__ = ["FIELDS", "RULES", "Call", "Reading", "judge"]

RULES: dict[str, str] = {
    "text": "every character of the answer, and no other",
    "reasoning": "the same, in content_blocks or in additional_kwargs",
    "tool calls": (
        "each call, in order, with the server's id, its name and its arguments as an "
        "object; a call whose arguments are not one JSON object is not among them"
    ),
    "finish reason": "the server's last one",
    "usage": "input, output and total tokens of the server's last report",
    "refusal": "the text of a refusal",
    "error": "an error that the server sent is raised",
    "cut": "an answer that was cut is raised as an error",
    "exceptions": "nothing else raises",
}
"""What counts as right, by field."""

FIELDS = tuple(RULES)


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that a client would have run.

    Attributes:
        id: Its id.
        name: The tool's name.
        arguments: The arguments.
    """

    id: str
    name: str
    arguments: JsonObject


@dataclass(slots=True)
class Reading:
    """What a client reported of one answer.

    Attributes:
        text: The text.
        reasoning: The reasoning.
        calls: The tool calls that may run.
        finish_reason: Why the answer ended.
        usage: ``input``, ``output`` and ``total`` tokens, or None.
        refusal: The text of a refusal.
        function_call: A call in the form that came before tool calls.
        error: The exception that ended it, by class and message; empty for none.
        cpu_seconds: CPU time of the thread that read it.
        first_seconds: From the call to the first content, or None.
        pieces: How many chunks came.
    """

    text: str = ""
    reasoning: str = ""
    calls: list[Call] = field(default_factory=list[Call])
    finish_reason: str | None = None
    usage: Mapping[str, int] | None = None
    refusal: str = ""
    function_call: JsonObject | None = None
    error: str = ""
    cpu_seconds: float = 0.0
    first_seconds: float | None = None
    pieces: int = 0


def judge(expected: Expected, reading: Reading) -> dict[str, str]:
    """Hold a reading against what was to be expected.

    Args:
        expected: What a correct client reports.
        reading: What this one did.

    Returns:
        By field, for the fields that the answer has: an empty string where it is
        right, else a word for what went wrong.

    Example:
        >>> from langchain_streamkit.cli._expected import expect
        >>> body = b'data: {"choices": [{"delta": {"content": "Hi"}}]}'
        >>> judge(expect(body, is_stream=True), Reading(text="Hi"))
        {'cut': 'unnoticed'}
    """
    if expected.ending == "error":
        return {"error": "" if reading.error else "swallowed"}
    if expected.ending == "cut":
        return {"cut": "" if reading.error else "unnoticed"}
    if expected.ending == "open" and reading.error:
        return {"exceptions": ""}  # the client is right that the end is missing
    verdicts = {name: check(expected, reading) for name, check in _CHECKS.items()}
    return {name: word for name, word in verdicts.items() if word is not None}


def _words(expected: Words, got: str) -> str | None:
    if not expected.length and not got:
        return None
    if not got:
        return "lost"
    return "" if Words.of(got) == expected else "wrong"


def _calls(expected: Expected, reading: Reading) -> str | None:
    wanted = [call for call in expected.calls if call.arguments is not None]
    if not expected.calls and not reading.calls and not expected.function_call:
        return None
    if expected.function_call and not expected.calls:
        return _same(expected.function_call, reading.function_call)
    if wanted and not reading.calls:
        return "lost"
    if len(reading.calls) > len(wanted) < len(expected.calls):
        return "runs a cut one"
    is_right = list(map(_content, wanted)) == list(map(_content, reading.calls))
    return "" if is_right and _has_ids(wanted, reading.calls) else "wrong"


def _content(call: ExpectedCall | Call) -> tuple[str, JsonObject | None]:
    return call.name, call.arguments


def _has_ids(wanted: Sequence[ExpectedCall], got: Sequence[Call]) -> bool:
    """Whether the server's ids are kept; one that it gave twice may be changed."""
    ids = [call.id for call in wanted]
    pairs = zip(ids, got, strict=True)
    return all(one in {"", call.id} for one, call in pairs if ids.count(one) == 1)


def _finish(expected: Expected, reading: Reading) -> str | None:
    if expected.finish_reason is None:
        return None
    return _same(expected.finish_reason, reading.finish_reason)


def _same(expected: object, got: object) -> str:
    if not got:
        return "lost"
    return "" if got == expected else "wrong"


def _usage(expected: Expected, reading: Reading) -> str | None:
    usage = expected.usage or {}
    details = as_object(usage.get("completion_tokens_details"))
    counts = {
        "input": usage.get("prompt_tokens", usage.get("input_tokens")),
        "output": usage.get("completion_tokens", usage.get("output_tokens")),
        "total": usage.get("total_tokens"),
    }
    wanted = {name: n for name, one in counts.items() if (n := as_number(one))}
    if not wanted:
        return None
    if reading.usage is None:
        return "lost"
    # Some servers count reasoning beside the output: with it or without it is right.
    beside = as_number(details.get("reasoning_tokens")) or 0
    allowed = {name: {n} for name, n in wanted.items()}
    if "output" in allowed:
        allowed["output"].add(wanted["output"] + beside)
    got = reading.usage
    is_right = all(got.get(name) in numbers for name, numbers in allowed.items())
    return "" if is_right else "wrong"


def _refusal(expected: Expected, reading: Reading) -> str | None:
    return _words(Words.of(expected.refusal), reading.refusal)


_CHECKS: dict[str, Callable[[Expected, Reading], str | None]] = {
    "text": lambda expected, reading: _words(expected.text, reading.text),
    "reasoning": lambda expected, reading: _words(
        expected.reasoning, reading.reasoning
    ),
    "tool calls": _calls,
    "finish reason": _finish,
    "usage": _usage,
    "refusal": _refusal,
    "exceptions": lambda _, reading: reading.error.partition(":")[0],
}
