"""The classifier as an ONNX graph: word ids in, logits out, pooling and its masks inside."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto

from model_export.graph import GraphBuilder
from model_export.layers import array, linear, lstm
from seqserve.manifest import Precision
from seqserve.models.classifier import Classifier


def classifier_graph(model: Classifier, precision: Precision = "fp32") -> onnx.ModelProto:
    """Give the graph of a trained classifier.

    Inputs: `word_ids` (B, T) and `lengths` (B,), int64, lengths at least 1.
    Output: `logits` (B, L) float32.
    """
    g = GraphBuilder("classifier", precision)
    word_ids = g.int_input("word_ids", "B", "T")
    lengths = g.int_input("lengths", "B")
    x = g.rows(g.weight("words", array(model.words.weight)), word_ids)  # (B, T, D)
    hidden, last = lstm(g, "lstm", x, lengths, model.lstm)
    pooled = last if model.config.pooling == "last" else _pool(g, hidden, lengths, model)  # (B, D)
    g.output("logits", linear(g, "output", pooled, model.output), "B", model.config.n_labels)
    return g.build()


def _pool(g: GraphBuilder, hidden: str, lengths: str, model: Classifier) -> str:
    """Hidden states (B, T, D), 0 behind `lengths` -> (B, D)."""
    positions = g.positions(g.length(hidden, 1))  # (T,)
    real = g.op("Less", positions, g.op("Unsqueeze", lengths, g.ints(1)))  # (B, T)
    mask = g.op("Unsqueeze", real, g.ints(2))  # (B, T, 1)
    minus_infinity = g.constant(np.float32(-np.inf))
    if model.config.pooling == "max":
        seen = g.op("Where", mask, hidden, minus_infinity)
        return g.op("ReduceMax", seen, g.ints(1), keepdims=0)
    if model.attention is None:
        n_real = g.op("Cast", g.op("Unsqueeze", lengths, g.ints(1)), to=TensorProto.FLOAT)
        return g.op("Div", g.op("ReduceSum", hidden, g.ints(1), keepdims=0), n_real)
    scores = g.op("Where", mask, linear(g, "attention", hidden, model.attention), minus_infinity)
    weights = g.op("Softmax", scores, axis=1)  # (B, T, 1)
    return g.op("ReduceSum", g.op("Mul", hidden, weights), g.ints(1), keepdims=0)
