"""From rows to verdicts: what counts in a phase, what a search rests on, and what was missed, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from loadtest.figures import ALL, by_route
from loadtest.generator import Fitness
from loadtest.objectives import Verdict, judged
from loadtest.outcomes import Row, Tally
from loadtest.profiles import Profile
from loadtest.record import PhaseFigures, Record, Step


def phase_figures(profile: Profile, tally: Tally) -> Iterator[PhaseFigures]:
    """Sum up every phase without what settles."""
    begin_s = 0.0
    for phase in profile.phases:
        end_s = begin_s + phase.seconds
        rows = tally.between(begin_s + phase.settle_s, end_s)
        yield PhaseFigures(phase, begin_s, by_route(rows, phase.seconds - phase.settle_s))
        begin_s = end_s


def ratio_verdicts(phases: Sequence[PhaseFigures], limit: float | None) -> Iterator[Verdict]:
    """Compare p99 of the last phase with that of the first, for routes that were asked in both."""
    if limit is None:
        return
    first, last = phases[0], phases[-1]
    for route in first.routes:
        if route != ALL and route in last.routes:
            ratio = last.routes[route].p99_ms / first.routes[route].p99_ms
            where = f"{last.phase.name} ÷ {first.phase.name}, {route}"
            yield judged(where, "p99_ratio", limit, ratio)


def bounding_fitness(steps: Sequence[Step], held: float, missed: float) -> Fitness:
    """Give the fitness on which a search rests: what was held is fit; the bound above must be, too."""
    bounds = [step for step in steps if step.rate == missed and not step.fitness.is_fit]
    if bounds:
        return bounds[-1].fitness
    return next((s.fitness for s in reversed(steps) if s.rate == held), steps[-1].fitness)


def in_words(verdict: Verdict) -> str:
    """Say what was measured and what was wanted."""
    sign = "≥" if verdict.at_least else "≤"
    return (
        f"{verdict.where}: {verdict.what} {verdict.measured:.4g}, wanted {sign} {verdict.limit:.4g}"
    )


def lateness(rows: Sequence[Row]) -> list[float]:
    """Give how late requests of open streams went out."""
    return [row.late_ms for row in rows if not math.isnan(row.late_ms)]


def missed_of(record: Record) -> list[str]:
    """List what was not reached, in words."""
    missed = [in_words(one) for one in record.verdicts if one.is_met is False]
    return [*missed, *record.fitness.faults]
