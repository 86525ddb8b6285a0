"""Counts of right, answered and gold labels, and the metrics that follow from their sums."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqserve.arrays import BoolArray
from seqserve.evaluation.bootstrap import Counts, measures, ratio
from seqserve.evaluation.report import Slice

LENGTHS = (10, 20, 50, 100, 200, 400)  # words, of the buckets of texts
N_EXAMPLES = 30


def label_counts(gold: BoolArray, answered: BoolArray) -> Counts:
    """Return what each text adds to the sums: labels that are right, answered and gold.

    Args:
        gold: (N, L), which labels each text has.
        answered: (N, L), which the model answered.

    Returns:
        (N, 3 * L).
    """
    return np.concatenate([gold & answered, answered, gold], axis=1).astype(np.float64)


def macro_f1(sums: Counts) -> Counts:
    """Compute sums of label counts (R, 3 * L) -> the mean F1 of the labels (R,)."""
    right, answered, gold = np.split(sums, 3, axis=1)
    mean: Counts = ratio(2 * right, answered + gold).mean(axis=1)
    return mean


def micro_f1(sums: Counts) -> Counts:
    """Compute sums of label counts (R, 3 * L) -> the F1 of all labels together (R,)."""
    right, answered, gold = (part.sum(axis=1) for part in np.split(sums, 3, axis=1))
    return ratio(2 * right, answered + gold)


def label_slices(gold: BoolArray, answered: BoolArray, labels: Sequence[str]) -> list[Slice]:
    """Return precision and recall of every label.

    Args:
        gold: (N, L), which labels each text has.
        answered: (N, L), which the model answered.
        labels: Their names.
    """
    formulas = {
        "precision": lambda sums: ratio(sums[:, 0], sums[:, 1]),
        "recall": lambda sums: ratio(sums[:, 0], sums[:, 2]),
    }
    return [
        Slice(
            "label",
            label,
            int(gold[:, i].sum()),
            measures(label_counts(gold[:, [i]], answered[:, [i]]), formulas),
        )
        for i, label in enumerate(labels)
    ]
