"""Objectives of a profile (objectives.toml), and the checks of a run against them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from statistics import median
from typing import Literal, TypeAlias

from loadtest.apps import AppName
from loadtest.config import read_toml
from loadtest.metrics import ALL, Metrics, Row, by_route, due_between
from loadtest.readings import Reading
from loadtest.targets import UNDECIDED, Target
from seqserve.config import from_mapping
from seqserve.tasks import Task

FILE = Path(__file__).with_name("objectives.toml")
DEFAULT = "default"
Route: TypeAlias = Literal["all", Task, AppName]
WARM, END = (0.3, 0.4), (0.9, 1.0)
"""Tenths of a run that are compared for growth: when everything has been used, and the last."""

# Accepted requests that a percentile needs; with fewer it depends on one or two requests.
_NEEDED = {"p50_ms": 10, "p95_ms": 20, "p99_ms": 100}
_NEEDED_FOR_GROWTH = 200


@dataclass(frozen=True)
class Objective:
    """Targets of one route in a phase; what is not set is not checked.

    Args:
        p50_ms: Highest median latency of accepted requests.
        p95_ms: Highest 95th percentile of latency.
        p99_ms: Highest 99th percentile of latency.
        error_ratio: Highest share of requests that fail.
        shed_ratio: Highest share that is shed with 429 or 503.
        least_shed_ratio: Lowest share that is shed, where the server must protect itself.
    """

    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    error_ratio: float | None = None
    shed_ratio: float | None = None
    least_shed_ratio: float | None = None


@dataclass(frozen=True)
class Limits:
    """Targets of a run as a whole.

    Args:
        memory_growth: Highest growth of a process's memory from the fourth tenth of the run to the last.
        p95_growth: Highest growth of p95 of a route between the same tenths.
        p99_ratio: Highest ratio of p99 in the last phase to the first, of routes used in both.
        saturation_per_s: Lowest rate at which the objectives must hold.
    """

    memory_growth: float | None = None
    p95_growth: float | None = None
    p99_ratio: float | None = None
    saturation_per_s: float | None = None


@dataclass(frozen=True)
class Objectives:
    """All targets of a profile.

    Args:
        routes: By task, app or `all`, in all phases without targets of their own.
        phases: By phase, then by task, app or `all`.
        limits: Of the whole run.
    """

    routes: Mapping[Route, Objective] = field(default_factory=dict)
    phases: Mapping[str, Mapping[Route, Objective]] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    def of(self, phase: str) -> Mapping[Route, Objective]:
        """Return the objectives of a phase by route."""
        return self.phases.get(phase, self.routes)


@dataclass(frozen=True)
class Check:
    """A measured value and its target.

    Args:
        where: Phase and route, or a process.
        what: Which metric.
        target: Its bound.
        measured: The value.
        has_enough: Whether there were enough requests to decide.
    """

    where: str
    what: str
    target: Target
    measured: float
    has_enough: bool = True

    @property
    def verdict(self) -> str:
        """Return `pass`, `fail` or `too few requests`."""
        return self.target.verdict(self.measured) if self.has_enough else UNDECIDED

    @property
    def is_failed(self) -> bool:
        """Return whether the target was missed."""
        return self.has_enough and not self.target.is_met(self.measured)

    def __str__(self) -> str:
        """Describe the value and its target."""
        return f"{self.where}: {self.what} {self.measured:.4g}, target {self.target}"


def route_checks(
    where: str, found: Mapping[str, Metrics], wanted: Mapping[Route, Objective]
) -> list[Check]:
    """Check the routes that were used.

    Args:
        where: Name of the phase or the step.
        found: Metrics by route.
        wanted: Objectives by route.
    """
    checks = []
    for route, objective in wanted.items():
        for what in (one.name for one in fields(objective) if route in found):
            limit, name = getattr(objective, what), what.removeprefix("least_")
            if limit is not None:
                has_enough = found[route].n_accepted >= _NEEDED.get(what, 0)
                target, value = Target(limit, is_lower=name != what), getattr(found[route], name)
                checks.append(Check(f"{where}, {route}", name, target, value, has_enough))
    return checks


def ratio_checks(
    first: tuple[str, Mapping[str, Metrics]],
    last: tuple[str, Mapping[str, Metrics]],
    limit: float | None,
) -> Iterator[Check]:
    """Check p99 of the last phase against that of the first, each given by name and metrics by route."""
    if limit is None:
        return
    for route in first[1]:
        if route != ALL and route in last[1]:
            ratio = last[1][route].p99_ms / first[1][route].p99_ms
            yield Check(f"{last[0]} ÷ {first[0]}, {route}", "p99_ratio", Target(limit), ratio)


def growth_checks(
    rows: Sequence[Row], readings: Sequence[Reading], seconds: float, limits: Limits
) -> Iterator[Check]:
    """Check the growth of memory and latency from the fourth tenth of a run to the last.

    Args:
        rows: All requests.
        readings: All readings of the server's metrics.
        seconds: Duration of the run.
        limits: Bounds; what is not set is not checked.
    """
    if limits.memory_growth is not None:
        target = Target(limits.memory_growth)
        memory = memory_growth(readings, seconds) or {"server": (math.nan, math.nan)}
        for name, (warm, end) in memory.items():
            yield Check(name, "memory_growth", target, end / warm - 1)
    if limits.p95_growth is not None:
        before, after = (
            by_route(due_between(rows, span[0] * seconds, span[1] * seconds), seconds / 10)
            for span in (WARM, END)
        )
        for route in (one for one in before if one in after):
            growth = after[route].p95_ms / before[route].p95_ms - 1
            n = min(before[route].n_accepted, after[route].n_accepted)
            is_enough = n >= _NEEDED_FOR_GROWTH
            yield Check(route, "p95_growth", Target(limits.p95_growth), growth, is_enough)


def memory_growth(readings: Sequence[Reading], seconds: float) -> dict[str, tuple[float, float]]:
    """Return the median resident bytes of each process in the fourth and the last tenth; NaN if absent."""
    names = sorted({name for reading in readings for name in reading.memory_bytes})
    found = {}
    for name in names:
        warm, end = (
            [
                reading.memory_bytes[name]
                for reading in readings
                if name in reading.memory_bytes
                and span[0] * seconds <= reading.at_s < span[1] * seconds
            ]
            for span in (WARM, END)
        )
        found[name] = (median(warm or [math.nan]), median(end or [math.nan]))
    return found


def read_objectives(profile: str, path: Path = FILE) -> Objectives:
    """Load the objectives of a profile; those of `default` apply to routes that it does not set.

    Raises:
        LoadTestError: The file is missing.
        ConfigError: It has an unknown key.
    """
    table = read_toml(path)
    default, own = (
        from_mapping(Objectives, table.get(name, {}), f"{path.name}: {name}")
        for name in (DEFAULT, profile)
    )
    return Objectives(own.routes or default.routes, own.phases, own.limits)
