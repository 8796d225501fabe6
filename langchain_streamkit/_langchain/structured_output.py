"""``with_structured_output``: a schema of any kind becomes a model that keeps to it.

Strategy: the schema is read once, whatever it was written in; each of the three
methods is a function that binds it to the model in its own form. What comes back is
read by ``StructuredOutputParser``, which is the same for all three.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from langchain_streamkit._langchain.output_schema import (
    OutputSchema,
    Schema,
    read_schema,
)
from langchain_streamkit._langchain.structured_parser import StructuredOutputParser
from langchain_streamkit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.language_models import BaseChatModel, LanguageModelInput
    from langchain_core.runnables import Runnable
    from pydantic import BaseModel

    from langchain_streamkit.providers import Provider

__all__ = [
    "structured_output",
]

Method = Literal["json_schema", "function_calling", "json_mode"]

_METHODS = ("json_schema", "function_calling", "json_mode")


@dataclass(frozen=True, slots=True)
class _Binding:
    """What the three methods work on; see ``structured_output``."""

    model: BaseChatModel
    output: OutputSchema | None
    strict: bool | None
    tools: Sequence[Any]
    provider: Provider
    kwargs: dict[str, Any]

    def trace(self, method: str, **kwargs: Any) -> dict[str, Any]:
        """What core puts into traces; it never becomes part of a request."""
        if self.output is None:
            return {}
        form = {
            "kwargs": {"method": method, **kwargs},
            "schema": self.output.function(),
        }
        return {"ls_structured_output_format": form}


def structured_output(
    model: BaseChatModel,
    schema: Schema | None,
    *,
    method: Method | None = None,
    include_raw: bool = False,
    strict: bool | None = None,
    tools: Sequence[Any] | None = None,
    provider: Provider,
    **kwargs: Any,
) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
    """Make a model answer with an object.

    With ``strict=None`` a schema goes out as it is. It is marked ``strict`` where it
    says so itself, and, as a ``json_schema``, where it already has the form that
    strictness demands: every object closed and every property required. With True
    it is brought into that form, as langchain-core does it.

    Args:
        model: The model; its ``bind`` and ``bind_tools`` are used.
        schema: A Pydantic class (v1 or v2; gives instances), a TypedDict class, a
            JSON schema (a title is not needed), or an OpenAI function, tool or
            ``response_format`` (all give dicts). None with ``"json_mode"`` only.
        method: ``"json_schema"``: the server keeps to the schema.
            ``"function_calling"``: the object is the arguments of a tool that the
            model must call. ``"json_mode"``: the server sees to JSON, the schema is
            not sent, and the prompt must ask for it. None: the best that the
            provider is known to have.
        include_raw: Whether to give ``raw`` (the message), ``parsed`` and
            ``parsing_error`` (an error, instead of raising it).
        strict: Whether the server must keep to the schema.
        tools: Tools that the model may call instead, with ``"json_schema"`` only.
        provider: The facts about the server.
        **kwargs: More keywords of each call.

    Returns:
        A Runnable that gives the object; streamed, the object as it grows.

    Raises:
        ConfigurationError: If the method is unknown or does not go with the other
            arguments, or if the schema is none.

    Example:
        >>> from langchain_core.language_models import FakeListChatModel
        >>> from langchain_streamkit.providers import get_provider
        >>> model = FakeListChatModel(responses=['{"name": "Ada"}'])
        >>> chain = structured_output(
        ...     model, {"type": "object"}, provider=get_provider("openai")
        ... )
        >>> chain.invoke("Who?")
        {'name': 'Ada'}
    """
    chosen = _choose_method(method, schema, provider)
    output = read_schema(schema) if schema is not None else None
    _check(chosen, output, strict, tools)
    binding = _Binding(model, output, strict, tools or (), provider, kwargs)
    parser = StructuredOutputParser(
        output_class=output.output_class if output else None,
        tool_name=output.name if output and chosen == "function_calling" else None,
        is_object=output is not None and output.is_object,
        include_raw=include_raw,
    )
    return _BIND[chosen](binding) | parser


def _choose_method(
    method: str | None, schema: Schema | None, provider: Provider
) -> str:
    if method is not None and method not in _METHODS:
        raise ConfigurationError(
            f"method={method!r} is not known. Methods: 'json_schema', "
            "'function_calling', 'json_mode'."
        )
    best = provider.structured_output
    chosen = method or best
    is_taken = {
        "json_schema": provider.json_schema,
        "json_mode": provider.json_mode,
        "function_calling": provider.tools,
    }
    if is_taken[chosen] or chosen == best or schema is None:
        return chosen
    title = provider.title or provider.name
    warnings.warn(
        f"{title} is not known to take method={chosen!r}; {best!r} is used instead. "
        "Pass that, or a provider whose row says otherwise.",
        stacklevel=4,
    )
    return best


def _check(
    method: str,
    output: OutputSchema | None,
    strict: bool | None,
    tools: Sequence[Any] | None,
) -> None:
    """Refuse what does not go together."""
    if output is None and method != "json_mode":
        raise ConfigurationError(
            f"method={method!r} needs a schema; without one there is 'json_mode' only."
        )
    if tools and method != "json_schema":
        raise ConfigurationError(
            f"tools= goes with method='json_schema' only, not with {method!r}."
        )
    if strict is not None and method == "json_mode":
        raise ConfigurationError(
            "strict= does not go with method='json_mode', which sends no schema."
        )
    needs_object = method == "function_calling" or strict
    if output is not None and needs_object and not output.is_object:
        raise ConfigurationError(
            f"The root of schema {output.name!r} is no object, which "
            f"{'strict=True' if strict else 'function_calling'} demands. Put it in a "
            "field of an object."
        )


def _bind_json_schema(binding: _Binding) -> Runnable[LanguageModelInput, Any]:
    output = cast("OutputSchema", binding.output)
    bound = {
        "response_format": output.response_format(binding.strict),
        **binding.trace("json_schema", strict=binding.strict),
    }
    if not binding.tools:
        return binding.model.bind(**{**bound, **binding.kwargs})
    with_tools = binding.model.bind_tools(
        binding.tools, strict=binding.strict, **binding.kwargs
    )
    return with_tools.bind(**bound)


def _bind_function(binding: _Binding) -> Runnable[LanguageModelInput, Any]:
    output = cast("OutputSchema", binding.output)
    function = output.function()
    if output.strict is not None:
        function["strict"] = output.strict
    # Where a thinking model refuses a demand, the one tool is offered instead.
    demand = output.name if binding.provider.tool_choice_while_reasoning else None
    bound: dict[str, Any] = {
        "tool_choice": demand,
        "strict": binding.strict,
        **binding.trace("function_calling", strict=binding.strict),
    }
    if binding.provider.parallel_tool_calls:
        bound["parallel_tool_calls"] = False
    tool = {"type": "function", "function": function}
    return binding.model.bind_tools([tool], **{**bound, **binding.kwargs})


def _bind_json_mode(binding: _Binding) -> Runnable[LanguageModelInput, Any]:
    bound = {
        "response_format": {"type": "json_object"},
        **binding.trace("json_mode"),
    }
    return binding.model.bind(**{**bound, **binding.kwargs})


_BIND = {
    "json_schema": _bind_json_schema,
    "function_calling": _bind_function,
    "json_mode": _bind_json_mode,
}
