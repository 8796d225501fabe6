"""Refuses requests that a strict server refuses, and says which field is to blame.

The rules are those of OpenAI's chat completions (API reference and error answers,
read 2026-11), widened by what other servers document: the roles and content parts
of Mistral, videos, more audio formats, tool results with images. Fields that nobody
knows pass, as most servers let them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_streamkit.testing._checks import (
    CALL_FIELDS,
    Check,
    InvalidError,
    a_boolean,
    a_string,
    an_object,
    check_function_name,
    check_strict_schema,
    number_within,
    of_type,
    refuse,
)
from langchain_streamkit.testing._content import text_of
from langchain_streamkit.testing._messages import check_messages
from langchain_streamkit.testing._values import as_list, as_object, as_text
from langchain_streamkit.testing.replies import Reply

if TYPE_CHECKING:
    from langchain_streamkit.testing._values import JsonObject

__all__ = ["validate"]


def validate(body: JsonObject, model: str) -> Reply | None:
    """Check a request.

    Args:
        body: Its body.
        model: The model that the body or the path names.

    Returns:
        The 400 that refuses it, or None if it is good.
    """
    try:
        if not model:
            refuse("You must provide a model parameter.", "model", "missing")
        for name, check in _FIELDS.items():
            if body.get(name) is not None:
                check(body[name], name)
        check_messages(body)
        check_tools(body)
        _check_together(body)
    except InvalidError as error:
        return Reply.error(400, str(error), param=error.param, code=error.code)
    return None


_MAX_STOPS = 4


def _stop(value: object, name: str) -> None:
    stops = [value] if isinstance(value, str) else as_list(value)
    if not stops or not all(isinstance(stop, str) for stop in stops):
        refuse(
            f"Invalid type for '{name}': expected a string or an array of strings.",
            name,
            "type",
        )
    if len(stops) > _MAX_STOPS:
        refuse(f"Invalid '{name}': expected at most {_MAX_STOPS} sequences.", name)


def _response_format(value: object, name: str) -> None:
    form = as_object(value)
    kind = form.get("type")
    if kind not in {"text", "json_object", "json_schema"}:
        refuse(
            f"Invalid '{name}.type': expected text, json_object or json_schema.",
            f"{name}.type",
        )
    if kind != "json_schema":
        return
    given = as_object(form.get("json_schema"))
    where = f"{name}.json_schema"
    check_function_name(given.get("name"), f"{where}.name")
    if "schema" in given:
        of_type(dict, "an object")(given["schema"], f"{where}.schema")
        if given.get("strict") is True:
            check_strict_schema(as_object(given["schema"]), where)


_FIELDS: dict[str, Check] = {
    "model": a_string,
    "stream": a_boolean,
    "stream_options": an_object,
    "temperature": number_within(0, 2),
    "top_p": number_within(0, 1),
    "n": number_within(1, 128, whole=True),
    "max_tokens": number_within(1, None, whole=True),
    "max_completion_tokens": number_within(1, None, whole=True),
    "presence_penalty": number_within(-2, 2),
    "frequency_penalty": number_within(-2, 2),
    "top_logprobs": number_within(0, 20, whole=True),
    "logprobs": a_boolean,
    "seed": number_within(-(2**63), 2**63 - 1, whole=True),
    "logit_bias": an_object,
    "metadata": an_object,
    "parallel_tool_calls": a_boolean,
    "reasoning_effort": a_string,
    "service_tier": a_string,
    "store": a_boolean,
    "user": a_string,
    "verbosity": a_string,
    "stop": _stop,
    "response_format": _response_format,
}


def check_tools(body: JsonObject) -> None:
    tools = body.get("tools")
    if tools is None:
        for name in ("tool_choice", "parallel_tool_calls"):
            if body.get(name) is not None:
                message = f"'{name}' is only allowed when 'tools' are specified."
                refuse(f"Invalid value for '{name}': {message}", name, None)
        return
    if not isinstance(tools, list) or not tools:
        refuse("Invalid 'tools': expected an array with tools.", "tools", "empty_array")
    names: set[str] = set()
    for index, item in enumerate(as_list(body["tools"])):
        tool, where = as_object(item), f"tools[{index}]"
        kind = tool.get("type")
        if kind not in CALL_FIELDS:
            refuse(
                f"Invalid value for '{where}.type': function or custom.",
                f"{where}.type",
            )
        inner = as_object(tool.get(CALL_FIELDS[kind][0]))
        where = f"{where}.{kind}"
        check_function_name(inner.get("name"), f"{where}.name")
        names.add(as_text(inner["name"]))
        if inner.get("parameters") is not None:
            _check_parameters(inner, where)
    _check_tool_choice(body.get("tool_choice"), names)


def _check_parameters(function: JsonObject, where: str) -> None:
    parameters = as_object(function["parameters"])
    if parameters.get("type") != "object" or "properties" not in parameters:
        refuse(
            f"Invalid schema for '{where}': it must be an object with properties.",
            f"{where}.parameters",
            "invalid_function_parameters",
        )
    if function.get("strict") is True:
        check_strict_schema(parameters, f"{where}.parameters")


_CHOICES = ("none", "auto", "required", "any")


def _check_tool_choice(choice: object, names: set[str]) -> None:
    if choice is None or choice in _CHOICES:
        return
    form = as_object(choice)
    kind = form.get("type")
    if kind == "allowed_tools":
        allowed = as_object(form.get("allowed_tools"))
        wanted = [as_object(tool) for tool in as_list(allowed.get("tools"))]
    elif kind in CALL_FIELDS:
        wanted = [form]
    else:
        words = ", ".join(_CHOICES)
        refuse(
            f"Invalid value for 'tool_choice': {words}, or an object that names a "
            "tool.",
            "tool_choice",
        )
    for tool in wanted:
        inner = tool.get(CALL_FIELDS.get(tool.get("type"), ("function", ""))[0])
        if as_object(inner).get("name") not in names:
            refuse(
                "Invalid value for 'tool_choice': it names no tool of 'tools'.",
                "tool_choice",
            )


def _check_together(body: JsonObject) -> None:
    if body.get("stream_options") is not None and body.get("stream") is not True:
        refuse(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
            None,
        )
    if body.get("top_logprobs") is not None and body.get("logprobs") is not True:
        refuse(
            "'top_logprobs' is only allowed when 'logprobs' is true.", "top_logprobs"
        )
    if body.get("max_tokens") and body.get("max_completion_tokens"):
        refuse(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is "
            "not supported.",
            "max_tokens",
        )
    wants_json = as_object(body.get("response_format")).get("type") == "json_object"
    texts = (text_of(as_object(m).get("content")) for m in as_list(body["messages"]))
    if wants_json and "json" not in " ".join(texts).lower():
        refuse(
            "'messages' must contain the word 'json' in some form, to use "
            "'response_format' of type 'json_object'.",
            "messages",
            None,
        )
