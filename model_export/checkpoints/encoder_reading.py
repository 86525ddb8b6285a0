"""Read an encoder checkpoint: its config as names and dimensions of a graph, and its tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from model_export.checkpoints.base import Checkpoint
from model_export.checkpoints.encoder_heads import is_pooled_head, read_head
from model_export.checkpoints.encoder_layouts import LAYOUTS, TOKEN_HEAD, Layout
from model_export.checkpoints.encoder_parts import EncoderFacts
from model_export.checkpoints.encoder_tensors import (
    Dimensions,
    refuse_wrong_tensors,
    renamed,
    shapes_of,
    unused_warning,
)
from model_export.checkpoints.settings import count_of, padding_id_of
from model_export.exporters.graphs.text_encoder import (
    ACTIVATIONS,
    Embeddings,
    EncoderModel,
    Layer,
)
from seqserve.arrays import FloatArray
from seqserve.errors import CheckpointError

_EPSILON = 1e-12
_PADDING_ID = 1  # of the families that count positions from it, where config.json has none
_MOST_LAYERS = 1000

_REFUSED: tuple[tuple[str, tuple[Any, ...], str], ...] = (
    ("auto_map", (None, {}), "it needs code of its own (auto_map), and no code is run"),
    (
        "quantization_config",
        (None, {}),
        "its weights are quantized (quantization_config): import the checkpoint that it was made of",
    ),
    ("is_decoder", (None, False), "it is a decoder (is_decoder), which reads to the left only"),
    ("add_cross_attention", (None, False), "it attends to a second text (add_cross_attention)"),
    ("pruned_heads", (None, {}), "some of its attention heads were removed (pruned_heads)"),
)
"""Keys of config.json, the values that are accepted, and why others are not."""


@dataclass(frozen=True)
class Encoder:
    """What is read of a checkpoint.

    Args:
        model: The names and dimensions that the graph needs.
        tensors: Those that the graph needs, by name, float32.
        dimensions: Of the model.
        facts: For the bundle.
    """

    model: EncoderModel
    tensors: dict[str, FloatArray]
    dimensions: Dimensions
    facts: EncoderFacts


def read_encoder(checkpoint: Checkpoint) -> Encoder:
    """Read and verify a checkpoint of one of `LAYOUTS`.

    Raises:
        CheckpointError: It needs something that the graph does not have, or its tensors do not fit.
    """
    layout, config = LAYOUTS[checkpoint.family], checkpoint.config
    refuse_unsupported(config)
    is_pooled = is_pooled_head(config, layout.class_prefix)
    dimensions = _dimensions(config, layout)
    tensors = renamed(checkpoint.tensors)
    last = (layout.pooled_head if is_pooled else TOKEN_HEAD)[-1].name
    weight = tensors.get(f"{last}.weight", np.zeros(0, np.float32))
    n_labels = next(iter(weight.shape), 0)
    model = _model(config, layout, dimensions, is_pooled, n_labels)
    wanted = shapes_of(model, dimensions)
    refuse_wrong_tensors(tensors, wanted)
    head = read_head(config, is_pooled, n_labels)
    warnings = (*head.warnings, *unused_warning(tensors, wanted))
    return Encoder(
        model=model,
        tensors={name: tensors[name] for name in wanted},
        dimensions=dimensions,
        facts=EncoderFacts(head, asdict(dimensions), warnings),
    )


def refuse_unsupported(config: Mapping[str, Any]) -> None:
    """Refuse what no graph of an encoder computes.

    Raises:
        CheckpointError: The config asks for something of the kind.
    """
    for key, accepted, reason in _REFUSED:
        if config.get(key) not in accepted:
            raise CheckpointError(f"the checkpoint cannot be imported: {reason}")
    kind = config.get("position_embedding_type", "absolute")
    if kind not in (None, "absolute"):
        raise CheckpointError(
            f"position_embedding_type is {kind!r}; only absolute positions can be imported"
        )


def _dimensions(config: Mapping[str, Any], layout: Layout) -> Dimensions:
    keys = layout.keys
    width, heads = count_of(config, keys.width), count_of(config, keys.heads)
    if width % heads:
        raise CheckpointError(f"{keys.width} {width} is not divisible by {keys.heads} {heads}")
    return Dimensions(
        vocabulary=count_of(config, "vocab_size"),
        positions=count_of(config, "max_position_embeddings"),
        types=count_of(config, "type_vocab_size", 2) if layout.has_types else 0,
        embedding_width=count_of(config, "embedding_size", 128) if layout.projection else width,
        width=width,
        inner_width=count_of(config, keys.inner),
        layers=count_of(config, keys.layers, most=_MOST_LAYERS),
        heads=heads,
    )


def _model(
    config: Mapping[str, Any],
    layout: Layout,
    dimensions: Dimensions,
    is_pooled: bool,
    n_labels: int,
) -> EncoderModel:
    """Return names and dimensions of a model as its graph takes them."""
    activation = config.get(layout.keys.activation, layout.default_activation)
    if activation not in list(ACTIVATIONS):
        raise CheckpointError(
            f"{layout.keys.activation} is {activation!r}; allowed are {', '.join(ACTIVATIONS)}"
        )
    epsilon = config.get("layer_norm_eps", _EPSILON)
    if not isinstance(epsilon, int | float) or not 0 < epsilon < 1:
        raise CheckpointError(f"layer_norm_eps is {epsilon!r}; it must be a number between 0 and 1")
    return EncoderModel(
        embeddings=_embeddings(config, layout, dimensions),
        layers=tuple(_layers(config, layout, dimensions.layers)),
        head=layout.pooled_head if is_pooled else TOKEN_HEAD,
        heads=dimensions.heads,
        activation=activation,
        epsilon=float(epsilon),
        n_labels=n_labels,
        is_pooled=is_pooled,
    )


def _embeddings(config: Mapping[str, Any], layout: Layout, dimensions: Dimensions) -> Embeddings:
    start = f"{layout.prefix}embeddings."
    is_projected = layout.projection and (
        layout.has_fixed_projection or dimensions.embedding_width != dimensions.width
    )
    padding_id = padding_id_of(config, _PADDING_ID)
    return Embeddings(
        words=f"{start}word_embeddings.weight",
        positions=f"{start}position_embeddings.weight",
        types=f"{start}token_type_embeddings.weight" if layout.has_types else "",
        norm=f"{start}LayerNorm",
        projection=layout.prefix + layout.projection if is_projected else "",
        first_position=padding_id + 1 if layout.counts_from_padding else 0,
    )


def _layers(config: Mapping[str, Any], layout: Layout, n_layers: int) -> Iterable[Layer]:
    """Yield the names of every layer; shared tensors have their names several times."""
    numbers: Iterable[tuple[int, ...]] = ((i,) for i in range(n_layers))
    if layout.shares_layers:
        n_groups = count_of(config, "num_hidden_groups", 1, most=n_layers)
        n_inner = count_of(config, "inner_group_num", 1, most=_MOST_LAYERS)
        per_group = n_layers / n_groups
        numbers = ((int(i / per_group), j) for i in range(n_layers) for j in range(n_inner))
    for number in numbers:
        start = layout.prefix + layout.layer.format(*number)
        yield Layer(**{f.name: start + getattr(layout.names, f.name) for f in fields(Layer)})
