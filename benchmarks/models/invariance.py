"""Whether an answer depends on what else is computed: every text alone, then among others.

"Among others" is in random batches, asked for one after the other and by several threads at once; the
translator then searches sentences of different calls side by side.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.models.texts import dev_texts
from benchmarks.tools.workplace import TASKS, Size, Workplace
from seqserve.runtime import open_engine
from seqserve.tasks import TASKS as SPECS
from seqserve.tasks import Task

SMALLEST, LARGEST = 2, 64
CALLERS = (1, 4)

Predict = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass(frozen=True)
class Invariance:
    """How answers in batches differ from those alone.

    Args:
        task: Of the bundle.
        n_callers: Threads that asked at the same time.
        n_texts: How many were asked.
        n_same: Of those, how many with equal labels, offsets and tokens: all but the numbers.
        n_bit_identical: How many with equal numbers as well.
        worst_difference: Largest difference between two numbers.
    """

    task: Task
    n_callers: int
    n_texts: int
    n_same: int
    n_bit_identical: int
    worst_difference: float


@dataclass(frozen=True)
class InvarianceFigures:
    """One line per task and number of callers."""

    lines: tuple[Invariance, ...]


def measure_invariance(
    place: Workplace, size: Size, say: Callable[[str], None] = lambda line: None
) -> InvarianceFigures:
    """Ask the bundles of all tasks."""
    found = []
    for task in TASKS:
        bundle = place.bundle(task)
        texts = dev_texts(bundle, place.data, size.invariance_texts, place.seed)
        engine = open_engine(bundle.path)
        for line in compare_batches(
            task, engine.predict, list(map(SPECS[task].item, texts)), place.seed
        ):
            say(str(line))
            found.append(line)
    return InvarianceFigures(tuple(found))


def compare_batches(
    task: Task, predict: Predict, items: Sequence[Any], seed: int
) -> Iterator[Invariance]:
    """Answer items one by one, then all of them in random batches of 2 to 64."""
    alone = [asdict(predict([item])[0]) for item in items]
    for n_callers in CALLERS:
        batches = list(random_batches(len(items), random.Random(seed + n_callers)))
        with ThreadPoolExecutor(n_callers) as callers:
            answers = callers.map(lambda rows: predict([items[i] for i in rows]), batches)
        pairs = [
            (alone[row], asdict(answer))
            for rows, of_batch in zip(batches, answers, strict=True)
            for row, answer in zip(rows, of_batch, strict=True)
        ]
        found = [difference_of(one, other) for one, other in pairs]
        known = [difference for difference in found if difference is not None]
        n_identical = sum(one == other for one, other in pairs)
        worst = max(known, default=0.0)
        yield Invariance(task, n_callers, len(items), len(known), n_identical, worst)


def random_batches(n: int, rng: random.Random) -> Iterator[list[int]]:
    """Cut 0..n-1, shuffled, into batches of 2 to 64; the last may be smaller."""
    order = rng.sample(range(n), n)
    while order:
        size = rng.randint(SMALLEST, LARGEST)
        yield order[:size]
        order = order[size:]


def difference_of(one: Any, other: Any) -> float | None:
    """Give the largest difference between the floats of two JSON values; None: they differ in more."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other)
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return _worst([difference_of(one[key], other[key]) for key in one])
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        return _worst(list(map(difference_of, one, other)))
    return 0.0 if one == other else None


def _worst(differences: Sequence[float | None]) -> float | None:
    known = [difference for difference in differences if difference is not None]
    return max(known, default=0.0) if len(known) == len(differences) else None
