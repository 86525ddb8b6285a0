"""What a run must reach, and whether it did. The numbers are in objectives.toml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from loadtest.bodies import ROUTES
from loadtest.figures import ALL, Figures
from loadtest.problems import LoadTestError
from loadtest.strict import made_from, read_toml

FILE = Path(__file__).with_name("objectives.toml")
DEFAULT = "default"
# How many accepted requests a percentile needs; with fewer it is that of one or two requests.
_NEEDED = {"p50_ms": 10, "p95_ms": 20, "p99_ms": 100}


@dataclass(frozen=True)
class Objective:
    """What one route must reach in a phase; what is not set is not judged.

    Args:
        p50_ms: The highest median latency of accepted requests.
        p95_ms: The highest 95th percentile of the same.
        p99_ms: The highest 99th percentile of the same.
        error_ratio: The highest share of requests that fail.
        shed_ratio: The highest share that is turned away with 429 or 503.
        least_shed_ratio: The lowest share that is turned away, where the server must defend itself.
    """

    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    error_ratio: float | None = None
    shed_ratio: float | None = None
    least_shed_ratio: float | None = None


@dataclass(frozen=True)
class Limits:
    """What a run as a whole must reach.

    Args:
        memory_growth: The highest share by which a process grows from the fourth tenth of the time to the last.
        p95_growth: The highest share by which p95 of a route grows between the same tenths.
        p99_ratio: The highest ratio of p99 in the last phase to that in the first, of routes asked in both.
        saturation_per_s: The lowest rate at which the objectives must hold.
    """

    memory_growth: float | None = None
    p95_growth: float | None = None
    p99_ratio: float | None = None
    saturation_per_s: float | None = None


@dataclass(frozen=True)
class Objectives:
    """All objectives of a profile.

    Args:
        routes: By task or `all`, in all phases that have none of their own.
        phases: By phase, then by task or `all`.
        limits: Of the whole run.

    Raises:
        LoadTestError: A route is unknown.
    """

    routes: Mapping[str, Objective] = field(default_factory=dict)
    phases: Mapping[str, Mapping[str, Objective]] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Refuse routes that there are not."""
        known = {*ROUTES, ALL}
        for routes in (self.routes, *self.phases.values()):
            if unknown := sorted(set(routes) - known):
                names = ", ".join(sorted(known))
                raise LoadTestError(
                    f"objectives of unknown {', '.join(unknown)}; known are {names}"
                )

    def of(self, phase: str) -> Mapping[str, Objective]:
        """Give the objectives of a phase by route."""
        return self.phases.get(phase, self.routes)


@dataclass(frozen=True)
class Verdict:
    """One objective beside what was measured.

    Args:
        where: Phase and route, or a process.
        what: Which objective.
        limit: What it asks for.
        measured: What was found.
        is_met: Whether that is enough; None where there are too few requests to say.
        at_least: Whether the limit is a lower one.
    """

    where: str
    what: str
    limit: float
    measured: float
    is_met: bool | None
    at_least: bool = False

    @property
    def word(self) -> str:
        """The verdict."""
        return {True: "met", False: "missed", None: "too few requests"}[self.is_met]


def judged(
    where: str, what: str, limit: float, measured: float, *, at_least: bool = False
) -> Verdict:
    """Compare; what is not a number does not meet anything."""
    is_met = measured >= limit if at_least else measured <= limit
    return Verdict(where, what, limit, measured, is_met, at_least)


def route_verdicts(
    where: str, found: Mapping[str, Figures], wanted: Mapping[str, Objective]
) -> list[Verdict]:
    """Judge the routes that were asked.

    Args:
        where: Name of the phase or the step.
        found: Figures by route.
        wanted: Objectives by route.
    """
    return [
        verdict
        for route, objective in wanted.items()
        if route in found
        for verdict in _judge(f"{where}, {route}", found[route], objective)
    ]


def _judge(where: str, found: Figures, wanted: Objective) -> Iterator[Verdict]:
    for what in (one.name for one in fields(wanted)):
        limit = getattr(wanted, what)
        if limit is None:
            continue
        if what == "least_shed_ratio":
            yield judged(where, "shed_ratio", limit, found.shed_ratio, at_least=True)
        elif found.n_accepted < _NEEDED.get(what, 0):
            yield Verdict(where, what, limit, getattr(found, what), None)
        else:
            yield judged(where, what, limit, getattr(found, what))


def holds(verdicts: Sequence[Verdict]) -> bool:
    """Say whether no objective was missed."""
    return not any(verdict.is_met is False for verdict in verdicts)


def read_objectives(profile: str, path: Path = FILE) -> Objectives:
    """Read the objectives of a profile; those of `default` stand in for routes that it does not set.

    Raises:
        LoadTestError: The file is missing or has something that no objective can have.
    """
    table = read_toml(path)
    default, mine = (
        made_from(Objectives, table.get(name, {}), f"{path.name}: {name}")
        for name in (DEFAULT, profile)
    )
    return Objectives(mine.routes or default.routes, mine.phases, mine.limits)
