"""Profiles (profiles.toml): which traffic is sent when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from loadtest.apps import APPS
from loadtest.bodies import Mix
from loadtest.config import LoadTestError, read_toml
from seqserve.config import from_mapping

FILE = Path(__file__).with_name("profiles.toml")


@dataclass(frozen=True)
class Phase:
    """A span of a run that is checked by itself.

    Args:
        name: Its name in objectives.
        seconds: Duration.
        factor: Multiplies the rate of open streams.
        settle_s: Seconds at its start that do not count.

    Raises:
        LoadTestError: No second counts, or the factor is negative.
    """

    name: str
    seconds: float
    factor: float = 1.0
    settle_s: float = 0.0

    def __post_init__(self) -> None:
        """Reject a phase in which no second counts."""
        if not 0 <= self.settle_s < self.seconds or self.factor < 0:
            raise LoadTestError(
                f"phase {self.name} has {self.seconds:g} s, settle_s {self.settle_s:g} and factor "
                f"{self.factor:g}; settle_s must be shorter than the phase, and none negative"
            )


@dataclass(frozen=True)
class Stream:
    """Requests of one kind of caller; open with a `rate`, closed with `clients`.

    Args:
        mix: What is requested.
        rate: Requests per second at independent times, sent whatever is still unanswered.
        clients: Clients that each wait for an answer before they send again.
        think_s: How long such a client waits between an answer and the next request.
        phases: When it is on; in all phases if empty.
        hang_up_share: Share of the requests whose client hangs up after 50 ms.
        keeps_connections: Whether a connection is used again; if not, latency includes connecting.

    Raises:
        LoadTestError: It is neither open nor closed, or both, or a value is out of range.
    """

    mix: Mix = field(default_factory=Mix)
    rate: float = 0.0
    clients: int = 0
    think_s: float = 0.0
    phases: tuple[str, ...] = ()
    hang_up_share: float = 0.0
    keeps_connections: bool = True

    def __post_init__(self) -> None:
        """Reject a stream that is neither open nor closed, or that hangs up on a share above 1."""
        if not 0 <= self.hang_up_share <= 1:
            raise LoadTestError(f"hang_up_share is {self.hang_up_share}; it must be from 0 to 1")
        if (self.rate > 0) == (self.clients > 0) or min(self.rate, self.clients, self.think_s) < 0:
            raise LoadTestError(
                "a stream has either a rate or clients, above 0, and no negative think_s"
            )

    def is_on(self, phase: Phase) -> bool:
        """Return whether it sends in a phase."""
        return not self.phases or phase.name in self.phases


@dataclass(frozen=True)
class Search:
    """How the highest rate at which the objectives hold is found.

    Args:
        first_rate: Of the first step, requests a second.
        factor: From one step to the next while the objectives hold.
        closeness: The search ends when the lowest rate that misses is at most this share above the highest that
            holds.
        tries: A rate misses when it misses this often.
        max_rate: The search ends here.
    """

    first_rate: float = 20.0
    factor: float = 2.0
    closeness: float = 0.08
    tries: int = 2
    max_rate: float = 6000.0

    def __post_init__(self) -> None:
        """Reject a search that would not end."""
        if not 0 < self.first_rate <= self.max_rate or self.factor <= 1 or self.closeness <= 0:
            raise LoadTestError(
                "a search needs 0 < first_rate <= max_rate, factor > 1, closeness > 0"
            )
        if self.tries < 1:
            raise LoadTestError(f"tries is {self.tries}; it must be 1 or more")


@dataclass(frozen=True)
class Profile:
    """A kind of run.

    Args:
        about: What it tests, in one line.
        phases: In order.
        streams: Sent at the same time.
        search: If set, the phases are one step of a search, which sets the rate.
        metrics_every_s: Period of the requests for /metrics.

    Raises:
        LoadTestError: There is no phase or stream, a stream names a phase that is not there, or
            `metrics_every_s` is not above 0.
    """

    about: str
    phases: tuple[Phase, ...]
    streams: tuple[Stream, ...]
    search: Search | None = None
    metrics_every_s: float = 1.0

    def __post_init__(self) -> None:
        """Reject a run of nothing."""
        if not self.phases or not self.streams:
            raise LoadTestError("a profile needs at least one phase and one stream")
        if not self.metrics_every_s > 0:
            raise LoadTestError(f"metrics_every_s is {self.metrics_every_s}; it must be above 0")
        names = {phase.name for phase in self.phases}
        if unknown := sorted({name for s in self.streams for name in s.phases} - names):
            raise LoadTestError(f"unknown phase {', '.join(unknown)}; known are {', '.join(names)}")

    @property
    def dialects(self) -> list[str]:
        """The dialects that the server must have for it."""
        names = {name for stream in self.streams for name in stream.mix.tasks}
        return sorted({APPS[name].dialect for name in names & APPS.keys()})

    @property
    def seconds(self) -> float:
        """How long all phases last."""
        return sum(phase.seconds for phase in self.phases)

    def lasting(self, seconds: float) -> Profile:
        """Return the profile with another total duration; all its phases are scaled."""
        share = seconds / self.seconds
        phases = tuple(
            replace(p, seconds=p.seconds * share, settle_s=p.settle_s * share) for p in self.phases
        )
        return replace(self, phases=phases)

    def at_rate(self, rate: float) -> Profile:
        """Return the profile with another total rate of its open streams; a search begins there."""
        total = sum(stream.rate for stream in self.streams)
        if not total:
            raise LoadTestError("there is no open stream that could get another rate")
        streams = tuple(replace(s, rate=s.rate * rate / total) for s in self.streams)
        search = self.search and replace(self.search, first_rate=rate)
        return replace(self, streams=streams, search=search)

    def of_task(self, task: str) -> Profile:
        """Return the profile with requests of one task or app only."""
        streams = tuple(
            replace(stream, mix=replace(stream.mix, tasks={task: 1.0})) for stream in self.streams
        )
        return replace(self, streams=streams)


def read_profiles(path: Path = FILE) -> Mapping[str, Profile]:
    """Load all profiles by name.

    Raises:
        LoadTestError: The file is missing.
        ConfigError: It has an unknown key.
    """
    return {
        name: from_mapping(Profile, table, f"{path.name}: {name}")
        for name, table in read_toml(path).items()
    }
