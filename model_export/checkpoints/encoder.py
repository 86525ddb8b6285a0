"""Encoders with a token or a sequence head, by one hand-built graph: `LAYOUTS` lists the families.

A conversion needs neither torch nor transformers; a comparison does.
"""

from __future__ import annotations

from model_export.checkpoints.base import Checkpoint, Converted, ImportOptions
from model_export.checkpoints.encoder_parts import (
    calibration_batches,
    compare_with_transformers,
    encoder_parts,
    text_of,
)
from model_export.checkpoints.encoder_reading import Encoder, read_encoder
from model_export.checkpoints.settings import padding_id_of
from model_export.exporters.graphs.text_encoder import text_encoder_graph
from model_export.exporters.graphs.weights import MIN_INT8_SIZE, InputQuantization, Weights
from model_export.int8.input_scales import calibrate
from seqserve.bundle import Bundle
from seqserve.text.protocols import Inputs


def convert(checkpoint: Checkpoint, options: ImportOptions) -> Converted:
    """Make the parts of a bundle; see `Family.convert`.

    Raises:
        CheckpointError: The checkpoint needs something that the graph does not have, or is damaged.
    """
    encoder = read_encoder(checkpoint)
    text = text_of(checkpoint, options)
    inputs = None
    if options.precision == "int8" and options.calibration:
        inputs = input_quantizations(encoder, calibration_batches(text, options.calibration))
    weights = Weights.of_tensors(
        encoder.tensors, options.precision, inputs, exact=encoder.model.exact
    )
    graph = text_encoder_graph(encoder.model, weights)
    return encoder_parts(checkpoint, options, encoder.facts, text, (graph, weights))


def input_quantizations(encoder: Encoder, batches: list[Inputs]) -> dict[str, InputQuantization]:
    """Choose fixed scales for the inputs of all layers that become int8, by name of the layer.

    Args:
        encoder: What was read of a checkpoint.
        batches: Typical inputs of its graph.
    """
    exact = Weights.of_tensors(encoder.tensors)
    layers = {
        name
        for name in encoder.model.linears
        if encoder.tensors[f"{name}.weight"].size >= MIN_INT8_SIZE
    }
    return calibrate(text_encoder_graph(encoder.model, exact), exact, layers, batches)


def compare(checkpoint: Checkpoint, draft: Bundle) -> float:
    """Compare the fp32 graph with transformers; see `Family.compare`.

    Raises:
        ExportError: They differ.
    """
    encoder = read_encoder(checkpoint)
    first = encoder.model.embeddings.first_position
    padding_id = first - 1 if first else padding_id_of(checkpoint.config)
    most_tokens = encoder.dimensions.positions - first
    return compare_with_transformers(checkpoint, draft, padding_id, most_tokens)
