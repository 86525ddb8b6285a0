"""The record of a run: settings, metrics, checks and where they come from."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loadtest.generator import Fitness
from loadtest.machine import Machine
from loadtest.metrics import Metrics, Moment
from loadtest.objectives import Check
from loadtest.profiles import Phase, Profile
from loadtest.readings import Reading
from loadtest.service import Model
from loadtest.targets import FAIL, PASS, UNDECIDED

FORMAT = 2
FILE = "report.json"
BUSY = "generator busy"
EXIT_CODES = {PASS: 0, FAIL: 1, BUSY: 3, UNDECIDED: 4}


@dataclass(frozen=True)
class PhaseResult:
    """Metrics of a phase, without its warm-up.

    Args:
        phase: Which.
        routes: Metrics by route.
    """

    phase: Phase
    routes: Mapping[str, Metrics]


@dataclass(frozen=True)
class Step:
    """One rate of a search.

    Args:
        rate: Wanted requests per second.
        routes: Metrics by route.
        missed: Targets that were missed.
        fitness: Of the generator.
        is_decided: Whether there were enough requests to check any target.
    """

    rate: float
    routes: Mapping[str, Metrics]
    missed: tuple[str, ...]
    fitness: Fitness
    is_decided: bool = True

    @property
    def verdict(self) -> str:
        """Return `pass`, `fail`, `too few requests`, or `generator busy` where it did not fail."""
        if self.missed:
            return FAIL
        if self.fitness.faults:
            return BUSY
        return PASS if self.is_decided else UNDECIDED


@dataclass(frozen=True)
class Record:
    """A run.

    Args:
        name: Of the profile.
        started: Start, ISO 8601 in UTC.
        host: Base URL of the service.
        seed: Of texts and arrivals.
        profile: All settings of the traffic.
        machine: Of the generator.
        models: That the service had loaded.
        seconds: Duration, from the first request due.
        phases: Metrics by phase; empty in a search.
        steps: Of a search; empty otherwise.
        saturation_per_s: Result of the search, requests per second.
        moments: Metrics over time.
        readings: The service's own metrics.
        checks: Against all targets.
        fitness: Of the generator.
        notes: What else a reader should know.
    """

    name: str
    started: str
    host: str
    seed: int
    profile: Profile
    machine: Machine
    models: tuple[Model, ...]
    seconds: float
    phases: tuple[PhaseResult, ...]
    steps: tuple[Step, ...]
    saturation_per_s: float | None
    moments: tuple[Moment, ...]
    readings: tuple[Reading, ...]
    checks: tuple[Check, ...]
    fitness: Fitness
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Return `pass`, `fail`, `generator busy`, or `too few requests` if no target could be checked."""
        if self.fitness.faults:
            return BUSY
        if self.failed:
            return FAIL
        return PASS if is_any_decided(self.checks) else UNDECIDED

    @property
    def failed(self) -> list[Check]:
        """Return the checks that failed."""
        return [check for check in self.checks if check.is_failed]

    @property
    def sentence(self) -> str:
        """Summarize the run in one sentence."""
        n, n_open = len(self.checks), sum(check.verdict == UNDECIDED for check in self.checks)
        if self.fitness.faults:
            return (
                "This run does not count: the load generator was busy, so it is unknown whether the "
                "service met its objectives."
            )
        rest = f", and {n_open} had too few requests to decide" if n_open else ""
        if self.failed:
            return f"The service missed its objectives: {len(self.failed)} of {n} targets failed{rest}."
        if not n:
            return (
                "No objective could be checked: none applies to the routes of this run. Set some."
            )
        if n == n_open:
            return f"No objective could be checked: {n} targets, too few requests. Send more, or for longer."
        return f"The service met its objectives: {n - n_open} of {n} targets passed{rest}."

    def write(self, folder: Path) -> Path:
        """Write it as JSON; values that are not finite become null."""
        path = folder / FILE
        table = {"format": FORMAT, "verdict": self.verdict, **asdict(self)}
        path.write_text(json.dumps(_finite(table), indent=1) + "\n", encoding="utf-8")
        return path


def is_any_decided(checks: Iterable[Check]) -> bool:
    """Return whether there were enough requests for at least one check."""
    return any(check.has_enough for check in checks)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
