"""The body of an answer that is not streamed becomes one answer a choice.

Strategy: a whole message is read like the one delta of a stream, by the same
reader, so that both ways give the same answer. A server that streams although it
was not asked to is read as a stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from langchain_streamkit._wire.deltas import AnswerEnd
from langchain_streamkit._wire.frames import FrameReader
from langchain_streamkit._wire.shapes import as_items, as_mapping
from langchain_streamkit._wire.stream_decoder import StreamDecoder
from langchain_streamkit.errors import StreamLimitError

if TYPE_CHECKING:
    from langchain_streamkit._wire.answer import Answer
    from langchain_streamkit.events import StreamEvent

__all__ = ["WholeBodyDecoder"]


class WholeBodyDecoder(StreamDecoder):
    """Feed it a whole response; it says everything at the end.

    Example:
        >>> decoder = WholeBodyDecoder()
        >>> decoder.feed(b'{"choices": [{"message": {"content": "Hi"}}]}')
        []
        >>> [event.answer.text for event in decoder.close()]
        ['Hi']
    """

    __slots__ = ("_tags",)

    def __init__(
        self, *, reasoning_tags: tuple[str, str] | None = None, **options: Any
    ) -> None:
        super().__init__(reasoning_tags=reasoning_tags, **options)
        self._tags = reasoning_tags

    @override
    def feed(self, data: bytes) -> list[StreamEvent]:
        """Take the next bytes; nothing comes of them before ``close``."""
        super().feed(data)
        return []

    @override
    def close(self) -> list[StreamEvent]:
        """The end of each choice's answer, in the order of their indices."""
        ends = [event for event in super().close() if isinstance(event, AnswerEnd)]
        if self.failure is not None or self._is_stream:
            return list(ends)
        try:
            return [*ends, *map(AnswerEnd, self._other_answers())]
        except StreamLimitError as error:
            self.failure = error
            return []

    def _other_answers(self) -> list[Answer]:
        body = as_mapping(self._whole)
        answers: list[Answer] = []
        for index in range(1, len(as_items(body.get("choices")))):
            reader = FrameReader(
                reasoning_tags=self._tags,
                choice=index,
                max_argument_bytes=self._max_event_bytes,
            )
            reader.read(body)
            if reader.answer.has_content or reader.answer.finish_reason:
                reader.finish()
                reader.answer.usage = None  # one report for all choices: on the first
                answers.append(reader.answer)
        return answers
