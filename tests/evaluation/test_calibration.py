"""Expected calibration error, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from seqserve.evaluation.bootstrap import Counts, measure
from seqserve.evaluation.calibration import N_BINS, Bin, calibration

# confidences, right or not, error by hand
SETS = {
    "certain and right": ([1.0] * 4, [True] * 4, 0.0),
    "certain and wrong": ([1.0] * 4, [False] * 4, 1.0),
    "half sure, half right": ([0.5] * 4, [True, False] * 2, 0.0),
    # bin (0.8667, 0.9333]: |0.9 - 0.5|; bin (0.5333, 0.6]: |0.6 - 1|, of 2 and 1 answers
    "two bins": ([0.9, 0.9, 0.6], [True, False, True], 2 / 3 * 0.4 + 1 / 3 * 0.4),
    # within one bin, overconfidence and underconfidence cancel out
    "one bin": ([0.95, 0.99], [True, True], 0.03),
    "zero goes into the first bin": ([0.0], [True], 1.0),
    "no answers": ([], [], 0.0),
}


@pytest.mark.parametrize(("confidences", "is_right", "error"), SETS.values(), ids=SETS)
def test_error_by_hand(confidences: list[float], is_right: list[bool], error: float) -> None:
    found = calibration("texts", range(len(is_right)), confidences, is_right)
    assert found.ece.value == pytest.approx(error, abs=1e-6)
    assert sum(b.n for b in found.bins) == len(is_right)


def test_bins_are_open_below_and_closed_above() -> None:
    edge = 9 / 15
    found = calibration("texts", range(2), [edge, np.nextafter(edge, 1)], [True, False])
    assert found.bins == (Bin(0.5333, 0.6, 1, 0.6, 1.0), Bin(0.6, 0.6667, 1, 0.6, 0.0))


def test_bins_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    sure = rng.uniform(size=500)
    right = rng.uniform(size=500) < sure
    accuracies, confidences = calibration_curve(right, sure, n_bins=N_BINS)
    bins = calibration("texts", range(500), sure.tolist(), right.tolist()).bins
    assert [b.accuracy for b in bins] == pytest.approx(accuracies, abs=1e-4)
    assert [b.confidence for b in bins] == pytest.approx(confidences, abs=1e-4)


def test_calibrated_answers_have_a_small_error_and_an_interval_around_it() -> None:
    rng = np.random.default_rng(1)
    sure = rng.uniform(0.5, 1, 5000)
    right = rng.uniform(size=5000) < sure
    found = calibration("texts", range(5000), sure.tolist(), right.tolist())
    assert found.ece.low <= found.ece.value <= found.ece.high < 0.04
    overconfident = calibration("texts", range(5000), np.sqrt(sure).tolist(), right.tolist())
    assert overconfident.ece.low > found.ece.high


def test_interval_is_moved_back_once() -> None:
    """All in one bin, where the error is the distance of two means."""

    def distance(sums: Counts) -> Counts:
        return np.abs(sums[:, 0] - sums[:, 1]) / sums[:, 2]

    right = [True] * 88 + [False] * 12
    counts = np.array([(0.9, is_right, 1) for is_right in right], float)
    found = calibration("texts", range(100), [0.9] * 100, right)
    assert found.ece == measure(counts, distance, is_biased=True)
    assert found.ece != measure(counts, distance)


def test_answers_to_one_example_stay_together() -> None:
    sure, right = [0.99] * 60, [True] * 30 + [False] * 30
    apart = calibration("entities", range(60), sure, right)
    together = calibration("entities", [0] * 30 + [1] * 30, sure, right)
    assert apart.ece.value == together.ece.value == pytest.approx(0.49)
    assert together.ece.high - together.ece.low > 2 * (apart.ece.high - apart.ece.low)
