"""The answer's text alone, in UTF-8.

Strategy: there is no place for anything else, an error included: words of ours
would read as the model's. So a failure is raised, the server cuts the response, and
the reader sees that it is not whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from langchain_streamkit._wire.surrogates import SurrogateJoiner
from langchain_streamkit.adapters._encoder import Encoder
from langchain_streamkit.errors import StreamInterruptedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_streamkit.adapters._failure import ErrorFrame
    from langchain_streamkit.events import TextEvent

__all__ = ["PlainText"]


class PlainText(Encoder):
    """What the model says, and nothing else."""

    def __init__(self) -> None:
        self._joiner = SurrogateJoiner()

    def on_text(self, event: TextEvent) -> Iterator[bytes]:
        """A piece, as it is; half of a character waits for its other half."""
        if text := self._joiner.feed(event.content):
            yield text.encode()

    @override
    def failed(self, error: ErrorFrame) -> Iterator[bytes]:
        raise StreamInterruptedError(error["message"], code=error["code"])

    @override
    def finished(self) -> Iterator[bytes]:
        if text := self._joiner.flush():
            yield text.encode()
