"""A model's tensors as a bundle keeps them: under torch's names, in torch's layout, large ones in int8.

Graphs refer to these tensors instead of holding copies, so one file of weights serves all graphs of a
bundle, and the torch model can be made again from it (restore.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from seqserve.arrays import FloatArray
from seqserve.dequantization import (
    INPUT_FACTORS,
    INPUT_SCALE,
    INPUT_ZERO,
    SCALES,
    dequantize,
    dequantize_all,
)
from seqserve.manifest import Precision

if TYPE_CHECKING:
    from torch import nn

# Signed numbers as unsigned bytes: these, times signed weights, are what CPUs multiply fast.
ZERO_POINT = 128
MIN_INT8_SIZE = 1024  # smaller tensors stay float32


@dataclass(frozen=True)
class InputQuantization:
    """How the inputs of a layer are quantized to int8.

    Args:
        scale: One step; with the usual zero point, 127 of them are the largest value that is told apart.
        factors: (D,), what the features are multiplied by before; None: nothing.
        zero_point: The byte that stands for 0, 0..255.
    """

    scale: float
    factors: FloatArray | None = None
    zero_point: int = ZERO_POINT


@dataclass(frozen=True)
class Weights:
    """Tensors by name.

    Args:
        tensors: float32, or int8 from -127 to 127 with one float32 scale per row beside it, (..., 1)
            under `NAME.scales`, or one for all rows, (1, 1). `LAYER.input_scale`, a scalar, is one step
            of a layer's quantized input, and `LAYER.input_zero_point` the byte that stands for 0, if that
            is not 128; where the scale is missing, every row of the input has its own.
            By `LAYER.input_factors`, (D,), inputs are multiplied before; `LAYER.weight` is divided by them.
    """

    tensors: Mapping[str, NDArray[Any]]

    @classmethod
    def of(
        cls,
        model: nn.Module,
        precision: Precision = "fp32",
        inputs: Mapping[str, InputQuantization] | None = None,
        exact: Collection[str] = (),
        steps: Mapping[str, float] | None = None,
    ) -> Weights:
        """Take the weights of a torch model; see `of_tensors`."""
        arrays = {
            name: parameter.detach().cpu().float().numpy()
            for name, parameter in model.state_dict().items()
        }
        return cls.of_tensors(arrays, precision, inputs, exact, steps)

    @classmethod
    def of_tensors(
        cls,
        arrays: Mapping[str, FloatArray],
        precision: Precision = "fp32",
        inputs: Mapping[str, InputQuantization] | None = None,
        exact: Collection[str] = (),
        steps: Mapping[str, float] | None = None,
    ) -> Weights:
        """Take the tensors of a model.

        Args:
            arrays: float32, by name.
            precision: int8: matrices of `MIN_INT8_SIZE` and more are quantized.
            inputs: Per layer; where there is none, every row has the scale of its largest value.
            exact: Tensors that stay float32 whatever the precision.
            steps: Matrices that have one scale for all rows, and that scale: their largest value is
                127 times as much.
        """
        tensors: dict[str, NDArray[Any]] = {}
        for name, array in arrays.items():
            is_large = array.ndim > 1 and array.size >= MIN_INT8_SIZE
            if precision == "int8" and steps and name in steps:
                scale = np.full((1,) * array.ndim, steps[name], np.float32)
                tensors[name] = np.rint(array / scale).astype(np.int8)
                tensors[name + SCALES] = scale
            elif precision == "int8" and is_large and name not in exact:
                layer = name.removesuffix(".weight")
                factors = inputs[layer].factors if inputs and layer in inputs else None
                if factors is not None:
                    tensors[layer + INPUT_FACTORS] = factors
                evened = array if factors is None else array / factors
                tensors[name], tensors[name + SCALES] = quantize_rows(evened)
            else:
                tensors[name] = array
        for layer, quantization in (inputs or {}).items():
            tensors[layer + INPUT_SCALE] = np.array(quantization.scale, np.float32)
            if quantization.zero_point != ZERO_POINT:
                tensors[layer + INPUT_ZERO] = np.array(quantization.zero_point, np.uint8)
        return cls(tensors)

    @classmethod
    def from_bytes(cls, contents: bytes) -> Weights:
        """Read the contents of a weights.safetensors."""
        return cls(load(contents))

    def to_bytes(self) -> bytes:
        """Return the contents of weights.safetensors."""
        return save({k: np.require(v, requirements="C") for k, v in self.tensors.items()})

    def is_quantized(self, name: str) -> bool:
        """Return whether a tensor is int8."""
        return name + SCALES in self.tensors

    def dense(self, name: str) -> FloatArray:
        """Return a tensor of the model as float32."""
        return dequantize(self.tensors, name)

    def exact(self) -> Weights:
        """Return the same numbers dequantized: all float32, no input scales."""
        return Weights(dequantize_all(self.tensors))


def quantize_rows(array: FloatArray) -> tuple[NDArray[np.int8], FloatArray]:
    """Quantize to int8 with one symmetric scale per row.

    Args:
        array: (..., N).

    Returns:
        (..., N) int8 from -127 to 127 and (..., 1) float32 scales; their product is close to `array`.
    """
    largest = np.abs(array).max(axis=-1, keepdims=True)
    scales = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    return np.rint(array / scales).astype(np.int8), scales
