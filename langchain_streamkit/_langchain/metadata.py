"""The end of an answer becomes ``response_metadata`` and ``additional_kwargs``.

Strategy: core joins repeated strings, sums integers and refuses two different
floats when it adds chunks, so all of this is made once and sits on the last chunk
(or on the whole message), never on the chunks before it.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from langchain_streamkit.pricing import cost_of, reported_cost

if TYPE_CHECKING:
    from langchain_streamkit._wire.answer import Answer, AnswerContext
    from langchain_streamkit.events import Source

__all__ = [
    "MODEL_PROVIDER",
    "additional_kwargs_of",
    "annotations_of",
    "response_metadata_of",
]

MODEL_PROVIDER = "streamkit"
"""Core picks a content translator by this name. Those of ``openai``, ``groq`` and
others drop reasoning, tool calls or lists; nobody registers one for this name, and
core's best-effort reading is right for our content."""


def response_metadata_of(answer: Answer, context: AnswerContext) -> dict[str, Any]:
    """All that the server said beside its content.

    Args:
        answer: The answer, at its end.
        context: What is known beside it.

    Returns:
        A new dict; names without a value are left out, ``finish_reason`` is not.
    """
    model = answer.model or context.requested_model
    metadata: dict[str, Any] = {
        "finish_reason": answer.finish_reason,
        "model_name": model,
        "model": model,
        "model_provider": MODEL_PROVIDER,
        "provider": context.provider,
    }
    timing = {
        "first_token_seconds": context.first_token_seconds,
        "total_seconds": context.total_seconds,
    }
    optional: dict[str, Any] = {
        "id": answer.id,
        "created": answer.created,
        "system_fingerprint": answer.system_fingerprint,
        "service_tier": answer.service_tier,
        "request_id": context.request_id,
        "token_usage": answer.usage,
        "refusal": answer.refusal or None,
        "rate_limit": context.rate_limit or None,
        "headers": context.headers,
        "timing": timing if context.total_seconds is not None else None,
        "cost": _cost(answer, context),
        "sources": [asdict(source) for source in answer.sources] or None,
        "reasoning_details": answer.reasoning_details or None,
        "provider_extras": answer.extras or None,
        **context.notes,
    }
    metadata.update(
        {key: value for key, value in optional.items() if value is not None}
    )
    return metadata


def _cost(answer: Answer, context: AnswerContext) -> float | None:
    """USD, where the server says it or the user's prices do."""
    known = reported_cost(answer.usage)
    usage = answer.usage_metadata
    if known is not None or usage is None:
        return known
    served = cost_of(usage, context.prices, model=answer.model)
    if served is not None:
        return served
    return cost_of(usage, context.prices, model=context.requested_model)


def additional_kwargs_of(answer: Answer) -> dict[str, Any]:
    """What core has no field for, and what is wanted on the way back.

    Args:
        answer: The answer, at its end.

    Returns:
        A call in the old form, and per call id what the server sent with the call.
    """
    kwargs: dict[str, Any] = {}
    if answer.function_call and not answer.tool_calls:
        kwargs["function_call"] = {"name": "", "arguments": "", **answer.function_call}
    extras = {call.id: call.extras for call in answer.tool_calls if call.extras}
    if extras:
        kwargs["tool_call_extras"] = extras
    return kwargs


def annotations_of(sources: list[Source]) -> list[dict[str, Any]]:
    """The sources as ``citation`` annotations of a text block.

    Args:
        sources: The answer's.

    Returns:
        LangChain's standard annotations, without the facts that are not known.
    """
    names = {"content_excerpt": "cited_text"}
    annotations: list[dict[str, Any]] = []
    for source in sources:
        facts = {
            names.get(key, key): value
            for key, value in asdict(source).items()
            if value is not None and key != "relevance_score"
        }
        annotation: dict[str, Any] = {"type": "citation", **facts}
        if source.relevance_score is not None:
            annotation["extras"] = {"relevance_score": source.relevance_score}
        annotations.append(annotation)
    return annotations
