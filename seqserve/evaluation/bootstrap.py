"""How far a metric could have come out otherwise: 95 % intervals over resampled examples.

Every metric here is a formula over sums of per-example counts (an F1 of true positives, predicted and
gold spans; a BLEU of n-gram matches), so that a resample is one weighted sum.
Source: Efron & Tibshirani 1993, chapter 13 (percentile intervals); Koehn 2004 (the same for BLEU).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_RESAMPLES = 1000
SEED = 1

Counts = NDArray[np.float64]
Formula = Callable[[Counts], NDArray[np.float64]]
"""Sums of the columns, (R, K), a row per resample -> the metric of each, (R,)."""

_CHUNK = 50  # resamples whose weights are in memory at once
_DIGITS = 6


@dataclass(frozen=True)
class Measure:
    """A metric and the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


def measure(counts: Counts, formula: Formula, *, is_biased: bool = False) -> Measure:
    """Give a metric of a set of examples, and its interval.

    Args:
        counts: (N, K), what each example adds to each sum.
        formula: From the sums to the metric.
        is_biased: Resampling alone moves the metric (a calibration error grows by it); the interval
            is then moved back by as much, and cut at zero.
    """
    sums = np.vstack([counts.sum(axis=0), _resampled_sums(counts)])
    value, *resampled = (float(metric) for metric in formula(sums))
    low, high = (float(bound) for bound in np.percentile(resampled, (2.5, 97.5)))
    if is_biased:
        bias = float(np.mean(resampled)) - value
        low, high = max(0.0, low - bias), max(0.0, high - bias)
    return Measure(round(value, _DIGITS), round(low, _DIGITS), round(high, _DIGITS))


def measures(counts: Counts, formulas: Mapping[str, Formula]) -> dict[str, Measure]:
    """Give several metrics of the same counts."""
    return {name: measure(counts, formula) for name, formula in formulas.items()}


def ratio(above: Counts, below: Counts) -> Counts:
    """Divide; nothing of nothing is 0."""
    return np.divide(above, below, out=np.zeros_like(above), where=below != 0)


def share(sums: Counts) -> Counts:
    """The formula of (N, 2) counts: the first of the second."""
    return ratio(sums[:, 0], sums[:, 1])


def _resampled_sums(counts: Counts) -> Counts:
    """(R, K): the sums of N examples drawn with replacement, R times."""
    rng = np.random.default_rng(SEED)
    n_examples = len(counts)
    sums = []
    for start in range(0, N_RESAMPLES, _CHUNK):
        drawn = rng.integers(0, n_examples, (min(_CHUNK, N_RESAMPLES - start), n_examples))
        weights = np.stack([np.bincount(row, minlength=n_examples) for row in drawn])
        sums.append(weights.astype(np.float64) @ counts)
    return np.concatenate(sums)
