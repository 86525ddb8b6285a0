from __future__ import annotations

import numpy as np
import pytest

from seqserve.training.sampling import epoch_examples


def test_weights_of_one_read_everything_once() -> None:
    drawn = epoch_examples([1.0, 1.0], [3, 2], np.random.default_rng(0))
    assert drawn.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("weight", [0.3, 2.0, 2.4])
def test_a_weight_is_how_often_an_example_is_read(weight: float) -> None:
    n_others, n = 10, 20_000
    drawn = epoch_examples([1.0, weight], [n_others, n], np.random.default_rng(1))
    counts = np.bincount(drawn, minlength=n_others + n)
    assert (counts[:n_others] == 1).all()
    assert set(counts[n_others:]) <= {int(weight), int(weight) + 1}
    assert counts[n_others:].mean() == pytest.approx(weight, abs=0.02)


def test_the_generator_decides() -> None:
    first, again, other = (
        epoch_examples([0.5], [100], np.random.default_rng(seed)).tolist() for seed in (3, 3, 4)
    )
    assert first == again != other


def test_counts_come_before_any_other_draw() -> None:
    """Runs that were begun before this function existed are resumed with the same batches."""
    weights = np.repeat([1.5, 0.4], [7, 9])
    rng = np.random.default_rng(5)
    counts = np.floor(weights + rng.random(16)).astype(int)
    ours = np.random.default_rng(5)
    assert (
        epoch_examples([1.5, 0.4], [7, 9], ours).tolist()
        == np.repeat(np.arange(16), counts).tolist()
    )
    assert rng.random() == ours.random()
