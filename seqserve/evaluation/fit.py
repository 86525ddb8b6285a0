"""Constants of a model that are fitted on held-out sets: calibration of scores, thresholds.

Every set has the same weight, however long it is: a model is used on texts of all kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from seqserve.arrays import BoolArray, FloatArray, IntArray
from seqserve.runtime.calibration import NeutralBand, ScoreCalibration, logit, sigmoid

Parameters = NDArray[np.float64]

_ALLOWED_LOSS = 0.001  # of F1 on any set: less than sets differ by chance
_STEP = 0.05
_EDGE = 1e-9


@dataclass(frozen=True)
class ScoredAnswers:
    """The answers of a model to one set.

    Args:
        scores: (N,), 0..1.
        is_right: (N,).
        n_gold: How many right answers there are.
        right_weight: Of all right answers together in `fit_calibration`, 0..1; the wrong ones have the rest.
            None: as many as there are.
    """

    scores: FloatArray
    is_right: BoolArray
    n_gold: int
    right_weight: float | None = None

    def f1(self, threshold: float) -> float:
        """Return the F1 of the answers with at least this score."""
        is_kept = self.scores >= threshold
        n_all = int(is_kept.sum()) + self.n_gold
        return 2 * float(self.is_right[is_kept].sum()) / n_all if n_all else 0.0


@dataclass(frozen=True)
class ThreeClasses:
    """The texts of one set.

    Args:
        positive: (N,), the probability of the second of the model's two classes.
        gold: (N,), 0 negative, 1 neutral, 2 positive.
    """

    positive: FloatArray
    gold: IntArray


def fit_calibration(sets: Sequence[ScoredAnswers]) -> ScoreCalibration:
    """Return the calibration that makes the outcomes of the answers likeliest."""

    def loss(parameters: Parameters) -> float:
        slope, intercept = np.exp(parameters[0]), parameters[1]
        losses = []
        for answers in sets:
            sure = np.clip(sigmoid(slope * logit(answers.scores) + intercept), _EDGE, 1 - _EDGE)
            of_answers = -np.log(np.where(answers.is_right, sure, 1 - sure))
            losses.append(np.average(of_answers, weights=_weights(answers)))
        return float(np.mean(losses))

    slope, intercept = _minimum(loss, (0.0, 0.0))
    return ScoreCalibration(round(float(np.exp(slope)), 4), round(float(intercept), 4))


def _weights(answers: ScoredAnswers) -> Parameters | None:
    """Return the weight of each answer, (N,); None: all have the same."""
    n, n_right = len(answers.is_right), int(answers.is_right.sum())
    if answers.right_weight is None or n_right in {0, n}:
        return None
    right, wrong = answers.right_weight / n_right, (1 - answers.right_weight) / (n - n_right)
    return np.where(answers.is_right, right, wrong)


def choose_min_score(sets: Sequence[ScoredAnswers]) -> float:
    """Return the largest threshold that costs no F1: not on average, and hardly on any set.

    Args:
        sets: With the scores that the threshold is compared with.
    """
    without = [answers.f1(0.0) for answers in sets]
    chosen = 0.0
    for i in range(1, round(1 / _STEP)):
        threshold = round(i * _STEP, 2)
        change = np.array([answers.f1(threshold) for answers in sets]) - without
        if change.mean() >= 0 and change.min() >= -_ALLOWED_LOSS:
            chosen = threshold
    return chosen


def choose_label_threshold(sets: Sequence[ScoredAnswers]) -> float:
    """Return the threshold of a classifier with label sets: the best F1 on average, the lowest such one.

    Args:
        sets: With the scores of all labels of all texts.
    """
    thresholds = [round(i * _STEP, 2) for i in range(1, round(1 / _STEP))]
    f1 = [np.mean([answers.f1(threshold) for answers in sets]) for threshold in thresholds]
    return thresholds[int(np.argmax(f1))]


def fit_neutral(sets: Sequence[ThreeClasses]) -> NeutralBand:
    """Return the neutral class that makes the gold classes likeliest.

    In every set the classes count alike: how many texts are neutral depends on where they were found.
    """

    def band(parameters: Parameters) -> NeutralBand:
        low, width, slope = parameters
        bounds = sigmoid(np.array([low, low + np.exp(width)]))
        return NeutralBand(float(bounds[0]), float(bounds[1]), float(np.exp(slope)))

    def loss(parameters: Parameters) -> float:
        losses = []
        for texts in sets:
            probabilities = band(parameters).apply(texts.positive)
            sure = probabilities[np.arange(len(texts.gold)), texts.gold]
            logs = np.log(np.maximum(sure, _EDGE))
            losses.append(-np.mean([logs[texts.gold == i].mean() for i in np.unique(texts.gold)]))
        return float(np.mean(losses))

    found = band(_minimum(loss, (-1.0, 0.7, 0.0)))
    return NeutralBand(round(found.low, 4), round(found.high, 4), round(found.slope, 4))


def _minimum(loss: Callable[[Parameters], float], start: Sequence[float]) -> Parameters:
    found: Parameters = optimize.minimize(loss, start, method="Nelder-Mead").x
    return found
