"""Fair timing of callables that do the same work; what they compute, this module does not know.

Noise on a shared machine comes in waves, so the sides take turns in one process: every round runs each
item on each side, items and sides in random order. The fastest run of an item is what the machine can do;
the rounds' spread says how far to trust it.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

Item = TypeVar("Item")
Clock = Callable[[], float]
ClockName = Literal["cpu", "wall"]

_WARM_UP_ITEMS = 4


@dataclass(frozen=True)
class Clocks:
    """Where times come from, in seconds.

    Args:
        cpu: Time of all threads of this process.
        wall: Time that passes.
    """

    cpu: Clock = time.process_time
    wall: Clock = time.perf_counter


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Args:
        rounds: Most rounds.
        seconds: No round begins later than this, the first `min_rounds` aside.
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
        rounds_ms: Mean over the items, one number a round.
    """

    best_ms: float
    rounds_ms: tuple[float, ...]


@dataclass(frozen=True)
class Side:
    """Times of one side by both clocks."""

    cpu: Sample
    wall: Sample

    def by(self, clock: ClockName) -> Sample:
        """Give what one clock saw."""
        return self.cpu if clock == "cpu" else self.wall


@dataclass(frozen=True)
class Comparison:
    """What all sides took for the same items."""

    n_items: int
    sides: dict[str, Side]


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


def compare(
    sides: Mapping[str, Callable[[Item], object]],
    items: Sequence[Item],
    effort: Effort,
    seed: int = 0,
    clocks: Clocks | None = None,
) -> Comparison:
    """Time every side on every item, round after round.

    Args:
        sides: What to time, by name.
        items: What each side is called with, one call an item; at least one.
        effort: How long.
        seed: Of the order.
        clocks: Other clocks, for tests.
    """
    clocks, rng = clocks or Clocks(), random.Random(seed)
    for item in items[:_WARM_UP_ITEMS]:
        for side in sides.values():
            side(item)
    runs: dict[str, list[list[tuple[float, float]]]] = {name: [] for name in sides}
    start = clocks.wall()
    for n_done in range(effort.rounds):
        if n_done >= effort.min_rounds and clocks.wall() - start >= effort.seconds:
            break
        for name, of_round in _round(sides, items, rng, clocks).items():
            runs[name].append(of_round)
    found = {
        name: Side(*(_sample([[run[c] for run in r] for r in rounds]) for c in (0, 1)))
        for name, rounds in runs.items()
    }
    return Comparison(len(items), found)


def ratio(comparison: Comparison, slower: str, faster: str, clock: ClockName) -> Ratio:
    """Say how many times faster `faster` is than `slower`; below 1 it is the slower one."""
    first, second = (comparison.sides[name].by(clock).best_ms for name in (slower, faster))
    low, _, high = _quartiles(_of_rounds(comparison, slower, faster, clock))
    return Ratio(first / second, low, high)


def typical_ratio(comparison: Comparison, slower: str, faster: str, clock: ClockName) -> Ratio:
    """Say the same by the median of the rounds' ratios.

    A round is then one long run of each side: the machine is seldom undisturbed for all of it, but seldom
    changes between the two.
    """
    return median_ratio(_of_rounds(comparison, slower, faster, clock))


def median_ratio(ratios: Sequence[float]) -> Ratio:
    """Give the median of some ratios, and their quartiles."""
    low, middle, high = _quartiles(ratios)
    return Ratio(middle, low, high)


def _of_rounds(comparison: Comparison, slower: str, faster: str, clock: ClockName) -> list[float]:
    first, second = (comparison.sides[name].by(clock).rounds_ms for name in (slower, faster))
    return [one / other for one, other in zip(first, second, strict=True)]


def _round(
    sides: Mapping[str, Callable[[Item], object]],
    items: Sequence[Item],
    rng: random.Random,
    clocks: Clocks,
) -> dict[str, list[tuple[float, float]]]:
    """Give (CPU, wall) ms by side and item, in the order of the items."""
    times = {name: [(0.0, 0.0)] * len(items) for name in sides}
    for i in rng.sample(range(len(items)), len(items)):
        for name in rng.sample(list(sides), len(sides)):
            cpu, wall = clocks.cpu(), clocks.wall()
            sides[name](items[i])
            times[name][i] = ((clocks.cpu() - cpu) * 1000, (clocks.wall() - wall) * 1000)
    return times


def _sample(rounds: Sequence[Sequence[float]]) -> Sample:
    """Summarise ms by round and item."""
    means = tuple(statistics.fmean(times) for times in rounds)
    best = statistics.fmean(map(min, zip(*rounds, strict=True)))
    return Sample(best, means)


def _quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high
