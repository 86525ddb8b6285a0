"""Encoders of the BERT kind as one ONNX graph: token ids in, logits of a token or a sequence head out.

The families differ in the names of their tensors, in where positions begin and in the layers of their heads.
All that is in `EncoderModel`; the graph is the same. Layers are normalised after each residual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from model_export.exporters.graphs.builder import MICROSOFT, GraphBuilder
from model_export.exporters.graphs.layers import layer_norm, linear
from model_export.exporters.graphs.weights import Weights

Operator = tuple[str, str, Mapping[str, Any]]
ACTIVATIONS: Mapping[str, Operator] = {
    "gelu": ("Gelu", MICROSOFT, {}),
    "gelu_python": ("Gelu", MICROSOFT, {}),
    "gelu_new": ("FastGelu", MICROSOFT, {}),
    "gelu_fast": ("FastGelu", MICROSOFT, {}),
    "gelu_pytorch_tanh": ("FastGelu", MICROSOFT, {}),
    "quick_gelu": ("QuickGelu", MICROSOFT, {"alpha": 1.702}),
    "silu": ("QuickGelu", MICROSOFT, {"alpha": 1.0}),
    "swish": ("QuickGelu", MICROSOFT, {"alpha": 1.0}),
    "relu": ("Relu", "", {}),
    "tanh": ("Tanh", "", {}),
}
"""Transformers' names of activations: operator, domain, attributes."""


@dataclass(frozen=True)
class Embeddings:
    """Names of the tensors that make vectors of ids.

    Args:
        words: The table (V, E).
        positions: The table (P, E).
        types: The table of token types, of which the first is used; empty: there is none.
        norm: The layer norm of the sum.
        projection: The linear layer from E to the model's width; empty: E is the width.
        first_position: The row of the first token's position.
    """

    words: str
    positions: str
    types: str
    norm: str
    projection: str = ""
    first_position: int = 0


@dataclass(frozen=True)
class Layer:
    """Names of the linear layers and layer norms of one encoder layer."""

    query: str
    key: str
    value: str
    attention_output: str
    attention_norm: str
    inner: str
    outer: str
    norm: str

    @property
    def linears(self) -> tuple[str, ...]:
        """The linear layers."""
        return self.query, self.key, self.value, self.attention_output, self.inner, self.outer


@dataclass(frozen=True)
class HeadLayer:
    """A linear layer of a head, and the activation of its outputs; empty: none."""

    name: str
    activation: str = ""


@dataclass(frozen=True)
class EncoderModel:
    """An encoder with a head.

    Args:
        embeddings: Names of its tensors.
        layers: First layer first; layers that share tensors have the same names.
        head: First layer first; the last one computes the logits.
        heads: Of attention.
        activation: A key of `ACTIVATIONS`.
        epsilon: Of the layer norms.
        n_labels: Number of logits.
        is_pooled: Whether the head reads the first token only instead of every token.
    """

    embeddings: Embeddings
    layers: tuple[Layer, ...]
    head: tuple[HeadLayer, ...]
    heads: int
    activation: str
    epsilon: float
    n_labels: int
    is_pooled: bool

    @property
    def exact(self) -> tuple[str, ...]:
        """The tensors that stay float32 in int8: small ones, and those that cost little time."""
        tables = (self.embeddings.positions, self.embeddings.types)
        return (*tables, *(f"{layer.name}.weight" for layer in self.head))

    @property
    def linears(self) -> tuple[str, ...]:
        """The linear layers, those of the head aside."""
        projection = (self.embeddings.projection,) if self.embeddings.projection else ()
        return (*projection, *(name for layer in self.layers for name in layer.linears))

    @property
    def output(self) -> str:
        """The name of the graph's output."""
        return "logits" if self.is_pooled else "emissions"


def text_encoder_graph(model: EncoderModel, weights: Weights) -> onnx.ModelProto:
    """Return the graph of an encoder.

    Inputs: `ids` (B, T) and `lengths` (B,), int64, lengths at least 1; behind its length a row may hold
    any ids of the vocabulary.
    Output: `emissions` (B, T, K) float32, or `logits` (B, L) float32 for a pooled head.
    """
    g = GraphBuilder("text_encoder", weights)
    ids = g.int_input("ids", "B", "T")
    lengths = g.int_input("lengths", "B")
    mask = _mask(g, g.length(ids, 1), lengths)
    x = _embed(g, model, ids)
    for layer in model.layers:
        x = _encoder_layer(g, model, layer, x, mask)
    if model.is_pooled:
        x = g.op("Gather", x, g.constant(np.int64(0)), axis=1)
    for step in model.head:
        x = linear(g, x, step.name)
        if step.activation:
            x = activate(g, x, step.activation)
    axes = ("B", model.n_labels) if model.is_pooled else ("B", "T", model.n_labels)
    g.output(model.output, x, *axes)
    return g.build()


def activate(g: GraphBuilder, x: str, activation: str) -> str:
    """Apply an activation of transformers, by its name."""
    op_type, domain, attributes = ACTIVATIONS[activation]
    return g.op(op_type, x, **({"domain": domain} if domain else {}), **attributes)


def _mask(g: GraphBuilder, n_tokens: str, lengths: str) -> str:
    """(B, T) int32: 1 on the tokens of a row, 0 behind them."""
    places = g.count(g.constant(np.int64(0)), n_tokens)
    is_token = g.op("Less", places, g.op("Unsqueeze", lengths, g.ints(1)))
    return g.op("Cast", is_token, to=TensorProto.INT32)


def _embed(g: GraphBuilder, model: EncoderModel, ids: str) -> str:
    """(B, T) -> (B, T, D). Token types are added to the table of positions while loading."""
    names = model.embeddings
    table = g.weight(names.positions).stored
    if names.types:
        first_type = g.once("Gather", g.weight(names.types).stored, g.ints(0))  # (1, E)
        table = g.once("Add", table, first_type)
    first = names.first_position
    end = g.op("Add", g.length(ids, 1), g.ints(first))
    positions = g.op("Slice", table, g.ints(first), end, g.ints(0))  # (T, E)
    x = g.op("Add", g.rows(g.weight(names.words), ids), positions)
    x = layer_norm(g, x, names.norm, model.epsilon)
    return linear(g, x, names.projection) if names.projection else x


def _encoder_layer(g: GraphBuilder, model: EncoderModel, layer: Layer, x: str, mask: str) -> str:
    """(B, T, D), mask (B, T) -> (B, T, D)."""
    projected = linear(g, x, layer.query, layer.key, layer.value)
    queries, keys, values = g.ops("Split", projected, n_outputs=3, num_outputs=3, axis=-1)
    mixed = g.op(
        "MultiHeadAttention",
        *(queries, keys, values, "", mask),
        domain=MICROSOFT,
        num_heads=model.heads,
    )
    x = g.op("Add", x, linear(g, mixed, layer.attention_output))
    x = layer_norm(g, x, layer.attention_norm, model.epsilon)
    inner = activate(g, linear(g, x, layer.inner), model.activation)
    x = g.op("Add", x, linear(g, inner, layer.outer))
    return layer_norm(g, x, layer.norm, model.epsilon)
