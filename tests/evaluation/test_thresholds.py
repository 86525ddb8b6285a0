from __future__ import annotations

import numpy as np
import pytest

from seqserve.evaluation import thresholds
from seqserve.evaluation.held_out import fit_held_out
from seqserve.evaluation.thresholds import low_confidence_threshold
from seqserve.manifest import LOW_CONFIDENCE
from seqserve.runtime.engine import open_engine
from tests.tiny import TinyProject

N = 100
SCORES = -np.arange(N) / N  # 0 down to -0.99
GOOD, POOR = np.full(N, 60.0), np.full(N, 10.0)


def poor_from(n_good: int, n_good_among: int = 0) -> np.ndarray:
    """Return qualities: those of the highest scores are good, and so many of the others."""
    qualities = np.where(np.arange(N) < n_good, GOOD, POOR)
    qualities[N - 1 : N - 1 - 2 * n_good_among : -2] = 60.0
    return qualities


CHOSEN = {
    "all below are poor": (poor_from(70), -0.67),  # 30 poor and 3 good ones are 90.9 % poor
    "one good among them": (poor_from(70, 1), -0.68),
    "too many good among them": (poor_from(70, 9), None),
    "too few below": (poor_from(90), None),
    "none is poor": (GOOD, None),
    "all alike": (POOR, None),
    "just enough": (poor_from(80), -0.78),
    "no relation": (np.where(np.arange(N) % 2, GOOD, POOR), None),
}


@pytest.mark.parametrize(("qualities", "expected"), CHOSEN.values(), ids=CHOSEN)
def test_low_confidence_threshold(qualities: np.ndarray, expected: float | None) -> None:
    assert low_confidence_threshold(SCORES, qualities) == expected
    shuffled = np.random.default_rng(1).permutation(N)
    assert low_confidence_threshold(SCORES[shuffled], qualities[shuffled]) == expected


def test_the_share_of_poor_ones_below_is_kept() -> None:
    rng = np.random.default_rng(2)
    scores = rng.normal(-1, 0.5, 2000)
    qualities = 40 + 30 * scores + rng.normal(0, 10, 2000)
    threshold = low_confidence_threshold(scores, qualities)
    assert threshold is not None
    is_poor = qualities[scores < threshold] < 0.5 * np.median(qualities)
    assert is_poor.mean() == pytest.approx(thresholds.PRECISION, abs=0.02)


def test_nothing_is_chosen_from_nothing() -> None:
    assert low_confidence_threshold(np.array([]), np.array([])) is None


def test_of_a_translator(tiny: TinyProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """The set is too small for a threshold, until the requirement is lowered."""
    recipe, engine = tiny.recipes["translation"], open_engine(tiny.bundle("translation"))
    assert not fit_held_out(engine, tiny.data, recipe)
    monkeypatch.setattr(thresholds, "_MIN_WARNED", 1)
    monkeypatch.setattr(thresholds, "PRECISION", 0.0)
    found = fit_held_out(engine, tiny.data, recipe)
    assert not found.config
    assert found.thresholds.keys() == {LOW_CONFIDENCE} and found.thresholds[LOW_CONFIDENCE] <= 0
