"""The translator's encoder as an ONNX graph: the source is read once, whatever the search does."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto

from model_export.exporters.graphs.builder import GraphBuilder
from model_export.exporters.graphs.transformer_blocks import Blocks
from model_export.exporters.graphs.weights import Weights
from seqserve.models.transformer_config import TransformerConfig


def encoder_graph(config: TransformerConfig, weights: Weights) -> onnx.ModelProto:
    """Return the graph that reads the source.

    Input: `source` (B, S) int64, padded with `pad_id`; no row is padding alone.
    Outputs: `mask` (B, S) int32, 1 on real tokens; per decoder layer i `cross_keys.i` and
    `cross_values.i` (B, H, S, D/H) float32.
    """
    g = GraphBuilder("encoder", weights)
    blocks = Blocks(g, config)
    source = g.int_input("source", "B", "S")
    is_padding = g.op("Equal", source, g.constant(np.int64(config.pad_id)))
    mask = g.op("Cast", g.op("Not", is_padding), to=TensorProto.INT32)
    positions = g.count(g.constant(np.int64(0)), g.length(source, 1))
    x = blocks.embed(source, blocks.position_vectors(positions))  # (B, S, D)
    for i in range(config.encoder_layers):
        x = blocks.encoder_layer(f"encoder.layers.{i}", x, mask)
    g.output("mask", mask, "B", "S", dtype=np.int32)
    axes = ("B", config.heads, "S", config.d_model // config.heads)
    for i in range(config.decoder_layers):
        both = blocks.project(x, f"decoder.layers.{i}.encoder_attn", "kv")
        for kind, value in zip(("keys", "values"), blocks.split(both, 2), strict=True):
            g.output(f"cross_{kind}.{i}", blocks.heads(value), *axes)
    return g.build()
