"""Made-up runs, so that what is shown and judged needs no server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loadtest.generator import Fitness
from loadtest.machine import Machine
from loadtest.metrics import Outcome, Row, by_route, over_time
from loadtest.objectives import Check
from loadtest.profiles import Phase, Profile, Search, Stream
from loadtest.readings import Reading
from loadtest.record import PhaseResult, Record, Step
from loadtest.service import Model
from loadtest.targets import FAIL, PASS, UNDECIDED, Target

FIT = Fitness(0.2, 1.5, 2.0, 0, (1,), ())
BUSY = Fitness(0.97, 80.0, 90.0, 0, (1,), ("the generator used 97% of a core; the limit is 85%",))
PROFILE = Profile("made up", (Phase("all", 10.0),), (Stream(rate=10.0),))
STATUS = {Outcome.ACCEPTED: 200, Outcome.SHED: 429, Outcome.REFUSED: 422, Outcome.FAILED: 500}


def row(
    at_s: float = 0.0,
    ms: float = 10.0,
    task: str = "ner",
    outcome: Outcome = Outcome.ACCEPTED,
    n_texts: int = 1,
) -> Row:
    return Row(at_s, ms, 0.5, task, n_texts, outcome, STATUS[outcome])


def rows(n: int = 100, seconds: float = 10.0, task: str = "ner") -> list[Row]:
    """Latencies are 1, 2, 3, ... ms."""
    return [row(seconds * i / n, i + 1.0, task) for i in range(n)]


def check(verdict: str = PASS) -> Check:
    limit = 3.0 if verdict == FAIL else 300.0
    return Check("all, ner", "p99_ms", Target(limit), 12.5, verdict != UNDECIDED)


def reading(at_s: float, mib: float = 100.0) -> Reading:
    by_task = {"ner": 3.0, "translation": 7.0}
    return Reading(at_s, by_task, by_task, {"gateway": mib * 2**20}, {"gateway": 0.5})


def step(
    rate: float, *missed: str, fitness: Fitness = FIT, p: float = 1.0, is_decided: bool = True
) -> Step:
    seen = [row(0.1 * i, p * (i + 1)) for i in range(100)]
    return Step(rate, by_route(seen, 10.0), missed, fitness, is_decided)


def record(
    checks: Sequence[Check] = (check(),),
    fitness: Fitness = FIT,
    steps: Sequence[Step] = (),
    seen: Sequence[Row] | None = None,
    **changes: Any,
) -> Record:
    found = rows() if seen is None else seen
    phases = () if steps else (PhaseResult(PROFILE.phases[0], by_route(found, 10.0)),)
    values: dict[str, Any] = {
        "name": "steady",
        "started": "2026-01-31T12:00:00+00:00",
        "host": "http://127.0.0.1:3411",
        "seed": 0,
        "profile": PROFILE
        if not steps
        else Profile("r", PROFILE.phases, PROFILE.streams, Search()),
        "machine": Machine("a processor", "", 2, (), 8.0, "Linux 6", "3.11.7", {"uvloop": "0"}),
        "models": (Model("ner-en", "ner", "0.3.0", "c345f4", "int8"),),
        "seconds": 10.0,
        "phases": phases,
        "steps": tuple(steps),
        "saturation_per_s": max((one.rate for one in steps if one.verdict == PASS), default=None),
        "moments": tuple(over_time(found, 10.0)),
        "readings": (reading(0.0), reading(5.0), reading(10.0)),
        "checks": tuple(checks),
        "fitness": fitness,
    }
    return Record(**{**values, **changes})
