"""The comparison itself: every client reads every recording, or asks one server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from langchain_streamkit.cli._clients import Client, Target, read
from langchain_streamkit.cli._readings import FIELDS, Reading, judge
from langchain_streamkit.testing import FakeServer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from langchain_streamkit.cli._clients import Asker
    from langchain_streamkit.cli._recordings import Recording

__all__ = ["Comparison", "Standing", "compare_live", "compare_recordings"]


@dataclass(slots=True)
class Standing:
    """How one client did.

    Attributes:
        client: The client.
        verdicts: By recording, what ``judge`` said.
        cuts: By recording, whether half of it was noticed to be cut.
        readings: What it reported, where a live server was asked.
        frame_seconds: CPU time a frame, one figure a pass.
        first_seconds: From each call to its first content.
    """

    client: Client
    verdicts: dict[str, dict[str, str]] = field(
        default_factory=dict[str, dict[str, str]]
    )
    cuts: dict[str, str] = field(default_factory=dict[str, str])
    readings: list[Reading] = field(default_factory=list[Reading])
    frame_seconds: list[float] = field(default_factory=list[float])
    first_seconds: list[float] = field(default_factory=list[float])

    @property
    def right(self) -> int:
        """How many recordings it read right in every field."""
        return sum(not any(words.values()) for words in self.verdicts.values())

    def note_first(self, reading: Reading) -> None:
        """Remember when the first content came, if any did."""
        if reading.first_seconds is not None:
            self.first_seconds.append(reading.first_seconds)

    def words(self, name: str) -> list[str]:
        """What was said of a field, for every recording that has it."""
        found = [words[name] for words in self.verdicts.values() if name in words]
        return [*found, *self.cuts.values()] if name == "cut" else found


@dataclass(slots=True)
class Comparison:
    """Every client's standing, and who was left out.

    Attributes:
        standings: In the order of the clients.
        left_out: By client, why it took no part.
        streams: How many recordings are streams.
        bodies: How many are whole answers.
    """

    standings: list[Standing] = field(default_factory=list[Standing])
    left_out: dict[str, str] = field(default_factory=dict[str, str])
    streams: int = 0
    bodies: int = 0

    def at_stake(self, name: str) -> int:
        """How many recordings have a field."""
        return max((len(one.words(name)) for one in self.standings), default=0)

    @property
    def fields(self) -> list[str]:
        """The fields that any recording has."""
        return [name for name in FIELDS if self.at_stake(name)]


def compare_recordings(
    recordings: Sequence[Recording], clients: Iterable[Client], *, passes: int
) -> Comparison:
    """Play the recordings to every client.

    Args:
        recordings: What to play, a frame a write.
        clients: Who reads; those that are not installed are left out.
        passes: How often the streams are read for the time; they are judged once.
    """
    streams = sum(recording.is_stream for recording in recordings)
    comparison = Comparison(streams=streams, bodies=len(recordings) - streams)
    with FakeServer(validate=False, keep_requests=1) as server:
        target = Target(server.url, "recorded")
        for standing, asker in _made(clients, target, comparison):
            _warm_up(asker, server)
            for recording in recordings:
                verdict, _ = _play(recording, asker, server)
                standing.verdicts[recording.name] = verdict
                half = recording.cut_in_half()
                if half is not None:
                    verdict, _ = _play(half, asker, server)
                    standing.cuts[recording.name] = verdict["cut"]
            for _ in range(passes):
                _time(standing, recordings, asker, server)
    return comparison


def compare_live(
    target: Target, prompt: str, clients: Iterable[Client], *, passes: int
) -> Comparison:
    """Ask a real server the same through every client.

    Args:
        target: The server and the model.
        prompt: The user's message.
        clients: Who asks.
        passes: How often each one asks.
    """
    comparison = Comparison()
    for standing, asker in _made(clients, target, comparison):
        with FakeServer() as server:
            warm = standing.client.make(Target(server.url, "fake"))
            _warm_up(warm, server)
        for _ in range(passes):
            reading = read(asker, prompt, is_stream=True)
            standing.readings.append(reading)
            standing.note_first(reading)
    return comparison


def _made(
    clients: Iterable[Client], target: Target, comparison: Comparison
) -> Iterator[tuple[Standing, Asker]]:
    for client in clients:
        try:
            asker = client.make(target)
        except ImportError:
            comparison.left_out[client.name] = f"{client.package} is not installed"
        except ValueError as error:
            comparison.left_out[client.name] = str(error)
        else:
            comparison.standings.append(Standing(client))
            yield comparison.standings[-1], asker


def _warm_up(asker: Asker, server: FakeServer) -> None:
    """Import what is imported at the first call, and open the connection."""
    server.script("Hello there", "Hello there", "Hello there")
    for is_stream in (True, True, False):
        read(asker, "Hello", is_stream=is_stream)


def _play(
    recording: Recording, asker: Asker, server: FakeServer
) -> tuple[dict[str, str], Reading]:
    server.script(recording.reply(recording.frame_ends))
    reading = read(asker, "Hello", is_stream=recording.is_stream)
    return judge(recording.expected, reading), reading


def _time(
    standing: Standing,
    recordings: Iterable[Recording],
    asker: Asker,
    server: FakeServer,
) -> None:
    """Read all streams once, and note what those that are read to their end cost."""
    seconds, frames = 0.0, 0
    for recording in recordings:
        if recording.is_stream and recording.expected.ending == "answer":
            _, reading = _play(recording, asker, server)
            if not reading.error:
                seconds += reading.cpu_seconds
                frames += len(recording.frame_ends)
                standing.note_first(reading)
    if frames:
        standing.frame_seconds.append(seconds / frames)
