"""Torch layers as ONNX operators, named after their tensors: linear, layer norm.

The same code serves fp32 and int8: what a layer becomes follows from how its weights are kept. No row of
an activation is ever quantized with a scale from another row, so that a text's numbers do not depend on
its batch mates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model_export.exporters.graphs.builder import MICROSOFT, GraphBuilder, Weight
from model_export.exporters.graphs.weights import ZERO_POINT
from seqserve.dequantization import INPUT_FACTORS, INPUT_SCALE, INPUT_ZERO


def linear(g: GraphBuilder, x: str, *layers: str) -> str:
    """Apply layers that read the same x in one matrix product.

    Args:
        g: The graph.
        x: (..., D) float32.
        layers: Names of torch's linear layers, (N, D) each.

    Returns:
        (..., N of all layers in a row) float32.
    """
    bias = g.vector(*(f"{layer}.bias" for layer in layers))
    return multiply(g, x, layers[0], [f"{layer}.weight" for layer in layers], bias)


def linear_of_relu(g: GraphBuilder, x: str, layer: str) -> str:
    """Apply a layer to relu(x): quantizing to uint8 with zero point 0 clips at zero for free."""
    input_scale = g.weights.tensors.get(layer + INPUT_SCALE)
    weight = g.weight(f"{layer}.weight")
    if input_scale is None or weight.scales is None:
        return linear(g, g.op("Relu", x), layer)
    x = _even(g, x, layer)
    scale = g.float(float(input_scale) * 127 / 255)
    return _int8_product(g, x, (scale, g.constant(np.uint8(0))), weight, g.vector(f"{layer}.bias"))


def multiply(g: GraphBuilder, x: str, layer: str, names: Sequence[str], bias: str) -> str:
    """Multiply x (..., D) by weights (N, D) and add the bias (N,), giving (..., N).

    Args:
        g: The graph.
        x: What is multiplied.
        layer: Whose `input_scale` x is quantized with.
        names: Of the weights, rows after rows.
        bias: Value name.
    """
    weight = g.weight(*names)
    if weight.scales is None:
        return g.op("Add", g.op("MatMul", x, _columns(g, weight)), bias)
    x = _even(g, x, layer)
    zero_point = g.constant(g.weights.tensors.get(layer + INPUT_ZERO, np.uint8(ZERO_POINT)))
    input_scale = g.weights.tensors.get(layer + INPUT_SCALE)
    if input_scale is not None:
        quantization = g.constant(np.float32(input_scale)), zero_point
        return _int8_product(g, x, quantization, weight, bias)
    largest = g.once("ReduceMax", g.once("Abs", x), g.ints(-1), keepdims=1)
    quantization = g.float(1 / 127), zero_point
    product = _int8_product(g, g.once("Div", x, largest), quantization, weight, "")
    return g.op("Add", g.op("Mul", product, largest), bias)


def _even(g: GraphBuilder, x: str, layer: str) -> str:
    """Multiply the features of x (..., D) by the layer's input factors, if it has any."""
    name = layer + INPUT_FACTORS
    return g.once("Mul", x, g.vector(name)) if name in g.weights.tensors else x


def _int8_product(
    g: GraphBuilder, x: str, quantization: tuple[str, str], weight: Weight, bias: str
) -> str:
    """Round x (..., D) with a scale and a zero point, and multiply."""
    assert weight.scales is not None
    scale, zero_point = quantization
    bytes_ = g.once("QuantizeLinear", x, scale, zero_point)
    column_scales = g.root.once("Reshape", weight.scales, g.ints(-1))
    columns = g.unsigned(_columns(g, weight))
    weight_zero = g.constant(np.uint8(ZERO_POINT))
    inputs = (bytes_, columns, scale, column_scales, zero_point, weight_zero, bias)
    return g.op("MatMulIntegerToFloat", *inputs, domain=MICROSOFT)


def _columns(g: GraphBuilder, weight: Weight) -> str:
    """(N, D) -> (D, N), turned while loading."""
    return g.root.once("Transpose", weight.stored, perm=[1, 0])


def layer_norm(g: GraphBuilder, x: str, name: str, epsilon: float = 1e-5) -> str:
    """(..., D) -> (..., D)."""
    scale, bias = g.vector(f"{name}.weight"), g.vector(f"{name}.bias")
    return g.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=epsilon)
