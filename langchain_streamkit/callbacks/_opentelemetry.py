"""Calls as OpenTelemetry's spans and metrics, by its GenAI conventions.

Strategy: the names are those of the conventions for client spans and metrics
(opentelemetry.io/docs/specs/semconv/gen-ai, read 2026-11; their state is
"development"). Prompts and answers are never recorded. The interpreter needs
``opentelemetry-api`` only where a handler is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from langchain_streamkit._langchain.extras import missing_extra
from langchain_streamkit.callbacks._telemetry import (
    CallReport,
    TelemetryHandler,
    WatchedCall,
)

if TYPE_CHECKING:
    from uuid import UUID

    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import LLMResult
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

__all__ = ["OpenTelemetryHandler"]

_SCOPE = "langchain_streamkit"
_REQUEST = ("temperature", "top_p", "max_tokens", "frequency_penalty", "seed")
_DURATION = "gen_ai.client.operation.duration"
_TOKENS = "gen_ai.client.token.usage"
_FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
_EACH_CHUNK = "gen_ai.client.operation.time_per_output_chunk"


class OpenTelemetryHandler(TelemetryHandler):
    """Reports each call of a chat model as a span and as metrics.

    Args:
        tracer_provider: Where spans go; OpenTelemetry's global one if not given.
        meter_provider: Where metrics go; the global one if not given.
        max_calls: See ``TelemetryHandler``.

    Raises:
        ImportError: If OpenTelemetry is not installed.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        max_calls: int = 1000,
    ) -> None:
        super().__init__(max_calls=max_calls)
        try:
            from opentelemetry import metrics, trace
        except ImportError as error:
            raise missing_extra(error, "otel") from error
        self._trace = trace
        self._tracer = trace.get_tracer(_SCOPE, tracer_provider=tracer_provider)
        meter = metrics.get_meter(_SCOPE, meter_provider=meter_provider)
        self._duration = meter.create_histogram(_DURATION, "s")
        self._tokens = meter.create_histogram(_TOKENS, "{token}")
        self._first_chunk = meter.create_histogram(_FIRST_CHUNK, "s")
        self._each_chunk = meter.create_histogram(_EACH_CHUNK, "s")

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
        """A call begins, and with it a span."""
        super().on_chat_model_start(
            serialized, messages, run_id=run_id, metadata=metadata, **kwargs
        )
        watched = self._watched[run_id]
        asked = {
            f"gen_ai.request.{name}": value
            for name in _REQUEST
            if isinstance(value := watched.parameters.get(name), int | float)
        }
        attributes = {**_attributes(watched), **asked}
        model = attributes.get("gen_ai.request.model", "")
        watched.span = self._tracer.start_span(
            f"chat {model}".rstrip(),
            kind=self._trace.SpanKind.CLIENT,
            attributes=attributes,
        )

    @override
    def _finish(
        self, report: CallReport, watched: WatchedCall, response: LLMResult | None
    ) -> None:
        super()._finish(report, watched, response)
        answered = {
            "gen_ai.response.model": report.model if report.error is None else None,
            "gen_ai.response.finish_reasons": (
                [report.finish_reason] if report.finish_reason else None
            ),
            "gen_ai.usage.input_tokens": report.input_tokens,
            "gen_ai.usage.output_tokens": report.output_tokens,
            "error.type": report.error,
        }
        span = watched.span
        span.set_attributes({k: v for k, v in answered.items() if v is not None})
        if report.error is not None:
            span.set_status(self._trace.StatusCode.ERROR, report.error)
        span.end()
        about = _attributes(watched)
        if report.error is not None:
            about["error.type"] = report.error
        else:
            about["gen_ai.response.model"] = report.model or ""
        self._measure(report, watched, about)

    def _measure(
        self, report: CallReport, watched: WatchedCall, about: dict[str, str]
    ) -> None:
        self._duration.record(report.timing["total_seconds"] or 0.0, about)
        first = report.timing["first_token_seconds"]
        if first is not None:
            self._first_chunk.record(first, about)
        for gap in watched.stopwatch.gaps():
            self._each_chunk.record(gap, about)
        counts = {"input": report.input_tokens, "output": report.output_tokens}
        for kind, count in counts.items():
            if count is not None:
                self._tokens.record(count, {**about, "gen_ai.token.type": kind})


def _attributes(watched: WatchedCall) -> dict[str, str]:
    known = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": watched.metadata.get("ls_provider"),
        "gen_ai.request.model": watched.metadata.get("ls_model_name"),
    }
    return {name: value for name, value in known.items() if isinstance(value, str)}
