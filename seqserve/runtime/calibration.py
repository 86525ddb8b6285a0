"""Scores of a model -> probabilities that its answers are right, with constants fitted on held-out texts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqserve.arrays import FloatArray

_EDGE = 1e-7  # a float32 score of 1 has no logit


@dataclass(frozen=True)
class ScoreCalibration:
    """A rising function of a probability: sigmoid(slope * logit(score) + intercept).

    Args:
        slope: Above 0; below 1 for a model that is too sure.
        intercept: Below 0 for one that is too sure at 0.5 as well.

    Source: Platt 1999, "Probabilistic Outputs for Support Vector Machines"; Guo et al. 2017, section 4.1.
    """

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, scores: FloatArray) -> FloatArray:
        """Return calibrated scores, (N,) float32, of uncalibrated ones, 0..1."""
        if self == UNCALIBRATED:
            return scores
        return sigmoid(self.slope * logit(scores) + self.intercept).astype(np.float32)


UNCALIBRATED = ScoreCalibration()


@dataclass(frozen=True)
class NeutralBand:
    """A third class between two, from the probability of the second one.

    The logarithms of P(neutral) / P(negative) and P(positive) / P(neutral) are linear in logit(positive), with
    one slope: an adjacent-categories model. Between the bounds, neutral is the most probable class.

    Args:
        low: Probability at which neutral is as likely as negative.
        high: Probability at which neutral is as likely as positive.
        slope: Of both logarithms, above 0.

    Source: Agresti 2010, "Analysis of Ordinal Categorical Data", section 4.1.
    """

    low: float
    high: float
    slope: float

    def apply(self, positive: FloatArray) -> FloatArray:
        """Return the probabilities of negative, neutral and positive, (N, 3), of those of positive (N,)."""
        bounds = logit(np.array([self.low, self.high], np.float32))
        steps = self.slope * (logit(positive)[:, None] - bounds)  # (N, 2)
        logs = np.cumsum(np.pad(steps, [(0, 0), (1, 0)]), axis=1)
        weights = np.exp(logs - logs.max(axis=1, keepdims=True))
        shares: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
        return shares.astype(np.float32)


def logit(probabilities: FloatArray) -> NDArray[np.float64]:
    """Return log(p / (1 - p)), finite at 0 and 1."""
    inner = np.clip(probabilities.astype(np.float64), _EDGE, 1 - _EDGE)
    logs: NDArray[np.float64] = np.log(inner) - np.log1p(-inner)
    return logs


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-x))."""
    probabilities: NDArray[np.float64] = 1 / (1 + np.exp(-logits))
    return probabilities
