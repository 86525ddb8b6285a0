"""Whether an answer depends on its batch: every text alone, then in random batches.

Batches are computed one after the other, and by several threads at once; the translator then searches
sentences of different calls side by side.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.models.size import Size
from benchmarks.models.texts import dev_texts
from benchmarks.tools.workspace import Report, Workspace
from seqserve.runtime import open_engine
from seqserve.tasks import SHIPPED, TASKS, Task

SMALLEST, LARGEST = 2, 64
CALLERS = (1, 4)

Predict = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass(frozen=True)
class Invariance:
    """Differences between answers in batches and alone.

    Args:
        task: Of the bundle.
        n_callers: Threads that call at the same time.
        n_texts: Texts.
        n_same: Answers with equal labels, offsets and tokens: all but the numbers.
        n_bit_identical: Answers with equal numbers as well.
        worst_difference: Largest difference between two numbers.
    """

    task: Task
    n_callers: int
    n_texts: int
    n_same: int
    n_bit_identical: int
    worst_difference: float


def measure_invariance(space: Workspace, size: Size, report: Report) -> tuple[Invariance, ...]:
    """Compare the answers of the bundles of all tasks."""
    found = []
    for task in SHIPPED:
        bundle = space.bundle(task)
        texts = dev_texts(bundle, space.data, size.sample_texts, space.seed)
        predict, items = open_engine(bundle.path).predict, list(map(TASKS[task].item, texts))
        for line in compare_batches(task, predict, items, space.seed):
            report(str(line))
            found.append(line)
    return tuple(found)


def compare_batches(
    task: Task, predict: Predict, items: Sequence[Any], seed: int
) -> Iterator[Invariance]:
    """Compute items one by one, then all of them in random batches of 2 to 64."""
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
        known = list(filter(math.isfinite, found))
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


def difference_of(one: Any, other: Any) -> float:
    """Return the largest difference between the floats of two JSON values; infinite if more differs."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other)
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return max((difference_of(one[key], other[key]) for key in one), default=0.0)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        return max(map(difference_of, one, other), default=0.0)
    return 0.0 if one == other else math.inf
