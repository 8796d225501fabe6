"""The ``ChatStreamKit(...)`` that fits a server, out of what a probe has found.

Strategy: the row that its host selects, or the one of the program that its list of
models names, and beside it the facts that were measured otherwise. Only ``yes``,
``no`` and ``refused`` change a fact; what is unclear stays as the row has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from langchain_streamkit import ChatStreamKit
from langchain_streamkit._http.endpoint import CUSTOM
from langchain_streamkit.cli.probe_asks import PREFILL_FORMS
from langchain_streamkit.errors import ConfigurationError
from langchain_streamkit.providers import Provider, get_provider, provider_for_url

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_streamkit.cli.probe_findings import Finding

__all__ = ["Suggestion", "find_row", "measured_facts", "suggest"]

_Answers = Mapping[str, str]

_LINE = 88
_NEVER = ("no", "refused")
_BOOLEANS: dict[str, tuple[str, dict[str, bool]]] = {
    "stream_options": ("stream_options", {"yes": True, "refused": False}),
    "tools": ("tools", {"yes": True, "refused": False}),
    "strict_tools": ("strict", {"refused": False}),
    "parallel_tool_calls": ("parallel_tool_calls", {"yes": True, "refused": False}),
    "message_names": ("message_names", {"yes": True, "refused": False}),
    "tool_choice_named": ("tools_named", {"yes": True, "no": False, "refused": False}),
    "developer_role": (
        "developer_role",
        {"yes": True, "no": False, "refused": False},
    ),
    "json_schema": (
        "json_schema_enforced",
        {"yes": True, "no": False, "refused": False},
    ),
    "json_mode": ("json_mode", {"yes": True, "no": False, "refused": False}),
    "image_inputs": ("image", {"yes": True, "no": False, "refused": False}),
}
_NEED_TOOLS = frozenset({"strict_tools", "parallel_tool_calls", "tool_choice_named"})
# Questions whose refusal is the refusal of a field of the body.
_FIELDS = {
    "logprobs": ("logprobs", "top_logprobs"),
    "n": ("n",),
    "reasoning_effort": ("reasoning_effort",),
    "seed": ("seed",),
    "stop": ("stop",),
}
_METHODS = {
    "json_schema": ("json_schema_enforced",),
    "function_calling": ("tools_named", "tools_required", "tools_any"),
    "json_mode": ("json_mode",),
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The parameters of a model, as code and as values.

    Attributes:
        expressions: The code of each parameter.
        values: Their values, without the key's.
        key_variable: The variable that ``api_key`` comes from, or None.
        facts: What differs from the row.
    """

    expressions: Mapping[str, str]
    values: Mapping[str, object]
    key_variable: str | None
    facts: Mapping[str, object]

    def code(self) -> str:
        """The lines to copy: imports, and the model."""
        call = ", ".join(f"{name}={code}" for name, code in self.expressions.items())
        line = f"model = ChatStreamKit({call})"
        if len(line) > _LINE:
            inner = "".join(
                f"    {n}={code},\n" for n, code in self.expressions.items()
            )
            line = f"model = ChatStreamKit(\n{inner})"
        names = [name for name in ("Provider", "get_provider") if f"{name}(" in line]
        imports = ["from langchain_streamkit import ChatStreamKit"]
        if self.key_variable is not None:
            imports = ["import os", "", *imports]
        if names:
            from_providers = "from langchain_streamkit.providers import "
            imports.append(f"{from_providers}{', '.join(names)}")
        return "\n".join([*imports, "", line])

    def model(self, **more: object) -> ChatStreamKit:
        """The same model.

        Args:
            **more: More parameters: the key, clocks.

        Returns:
            A new model.
        """
        return ChatStreamKit(**{**self.values, **more})  # type: ignore[arg-type]


def find_row(url: str, owners: Iterable[str]) -> tuple[Provider, bool]:
    """The row of a server, and whether its host selects it.

    Args:
        url: Its address.
        owners: Who owns its models, as its list says: programs that everybody runs
            on a host of their own name themselves there.

    Returns:
        The row, OpenAI's facts if nothing is known.

    Example:
        >>> row, is_by_host = find_row("http://127.0.0.1:9000/v1", ["vllm"])
        >>> row.title, is_by_host
        ('vLLM', False)
    """
    row = provider_for_url(url)
    if row is not None:
        return row, True
    for owner in owners:
        try:
            row = get_provider(owner)
        except ConfigurationError:
            continue
        if row.base_url is None and not row.hosts and not row.deployment_path:
            return row, False
    return CUSTOM, False


