"""A run as it is kept: settings, figures, verdicts, and where they come from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loadtest.figures import Figures, Moment
from loadtest.generator import Fitness
from loadtest.machine import Machine
from loadtest.objectives import Verdict, holds
from loadtest.problems import LoadTestError
from loadtest.profiles import Phase, Profile
from loadtest.readings import Reading
from loadtest.target import Model

FORMAT = 1
FILE = "report.json"
MET, MISSED, BUSY = "objectives met", "objectives missed", "generator busy"
EXIT_CODES = {MET: 0, MISSED: 1, BUSY: 3}


@dataclass(frozen=True)
class PhaseFigures:
    """What the routes did in a phase, without what settles.

    Args:
        phase: Which.
        begin_s: When it began, from the begin of the run.
        routes: Figures by route.
    """

    phase: Phase
    begin_s: float
    routes: Mapping[str, Figures]


@dataclass(frozen=True)
class Step:
    """One rate of a search.

    Args:
        rate: Asked for, requests a second.
        routes: Figures by route.
        missed: Objectives that were missed, in words.
        fitness: Of the generator.
    """

    rate: float
    routes: Mapping[str, Figures]
    missed: tuple[str, ...]
    fitness: Fitness

    @property
    def is_held(self) -> bool:
        """Whether the objectives held, by a generator that was not busy."""
        return not self.missed and self.fitness.is_fit

    @property
    def is_unclear(self) -> bool:
        """Whether nothing can be said, since the generator was busy and the objectives held all the same."""
        return not self.missed and not self.fitness.is_fit


@dataclass(frozen=True)
class Record:
    """A run.

    Args:
        name: Of the profile.
        started: Begin, ISO 8601 in UTC.
        host: Base URL of the server.
        seed: Of texts and arrivals.
        profile: All settings of the traffic.
        machine: Of the generator.
        models: That the server had.
        seconds: How long it took, from the first request due.
        phases: Figures by phase; empty in a search.
        steps: Of a search; empty otherwise.
        saturation_per_s: What the search found, requests a second.
        moments: Figures over time.
        readings: What the server said of itself.
        verdicts: On all objectives.
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
    phases: tuple[PhaseFigures, ...]
    steps: tuple[Step, ...]
    saturation_per_s: float | None
    moments: tuple[Moment, ...]
    readings: tuple[Reading, ...]
    verdicts: tuple[Verdict, ...]
    fitness: Fitness
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """The verdict on the whole run."""
        if not self.fitness.is_fit:
            return BUSY
        return MET if holds(self.verdicts) else MISSED

    def write(self, folder: Path) -> Path:
        """Write it as JSON; what is not a number becomes null."""
        path = folder / FILE
        table = {"format": FORMAT, "verdict": self.verdict, **asdict(self)}
        path.write_text(json.dumps(_finite(table), indent=1) + "\n", encoding="utf-8")
        return path


def read_record(path: Path) -> dict[str, Any]:
    """Read a record, or the one in a folder.

    Raises:
        LoadTestError: There is none, or it has another format.
    """
    file = path / FILE if path.is_dir() else path
    try:
        table: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LoadTestError(f"{file} is no report of a load test: {error}") from error
    if not isinstance(table, dict) or table.get("format") != FORMAT:
        raise LoadTestError(f"{file} is no report of format {FORMAT}; run the profile again")
    return table


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
