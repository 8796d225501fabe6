"""AG-UI 1.0 events, on the models of ``ag-ui-protocol``.

Strategy: the models are the specification's own, so what they accept is right by its
definition. Each text and each thought is a message of its own, closed before another
thing begins or the run ends; what the protocol has no word for (status, sources,
fields) is a custom event of the same name as ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from ag_ui.core import (
    PROTOCOL_VERSION,
    BaseEvent,
    CustomEvent,
    ReasoningEndEvent,
    ReasoningMessageContentEvent,
    ReasoningMessageEndEvent,
    ReasoningMessageStartEvent,
    ReasoningStartEvent,
    RunErrorEvent,
    RunFinishedEvent,
    RunStartedEvent,
    TextMessageContentEvent,
    TextMessageEndEvent,
    TextMessageStartEvent,
    ToolCallArgsEvent,
    ToolCallEndEvent,
    ToolCallResultEvent,
    ToolCallStartEvent,
)
from typing_extensions import override

from langchain_streamkit.adapters._encoder import Encoder
from langchain_streamkit.adapters._json import (
    event_object,
    event_stream_frame,
    write_json,
)
from langchain_streamkit.adapters._parts import OpenParts, Part
from langchain_streamkit.adapters._tool_parts import ToolCalls

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from langchain_streamkit.adapters._failure import ErrorFrame
    from langchain_streamkit.events import (
        FieldEvent,
        FinalEvent,
        MetaEvent,
        ReasoningEvent,
        SourceEvent,
        StatusEvent,
        StreamEvent,
        TextEvent,
        ToolCallDeltaEvent,
        ToolCallEvent,
        ToolResultEvent,
        UsageEvent,
    )

__all__ = ["AgentUserInteraction"]


class AgentUserInteraction(Encoder):
    """Events as one AG-UI run.

    Args:
        thread_id: The conversation's id, from the client's ``RunAgentInput``.
        run_id: The run's id, from there too.
    """

    def __init__(
        self, *, thread_id: str | None = None, run_id: str | None = None
    ) -> None:
        self._run_id = run_id or str(uuid4())
        self._thread_id = thread_id or str(uuid4())
        self._is_started = self._is_finished = False
        self._parts = OpenParts()
        self._calls = ToolCalls()

    @override
    def event(self, event: StreamEvent) -> Iterator[bytes]:
        yield from self._start()
        yield from super().event(event)

    @override
    def failed(self, error: ErrorFrame) -> Iterator[bytes]:
        yield from self._start()
        yield from self._ends(self._parts.close_all())
        yield _frame(RunErrorEvent(message=error["message"], code=error["code"]))

    @override
    def finished(self) -> Iterator[bytes]:
        yield from self._start()
        yield from self._ends(self._parts.close_all())
        if not self._is_finished:
            self._is_finished = True
            yield _frame(
                RunFinishedEvent(thread_id=self._thread_id, run_id=self._run_id)
            )

    def on_text(self, event: TextEvent) -> Iterator[bytes]:
        """A piece of a text message."""
        if not event.content:
            return
        part, ended, is_new = self._parts.switch(event, "text")
        id_ = self._message_id(part)
        yield from self._ends([ended] if ended else [])
        if is_new:
            yield _frame(TextMessageStartEvent(message_id=id_, role="assistant"))
        yield _frame(TextMessageContentEvent(message_id=id_, delta=event.content))

    def on_reasoning(self, event: ReasoningEvent) -> Iterator[bytes]:
        """A piece of a reasoning message."""
        if not event.content:
            return
        part, ended, is_new = self._parts.switch(event, "reasoning")
        id_ = self._message_id(part)
        yield from self._ends([ended] if ended else [])
        if is_new:
            yield _frame(ReasoningStartEvent(message_id=id_))
            yield _frame(ReasoningMessageStartEvent(message_id=id_, role="reasoning"))
        yield _frame(ReasoningMessageContentEvent(message_id=id_, delta=event.content))

    def on_tool_call_delta(self, event: ToolCallDeltaEvent) -> Iterator[bytes]:
        """A piece of a call's arguments."""
        call, is_new = self._calls.piece(event)
        if is_new:
            yield from self._ends(self._parts.close(event))
            yield _frame(
                ToolCallStartEvent(tool_call_id=call.id, tool_call_name=call.name)
            )
        if event.args:
            yield _frame(ToolCallArgsEvent(tool_call_id=call.id, delta=event.args))

    def on_tool_call(self, event: ToolCallEvent) -> Iterator[bytes]:
        """The end of a call; all of it where nothing came before."""
        call, is_new = self._calls.whole(event)
        if is_new:
            yield from self._ends(self._parts.close(event))
            yield _frame(
                ToolCallStartEvent(tool_call_id=call.id, tool_call_name=event.name)
            )
            args = event.raw_args or write_json(event.args).decode()
            yield _frame(ToolCallArgsEvent(tool_call_id=call.id, delta=args))
        yield _frame(ToolCallEndEvent(tool_call_id=call.id))

    def on_tool_result(self, event: ToolResultEvent) -> Iterator[bytes]:
        """A tool's answer, as text."""
        call, result = self._calls.answered(event), event.result
        text = result if isinstance(result, str) else write_json(result).decode()
        answer = ToolCallResultEvent(
            message_id=str(uuid4()),
            tool_call_id=call.id if call else event.id or "",
            content=text,
            role="tool",
        )
        yield _frame(answer)

    def on_status(self, event: StatusEvent) -> Iterator[bytes]:
        """A custom event."""
        yield _custom(event)

    def on_source(self, event: SourceEvent) -> Iterator[bytes]:
        """A custom event."""
        yield _custom(event)

    def on_field(self, event: FieldEvent) -> Iterator[bytes]:
        """A custom event."""
        yield _custom(event)

    def on_usage(self, event: UsageEvent) -> Iterator[bytes]:
        """A custom event."""
        yield _custom(event)

    def on_meta(self, event: MetaEvent) -> Iterator[bytes]:
        """The end of one model message."""
        yield from self._ends(self._parts.close(event))

    def on_final(self, event: FinalEvent) -> Iterator[bytes]:
        """The end of the run."""
        del event
        yield from self.finished()

    def _start(self) -> Iterator[bytes]:
        if not self._is_started:
            self._is_started = True
            started = RunStartedEvent(
                thread_id=self._thread_id,
                run_id=self._run_id,
                protocol_version=PROTOCOL_VERSION,
            )
            yield _frame(started)

    def _message_id(self, part: Part) -> str:
        return f"{self._run_id}-{part.id}"

    def _ends(self, parts: Iterable[Part]) -> Iterator[bytes]:
        for part in parts:
            id_ = self._message_id(part)
            if part.kind == "text":
                yield _frame(TextMessageEndEvent(message_id=id_))
            else:
                yield _frame(ReasoningMessageEndEvent(message_id=id_))
                yield _frame(ReasoningEndEvent(message_id=id_))


def _custom(event: StreamEvent) -> bytes:
    value = {k: v for k, v in event_object(event).items() if k != "type"}
    return _frame(CustomEvent(name=event.type, value=value))


def _frame(event: BaseEvent) -> bytes:
    """By our own writer, for model text in it is as hostile as everywhere."""
    return event_stream_frame(event.model_dump(by_alias=True))
