"""How long calls take: one report for each.

Strategy: a look at the clock for each token, everything else at the call's end.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration
from typing_extensions import override

from langchain_streamkit.pricing import cost_of_message
from langchain_streamkit.streaming._timing import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import LLMResult

__all__ = ["CallReport", "TelemetryHandler", "WatchedCall"]


@dataclass(slots=True)
class CallReport:
    """One call of a model, once it has ended.

    Attributes:
        run_id: LangChain's id of the call.
        model: The server's name of the model, else the one that was asked for.
        provider: Who served it.
        input_tokens: Tokens of the prompt, or None if nobody counted.
        output_tokens: Tokens of the answer, or None.
        cost: USD, or None.
        finish_reason: Why it ended.
        error: The name of the error's class, or None.
        timing: ``first_token_seconds``, ``total_seconds``, ``gap_p50_seconds``,
            ``gap_p95_seconds``, ``tokens_per_second``; None where there is nothing to
            measure. A call that did not stream has no first token.
    """

    run_id: UUID
    model: str | None = None
    provider: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    finish_reason: str | None = None
    error: str | None = None
    timing: dict[str, float | None] = field(default_factory=dict[str, float | None])


@dataclass(slots=True)
class WatchedCall:
    """One call that is under way.

    Attributes:
        stopwatch: Notes its tokens.
        metadata: LangChain's, with ``ls_model_name`` and ``ls_provider``.
        parameters: What was asked for.
    """

    stopwatch: Stopwatch
    metadata: dict[str, Any]
    parameters: dict[str, Any]
    span: Any = None


class TelemetryHandler(BaseCallbackHandler):
    """Measures the calls of any chat model.

    Args:
        on_call: Takes the report of each call as it ends.
        max_calls: How many reports are kept in ``calls``; the oldest go first.

    Attributes:
        calls: The latest reports.
    """

    run_inline = True

    def __init__(
        self,
        on_call: Callable[[CallReport], None] | None = None,
        *,
        max_calls: int = 1000,
    ) -> None:
        self.calls: deque[CallReport] = deque(maxlen=max_calls)
        self._on_call = on_call
        self._watched: dict[UUID, WatchedCall] = {}

    @override
    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A call begins."""
        parameters: dict[str, Any] = kwargs.get("invocation_params") or {}
        self._watched[run_id] = WatchedCall(
            Stopwatch(time.monotonic), metadata or {}, parameters
        )

    @override
    def on_llm_new_token(
        self,
        token: str | list[str | dict[str, Any]],
        *,
        run_id: UUID,
        chunk: Any = None,
        **kwargs: Any,
    ) -> None:
        """Something has come; chunks without content are not counted."""
        watched = self._watched.get(run_id)
        if watched is not None and (token or _has_content(chunk)):
            watched.stopwatch.mark()

    @override
    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """A call has ended."""
        watched = self._watched.pop(run_id, None)
        if watched is None:
            return
        report = self._report(run_id, watched)
        for generations in response.generations:
            first = generations[0] if generations else None
            if isinstance(first, ChatGeneration) and isinstance(
                first.message, AIMessage
            ):
                _fill(report, first.message)
        report.timing = watched.stopwatch.timing(report.output_tokens)
        self._finish(report, watched, response)

    @override
    def on_llm_error(
        self, error: BaseException, *, run_id: UUID, **kwargs: Any
    ) -> None:
        """A call has failed, or was left."""
        watched = self._watched.pop(run_id, None)
        if watched is None:
            return
        report = self._report(run_id, watched)
        report.error = type(error).__name__
        report.timing = watched.stopwatch.timing(None)
        self._finish(report, watched, None)

    def _report(self, run_id: UUID, watched: WatchedCall) -> CallReport:
        return CallReport(
            run_id,
            model=watched.metadata.get("ls_model_name"),
            provider=watched.metadata.get("ls_provider"),
        )

    def _finish(
        self, report: CallReport, watched: WatchedCall, response: LLMResult | None
    ) -> None:
        """Hand the report on; a subclass does more with what was watched."""
        del watched, response
        self.calls.append(report)
        if self._on_call is not None:
            self._on_call(report)


def _has_content(chunk: Any) -> bool:
    message = getattr(chunk, "message", None)
    return bool(
        getattr(message, "tool_call_chunks", None)
        or getattr(message, "additional_kwargs", None)
    )


def _fill(report: CallReport, message: AIMessage) -> None:
    facts = message.response_metadata
    usage = message.usage_metadata
    report.model = facts.get("model_name") or report.model
    report.provider = facts.get("provider") or report.provider
    report.finish_reason = facts.get("finish_reason") or facts.get("stop_reason")
    report.cost = cost_of_message(message)
    if usage is not None:
        report.input_tokens = usage["input_tokens"]
        report.output_tokens = usage["output_tokens"]
