"""What the server has been asked, and how far it got with each answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from typing_extensions import override

from langchain_streamkit.testing._content import text_of
from langchain_streamkit.testing._signal import Signal
from langchain_streamkit.testing._values import JsonObject, as_list, as_object, as_text

__all__ = ["Headers", "ReceivedRequest"]


class Headers(Mapping[str, str]):
    """The headers of a request; names are looked up in any case.

    A name that came more than once gives its values joined with ``", "``; ``pairs``
    has them one by one. The repr shows names only.

    Example:
        >>> headers = Headers([("Authorization", "Bearer abc"), ("X-Try", "1")])
        >>> headers["x-try"]
        '1'
        >>> headers
        Headers('Authorization', 'X-Try')
    """

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs = tuple(pairs)
        self._values: dict[str, str] = {}
        for name, value in self.pairs:
            key = name.lower()
            known = self._values.get(key)
            self._values[key] = value if known is None else f"{known}, {value}"

    @override
    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    @override
    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    @override
    def __len__(self) -> int:
        return len(self._values)

    @override
    def __repr__(self) -> str:
        return f"Headers({', '.join(repr(name) for name, _ in self.pairs)})"


@dataclass(eq=False, repr=False, slots=True)
class ReceivedRequest:
    """One request, and what became of its answer.

    All times are ``time.monotonic()`` seconds, None while it has not happened.

    Attributes:
        number: Its place among all requests of this server, from 1.
        method: ``"POST"``.
        path: The path without the query, as it was sent.
        query: The query's parameters; of repeated ones the last.
        headers: The headers.
        raw: The body's bytes.
        body: The body as JSON: an object, or None if it is not one.
        connection: The number of the connection it came on, from 1: two requests
            with the same number shared one.
        received_at: When it had arrived whole.
        first_byte_at: When the first byte of the answer went out.
        finished_at: When the answer had been written to its end.
        disconnected_at: When the client left before the answer's end, or the server
            broke the connection on purpose.
        status: The status of the answer, once it is decided.
        bytes_written: Bytes of the answer that the system has taken, head included.
        blocked: True while the client does not read and nothing more can be written.
        error: What a handler, rule or answer of the test itself raised.
    """

    number: int
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict[str, str])
    headers: Headers = field(default_factory=Headers)
    raw: bytes = b""
    body: JsonObject | None = None
    connection: int = 0
    received_at: float = field(default_factory=time.monotonic)
    first_byte_at: float | None = None
    finished_at: float | None = None
    disconnected_at: float | None = None
    status: int | None = None
    bytes_written: int = 0
    blocked: bool = False
    error: Exception | None = None
    signal: Signal = field(default_factory=Signal)

    @property
    def model(self) -> str:
        """The model that is asked for: from the body, else from an Azure path."""
        named = as_text((self.body or {}).get("model"))
        parts = self.path.split("/")
        if not named and "deployments" in parts[:-1]:
            return parts[parts.index("deployments") + 1]
        return named

    @property
    def stream(self) -> bool:
        """True if the answer is asked for as a stream."""
        return (self.body or {}).get("stream") is True

    @property
    def messages(self) -> list[JsonObject]:
        """The messages of the body."""
        return [as_object(item) for item in as_list((self.body or {}).get("messages"))]

    @property
    def tools(self) -> list[JsonObject]:
        """The tools of the body."""
        return [as_object(item) for item in as_list((self.body or {}).get("tools"))]

    @property
    def last_user_text(self) -> str:
        """The text of the last message from the user, all text parts joined."""
        for message in reversed(self.messages):
            if message.get("role") == "user":
                return text_of(message.get("content"))
        return ""

    @property
    def ended(self) -> bool:
        """True once its answer has ended, in whatever way."""
        return self.finished_at is not None or self.disconnected_at is not None

    def wait_disconnected(self, timeout: float | None = 5.0) -> bool:
        """Wait until the client has left before the answer's end.

        Args:
            timeout: Seconds, or None for as long as it takes.

        Returns:
            False if the time ran out.
        """
        return self.signal.wait(lambda: self.disconnected_at is not None, timeout)

    def wait_finished(self, timeout: float | None = 5.0) -> bool:
        """Wait until the answer has been written to its end; see above."""
        return self.signal.wait(lambda: self.finished_at is not None, timeout)

    def wait_blocked(self, timeout: float | None = 5.0) -> bool:
        """Wait until nothing more can be written, as the client does not read."""
        return self.signal.wait(lambda: self.blocked, timeout)

    async def await_disconnected(self, timeout: float | None = 5.0) -> bool:  # noqa: ASYNC109 - the twin of wait_disconnected
        """``wait_disconnected`` for async tests: the event loop keeps running."""
        return await asyncio.to_thread(self.wait_disconnected, timeout)

    async def await_finished(self, timeout: float | None = 5.0) -> bool:  # noqa: ASYNC109 - the twin of wait_finished
        """``wait_finished`` for async tests: the event loop keeps running."""
        return await asyncio.to_thread(self.wait_finished, timeout)

    async def await_blocked(self, timeout: float | None = 5.0) -> bool:  # noqa: ASYNC109 - the twin of wait_blocked
        """``wait_blocked`` for async tests: the event loop keeps running."""
        return await asyncio.to_thread(self.wait_blocked, timeout)

    @override
    def __repr__(self) -> str:
        """Say what it is, without a header's value, a query or a word of the prompt."""
        state = "finished" if self.finished_at is not None else "open"
        if self.disconnected_at is not None:
            state = "disconnected"
        return (
            f"<ReceivedRequest #{self.number} {self.method} {self.path}"
            f" stream={self.stream} messages={len(self.messages)}"
            f" tools={len(self.tools)} status={self.status} {state}>"
        )
