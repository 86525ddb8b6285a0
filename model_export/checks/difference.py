"""How far the outputs of a graph are from those of the model that it was made of; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seqserve.arrays import FloatArray
from seqserve.errors import ExportError

Outputs = Mapping[str, FloatArray]


def compare(name: str, expected: Outputs, actual: Outputs, tolerance: float) -> float:
    """Return the largest absolute difference between two sides' outputs.

    Args:
        name: What was computed; it starts the error message.
        expected: Torch's outputs.
        actual: The graph's outputs, of the same names.
        tolerance: Largest difference that is accepted.

    Raises:
        ExportError: Names or shapes differ, a difference is over the tolerance, or a number is not finite.
    """
    if expected.keys() != actual.keys():
        raise ExportError(f"{name}: outputs are {sorted(actual)}, expected {sorted(expected)}")
    worst = 0.0
    for output, right in expected.items():
        given = actual[output]
        if given.shape != right.shape:
            raise ExportError(f"{name}: {output} is {given.shape}, expected {right.shape}")
        if right.size == 0:
            continue
        what = f"{name}: {output} {right.shape}"
        for side, values in (("torch", right), ("onnxruntime", given)):
            _refuse_not_finite(f"{what} of {side}", values)
        # In float64, the difference of two numbers of float32 is never infinite.
        differences = np.abs(given.astype(np.float64) - right)
        place = tuple(map(int, np.unravel_index(differences.argmax(), right.shape)))
        if differences[place] > tolerance:
            raise ExportError(
                f"{what} is {given[place]} at {place}, where torch returns {right[place]}; the tolerance is "
                f"{tolerance}"
            )
        worst = max(worst, float(differences[place]))
    return worst


def _refuse_not_finite(what: str, values: FloatArray) -> None:
    """Raises ExportError: a number is not finite."""
    is_finite = np.isfinite(values)
    if not is_finite.all():
        place = tuple(map(int, np.argwhere(~is_finite)[0]))
        raise ExportError(
            f"{what} is not finite: {values[place]} at {place}. The weights are damaged or too large: train or "
            "save the model again"
        )
