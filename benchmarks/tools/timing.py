"""Fair timing of callables that do the same work.

Noise on a shared machine comes in waves, so the sides alternate in one process: every round runs each item
on each side, items and sides in random order. The fastest run of an item shows what the machine can do; the
spread over the rounds shows how reliable that is.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

Item = TypeVar("Item")
ClockName = Literal["cpu", "wall"]

_WARM_UP_ITEMS = 4


@dataclass(frozen=True)
class Budget:
    """How long to measure.

    Args:
        rounds: Most rounds.
        seconds: No round begins later than this, except for the first `min_rounds`.
        min_rounds: Fewest rounds.
    """

    rounds: int = 9
    seconds: float = 15.0
    min_rounds: int = 3


@dataclass(frozen=True)
class Sample:
    """Times of one side by one clock, in ms per item.

    Args:
        best_ms: Mean over the items of each one's fastest run.
        rounds_ms: Mean over the items, one number per round.
    """

    best_ms: float
    rounds_ms: tuple[float, ...]

    @classmethod
    def of_rounds(cls, rounds: Sequence[Sequence[float]]) -> Sample:
        """Summarise ms by round and item."""
        means = tuple(statistics.fmean(times) for times in rounds)
        return cls(statistics.fmean(map(min, zip(*rounds, strict=True))), means)


@dataclass(frozen=True)
class Side:
    """Times of one side by both clocks."""

    cpu: Sample
    wall: Sample

    def by(self, clock: ClockName) -> Sample:
        """Return the times of one clock."""
        return self.cpu if clock == "cpu" else self.wall


@dataclass(frozen=True)
class Ratio:
    """How many times faster one side is.

    Args:
        value: Of the fastest runs, or the rounds' median.
        low: First quartile of the rounds' ratios.
        high: Third quartile of the rounds' ratios.
    """

    value: float
    low: float
    high: float

    @classmethod
    def median_of(cls, ratios: Sequence[float]) -> Ratio:
        """Return the median of some ratios, and their quartiles."""
        if len(ratios) == 1:
            return cls(ratios[0], ratios[0], ratios[0])
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return cls(middle, low, high)


@dataclass(frozen=True)
class Comparison:
    """Times of all sides for the same items."""

    n_items: int
    sides: dict[str, Side]

    def ratio(self, slower: str, faster: str, clock: ClockName) -> Ratio:
        """Return how many times faster `faster` is than `slower`, by the fastest runs."""
        first, second = (self.sides[name].by(clock).best_ms for name in (slower, faster))
        spread = self.typical_ratio(slower, faster, clock)
        return Ratio(first / second, spread.low, spread.high)

    def typical_ratio(self, slower: str, faster: str, clock: ClockName) -> Ratio:
        """Return the same by the median of the rounds' ratios.

        It suits rounds that are one long run of each side: the machine is seldom undisturbed for all of
        it, but seldom changes between the two.
        """
        first, second = (self.sides[name].by(clock).rounds_ms for name in (slower, faster))
        return Ratio.median_of([a / b for a, b in zip(first, second, strict=True)])


def compare(
    sides: Mapping[str, Callable[[Item], object]],
    items: Sequence[Item],
    budget: Budget,
    seed: int = 0,
) -> Comparison:
    """Time every side on every item, round after round.

    Args:
        sides: What to time, by name.
        items: What each side is called with, one call per item; at least one.
        budget: How long.
        seed: Of the order.
    """
    rng = random.Random(seed)
    for item in items[:_WARM_UP_ITEMS]:
        for side in sides.values():
            side(item)
    runs: dict[str, list[list[tuple[float, float]]]] = {name: [] for name in sides}
    start = time.perf_counter()
    for n_done in range(budget.rounds):
        if n_done >= budget.min_rounds and time.perf_counter() - start >= budget.seconds:
            break
        for name, of_round in _round(sides, items, rng).items():
            runs[name].append(of_round)
    found = {
        name: Side(*(Sample.of_rounds([[run[c] for run in r] for r in rounds]) for c in (0, 1)))
        for name, rounds in runs.items()
    }
    return Comparison(len(items), found)


def _round(
    sides: Mapping[str, Callable[[Item], object]], items: Sequence[Item], rng: random.Random
) -> dict[str, list[tuple[float, float]]]:
    """Return (CPU, wall) ms by side and item, in the order of the items."""
    times = {name: [(0.0, 0.0)] * len(items) for name in sides}
    for i in rng.sample(range(len(items)), len(items)):
        for name in rng.sample(list(sides), len(sides)):
            cpu, wall = time.process_time(), time.perf_counter()
            sides[name](items[i])
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            times[name][i] = (cpu * 1000, wall * 1000)
    return times
