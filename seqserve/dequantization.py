"""The tensors of a bundle's `weights.safetensors` as float32: what its int8 matrices stand for.

Specified in docs/extending.md, "Bundle format".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from seqserve.arrays import FloatArray

SCALES = ".scales"
INPUT_SCALE = ".input_scale"
INPUT_ZERO = ".input_zero_point"
INPUT_FACTORS = ".input_factors"
_ADDED = (SCALES, INPUT_SCALE, INPUT_ZERO, INPUT_FACTORS)


def dequantize(tensors: Mapping[str, NDArray[Any]], name: str) -> FloatArray:
    """Return a tensor of a model as float32.

    Args:
        tensors: Of a weights file: float32, or int8 with `NAME.scales` beside it; a layer's weight is divided
            by its `LAYER.input_factors`.
        name: Of the tensor.
    """
    array = tensors[name]
    if name + SCALES in tensors:
        array = array.astype("float32") * tensors[name + SCALES]
    factors = tensors.get(name.removesuffix(".weight") + INPUT_FACTORS)
    return array if factors is None else array * factors


def dequantize_all(tensors: Mapping[str, NDArray[Any]]) -> dict[str, FloatArray]:
    """Return all tensors of a model as float32, without scales, zero points and factors."""
    return {name: dequantize(tensors, name) for name in tensors if not name.endswith(_ADDED)}
