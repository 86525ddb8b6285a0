"""95 % confidence intervals of metrics, by bootstrap over the examples of a data set.

Every metric here is a formula over sums of per-example counts (F1: true positives, predicted and gold
spans; BLEU: n-gram matches). The metric of a resample is the formula of a weighted sum.
Source: Efron & Tibshirani 1993, chapter 13 (percentile intervals); Koehn 2004 (the same for BLEU).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

N_RESAMPLES = 1000
SEED = 1

Counts = NDArray[np.float64]
Formula = Callable[[Counts], NDArray[np.float64]]
"""Sums of the columns, (R, K), one row per resample -> the metric of each, (R,)."""

_BATCH = 50  # resamples whose weights are in memory at once
_DIGITS = 6


@dataclass(frozen=True)
class Measure:
    """A metric and the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


def measure(counts: Counts, formula: Formula, *, is_biased: bool = False) -> Measure:
    """Compute a metric of a set of examples and its interval.

    Args:
        counts: (N, K), what each example adds to each sum.
        formula: From the sums to the metric.
        is_biased: Whether resampling alone shifts the metric, as it raises a calibration error. The mean
            shift is then subtracted from both bounds, and bounds below zero become zero.
    """
    value = float(formula(counts.sum(axis=0, keepdims=True))[0])
    if len(counts) < 2:  # every resample is the set itself
        return Measure(*[round(value, _DIGITS)] * 3)

    def metrics_of(rows: NDArray[np.int64], axis: int) -> NDArray[np.float64]:
        weights = np.stack([np.bincount(row, minlength=len(counts)) for row in rows])
        return formula(weights.astype(np.float64) @ counts)

    found = stats.bootstrap(
        (np.arange(len(counts)),),
        metrics_of,
        n_resamples=N_RESAMPLES,
        batch=_BATCH,
        vectorized=True,
        method="percentile",
        rng=np.random.default_rng(SEED),
    )
    low, high = map(float, found.confidence_interval)
    if is_biased:
        bias = float(np.mean(found.bootstrap_distribution)) - value
        low, high = max(0.0, low - bias), max(0.0, high - bias)
    return Measure(round(value, _DIGITS), round(low, _DIGITS), round(high, _DIGITS))


def measures(counts: Counts, formulas: Mapping[str, Formula]) -> dict[str, Measure]:
    """Compute several metrics of the same counts, with their intervals."""
    return {name: measure(counts, formula) for name, formula in formulas.items()}


def ratio(above: Counts, below: Counts) -> Counts:
    """Divide element by element; 0 where the divisor is 0."""
    return np.divide(above, below, out=np.zeros_like(above), where=below != 0)


def share(sums: Counts) -> Counts:
    """Divide the first of two sums by the second; the formula of (N, 2) counts."""
    return ratio(sums[:, 0], sums[:, 1])
