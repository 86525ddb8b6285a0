"""The three graphs of a Transformer that translates."""

from __future__ import annotations

from collections.abc import Collection

import onnx

from model_export.exporters.graphs.encoder import encoder_graph
from model_export.exporters.graphs.search import beam_graph, greedy_graph
from model_export.exporters.graphs.weights import Weights
from seqserve.models.transformer_config import TransformerConfig


def translator_graphs(
    config: TransformerConfig, weights: Weights, banned_ids: Collection[int]
) -> dict[str, onnx.ModelProto]:
    """Return the three graphs of a translator by name."""
    return {
        "encoder": encoder_graph(config, weights),
        "greedy": greedy_graph(config, weights, banned_ids),
        "beam": beam_graph(config, weights, banned_ids),
    }
