"""What a client asks of ``/v1/chat/completions``, as LangChain understands it.

Strategy: messages go through LangChain's own reader. A chat model gets the sampling
parameters and the tools as bound keywords, which bear the names that LangChain's chat
models share; what else a client sends is left out, for no model may be handed fields
that it does not know. A chain or an agent has its own parameters, and gets messages
alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AIMessage, BaseMessage, convert_to_messages
from langchain_core.messages.tool import invalid_tool_call

from langchain_streamkit._wire.parse_json import parse_json
from langchain_streamkit._wire.tool_calls import parse_arguments
from langchain_streamkit.errors import InvalidRequestError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_core.runnables import Runnable

__all__ = ["CompletionRequest", "parse_request"]

# The field of the request, and the name that LangChain's chat models share for it.
_PARAMETERS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "stop": "stop",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "logit_bias": "logit_bias",
    "reasoning_effort": "reasoning_effort",
    "verbosity": "verbosity",
    "service_tier": "service_tier",
    "response_format": "response_format",
}
_OF_TOOLS = ("tool_choice", "parallel_tool_calls")
# What would change the answer in a way that cannot be shown, by what makes it matter.
_REFUSED: dict[str, Callable[[Any], bool]] = {
    "n": lambda value: value != 1,
    "logprobs": bool,
    "functions": bool,
    "function_call": bool,
    "audio": bool,
    "modalities": lambda value: value != ["text"],
}
# What is read here, or made into something else, before a server can refuse it.
_TYPES: dict[str, type | tuple[type, ...]] = {
    "stop": (str, list),
    "response_format": dict,
    "stream_options": dict,
}


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One request, understood.

    Attributes:
        model: The name that was asked for.
        runnable: What answers, with everything bound to it.
        input: Its input.
        stream: Whether chunks are wanted.
        include_usage: Whether the chunks end with the usage.
        has_tools: Whether the client runs tools.
    """

    model: str
    runnable: Runnable[Any, Any]
    input: Any
    stream: bool
    include_usage: bool
    has_tools: bool


def parse_request(
    data: bytes, models: Mapping[str, Runnable[Any, Any]]
) -> CompletionRequest:
    """Read the body of a request.

    Args:
        data: The body.
        models: What can be asked, by name.

    Returns:
        What is to be run, and how.

    Raises:
        InvalidRequestError: If the body is not right; ``param`` names the field.
        NotFoundError: If there is no such model.
    """
    body = _object(data)
    name = body.get("model")
    if not isinstance(name, str) or name not in models:
        raise NotFoundError(
            f"The model {name!r} does not exist here.",
            status_code=404,
            code="model_not_found",
            param="model",
        )
    for field, matters in _REFUSED.items():
        if body.get(field) is not None and matters(body[field]):
            raise _invalid(f"{field} is not supported here.", field)
    for field, kinds in _TYPES.items():
        if body.get(field) is not None and not isinstance(body[field], kinds):
            raise _invalid(f"{field} has the wrong type.", field)
    messages = _messages(body.get("messages"))
    runnable, has_tools = _bound(models[name], body)
    options = body.get("stream_options")
    return CompletionRequest(
        model=name,
        runnable=runnable,
        input={"messages": messages} if _wants_state(runnable) else messages,
        stream=body.get("stream") is True,
        include_usage=isinstance(options, dict)
        and cast("dict[str, Any]", options).get("include_usage") is True,
        has_tools=has_tools,
    )


def _object(data: bytes) -> dict[str, Any]:
    try:
        body = parse_json(data)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise _invalid("The body is not a JSON object.", None)
    return cast("dict[str, Any]", body)


def _messages(given: object) -> list[BaseMessage]:
    if not isinstance(given, list) or not given:
        raise _invalid("messages is a list with at least one message.", "messages")
    items = cast("list[object]", given)
    if not all(isinstance(item, dict) for item in items):
        raise _invalid("Each message is an object.", "messages")
    try:
        return [_message(cast("dict[str, Any]", item)) for item in items]
    except Exception as error:
        raise _invalid("messages cannot be understood.", "messages") from error


def _message(item: dict[str, Any]) -> BaseMessage:
    """A message; its calls that are no JSON objects are kept as what they are."""
    calls = cast("list[dict[str, Any]]", item.get("tool_calls") or [])
    broken = [call for call in calls if not _is_whole(call)]
    whole = {"tool_calls": [call for call in calls if call not in broken]}
    (message,) = convert_to_messages([{**item, **whole} if broken else item])
    if broken and isinstance(message, AIMessage):
        message.invalid_tool_calls += [
            invalid_tool_call(
                id=call.get("id"),
                name=call["function"]["name"],
                args=call["function"]["arguments"],
            )
            for call in broken
        ]
    return message


def _is_whole(call: dict[str, Any]) -> bool:
    function: dict[str, Any] = call.get("function") or {}
    arguments = function.get("arguments")
    return not isinstance(arguments, str) or parse_arguments(arguments) is not None


def _bound(
    runnable: Runnable[Any, Any], body: Mapping[str, Any]
) -> tuple[Runnable[Any, Any], bool]:
    """The runnable with the request's parameters, and whether it has tools to call."""
    bind_tools = getattr(runnable, "bind_tools", None)
    tools = body.get("tools")
    if bind_tools is None:
        if tools:
            raise _invalid("This model runs its own tools and takes none.", "tools")
        return runnable, False
    if tools:
        named = {n: body[n] for n in _OF_TOOLS if body.get(n) is not None}
        try:
            runnable = bind_tools(tools, **named)
        except Exception as error:
            raise _invalid("tools cannot be understood.", "tools") from error
    values = {
        name: body[field]
        for field, name in _PARAMETERS.items()
        if body.get(field) is not None
    }
    return (runnable.bind(**values) if values else runnable), bool(tools)


def _wants_state(runnable: Runnable[Any, Any]) -> bool:
    """Whether its input is an object with ``messages``, as an agent's is."""
    if hasattr(runnable, "bind_tools"):
        return False
    try:
        schema = runnable.get_input_jsonschema()
    except Exception:  # noqa: BLE001 - some inputs have no schema
        return False
    properties = schema.get("properties")
    return isinstance(properties, dict) and "messages" in properties


def _invalid(message: str, param: str | None) -> InvalidRequestError:
    return InvalidRequestError(
        message, status_code=400, code="invalid_request", param=param
    )
