"""DeBERTa-v2 and v3: transformers' own model, exported by torch, with our products in int8.

Its attention depends on distances in a way of its own, for which there is no hand-built graph. The conversion
needs torch and transformers.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from model_export.checkpoints.base import Checkpoint, Converted, ImportOptions
from model_export.checkpoints.encoder_heads import Head, is_pooled_head, read_head
from model_export.checkpoints.encoder_parts import (
    EncoderFacts,
    calibration_batches,
    compare_with_transformers,
    encoder_parts,
    load_reference,
    text_of,
)
from model_export.checkpoints.encoder_reading import refuse_unsupported
from model_export.checkpoints.encoder_tensors import refuse_damaged
from model_export.checkpoints.settings import count_of, padding_id_of
from model_export.exporters.graphs.rewriting import quantized, with_named_weights
from model_export.exporters.graphs.weights import InputQuantization, Weights
from model_export.int8.input_scales import calibrate
from seqserve.bundle import Bundle
from seqserve.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

MODEL_TYPE, CLASS_PREFIX = "deberta-v2", "DebertaV2"
MOST_TOKENS = 512  # distances have no limit; this is what checkpoints are trained with
_HEAD = ("classifier.weight", "pooler.dense.weight")
_DIMENSIONS = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads")


def convert(checkpoint: Checkpoint, options: ImportOptions) -> Converted:
    """Make the parts of a bundle; see `Family.convert`.

    Raises:
        CheckpointError: The checkpoint is damaged, has no head that can be imported, or torch or transformers
            is not installed.
        ExportError: Torch cannot export the model.
    """
    facts = _read(checkpoint)
    text = text_of(checkpoint, options)
    graph, exact = with_named_weights(*_export(checkpoint, facts.head))
    if options.precision == "fp32":
        return encoder_parts(checkpoint, options, facts, text, (graph, exact))
    inputs: dict[str, InputQuantization] = {}
    if options.calibration:
        layers = {name.removesuffix(".weight") for name in exact.tensors if name not in _HEAD}
        inputs = calibrate(graph, exact, layers, calibration_batches(text, options.calibration))
    weights = Weights.of_tensors(exact.tensors, "int8", inputs, exact=_HEAD)
    return encoder_parts(checkpoint, options, facts, text, (quantized(graph, weights), weights))


def compare(checkpoint: Checkpoint, draft: Bundle) -> float:
    """Compare the fp32 graph with transformers; see `Family.compare`.

    Raises:
        ExportError: They differ.
    """
    padding_id = padding_id_of(checkpoint.config)
    return compare_with_transformers(checkpoint, draft, padding_id, MOST_TOKENS)


def _read(checkpoint: Checkpoint) -> EncoderFacts:
    """Read what the bundle says of the model.

    Raises:
        CheckpointError: It cannot be imported.
    """
    config = checkpoint.config
    refuse_unsupported(config)
    is_pooled = is_pooled_head(config, CLASS_PREFIX)
    refuse_damaged(checkpoint.tensors)
    found = checkpoint.tensors.get("classifier.weight", np.zeros(0, np.float32))
    if found.ndim != 2:
        raise CheckpointError(
            "missing tensors: classifier.weight; the checkpoint is damaged, or of another architecture "
            "than config.json says"
        )
    head = read_head(config, is_pooled, len(found))
    return EncoderFacts(head, {key: count_of(config, key) for key in _DIMENSIONS}, head.warnings)


def _export(checkpoint: Checkpoint, head: Head) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """Return the graph that torch makes, and the parameters of the model by name."""
    missing = [name for name in ("torch", "transformers") if not importlib.util.find_spec(name)]
    if missing:
        raise CheckpointError(
            f"checkpoints of {MODEL_TYPE} are exported by torch, and {' and '.join(missing)} is not "
            "installed here: `make install` installs it"
        )
    import torch
    from torch import nn

    from model_export.exporters.torch_onnx import module_graph

    class Logits(nn.Module):
        def __init__(self, model: Any) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
            mask = torch.arange(ids.shape[1])[None, :] < lengths[:, None]
            logits: Tensor = self.model(input_ids=ids, attention_mask=mask.long()).logits
            return logits

    model = load_reference(checkpoint)
    inputs = {"ids": torch.full((3, 7), 3), "lengths": torch.tensor([7, 3, 5])}
    output = "logits" if head.is_pooled else "emissions"
    graph = module_graph(Logits(model).eval(), inputs, [output])
    parameters = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return graph, parameters
