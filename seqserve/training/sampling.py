"""Which training examples an epoch reads, by the weights of their data sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqserve.arrays import IntArray


def epoch_examples(
    weights: Sequence[float], sizes: Sequence[int], rng: np.random.Generator
) -> IntArray:
    """Draw the examples of one epoch.

    Args:
        weights: Per data set, above 0: how often each of its examples is read on average. Of a weight of 2.3,
            every example is read twice, and each with probability 0.3 a third time.
        sizes: Examples per data set; those of all sets are numbered in this order.
        rng: Decides the fractions; always draws one number per example.

    Returns:
        (N,) indices of examples in ascending order; an example that is read several times comes several times.
    """
    of_example = np.repeat(np.asarray(weights, np.float64), sizes)
    counts = np.floor(of_example + rng.random(len(of_example))).astype(int)
    return np.repeat(np.arange(len(of_example)), counts)
