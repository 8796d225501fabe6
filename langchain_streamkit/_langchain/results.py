"""Whole answers become a ``ChatResult``: one generation a choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langchain_core.outputs import ChatGeneration, ChatResult

from langchain_streamkit._langchain.chunks import message_of
from langchain_streamkit._wire.deltas import AnswerEnd

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from langchain_streamkit._wire.answer import AnswerContext
    from langchain_streamkit.events import StreamEvent

__all__ = ["combine_outputs", "result_of"]


def result_of(events: Iterable[StreamEvent], context: AnswerContext) -> ChatResult:
    """The result of a call that was not streamed.

    Args:
        events: The events of the call; each answer's end counts.
        context: What is known beside the answers.

    Returns:
        A generation for each choice, and the usage of all of them together.
    """
    answers = [event.answer for event in events if isinstance(event, AnswerEnd)]
    generations = [
        ChatGeneration(message=message_of(answer, context)) for answer in answers
    ]
    output: dict[str, Any] = {}
    if answers:
        output["model_name"] = answers[0].model or context.requested_model
        if answers[0].usage is not None:
            output["token_usage"] = answers[0].usage
    return ChatResult(generations=generations, llm_output=output)


def combine_outputs(outputs: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    """The outputs of several calls as one: their counts of tokens are added.

    Args:
        outputs: ``llm_output`` of each call.

    Returns:
        One of the same form.
    """
    total: dict[str, int | float] = {}
    model = None
    for output in outputs:
        if not output:
            continue
        model = model or output.get("model_name")
        usage = cast("dict[str, Any]", output.get("token_usage") or {})
        for name, count in usage.items():
            if isinstance(count, int | float) and not isinstance(count, bool):
                total[name] = total.get(name, 0) + count
    return {"token_usage": total, "model_name": model}
