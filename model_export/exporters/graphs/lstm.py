"""An LSTM in ONNX, in float32 or int8, depending on how its weights are stored.

In int8 it is onnxruntime's DynamicQuantizeLSTM, which quantizes its input (once) and its hidden states (at
every step) to 256 values between the smallest and the largest that it meets *anywhere in the batch*. That
would make a text's numbers depend on its batch mates. So both ranges are pinned to [-1, 1]:

* Input: two more features are +1 and -1 at every token; no weight reads them. All others are within
  [-1, 1] already: equalisation.py ensures it. The scale is then 2/255, and an int8 table with that scale
  (`FEATURE_SCALE`) loses nothing more.
* Hidden states, which are always within (-1, 1): two more units per direction are +1 and -1 from the
  first step to the last; no weight leads to or from them. They begin with these states and with cells of
  +-30, their forget and output gates stand open (a bias of 30), their input gates are shut.

What is left is integer arithmetic and arithmetic of single rows: the same in every batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from model_export.exporters.graphs.builder import MICROSOFT, GraphBuilder
from seqserve.arrays import FloatArray
from seqserve.dequantization import SCALES

FEATURE_SCALE = 2 / 255

_OPEN = 30.0  # tanh and the logistic function of it are 1 in float32
_N_PINS = 2
_MULTIPLE = 4  # of what the integer kernels read at once
_GATES = (0, 3, 1, 2)  # torch: input, forget, cell, output; ONNX: input, output, forget, cell


@dataclass(frozen=True)
class States:
    """The outputs of an LSTM; of the N' units of a direction the first N are the model's.

    Args:
        hidden: (T, directions, B, N') float32, 0 behind the length of a row.
        last: (directions, B, N') float32, of each direction's last token.
        shape: Directions, N and N'.
    """

    hidden: str
    last: str
    shape: tuple[int, int, int]

    @property
    def width(self) -> int:
        """Units of all directions."""
        return self.shape[0] * self.shape[2]


def lstm(g: GraphBuilder, name: str, features: list[str], lengths: str) -> States:
    """Read the real tokens of each row.

    Args:
        g: The graph; its weights say how many directions there are, and how they are kept.
        name: Of the layer, a `BiLstm`.
        features: (T, B, D) float32 each, side by side the input; within [-1, 1] if weights are int8.
        lengths: (B,) int64, at least 1; the backward direction starts at the last real token.
    """
    layer = _Layer(g, name)
    lengths = g.op("Cast", lengths, to=TensorProto.INT32)
    return (_int8_lstm if layer.is_int8 else _float_lstm)(layer, features, lengths)


def look_up(g: GraphBuilder, table: str, ids: str) -> str:
    """Look up ids (...) in a table (V, D) that has one scale for all rows or none, giving (..., D)."""
    weight = g.weight(table)
    found = g.op("Gather", weight.stored, ids)
    return g.op("Mul", g.to_float(found), weight.scales) if weight.scales else found


def as_features(g: GraphBuilder, name: str, features: str) -> str:
    """Keep features within the range that the LSTM `name` can read."""
    if not _Layer(g, name).is_int8:
        return features
    return g.op("Clip", features, g.float(-1), g.float(1))


def read_states(g: GraphBuilder, x: str, layer: str, states: States) -> str:
    """Apply a linear layer (N, directions * N) to the units of all directions, (..., directions * N')."""
    n_directions, n, n_padded = states.shape
    rows = g.root.once("Transpose", g.dense(g.weight(f"{layer}.weight")), perm=[1, 0])
    by_direction = g.root.once("Reshape", rows, g.ints(n_directions, n, -1))
    padded = g.root.once("Pad", by_direction, g.ints(0, 0, 0, 0, n_padded - n, 0))
    flat = g.root.once(
        "Reshape", padded, g.ints(states.width, -1)
    )  # all of it folded while loading
    return g.op("Add", g.op("MatMul", x, flat), g.vector(f"{layer}.bias"))


def _float_lstm(layer: _Layer, features: list[str], lengths: str) -> States:
    g = layer.g
    biases = [layer.gates("bias_ih"), layer.gates("bias_hh")]
    hidden, last = g.ops(
        "LSTM",
        _join(g, features),
        layer.matrices("weight_ih", layer.n_inputs, layer.n_units),
        layer.matrices("weight_hh", layer.n_units, layer.n_units),
        g.constant(np.concatenate(biases, axis=1)),
        lengths,
        n_outputs=2,
        hidden_size=layer.n_units,
        direction=layer.direction,
    )
    return States(hidden, last, (layer.n_directions, layer.n_units, layer.n_units))


def _int8_lstm(layer: _Layer, features: list[str], lengths: str) -> States:
    g = layer.g
    width, n_units = (_rounded_up(n + _N_PINS) for n in (layer.n_inputs, layer.n_units))
    pins = np.zeros((1, 1, width - layer.n_inputs), np.float32)
    pins[..., 0], pins[..., 1] = 1, -1
    time_and_batch = g.op("Shape", features[0], start=0, end=2)
    pinned = g.op("Expand", g.constant(pins), g.shape(time_and_batch, 1))
    first = np.zeros((layer.n_directions, 1, n_units), np.float32)
    first[..., layer.n_units], first[..., layer.n_units + 1] = 1, -1
    rows = g.shape(1, g.length(lengths, 0), 1)
    zero_points = g.constant(np.full((layer.n_directions, 4 * n_units), 128, np.uint8))
    hidden, last = g.ops(
        "DynamicQuantizeLSTM",
        _join(g, [*features, pinned]),
        g.unsigned(layer.columns("weight_ih", width, n_units)),
        g.unsigned(layer.columns("weight_hh", n_units, n_units)),
        g.constant(_pinned_biases(layer, n_units)),
        lengths,
        g.op("Expand", g.constant(first), rows),
        g.op("Expand", g.constant(first * np.float32(_OPEN)), rows),
        "",
        g.constant(layer.scales("weight_ih", n_units)),
        zero_points,
        g.constant(layer.scales("weight_hh", n_units)),
        zero_points,
        n_outputs=2,
        domain=MICROSOFT,
        hidden_size=n_units,
        direction=layer.direction,
    )
    return States(hidden, last, (layer.n_directions, layer.n_units, n_units))


def _pinned_biases(layer: _Layer, n_units: int) -> FloatArray:
    """Return both biases, (directions, 8 * n_units): their sum and zeros."""
    biases = np.zeros((layer.n_directions, 8, n_units), np.float32)
    summed = layer.gates("bias_ih") + layer.gates("bias_hh")
    biases[:, :4, : layer.n_units] = summed.reshape(layer.n_directions, 4, -1)
    pins = slice(layer.n_units, layer.n_units + _N_PINS)
    biases[:, :3, pins] = np.array([-_OPEN, _OPEN, _OPEN])[:, None]  # input, output, forget
    return biases.reshape(layer.n_directions, -1)


class _Layer:
    """The weights of a layer, its directions together, gates in ONNX's order, units padded."""

    def __init__(self, g: GraphBuilder, name: str) -> None:
        tensors = g.weights.tensors
        both = [f"{name}.forwards", f"{name}.backwards"]
        self.g = g
        self._directions = [d for d in both if f"{d}.weight_hh_l0" in tensors]
        self.n_directions = len(self._directions)
        self.direction = "bidirectional" if self.n_directions == 2 else "forward"
        self.n_inputs: int = g.weights.tensors[self.names("weight_ih")[0]].shape[1]
        self.n_units: int = g.weights.tensors[self.names("weight_hh")[0]].shape[1]

    @property
    def is_int8(self) -> bool:
        """Whether all matrices are int8; those of very small models are not."""
        matrices = [*self.names("weight_ih"), *self.names("weight_hh")]
        return all(map(self.g.weights.is_quantized, matrices))

    def names(self, parameter: str) -> list[str]:
        """Name a parameter of every direction."""
        return [f"{direction}.{parameter}_l0" for direction in self._directions]

    def gates(self, parameter: str, suffix: str = "") -> FloatArray:
        """Return a vector per direction, (directions, 4 * N)."""
        vectors = [self.g.weights.tensors[name + suffix] for name in self.names(parameter)]
        by_gate: FloatArray = np.stack(vectors).reshape(self.n_directions, 4, -1)
        return by_gate[:, list(_GATES)].reshape(self.n_directions, -1)

    def scales(self, parameter: str, n_units: int) -> FloatArray:
        """Return the scales of an int8 matrix, (directions, 4 * n_units)."""
        by_gate = self.gates(parameter, SCALES).reshape(self.n_directions, 4, -1)
        behind = [(0, 0), (0, 0), (0, n_units - self.n_units)]
        return np.pad(by_gate, behind, constant_values=1).reshape(self.n_directions, -1)

    def matrices(self, parameter: str, n_columns: int, n_units: int) -> str:
        """Return a matrix per direction, (directions, 4 * n_units, n_columns)."""
        return self._stack([self._padded(n, n_columns, n_units) for n in self.names(parameter)])

    def columns(self, parameter: str, n_columns: int, n_units: int) -> str:
        """Return a matrix per direction, turned: (directions, n_columns, 4 * n_units)."""
        padded = [self._padded(n, n_columns, n_units) for n in self.names(parameter)]
        return self._stack([self._fold("Transpose", matrix, perm=[1, 0]) for matrix in padded])

    def _padded(self, name: str, n_columns: int, n_units: int) -> str:
        g = self.g
        columns: int = g.weights.tensors[name].shape[1]
        weight = g.weight(name)
        values = weight.stored if self.is_int8 else g.dense(weight)
        by_gate = self._fold("Reshape", values, g.ints(4, self.n_units, columns))
        ordered = self._fold("Gather", by_gate, g.ints(*_GATES), axis=0)
        behind = g.ints(0, 0, 0, 0, n_units - self.n_units, n_columns - columns)
        padded = self._fold("Pad", ordered, behind)
        return self._fold("Reshape", padded, g.ints(4 * n_units, n_columns))

    def _stack(self, matrices: list[str]) -> str:
        apart = [self._fold("Unsqueeze", matrix, self.g.ints(0)) for matrix in matrices]
        return self._fold("Concat", *apart, axis=0)

    def _fold(self, op_type: str, *inputs: str, **attributes: int | list[int]) -> str:
        """Add an operator on weights, which onnxruntime computes while loading."""
        return self.g.root.once(op_type, *inputs, **attributes)


def _join(g: GraphBuilder, features: list[str]) -> str:
    return features[0] if len(features) == 1 else g.op("Concat", *features, axis=2)


def _rounded_up(n: int) -> int:
    return -(-n // _MULTIPLE) * _MULTIPLE
