"""The classifier as an ONNX graph: word ids in, logits out, pooling and its masks inside."""

from __future__ import annotations

import numpy as np
import onnx

from model_export.exporters.graphs.builder import GraphBuilder
from model_export.exporters.graphs.lstm import States, look_up, lstm, read_states
from model_export.exporters.graphs.weights import Weights
from seqserve.models.classifier import ClassifierConfig

EXACT = ("attention.weight", "output.weight")  # read by a multiplication in float32

_BELOW_ALL = -4.0  # states are within (-1, 1), and 0 behind a row's length
_BLOCK = 8


def classifier_graph(config: ClassifierConfig, weights: Weights) -> onnx.ModelProto:
    """Return the graph of a trained classifier.

    Inputs: `word_ids` (B, T) and `lengths` (B,), int64, lengths at least 1.
    Output: `logits` (B, L) float32.
    """
    g = GraphBuilder("classifier", weights)
    word_ids = g.int_input("word_ids", "B", "T")
    lengths = g.int_input("lengths", "B")
    words = look_up(g, "words.weight", g.op("Transpose", word_ids, perm=[1, 0]))  # (T, B, D)
    states = lstm(g, "lstm", [words], lengths)
    pooled = _pool(g, states, lengths, config)  # (directions, B, N)
    by_row = g.op("Transpose", pooled, perm=[1, 0, 2])
    flat = g.op("Reshape", by_row, g.ints(0, states.width))
    g.output("logits", read_states(g, flat, "output", states), "B", config.n_labels)
    return g.build()


def _pool(g: GraphBuilder, states: States, lengths: str, config: ClassifierConfig) -> str:
    """Make one vector per direction and row of all tokens', (directions, B, N)."""
    if config.pooling == "last":
        return states.last
    if config.pooling == "max":
        return _maximum(g, states, _behind(g, states, lengths, _BELOW_ALL))
    hidden = states.hidden
    if config.pooling == "mean":
        n_tokens = g.op("Unsqueeze", g.to_float(lengths), g.ints(0, 2))  # (1, B, 1)
        return g.op("Div", g.op("ReduceSum", hidden, g.ints(0), keepdims=0), n_tokens)
    by_token = g.op("Transpose", hidden, perm=[0, 2, 1, 3])  # (T, B, directions, N)
    both = g.op("Reshape", by_token, g.ints(0, 0, states.width))
    scores = g.op("Unsqueeze", read_states(g, both, "attention", states), g.ints(1))
    masked = g.op("Add", scores, _behind(g, states, lengths, -np.inf))  # (T, 1, B, 1)
    weighted = g.op("Mul", hidden, g.op("Softmax", masked, axis=0))
    return g.op("ReduceSum", weighted, g.ints(0), keepdims=0)


def _behind(g: GraphBuilder, states: States, lengths: str, value: float) -> str:
    """(T, 1, B, 1): 0 at tokens, `value` behind them."""
    positions = g.count(g.constant(np.int64(0)), g.length(states.hidden, 0))
    is_token = g.op(
        "Less", g.op("Unsqueeze", positions, g.ints(1)), g.op("Unsqueeze", lengths, g.ints(0))
    )
    mask = g.op("Where", is_token, g.float(0), g.float(value))  # (T, B)
    return g.op("Unsqueeze", mask, g.ints(1, 3))


def _maximum(g: GraphBuilder, states: States, mask: str) -> str:
    """Maxima over time: of blocks first, since onnxruntime's ReduceMax is slow over all but the last axis."""
    seen = g.op("Transpose", g.op("Add", states.hidden, mask), perm=[1, 2, 0, 3])  # (..., T, N)
    blocks = g.op(
        "MaxPool", seen, kernel_shape=[_BLOCK, 1], strides=[_BLOCK, 1], ceil_mode=1
    )  # (directions, B, T / _BLOCK, N)
    return g.op("ReduceMax", blocks, g.ints(2), keepdims=0)
