"""Calibration: whether answers with probability 0.9 are right nine times out of ten.

`sklearn.calibration.calibration_curve` has the same bins; tests compare with it. It returns neither the
count of a bin nor what each example adds to it, and the bootstrap of the error needs both.

Source: Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks", section 2:
expected calibration error over 15 bins of equal width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seqserve.evaluation.bootstrap import Counts, Measure, measure, ratio

N_BINS = 15


@dataclass(frozen=True)
class Bin:
    """Answers whose probability is in (low, high].

    Args:
        low: Lower bound, exclusive.
        high: Upper bound, inclusive.
        n: Number of answers.
        confidence: Their mean probability.
        accuracy: The share of them that is right.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """The expected calibration error and the bins that it is computed from.

    Args:
        of: What the probabilities belong to, such as "texts" or "entities".
        ece: Mean distance between probability and accuracy, weighted by answers.
        bins: From low to high, without empty ones.
    """

    of: str
    ece: Measure
    bins: tuple[Bin, ...]


def calibration(
    of: str, examples: Sequence[int], confidences: Sequence[float], is_right: Sequence[bool]
) -> Calibration:
    """Compare the probabilities of answers with the share of them that is right.

    Args:
        of: What the answers are.
        examples: The example that each answer belongs to, counted from 0. Resampling draws examples, so
            several answers to one example stay together.
        confidences: The probability of each answer, 0..1.
        is_right: Whether it was right.
    """
    sure = np.array(confidences, dtype=np.float64)
    bins = np.clip(np.ceil(sure * N_BINS).astype(np.int64) - 1, 0, N_BINS - 1)
    counts = np.zeros((max(examples, default=0) + 1, 3, N_BINS))
    for column, values in enumerate(
        (np.ones(len(sure)), sure, np.array(is_right, dtype=np.float64))
    ):
        np.add.at(counts[:, column], (np.array(examples, dtype=np.int64), bins), values)
    ece = measure(counts.reshape(len(counts), -1), _ece, is_biased=True)
    n, confidence, right = counts.sum(axis=0)
    return Calibration(
        of,
        ece,
        tuple(
            Bin(
                round(i / N_BINS, 4),
                round((i + 1) / N_BINS, 4),
                int(n[i]),
                round(float(confidence[i] / n[i]), 4),
                round(float(right[i] / n[i]), 4),
            )
            for i in range(N_BINS)
            if n[i]
        ),
    )


def _ece(sums: Counts) -> Counts:
    """Compute the error from answers, summed confidences and right answers of each bin.

    Args:
        sums: (R, 3 * bins).

    Returns:
        (R,).
    """
    n, confidence, right = (sums[:, i * N_BINS : (i + 1) * N_BINS] for i in range(3))
    distances: Counts = np.abs(confidence - right).sum(axis=1)
    return ratio(distances, n.sum(axis=1))
