"""Torch layers as ONNX operators: linear, layer norm, LSTM; what every model's graph is made of."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto
from torch import Tensor, nn

from model_export.graph import GraphBuilder
from seqserve.arrays import FloatArray
from seqserve.models.bilstm import BiLstm


def array(parameter: Tensor) -> FloatArray:
    """Give a parameter as a float32 array of its shape."""
    values: FloatArray = parameter.detach().cpu().float().numpy()
    return values


def linear(g: GraphBuilder, name: str, x: str, *layers: nn.Linear) -> str:
    """Apply layers that read the same x in one GEMM: (..., D) -> (..., N) of all layers in a row."""
    weight = g.weight(f"{name}.weight", np.concatenate([array(layer.weight) for layer in layers]))
    return g.linear(x, weight, np.concatenate([array(layer.bias) for layer in layers]))


def layer_norm(g: GraphBuilder, x: str, layer: nn.LayerNorm) -> str:
    """(..., D) -> (..., D)."""
    scale, bias = g.constant(array(layer.weight)), g.constant(array(layer.bias))
    return g.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=layer.eps)


def lstm(g: GraphBuilder, name: str, x: str, lengths: str, layer: BiLstm) -> tuple[str, str]:
    """Read the real tokens of each row.

    Args:
        g: The graph.
        name: Of the weights.
        x: (B, T, D).
        lengths: (B,) int64, at least 1; the backward direction starts at the last real token.
        layer: One or both directions, each of width N.

    Returns:
        All hidden states (B, T, directions * N), 0 behind `lengths`, and each direction's last one
        (B, directions * N).
    """
    directions = layer.directions
    n_hidden = directions[0].hidden_size

    def stacked(parameter: str) -> FloatArray:
        gates = (getattr(direction, f"{parameter}_l0") for direction in directions)
        return np.stack([_onnx_gate_order(array(gate)) for gate in gates])

    hidden, last = g.ops(
        "LSTM",
        g.op("Transpose", x, perm=[1, 0, 2]),
        g.dense(g.weight(f"{name}.input", stacked("weight_ih"))),
        g.dense(g.weight(f"{name}.recurrent", stacked("weight_hh"))),
        g.constant(np.concatenate([stacked("bias_ih"), stacked("bias_hh")], axis=1)),
        g.op("Cast", lengths, to=TensorProto.INT32),
        n_outputs=2,
        hidden_size=n_hidden,
        direction="bidirectional" if len(directions) == 2 else "forward",
    )
    by_row = g.op("Transpose", hidden, perm=[2, 0, 1, 3])  # (T, directions, B, N) -> (B, T, ...)
    width = len(directions) * n_hidden
    last_by_row = g.op("Transpose", last, perm=[1, 0, 2])  # (B, directions, N)
    return (
        g.op("Reshape", by_row, g.ints(0, 0, width)),
        g.op("Reshape", last_by_row, g.ints(0, width)),
    )


def _onnx_gate_order(weights: FloatArray) -> FloatArray:
    """Torch stacks the gates as input, forget, cell, output; ONNX as input, output, forget, cell."""
    input_gate, forget, cell, output = np.split(weights, 4)
    return np.concatenate([input_gate, output, forget, cell])
