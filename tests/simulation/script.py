"""What a seed decides: the answer, the server's attempts, the model and its reader.

Strategy: one generator of random numbers, asked in a fixed order, so that a seed is a
whole story. Most numbers come from short tables: rare combinations are met because
there are many seeds, not because each table is long.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["MAX_RETRIES", "Attempt", "Reader", "Script"]

Fault = Literal[
    "none",
    "refuse_connection",
    "connect_for_ever",
    "reset_while_writing",
    "no_head",
    "silent_head",
    "status",
    "error_frame",
    "broken_frame",
    "cut",
    "stall",
    "drip",
]
_FAULTS: tuple[tuple[Fault, int], ...] = (
    ("none", 40),
    ("refuse_connection", 5),
    ("connect_for_ever", 2),
    ("reset_while_writing", 3),
    ("no_head", 4),
    ("silent_head", 3),
    ("status", 12),
    ("error_frame", 7),
    ("broken_frame", 3),
    ("cut", 24),
    ("stall", 6),
    ("drip", 6),
)
_STATUSES = (429, 429, 429, 500, 502, 503, 503, 401, 400, 422)
_RETRY_AFTER = (None, 0.0, 0.5, 1.0, 2.5, 7.0, 119.0, 121.0)
_DELAYS = (0.0, 0.0, 0.0, 0.0, 0.005, 0.1, 0.4)
_READS = (65536,) * 30 + (300,) * 10 + (50,) * 5 + (3,)
_PAUSES = (0.0,) * 6 + (0.05, 0.7, 5.0)
_ALPHABET = (
    "a",
    "e",
    "o",
    "t",
    "s",
    "ä",
    "\u2028",
    "漢",
    "👋",
    "\u0301",
    "-",
    '"',
    "\\",
)
_BETWEEN = (" ", " ", " ", " ", "\n", "\n\n", "  ", "", ", ")
MAX_RETRIES = 2


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the server does with one request.

    Attributes:
        fault: What goes wrong.
        place: Where in the answer it does, from 0 to 1.
        how: How a connection ends that ends too early.
        delays: Seconds before each piece, taken in turn.
        head_delay: Seconds before the head.
        split: How many characters a piece has, at the most.
        reads: How many bytes arrive at once, at the most.
        usage: Where the counts are told.
        ending: What follows the last frame.
        status: The status of a refusal.
        retry_after: The seconds that a refusal asks for.
        reasons: Whether thoughts come before the text.
        comments: Whether a comment comes before each frame.
        closing_turns: How many turns of the loop closing the connection takes.
    """

    fault: Fault
    place: float
    how: Literal["fin", "reset", "end"]
    delays: tuple[float, ...]
    head_delay: float
    split: int
    reads: int
    usage: Literal["end", "every", "twice", "finish"]
    ending: Literal["done", "no_done", "open", "close"]
    status: int
    retry_after: float | None
    reasons: bool
    comments: bool
    closing_turns: int


@dataclass(frozen=True, slots=True)
class Reader:
    """What the reader does.

    Attributes:
        way: How the model is asked.
        leaves: How the reader leaves before the end, if at all.
        after: After how many chunks, or at which turn of the loop.
        again: How many turns after a cancellation another one comes, if one does.
        pauses: Seconds that each chunk is held, taken in turn.
    """

    way: Literal["astream", "stream", "ainvoke", "invoke"]
    leaves: Literal["no", "close", "drop", "cancel", "timeout"]
    after: int
    again: int | None
    pauses: tuple[float, ...]


@dataclass(slots=True)
class Script:
    """A whole story.

    Args:
        seed: Its number.

    Attributes:
        model: The model's parameters.
        reader: What its reader does.
        calls: How many calls are made, one after another.
        text: The answer that the server would give.
        reasoning: What it would think before.
        join: How the server goes on from the beginning of an answer.
        chances: What the client's own dice give.
    """

    seed: int
    model: dict[str, Any] = field(init=False)
    reader: Reader = field(init=False)
    calls: int = field(init=False)
    text: str = field(init=False)
    reasoning: str = field(init=False)
    join: Literal["exact", "trimmed", "echo", "other"] = field(init=False)
    chances: random.Random = field(init=False)
    _numbers: random.Random = field(init=False)

    def __post_init__(self) -> None:
        numbers = self._numbers = random.Random(self.seed)
        self.chances = random.Random(f"chances {self.seed}")
        choose = numbers.choice
        self.model = {
            "first_token_timeout": choose((8.0, 20.0)),
            "stall_timeout": choose((3.0, 6.0)),
            "total_timeout": choose((None,) * 6 + (3.0, 9.0, 40.0)),
            "timeout": choose((None, None, None, 10.0)),
            "max_retries": choose((0, 1, MAX_RETRIES, MAX_RETRIES, MAX_RETRIES)),
            "resume": choose(("off", "off", "prefill", "prefill", "prefill", "replay")),
            "stream_fallback": numbers.random() < 0.2,
            "stream_usage": numbers.random() < 0.9,
        }
        self.reader = Reader(
            way=choose(
                ("astream", "astream", "astream", "stream", "ainvoke", "invoke")
            ),
            leaves=choose(("no", "no", "no", "close", "drop", "cancel", "timeout")),
            after=numbers.randrange(80),
            again=choose((None, 0, 1, 2, 5)),
            pauses=tuple(choose(_PAUSES) for _ in range(3)),
        )
        self.calls = choose((1, 1, 1, 2))
        self.text = _words(numbers, numbers.randrange(12))
        self.reasoning = _words(numbers, numbers.randrange(1, 4))
        self.join = choose(("exact", "exact", "trimmed", "echo", "other"))

    def next_attempt(self) -> Attempt:
        """What the server does with the request that comes now."""
        numbers = self._numbers
        choose = numbers.choice
        faults, weights = zip(*_FAULTS, strict=True)
        return Attempt(
            fault=numbers.choices(faults, weights)[0],
            place=numbers.random(),
            how=choose(("fin", "reset", "end")),
            delays=tuple(choose(_DELAYS) for _ in range(4)),
            head_delay=choose((0.0, 0.0, 0.1, 2.0)),
            split=choose((1, 3, 8, 100)),
            reads=choose(_READS),
            usage=choose(("end", "end", "every", "twice", "finish")),
            ending=choose(("done", "done", "done", "no_done", "open", "close")),
            status=choose(_STATUSES),
            retry_after=choose(_RETRY_AFTER),
            reasons=numbers.random() < 0.2,
            comments=numbers.random() < 0.2,
            closing_turns=numbers.randrange(4),
        )


def _words(numbers: random.Random, count: int) -> str:
    """So many words, no two of them alike, so that each place is known by its word."""
    parts: list[str] = []
    for place in range(count):
        letters = "".join(numbers.choices(_ALPHABET, k=numbers.randrange(5)))
        parts += (f"{letters}{place}.", numbers.choice(_BETWEEN))
    return "".join(parts)
