"""A profile from begin to end: traffic, the server's own figures beside it, verdicts, one record.

Imports `loadtest.traffic`, and with it gevent's patches.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from loadtest.figures import ALL, Moment, over_time
from loadtest.generator import Bounds, Watch
from loadtest.growth import growth_verdicts
from loadtest.judgement import bounding_fitness, in_words, lateness, phase_figures, ratio_verdicts
from loadtest.machine import describe_machine
from loadtest.objectives import Objectives, judged, route_verdicts
from loadtest.profiles import Profile
from loadtest.readings import Scraper, readings_of
from loadtest.record import Record, Step
from loadtest.search import highest_held
from loadtest.target import Model, Target
from loadtest.texts import samplers
from loadtest.traffic import Drive, drive

Say = Callable[[str], None]


@dataclass
class Run:
    """One run of a profile.

    Args:
        name: Of the profile.
        profile: What is sent when.
        objectives: What must be reached.
        target: Who gets it.
        seed: Of texts and arrivals.
        bounds: Of the generator.
        say: Told how it goes.
    """

    name: str
    profile: Profile
    objectives: Objectives
    target: Target
    seed: int = 0
    bounds: Bounds = field(default_factory=Bounds)
    say: Say = lambda line: None
    _notes: list[str] = field(default_factory=list)

    def record(self) -> Record:
        """Send the traffic, and judge.

        Raises:
            LoadTestError: The server is not there.
        """
        models = self.target.models()
        started = datetime.now(UTC).isoformat(timespec="seconds")
        scraper = Scraper(self.target.metrics, self.profile.metrics_every_s, self.target.headers)
        send = self._ramp if self.profile.search else self._fixed
        return send(models, started, scraper)

    def _fixed(self, models: Sequence[Model], started: str, scraper: Scraper) -> Record:
        self.say(
            f"{self.name}: {self.profile.about} {self.profile.seconds:g} s against {self.target.host}"
        )
        watch, begin = Watch(), time.perf_counter() + 1.0
        watch.start()
        scraper.start(begin)
        sent = self._send(self.profile, begin)
        watch.stop()
        scraper.stop()
        readings = readings_of(scraper.pages)
        phases = tuple(phase_figures(self.profile, sent.tally))
        verdicts = [
            verdict
            for one in phases
            for verdict in route_verdicts(
                one.phase.name, one.routes, self.objectives.of(one.phase.name)
            )
        ]
        rows, limits = list(sent.tally), self.objectives.limits
        verdicts += growth_verdicts(rows, readings, self.profile.seconds, limits)
        verdicts += ratio_verdicts(phases, limits.p99_ratio)
        return Record(
            **self._head(models, started, scraper),
            seconds=self.profile.seconds,
            phases=phases,
            steps=(),
            saturation_per_s=None,
            moments=tuple(over_time(rows, self.profile.seconds)),
            readings=tuple(readings),
            verdicts=tuple(verdicts),
            fitness=watch.fitness(lateness(rows), sent.n_unsent, self.bounds),
        )

    def _ramp(self, models: Sequence[Model], started: str, scraper: Scraper) -> Record:
        search = self.profile.search
        assert search
        self.say(
            f"{self.name}: {self.profile.about}, {self.profile.seconds:g} s a step, {self.target.host}"
        )
        begin = time.perf_counter()
        scraper.start(begin)
        steps: list[Step] = []
        moments: list[Moment] = []

        def is_held(rate: float) -> bool | None:
            step, seen = self._step(rate, begin, len(steps))
            steps.append(step)
            moments.extend(seen)
            return None if step.is_unclear else step.is_held

        held, missed = highest_held(search, is_held)
        scraper.stop()
        lowest = self.objectives.limits.saturation_per_s or search.first_rate
        verdict = judged("ramp", "saturation_per_s", lowest, held, at_least=True)
        return Record(
            **self._head(models, started, scraper),
            seconds=time.perf_counter() - begin,
            phases=(),
            steps=tuple(steps),
            saturation_per_s=held,
            moments=tuple(moments),
            readings=tuple(readings_of(scraper.pages)),
            verdicts=(verdict,),
            fitness=bounding_fitness(steps, held, missed),
        )

    def _step(self, rate: float, begin: float, index: int) -> tuple[Step, list[Moment]]:
        """Send one rate; gives what was found, and the same over the time of the whole run."""
        profile, watch = self.profile.at_rate(rate), Watch()
        watch.start()
        sent = self._send(profile, 0.0, index)
        watch.stop()
        rows = list(sent.tally)
        counted = next(phase_figures(profile, sent.tally))
        wanted = self.objectives.of(counted.phase.name)
        verdicts = route_verdicts(f"{rate:.0f}/s", counted.routes, wanted)
        missed = tuple(in_words(one) for one in verdicts if one.is_met is False)
        fitness = watch.fitness(lateness(rows), sent.n_unsent, self.bounds)
        step = Step(rate, counted.routes, missed, fitness)
        found = counted.routes[ALL]
        self.say(
            f"{rate:7.1f}/s: {found.accepted_per_s:7.1f} accepted/s, p99 {found.p99_ms:6.0f} ms, "
            f"shed {found.shed_ratio:.1%}: {'held' if step.is_held else '; '.join((*missed, *fitness.faults))}"
        )
        offset = sent.begin - begin
        seen = [replace(m, at_s=m.at_s + offset) for m in over_time(rows, profile.seconds)]
        return step, seen

    def _send(self, profile: Profile, begin: float, index: int = 0) -> Drive:
        sent = drive(self.target, profile, samplers(), self.seed + 100 * index, begin)
        self._notes += sent.notes()
        return sent

    def _head(self, models: Sequence[Model], started: str, scraper: Scraper) -> dict[str, Any]:
        failure = (f"no metrics: {scraper.failure}",) if scraper.failure else ()
        return {
            "name": self.name,
            "started": started,
            "host": self.target.host,
            "seed": self.seed,
            "profile": self.profile,
            "machine": describe_machine(),
            "models": tuple(models),
            "notes": (*failure, *self._notes),
        }
