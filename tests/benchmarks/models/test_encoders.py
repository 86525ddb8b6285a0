"""The sides of the comparison of encoders compute the same model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.models.encoders import (
    BY_ROW,
    CALIBRATED,
    DYNAMIC,
    SHAPES,
    encoder_sides,
    measure_encoders,
)
from benchmarks.models.lstm import EAGER
from benchmarks.tools.workspace import Workspace
from tests.benchmarks.models.made_up import TINY

SIZES = {
    "vocab_size": 90,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "num_labels": 5,
}


def test_all_sides_compute_the_same_model(tmp_path: Path) -> None:
    sides: dict[str, Any] = encoder_sides(tmp_path, SIZES, 0)
    ids = np.random.default_rng(0).integers(1, 90, (3, 20))
    batch = {"ids": ids, "lengths": np.full(3, 20)}
    expected = sides[EAGER](batch).logits.numpy()
    for name in (CALIBRATED, BY_ROW, DYNAMIC):
        (found,) = sides[name](batch)
        difference = np.abs(found - expected).max()
        assert 0 < difference < 0.1 * np.abs(expected).max(), name


@pytest.mark.slow
def test_cells(tmp_path: Path) -> None:
    cells = measure_encoders(Workspace(tmp_path, tmp_path, tmp_path), TINY, print)
    assert [(cell.batch, cell.tokens) for cell in cells] == list(SHAPES)
    assert all(cell.ratio(EAGER, CALIBRATED).value > 0 for cell in cells)
