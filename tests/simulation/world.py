"""One simulation: what is shared by its parts, and the log of what happened."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpcore._sync.connection_pool as sync_pool

from langchain_streamkit._http import exchange, transport
from langchain_streamkit._http.call import Runtime
from langchain_streamkit._http.corrections import lessons

from .loop import Clock
from .network import AsyncNetwork, Network, Peer
from .server import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .script import Script

__all__ = ["HORIZON", "Interrupt", "Seen", "World", "inhabited"]

HORIZON = 5000.0
"""Seconds: longer than the longest clocks of the most attempts."""


class Interrupt(BaseException):
    """What a signal's handler raises, in the midst of anything."""


@dataclass(slots=True)
class Seen:
    """What the reader of one call saw.

    Attributes:
        text: The text of all chunks.
        reasoning: The thoughts of all chunks.
        usage: The counts of each chunk that had some.
        finish_reasons: The finish reason of each chunk that had one.
        began: When the call began.
        ended: When it was over for the reader.
        held: For how long the reader held chunks, in seconds.
        error: What it ended with.
        has_left: Whether the reader left before the end.
        open_peers: How many connections were open soon after.
        tasks: What other tasks there were.
        pooled: How many requests httpcore's pools still knew.
    """

    text: str = ""
    reasoning: str = ""
    usage: list[dict[str, Any]] = field(default_factory=list)
    finish_reasons: list[str] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0
    held: float = 0.0
    error: BaseException | None = None
    has_left: bool = False
    open_peers: int = 0
    tasks: list[str] = field(default_factory=list)
    pooled: int = 0


class World:
    """Everything of one seed.

    Args:
        script: Its story.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.clock = Clock()
        self.notes: list[tuple[float, str, Any]] = []
        self.served: list[Served] = []
        self.peers: list[Peer] = []
        self.calls: list[Seen] = []
        self.interrupt_at: int | None = None
        self._steps = 0

    @property
    def seen(self) -> Seen:
        """What the reader of the call under way has seen."""
        return self.calls[-1]

    @property
    def is_too_late(self) -> bool:
        """Whether everything should have ended long ago."""
        return self.clock.now > HORIZON

    def note(self, what: str, value: Any = None) -> None:
        """Write into the log."""
        self.notes.append((self.clock.now, what, value))

    def step(self) -> None:
        """A synchronous operation begins: the moment for an interruption."""
        self._steps += 1
        if self._steps == self.interrupt_at:
            self.note("interrupted")
            raise Interrupt

    def begin_call(self) -> Seen:
        """A reader asks."""
        self.calls.append(Seen(began=self.clock.now))
        self._steps = 0
        return self.seen

    def begin_request(self) -> Served:
        """The client begins with a request: it connects, or writes."""
        call = len(self.calls)
        number = sum(one.call == call for one in self.served)
        mark = (self.clock.now, self.seen.held)
        said = self.seen.text
        attempt = self.script.next_attempt()
        served = Served(attempt, call, number, said, self.clock.now, mark)
        served.held = self.seen.held
        self.served.append(served)
        self.note("attempt", attempt)
        return served

    def new_peer(self, served: Served) -> Peer:
        """A connection was opened."""
        peer = Peer(self, served)
        self.peers.append(peer)
        return peer

    def refuse(self, served: Served, error: Exception) -> Exception:
        """No connection was opened."""
        self.note("refused", error)
        self.end(served)
        return error

    def read(self, served: Served, data: bytes) -> None:
        """The client has read something."""
        before = len(served.came("text", "reasoning", "finish", "done"))
        served.read += len(data)
        self.note("read", data)
        if len(served.came("text", "reasoning", "finish", "done")) > before:
            served.progress = (self.clock.now, self.seen.held)

    def end(self, served: Served) -> None:
        """The client is done with a request."""
        if served.ended is None:
            served.ended = (self.clock.now, self.seen.held)


@contextmanager
def inhabited(world: World, sleep: Any) -> Iterator[None]:
    """Let the package live in a world: its clocks, its chance and its network.

    Args:
        world: The world.
        sleep: How an asynchronous wait is done.
    """
    runtime = Runtime(
        monotonic=world.clock.monotonic,
        wall_clock=world.clock.monotonic,
        chance=world.script.chances.random,
        sleep=world.clock.wait,
        asleep=sleep,
    )
    places = (
        (exchange, "Runtime", lambda: runtime),
        (transport, "AsyncioBackend", lambda: AsyncNetwork(world)),
        (sync_pool, "SyncBackend", lambda: Network(world)),
    )
    real = [getattr(place, name) for place, name, _ in places]
    lessons.forget()
    for place, name, ours in places:
        setattr(place, name, ours)
    try:
        yield
    finally:
        for (place, name, _), theirs in zip(places, real, strict=True):
            setattr(place, name, theirs)