def measured_facts(row: Provider, findings: Mapping[str, Finding]) -> dict[str, object]:
    """The facts of a row that the findings contradict.

    Args:
        row: The row.
        findings: What was found, by question.

    Returns:
        The right values, by fact.

    Example:
        >>> from langchain_streamkit.cli.probe_findings import refused
        >>> measured_facts(CUSTOM, {"strict": refused("400")})
        {'strict_tools': False}
    """
    answers = {name: finding.answer for name, finding in findings.items()}
    facts: dict[str, object] = {
        fact: meaning[answers[question]]
        for fact, (question, meaning) in _BOOLEANS.items()
        if answers.get(question) in meaning
    }
    if facts.get("tools", row.tools):
        facts["tool_choice_required"] = _required_word(row, answers)
        facts["tool_call_content"] = _call_content(row, answers)
    else:
        facts = {name: v for name, v in facts.items() if name not in _NEED_TOOLS}
    facts["max_tokens_field"] = _bound_field(row, answers)
    facts["structured_output"] = _structured_output(row, answers)
    facts["prefill"] = _prefill(row, answers)
    facts["refused_parameters"] = _refused_parameters(row, answers)
    return {name: v for name, v in facts.items() if v != getattr(row, name)}


def _required_word(row: Provider, answers: _Answers) -> object:
    words = {word: answers.get(f"tools_{word}") for word in ("required", "any")}
    works = [word for word, answer in words.items() if answer == "yes"]
    if row.tool_choice_required in works:
        return row.tool_choice_required
    if works:
        return works[0]
    is_never = all(answer in _NEVER for answer in words.values())
    return None if is_never else row.tool_choice_required


def _call_content(row: Provider, answers: _Answers) -> object:
    takes = answers.get("tool_results"), answers.get("tool_results_null")
    is_refused = row.tool_call_content == "empty" and takes == ("refused", "yes")
    return "null" if is_refused else row.tool_call_content


def _bound_field(row: Provider, answers: _Answers) -> object:
    known, other = "max_completion_tokens", "max_tokens"
    if row.max_tokens_field == other:
        known, other = other, known
    fails = answers.get(known) in _NEVER
    return other if fails and answers.get(other) == "yes" else known


def _structured_output(row: Provider, answers: _Answers) -> object:
    works = {
        method: {answers.get(question) for question in questions}
        for method, questions in _METHODS.items()
    }
    if not works[row.structured_output] <= set(_NEVER):
        return row.structured_output
    good = (method for method, found in works.items() if "yes" in found)
    return next(good, row.structured_output)


def _prefill(row: Provider, answers: _Answers) -> object:
    forms = {form: answers.get(f"prefill_{form}") for form in PREFILL_FORMS}
    works = [form for form, answer in forms.items() if answer == "yes"]
    if row.prefill in works:
        return row.prefill
    if works:
        return works[0]
    is_never = all(answer in _NEVER for answer in forms.values())
    return None if is_never else row.prefill


def _refused_parameters(row: Provider, answers: _Answers) -> tuple[str, ...]:
    refused = [
        field
        for question, fields in _FIELDS.items()
        if answers.get(question) == "refused"
        for field in fields
        if field not in row.refused_parameters
    ]
    return (*row.refused_parameters, *refused)


def suggest(
    *,
    model: str,
    url: str,
    owners: Iterable[str],
    findings: Mapping[str, Finding],
    reasoning_tags: tuple[str, str] | None = None,
    key_variable: str | None = None,
) -> Suggestion:
    """Put the parameters together.

    Args:
        model: The model's name.
        url: The server's address.
        owners: Who owns its models.
        findings: What was found, by question.
        reasoning_tags: Tags of inline reasoning, or None.
        key_variable: The variable of the key, where the model would not look there.

    Returns:
        The suggestion.
    """
    row, is_by_host = find_row(url, owners)
    facts = measured_facts(row, findings)
    values: dict[str, object] = {"model": model}
    expressions: dict[str, str] = {}
    if not is_by_host or row.base_url != url:
        values["base_url"] = url
    if facts:
        values["provider"] = row.replace(**facts)
        expressions["provider"] = _provider_code(row, facts)
    elif row is not CUSTOM:
        values["provider"] = row.name
    if reasoning_tags is not None:
        values["reasoning_tags"] = reasoning_tags
    if findings["streaming"].answer == "refused":
        values["disable_streaming"] = True
    code = {name: _literal(value) for name, value in values.items()}
    if key_variable is not None:
        expressions["api_key"] = f"os.environ[{_literal(key_variable)}]"
    return Suggestion({**code, **expressions}, values, key_variable, facts)


def _provider_code(row: Provider, facts: Mapping[str, object]) -> str:
    inner = ", ".join(f"{name}={_literal(value)}" for name, value in facts.items())
    if row is CUSTOM:
        return f"Provider(name={_literal(row.name)}, {inner})"
    return f"get_provider({_literal(row.name)}).replace({inner})"


def _literal(value: object) -> str:
    """The value as Python writes it, in double quotes where that is as short."""
    code = repr(value)
    if isinstance(value, str) and code[0] == "'" and '"' not in code:
        return f'"{code[1:-1]}"'
    if isinstance(value, tuple):
        items = [_literal(item) for item in cast("tuple[object, ...]", value)]
        return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
    return code
