"""Intervals contain the metric, are narrower with more examples, and have the theoretical width."""

from __future__ import annotations

import numpy as np
import pytest

from seqserve.evaluation.bootstrap import (
    N_RESAMPLES,
    Counts,
    Measure,
    measure,
    measures,
    ratio,
    share,
)


def answers(n_right: int, n: int) -> Counts:
    """(N, 2) counts of `n` answers, `n_right` of them right."""
    return np.stack([np.arange(n) < n_right, np.ones(n)], axis=1).astype(np.float64)


@pytest.mark.parametrize(("n_right", "n"), [(80, 100), (800, 1000), (8000, 10000)])
def test_interval_of_a_share_is_that_of_the_normal_distribution(n_right: int, n: int) -> None:
    found = measure(answers(n_right, n), share)
    half = 1.96 * (0.8 * 0.2 / n) ** 0.5
    assert found.value == 0.8
    assert found.low == pytest.approx(0.8 - half, abs=0.15 * half)
    assert found.high == pytest.approx(0.8 + half, abs=0.15 * half)


FIXED = {
    "one example": ([[1, 1]], 1.0),
    "all alike": ([[1, 2]] * 50, 0.5),
    "nothing to count": ([[0, 0]] * 3, 0.0),
}


@pytest.mark.parametrize(("counts", "value"), FIXED.values(), ids=FIXED)
def test_what_cannot_vary_has_no_width(counts: list[list[int]], value: float) -> None:
    assert measure(np.array(counts, float), share) == Measure(value, value, value)


def test_examples_are_drawn_whole() -> None:
    """Two sentences of 50 spans vary much more than 100 spans would."""
    spans = measure(answers(50, 100), share)
    sentences = measure(np.array([[50, 50], [0, 50]], float), share)
    assert spans.high - spans.low < 0.25
    assert (sentences.low, sentences.high) == (0.0, 1.0)


def test_same_counts_same_interval() -> None:
    assert measure(answers(7, 30), share) == measure(answers(7, 30), share)


def test_intervals_stay_those_of_recorded_evaluations() -> None:
    """These digits stand in evaluations of shipped bundles: another random stream would change them."""
    assert measure(answers(7, 30), share) == Measure(0.233333, 0.1, 0.4)


def test_bias_of_resampling_is_taken_back() -> None:
    resampled: list[float] = []

    def distance(sums: Counts) -> Counts:
        metrics = np.abs(sums[:, 0] - sums[:, 1] / 2) / sums[:, 1]
        if len(sums) > 1:  # not the set itself
            resampled.extend(metrics.tolist())
        return metrics

    plain = measure(answers(50, 100), distance)
    assert len(resampled) == N_RESAMPLES
    moved = measure(answers(50, 100), distance, is_biased=True)
    assert plain.value == moved.value == 0
    assert moved.low == 0
    assert moved.high == pytest.approx(plain.high - np.mean(resampled), abs=1e-6)


def test_bias_is_taken_back_from_both_bounds() -> None:
    def too_high(sums: Counts) -> Counts:
        """Return 0.5 for the set itself and 0.6 for every resample."""
        return np.full(len(sums), 0.5 if len(sums) == 1 else 0.6)

    assert measure(answers(1, 2), too_high, is_biased=True) == Measure(0.5, 0.5, 0.5)
    assert measure(answers(1, 2), too_high) == Measure(0.5, 0.6, 0.6)


def test_several_metrics_of_the_same_counts() -> None:
    found = measures(answers(3, 4), {"share": share, "n": lambda sums: sums[:, 1]})
    assert {name: metric.value for name, metric in found.items()} == {"share": 0.75, "n": 4}


def test_ratio_of_nothing_is_nothing() -> None:
    above, below = np.array([1.0, 0.0, 3.0]), np.array([2.0, 0.0, 4.0])
    assert ratio(above, below).tolist() == [0.5, 0.0, 0.75]
