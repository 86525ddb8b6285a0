from __future__ import annotations

import numpy as np
import pytest

from seqserve.runtime.calibration import UNCALIBRATED, NeutralBand, ScoreCalibration

SCORES = np.array([0.0, 1e-6, 0.1, 0.5, 0.9, 0.999, 1.0], np.float32)


@pytest.mark.parametrize("slope", [0.3, 0.72, 1.0, 2.0])
@pytest.mark.parametrize("intercept", [-0.5, 0.0, 1.0])
def test_calibrated_scores_rise_with_scores_and_are_probabilities(
    slope: float, intercept: float
) -> None:
    found = ScoreCalibration(slope, intercept).apply(SCORES)
    assert found.dtype == np.float32
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) > -1e-7).all()
    assert found[3] == pytest.approx(1 / (1 + np.exp(-intercept)))


def test_without_calibration_scores_stay() -> None:
    assert UNCALIBRATED.apply(SCORES) is SCORES


BAND = NeutralBand(0.3, 0.6, 0.5)


@pytest.mark.parametrize(
    ("positive", "label"), [(0.0, 0), (0.29, 0), (0.31, 1), (0.59, 1), (0.61, 2), (1.0, 2)]
)
def test_neutral_is_the_most_probable_between_its_bounds(positive: float, label: int) -> None:
    probabilities = BAND.apply(np.array([positive], np.float32))
    assert probabilities.shape == (1, 3)
    assert probabilities.argmax() == label
    assert probabilities.sum() == pytest.approx(1)


def test_at_its_bounds_neutral_is_as_probable_as_its_neighbour() -> None:
    low, high = BAND.apply(np.array([0.3, 0.6], np.float32))
    assert low[0] == pytest.approx(low[1], abs=1e-6) and high[1] == pytest.approx(high[2], abs=1e-6)
