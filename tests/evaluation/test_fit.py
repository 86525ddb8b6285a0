from __future__ import annotations

import numpy as np
import pytest

from seqserve.evaluation.fit import (
    ScoredAnswers,
    ThreeClasses,
    choose_min_score,
    fit_calibration,
    fit_neutral,
)
from seqserve.runtime.calibration import NeutralBand, logit, sigmoid


def answers(seed: int, n: int, slope: float, intercept: float) -> ScoredAnswers:
    """Return answers of which a share of sigmoid(slope * logit(score) + intercept) is right."""
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.05, 0.999, n).astype(np.float32)
    is_right = rng.random(n) < sigmoid(slope * logit(scores) + intercept)
    return ScoredAnswers(scores, is_right, n)


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.6, -0.4), (1.5, 0.3)])
def test_the_calibration_that_made_the_outcomes_is_found(slope: float, intercept: float) -> None:
    sets = [answers(seed, 20_000, slope, intercept) for seed in (1, 2)]
    found = fit_calibration(sets)
    assert found.slope == pytest.approx(slope, abs=0.06)
    assert found.intercept == pytest.approx(intercept, abs=0.06)


def test_sets_have_the_same_weight_whatever_their_size() -> None:
    small, large = answers(1, 4_000, 1.0, -1.0), answers(2, 40_000, 1.0, 1.0)
    assert fit_calibration([small, large]).intercept == pytest.approx(0, abs=0.15)


def scored(scores: list[float], is_right: list[bool], n_gold: int) -> ScoredAnswers:
    return ScoredAnswers(np.array(scores, np.float32), np.array(is_right), n_gold)


CLEAN = scored([0.1, 0.2, 0.92, 0.95], [False, False, True, True], 2)
THRESHOLDS = {
    "wrong answers are left out": ([CLEAN], 0.95),
    "right answers are kept": ([CLEAN, scored([0.42, 0.9], [True, True], 2)], 0.4),
    "no gain": ([scored([0.02, 0.9], [True, True], 2)], 0.0),
    "no answers": ([scored([], [], 2)], 0.95),
}


@pytest.mark.parametrize(("sets", "threshold"), THRESHOLDS.values(), ids=THRESHOLDS)
def test_min_score_costs_no_f1(sets: list[ScoredAnswers], threshold: float) -> None:
    assert choose_min_score(sets) == threshold


@pytest.mark.parametrize(
    ("threshold", "f1"), [(0.0, 2 / 3), (0.15, 0.8), (0.5, 1.0), (0.93, 2 / 3), (0.99, 0.0)]
)
def test_f1_of_the_answers_above_a_threshold(threshold: float, f1: float) -> None:
    assert CLEAN.f1(threshold) == pytest.approx(f1)


@pytest.mark.parametrize("band", [NeutralBand(0.3, 0.6, 0.5), NeutralBand(0.45, 0.8, 1.2)])
def test_the_neutral_band_that_made_the_classes_is_found(band: NeutralBand) -> None:
    rng = np.random.default_rng(3)
    positive = rng.uniform(0.01, 0.99, 60_000).astype(np.float32)
    chances = band.apply(positive).cumsum(axis=1)
    gold = (rng.random((len(positive), 1)) > chances).sum(axis=1)
    # Classes count alike: the sample must have as many of each for the same band to be the best one.
    n = np.bincount(gold).min()
    rows = np.concatenate([np.flatnonzero(gold == i)[:n] for i in range(3)])
    found = fit_neutral([ThreeClasses(positive[rows], gold[rows])])
    assert found.slope == pytest.approx(band.slope, abs=0.15)
    assert found.low < found.high


def test_classes_have_the_same_weight_whatever_their_share() -> None:
    rng = np.random.default_rng(4)
    gold = rng.integers(0, 3, 6000)
    positive = sigmoid(rng.normal(2.0 * (gold - 1), 1.0)).astype(np.float32)
    balanced = fit_neutral([ThreeClasses(positive, gold)])
    rare = (gold != 1) | (rng.random(len(gold)) < 0.1)
    skewed = fit_neutral([ThreeClasses(positive[rare], gold[rare])])
    assert skewed.low == pytest.approx(balanced.low, abs=0.06)
    assert skewed.high == pytest.approx(balanced.high, abs=0.06)
