"""Encoders with a token or a sequence head, by one hand-built graph: `LAYOUTS` lists the families.

A conversion needs neither torch nor transformers; a comparison does.
"""

from __future__ import annotations

from model_export.checkpoints.base import Checkpoint, Converted, ImportOptions
from model_export.checkpoints.encoder_parts import compare_with_transformers, encoder_parts
from model_export.checkpoints.encoder_reading import read_encoder
from model_export.exporters.graphs.text_encoder import text_encoder_graph
from model_export.exporters.graphs.weights import Weights


def convert(checkpoint: Checkpoint, options: ImportOptions) -> Converted:
    """Make the parts of a bundle; see `Family.convert`.

    Raises:
        CheckpointError: The checkpoint needs something that the graph does not have, or is damaged.
    """
    encoder = read_encoder(checkpoint)
    weights = Weights.of_tensors(encoder.tensors, options.precision, exact=encoder.model.exact)
    graph = text_encoder_graph(encoder.model, weights)
    return encoder_parts(
        checkpoint, options, encoder.head, (graph, weights), encoder.dimensions, encoder.warnings
    )


def compare(checkpoint: Checkpoint, converted: Converted) -> float:
    """Compare the fp32 graph with transformers; see `Family.compare`.

    Raises:
        ExportError: They differ.
    """
    encoder = read_encoder(checkpoint)
    first = encoder.model.embeddings.first_position
    padding_id = first - 1 if first else int(checkpoint.config.get("pad_token_id") or 0)
    most_tokens = int(encoder.dimensions["positions"]) - first
    return compare_with_transformers(checkpoint, converted, padding_id, most_tokens)
