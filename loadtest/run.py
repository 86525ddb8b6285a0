"""Run a profile: send its traffic, read the service's metrics meanwhile, check the results."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import uvloop

from loadtest.bodies import requests
from loadtest.generator import Bounds, Fitness, Watch
from loadtest.machine import describe_machine
from loadtest.metrics import ALL, Moment, Row, by_route, due_between, over_time
from loadtest.objectives import Check, Objectives, growth_checks, ratio_checks, route_checks
from loadtest.profiles import Profile, Search
from loadtest.readings import Scraper, readings_of
from loadtest.record import PhaseResult, Record, Step, is_any_decided
from loadtest.service import Service
from loadtest.targets import FAIL, PASS, Target
from loadtest.texts import samplers
from loadtest.traffic import Traffic, send_traffic

Report = Callable[[str], None]


@dataclass
class Run:
    """One run of a profile.

    Args:
        name: Of the profile.
        profile: What is sent, and when.
        objectives: The targets.
        service: What is tested.
        seed: Of texts and arrivals.
        bounds: Of the generator.
        report: Receives lines about the progress.
    """

    name: str
    profile: Profile
    objectives: Objectives
    service: Service
    seed: int = 0
    bounds: Bounds = field(default_factory=Bounds)
    report: Report = lambda line: None
    _notes: list[str] = field(default_factory=list)

    def record(self) -> Record:
        """Send the traffic, and check the results.

        Raises:
            LoadTestError: The service is not there, or lacks a dialect of the profile.
        """
        models = tuple(self.service.models())
        self.service.require_dialects(self.profile.dialects)
        head: dict[str, Any] = {
            "name": self.name,
            "host": self.service.host,
            "seed": self.seed,
            "profile": self.profile,
            "machine": describe_machine(),
            "models": models,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        a_step = " a step" if self.profile.search else ""
        self.report(
            f"{self.name}: {self.profile.about} {self.profile.seconds:g} s{a_step} against {self.service.host}"
        )
        scraper = Scraper(self.service.metrics, self.profile.metrics_every_s, self.service.headers)
        search = self.profile.search
        found = uvloop.run(self._search(search, scraper) if search else self._fixed(scraper))
        failure = (f"not all metrics could be read: {scraper.failure}",) if scraper.failure else ()
        return Record(**head, **found, notes=(*failure, *self._notes))

    async def _fixed(self, scraper: Scraper) -> dict[str, Any]:
        begin, seconds = time.perf_counter() + 1.0, self.profile.seconds
        scraper.start(begin)
        sent, watch = await self._send(self.profile, begin)
        scraper.stop()
        readings = readings_of(scraper.pages)
        phases = list(phase_results(self.profile, sent.rows))
        checks = [
            check
            for one in phases
            for check in route_checks(
                one.phase.name, one.routes, self.objectives.of(one.phase.name)
            )
        ]
        limits = self.objectives.limits
        checks += growth_checks(sent.rows, readings, seconds, limits)
        first, last = ((one.phase.name, one.routes) for one in (phases[0], phases[-1]))
        checks += ratio_checks(first, last, limits.p99_ratio)
        return {
            "seconds": seconds,
            "phases": tuple(phases),
            "steps": (),
            "saturation_per_s": None,
            "moments": tuple(over_time(sent.rows, seconds)),
            "readings": tuple(readings),
            "checks": tuple(checks),
            "fitness": watch.fitness(sent.lateness(), sent.n_unsent, self.bounds),
        }

    async def _search(self, search: Search, scraper: Scraper) -> dict[str, Any]:
        begin = time.perf_counter()
        scraper.start(begin)
        steps: list[Step] = []
        moments: list[Moment] = []

        async def is_held(rate: float) -> bool | None:
            step, of_step = await self._step(rate, begin, len(steps))
            steps.append(step)
            moments.extend(of_step)
            return {PASS: True, FAIL: False}.get(step.verdict)

        held, missed = await highest_held(search, is_held)
        scraper.stop()
        lowest = self.objectives.limits.saturation_per_s or search.first_rate
        is_known = any(step.verdict in (PASS, FAIL) for step in steps)
        check = Check(self.name, "saturation_per_s", Target(lowest, is_lower=True), held, is_known)
        return {
            "seconds": time.perf_counter() - begin,
            "phases": (),
            "steps": tuple(steps),
            "saturation_per_s": held,
            "moments": tuple(moments),
            "checks": (check,),
            "readings": tuple(readings_of(scraper.pages)),
            "fitness": bounding_fitness(steps, held, missed),
        }

    async def _step(self, rate: float, begin: float, index: int) -> tuple[Step, list[Moment]]:
        """Send one rate; return its results, and its metrics over the time of the whole run."""
        profile = self.profile.at_rate(rate)
        sent, watch = await self._send(profile, 0.0, index)
        counted = next(phase_results(profile, sent.rows))
        wanted = self.objectives.of(counted.phase.name)
        checks = route_checks(f"{rate:.0f}/s", counted.routes, wanted)
        missed = tuple(str(check) for check in checks if check.is_failed)
        fitness = watch.fitness(sent.lateness(), sent.n_unsent, self.bounds)
        step = Step(rate, counted.routes, missed, fitness, is_any_decided(checks))
        total = counted.routes[ALL]
        self.report(
            f"{rate:7.1f}/s: {total.accepted_per_s:7.1f} accepted/s, p99 {total.p99_ms:6.0f} ms, "
            f"shed {total.shed_ratio:.1%}: {'; '.join((*missed, *fitness.faults)) or step.verdict}"
        )
        offset = sent.begin - begin
        found = over_time(sent.rows, profile.seconds)
        return step, [replace(one, at_s=one.at_s + offset) for one in found]

    async def _send(self, profile: Profile, begin: float, index: int = 0) -> tuple[Traffic, Watch]:
        async with Watch() as watch:
            seed, texts = self.seed + 100 * index, samplers()
            supplies = [requests(s.mix, texts, seed + i) for i, s in enumerate(profile.streams)]
            sent = await send_traffic(self.service, profile, supplies, seed, Traffic(begin))
        self._notes += sent.notes()
        return sent, watch


def phase_results(profile: Profile, rows: Sequence[Row]) -> Iterator[PhaseResult]:
    """Aggregate every phase without its warm-up."""
    begin_s = 0.0
    for phase in profile.phases:
        end_s = begin_s + phase.seconds
        counted = due_between(rows, begin_s + phase.settle_s, end_s)
        yield PhaseResult(phase, by_route(counted, phase.seconds - phase.settle_s))
        begin_s = end_s


async def highest_held(
    search: Search, is_held: Callable[[float], Awaitable[bool | None]]
) -> tuple[float, float]:
    """Search for saturation: double the rate while it is held, then bisect.

    Args:
        search: Where to start and when to stop.
        is_held: Sends a rate and returns whether the objectives held; None if that is unknown. A rate that
            is not held is tried again as often as the search says; one that stays unknown ends the search.

    Returns:
        The highest rate that was held, 0 if none was, and the lowest that was not, infinite if all were.
    """
    held, missed, rate = 0.0, math.inf, search.first_rate
    while missed > held * (1 + search.closeness):
        results: list[bool | None] = []
        while True not in results and len(results) < search.tries:
            results.append(await is_held(rate))
        if True in results:
            held = rate
        else:
            missed = rate
        is_unknown = not {True, False} & set(results)
        if is_unknown or not held or held >= search.max_rate:
            break
        up = min(held * search.factor, search.max_rate)
        rate = up if missed == math.inf else math.sqrt(held * missed)
    return held, missed


def bounding_fitness(steps: Sequence[Step], held: float, missed: float) -> Fitness:
    """Return the fitness on which a search rests: that of the lowest missed rate, if it was busy there."""
    bounds = [step for step in steps if step.rate == missed and step.fitness.faults]
    if bounds:
        return bounds[-1].fitness
    return next((s.fitness for s in reversed(steps) if s.rate == held), steps[-1].fitness)
