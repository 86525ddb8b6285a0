"""Static scales for the quantized inputs of linear layers, where these are as exact as a scale per row.

Features differ in size, some by a factor of a hundred. They are multiplied by factors that bring them closer
together, and the weights that read them are divided by these. Errors are those of a layer's outputs, with
quantized weights.

Source: Xiao et al., "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language Models",
ICML 2023, section 4.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np
import onnx

from model_export.exporters.graphs.weights import InputQuantization, Weights, quantize_rows
from model_export.int8.graph_inputs import LayerInputs, sample_inputs
from seqserve.arrays import FloatArray
from seqserve.text.protocols import Inputs

_MARGIN = 1.1  # other texts have larger inputs, and clipping costs more than a coarser step
_SHARES = tuple(
    _MARGIN * share for share in (1.0, 0.9, 0.8, 0.7, 0.55, 0.4)
)  # of the range of all inputs
_EVENNESS = 0.8  # of features that were multiplied by factors; 1: all equally large
_RARE = 0.01  # of the largest feature; smaller ones count as if they were as large
_WORTH_FACTORS = 0.8  # of the error is left, or less
_WORSE_THAN_ROWS = 2.0  # times the error of a scale per row: that is kept
_LARGEST_BYTE = 255


def calibrate(
    graph: onnx.ModelProto, weights: Weights, layers: Collection[str], batches: Iterable[Inputs]
) -> dict[str, InputQuantization]:
    """Choose the quantization of the inputs of a graph's layers.

    Args:
        graph: In float32, with the inputs `ids` and `lengths`.
        weights: Its tensors.
        layers: That are going to be int8.
        batches: Typical inputs.

    Returns:
        By name of the layer; those that are better off with a scale per row are missing.
    """
    chosen: dict[str, InputQuantization] = {}
    for inputs in sample_inputs(graph, weights, layers, batches):
        weight = np.concatenate([weights.dense(f"{layer}.weight") for layer in inputs.layers])
        quantization = choose_quantization(inputs, weight)
        if quantization is not None:
            chosen |= dict.fromkeys(inputs.layers, quantization)
    return chosen


def choose_quantization(inputs: LayerInputs, weight: FloatArray) -> InputQuantization | None:
    """Choose the quantization of a layer's inputs that changes its outputs least.

    Args:
        inputs: Of the layer.
        weight: (N, D).

    Returns:
        None: a scale per row is much better.
    """
    plain_error, plain = _least_error(inputs, weight, None)
    error, even = _least_error(inputs, weight, _factors(inputs, weight))
    if error > _WORTH_FACTORS * plain_error:
        error, even = plain_error, plain
    return even if error <= _WORSE_THAN_ROWS * _error_of_rows(inputs, weight) else None


def _factors(inputs: LayerInputs, weight: FloatArray) -> FloatArray:
    """Return what brings the features closer together, (D,), 1 on average."""
    largest = np.maximum(np.abs(inputs.lowest), np.abs(inputs.highest))
    factors = _not_tiny(np.abs(weight).max(axis=0)) ** (1 - _EVENNESS)
    factors /= _not_tiny(largest) ** _EVENNESS
    even: FloatArray = (factors / factors.mean()).astype(np.float32)
    return even


def _not_tiny(values: FloatArray) -> FloatArray:
    return np.maximum(values, float(values.max()) * _RARE or 1.0)


def _least_error(
    inputs: LayerInputs, weight: FloatArray, factors: FloatArray | None
) -> tuple[float, InputQuantization]:
    """Try ranges; return the least squared error of the outputs, and its quantization."""
    factor = np.float32(1) if factors is None else factors
    lowest = min(0.0, float((inputs.lowest * factor).min()))
    highest = max(0.0, float((inputs.highest * factor).max()))
    x = inputs.samples * factor
    rounded_weight = _rounded(weight / factor)
    expected = inputs.samples @ weight.T
    tried: Mapping[float, InputQuantization] = {}
    for share in _SHARES:
        scale = share * (highest - lowest) / _LARGEST_BYTE or 1.0
        zero_point = min(_LARGEST_BYTE, round(-lowest * share / scale))
        steps = np.clip(np.rint(x / np.float32(scale)) + zero_point, 0, _LARGEST_BYTE) - zero_point
        error = (steps * np.float32(scale)) @ rounded_weight.T - expected
        tried = {**tried, float((error**2).sum()): InputQuantization(scale, factors, zero_point)}
    least = min(tried)
    return least, tried[least]


def _error_of_rows(inputs: LayerInputs, weight: FloatArray) -> float:
    """Return the squared error of the outputs if every row has its own scale."""
    error = _rounded(inputs.samples) @ _rounded(weight).T - inputs.samples @ weight.T
    return float((error**2).sum())


def _rounded(rows: FloatArray) -> FloatArray:
    """Quantize rows and dequantize them."""
    steps, scales = quantize_rows(rows)
    rounded: FloatArray = steps * scales
    return rounded
