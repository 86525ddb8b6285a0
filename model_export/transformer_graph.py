"""The translation Transformer as two ONNX graphs: read the source once, then one decoder step a call.

Both are made of the same `Blocks`. Names and shapes follow `seqserve.models.transformer`, whose
`start` and `step` these graphs are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto
from torch import nn

from model_export.graph import Axis, GraphBuilder
from model_export.layers import array, layer_norm, linear
from seqserve.manifest import Precision
from seqserve.models.transformer import (
    Attention,
    Block,
    DecoderLayer,
    EncoderLayer,
    Transformer,
    TransformerConfig,
)

KeysValues = tuple[str, str]


def encoder_graph(model: Transformer, precision: Precision = "fp32") -> onnx.ModelProto:
    """Give the graph that reads the source.

    Input: `source` (B, S) int64, padded with `pad_id`; no row is padding alone.
    Outputs, per decoder layer i: `cross_keys.i` and `cross_values.i` (B, H, S, D/H) float32.
    """
    g = GraphBuilder("encoder", precision)
    blocks = Blocks(g, model.config)
    source = g.int_input("source", "B", "S")
    bias = blocks.padding_bias(source)
    table = g.weight("shared", array(model.shared.weight))
    x = blocks.embed(g.rows(table, source), g.positions(g.length(source, 1)))  # (B, S, D)
    for i, encoder_layer in enumerate(model.encoder_layers):
        x = blocks.encoder_layer(f"encoder.{i}", x, encoder_layer, bias)
    for i, layer in enumerate(model.decoder_layers):
        attn = layer.encoder_attn
        keys, values = blocks.heads(f"decoder.{i}.cross.kv", x, attn.k_proj, attn.v_proj)
        g.output(f"cross_keys.{i}", keys, *blocks.cache_axes("B", "S"))
        g.output(f"cross_values.{i}", values, *blocks.cache_axes("B", "S"))
    return g.build()


def decoder_step_graph(model: Transformer, precision: Precision = "fp32") -> onnx.ModelProto:
    """Give the graph that extends W hypotheses of each sentence by one token.

    Inputs: `tokens` (B, W) int64, the last id of each; `source` (B, S) int64, for its padding;
    per layer i `cross_keys.i` and `cross_values.i` (B, H, S, D/H), and `past_keys.i` and
    `past_values.i` (B*W, H, U, D/H), where U is 0 at the first step.
    Outputs: `log_probs` (B, W, V) float32 of the next id; per layer `keys.i` and `values.i`
    (B*W, H, U+1, D/H), the past of the next call.
    """
    g = GraphBuilder("decoder_step", precision)
    blocks = Blocks(g, model.config)
    tokens = g.int_input("tokens", "B", "W")
    bias = blocks.padding_bias(g.int_input("source", "B", "S"))
    layers = model.decoder_layers
    cross = [blocks.cache_inputs("cross", i, "B", "S") for i in range(len(layers))]
    past = [blocks.cache_inputs("past", i, "B*W", "U") for i in range(len(layers))]
    table = g.weight("shared", array(model.shared.weight))
    n_past = g.length(past[0][0], 2)
    x = blocks.embed(g.rows(table, tokens), n_past)  # (B, W, D), all at position U
    for i, layer in enumerate(layers):
        x, (keys, values) = blocks.decoder_layer(f"decoder.{i}", x, layer, past[i], cross[i], bias)
        g.output(f"keys.{i}", keys, *blocks.cache_axes("B*W", "U+1"))
        g.output(f"values.{i}", values, *blocks.cache_axes("B*W", "U+1"))
    logits = g.linear(x, table, array(model.output_bias))
    log_probs = g.op("LogSoftmax", logits, axis=-1)
    g.output("log_probs", log_probs, "B", "W", model.config.vocab_size)
    return g.build()


@dataclass(frozen=True)
class Blocks:
    """Writes the parts of a Transformer into a graph.

    Args:
        g: The graph.
        config: Shape of the model.
    """

    g: GraphBuilder
    config: TransformerConfig

    @property
    def head_width(self) -> int:
        """D/H."""
        return self.config.d_model // self.config.heads

    def cache_axes(self, rows: Axis, length: Axis) -> tuple[Axis, ...]:
        """Axes of keys or values: (rows, H, length, D/H)."""
        return rows, self.config.heads, length, self.head_width

    def cache_inputs(self, kind: str, layer: int, rows: Axis, length: Axis) -> KeysValues:
        """Declare the keys and values of one layer as inputs."""
        axes = self.cache_axes(rows, length)
        return (
            self.g.float_input(f"{kind}_keys.{layer}", *axes),
            self.g.float_input(f"{kind}_values.{layer}", *axes),
        )

    def padding_bias(self, source: str) -> str:
        """Give (B, 1, 1, S) to add to attention scores: 0 on real tokens, minus infinity on padding."""
        is_padding = self.g.op("Equal", source, self.g.constant(np.int64(self.config.pad_id)))
        minus_infinity = self.g.constant(np.float32(-np.inf))
        bias = self.g.op("Where", is_padding, minus_infinity, self.g.constant(np.float32(0)))
        return self.g.op("Unsqueeze", bias, self.g.ints(1, 2))

    def embed(self, vectors: str, positions: str) -> str:
        """Scale embeddings (B, T, D) and add the sinusoids of positions (T or 1,).

        The sinusoids are computed, in float64, so that no length is too long; cosine is sine a quarter
        turn on.
        """
        width = self.config.d_model
        frequencies = 10000.0 ** (-2 * np.arange((width + 1) // 2) / width)
        is_cosine = np.arange(width) >= len(frequencies)
        turns = self.g.op(
            "Unsqueeze", self.g.op("Cast", positions, to=TensorProto.DOUBLE), self.g.ints(1)
        )
        angles = self.g.op("Mul", turns, self.g.constant(np.resize(frequencies, width)))
        shifted = self.g.op("Add", angles, self.g.constant(is_cosine * (np.pi / 2)))
        sinusoids = self.g.op("Cast", self.g.op("Sin", shifted), to=TensorProto.FLOAT)  # (T, D)
        scaled = self.g.op("Mul", vectors, self.g.constant(np.float32(math.sqrt(width))))
        return self.g.op("Add", scaled, sinusoids)

    def encoder_layer(self, name: str, x: str, layer: EncoderLayer, bias: str) -> str:
        """Read on: x (B, S, D), bias (B, 1, 1, S) -> (B, S, D)."""
        attn = layer.self_attn
        queries, keys, values = self.heads(
            f"{name}.self.qkv", x, attn.q_proj, attn.k_proj, attn.v_proj
        )
        mixed = self.attend(queries, (keys, values), bias)
        x = self.add_attended(f"{name}.self", x, mixed, attn, layer.self_attn_layer_norm)
        return self.feed_forward(name, x, layer)

    def decoder_layer(
        self, name: str, x: str, layer: DecoderLayer, past: KeysValues, cross: KeysValues, bias: str
    ) -> tuple[str, KeysValues]:
        """Extend every hypothesis by one token.

        Args:
            name: Of the weights.
            x: (B, W, D).
            layer: Its weights.
            past: Keys and values (B*W, H, U, D/H) of the hypotheses so far, each on its own.
            cross: Keys and values (B, H, S, D/H) of the source; a sentence's hypotheses share them.
            bias: (B, 1, 1, S).

        Returns:
            (B, W, D), and the keys and values (B*W, H, U+1, D/H) with the new token.
        """
        attn = layer.self_attn
        projections = (attn.q_proj, attn.k_proj, attn.v_proj)
        queries, *new = self.heads(f"{name}.self.qkv", x, *projections, rows_apart=True)
        keys, values = (self.g.op("Concat", *pair, axis=2) for pair in zip(past, new, strict=True))
        mixed = self.attend(queries, (keys, values), None)
        x = self.add_attended(f"{name}.self", x, mixed, attn, layer.self_attn_layer_norm)
        (queries,) = self.heads(f"{name}.cross.q", x, layer.encoder_attn.q_proj)
        mixed = self.attend(queries, cross, bias)
        x = self.add_attended(
            f"{name}.cross", x, mixed, layer.encoder_attn, layer.encoder_attn_layer_norm
        )
        return self.feed_forward(name, x, layer), (keys, values)

    def heads(self, name: str, x: str, *layers: nn.Linear, rows_apart: bool = False) -> list[str]:
        """Project x (B, T, D) by each layer, in one GEMM, and split the heads.

        Args:
            name: Of the weights.
            x: (B, T, D).
            layers: The projections.
            rows_apart: Every token is a sequence of its own.

        Returns:
            Per layer (B, H, T, D/H), or (B*T, H, 1, D/H) with `rows_apart`.
        """
        projected = linear(self.g, name, x, *layers)
        shape = (-1, 1) if rows_apart else (0, 0)
        split = self.g.ints(*shape, len(layers) * self.config.heads, self.head_width)
        heads = self.g.op("Transpose", self.g.op("Reshape", projected, split), perm=[0, 2, 1, 3])
        if len(layers) == 1:
            return [heads]
        return self.g.ops("Split", heads, n_outputs=len(layers), num_outputs=len(layers), axis=1)

    def attend(self, queries: str, keys_values: KeysValues, bias: str | None) -> str:
        """Scaled dot-product attention.

        Args:
            queries: (B, H, T, D/H).
            keys_values: Each (B, H, S, D/H).
            bias: To add to the scores (B, H, T, S); None: everything may be seen.

        Returns:
            (B, H, T, D/H).
        """
        keys, values = keys_values
        scaled = self.g.op("Mul", queries, self.g.constant(np.float32(self.head_width**-0.5)))
        scores = self.g.op("MatMul", scaled, self.g.op("Transpose", keys, perm=[0, 1, 3, 2]))
        if bias is not None:
            scores = self.g.op("Add", scores, bias)
        return self.g.op("MatMul", self.g.op("Softmax", scores, axis=-1), values)

    def add_attended(
        self, name: str, x: str, mixed: str, attn: Attention, norm: nn.LayerNorm
    ) -> str:
        """Join the heads of what x (B, T, D) attended to, project, add to x and normalise."""
        by_token = self.g.op("Transpose", mixed, perm=[0, 2, 1, 3])
        joined = self.g.op("Reshape", by_token, self.g.op("Shape", x))  # (B, T, D)
        return self.add_norm(x, linear(self.g, f"{name}.out", joined, attn.out_proj), norm)

    def feed_forward(self, name: str, x: str, layer: Block) -> str:
        """(B, T, D) -> (B, T, D), residual and norm included."""
        inner = linear(self.g, f"{name}.fc1", x, layer.fc1)
        if self.config.activation == "relu":
            active = self.g.op("Relu", inner)
        else:
            active = self.g.op("Mul", inner, self.g.op("Sigmoid", inner))
        outer = linear(self.g, f"{name}.fc2", active, layer.fc2)
        return self.add_norm(x, outer, layer.final_layer_norm)

    def add_norm(self, x: str, update: str, norm: nn.LayerNorm) -> str:
        """Add and normalise; two operators, for the fused one is slower on CPUs."""
        return layer_norm(self.g, self.g.op("Add", x, update), norm)
