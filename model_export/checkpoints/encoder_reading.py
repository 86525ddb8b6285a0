"""Read an encoder checkpoint: which tensors its graph needs, and whether they are all there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from model_export.checkpoints.base import Checkpoint
from model_export.checkpoints.encoder_heads import is_pooled_head, read_head
from model_export.checkpoints.encoder_layouts import LAYOUTS, TOKEN_HEAD, Layout
from model_export.checkpoints.encoder_parts import EncoderFacts
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
_NAMED = 3  # tensors, in an error message
_LARGEST_COUNT, _MOST_LAYERS = 2**31, 1000
_OLD_NAMES = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
_UNUSED = re.compile(
    r"(^|\.)(position_ids|token_type_ids|pooler(\..*)?)$|^(cls|lm_head|predictions)\."
)
_ADAPTERS = re.compile(r"lora_|adapter|prefix_encoder|\.bitfit")

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


@dataclass(frozen=True)
class Dimensions:
    """The dimensions of an encoder, by the letters of shapes elsewhere.

    Args:
        vocabulary: Of the word table, V.
        positions: Of the position table, P.
        types: Of the table of token types; 0: there is none.
        embedding_width: Of these tables, E.
        width: Of the layers, D.
        inner_width: Of the feed-forward layers, F.
        layers: How many.
        heads: Of attention; they divide the width.
    """

    vocabulary: int
    positions: int
    types: int
    embedding_width: int
    width: int
    inner_width: int
    layers: int
    heads: int


def read_encoder(checkpoint: Checkpoint) -> Encoder:
    """Read and verify a checkpoint of one of `LAYOUTS`.

    Raises:
        CheckpointError: It needs something that the graph does not have, or its tensors do not fit.
    """
    layout, config = LAYOUTS[checkpoint.family], checkpoint.config
    refuse_unsupported(config)
    is_pooled = is_pooled_head(config, layout.class_prefix)
    dimensions = _dimensions(config, layout)
    tensors = _renamed(checkpoint.tensors)
    last = (layout.pooled_head if is_pooled else TOKEN_HEAD)[-1].name
    weight = tensors.get(f"{last}.weight", np.zeros(0, np.float32))
    n_labels = next(iter(weight.shape), 0)
    model = _model(config, layout, dimensions, is_pooled, n_labels)
    wanted = _shapes(model, dimensions)
    _refuse_wrong_tensors(tensors, wanted)
    head = read_head(config, is_pooled, n_labels)
    warnings = (*head.warnings, *_unused(tensors, wanted))
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


def count_of(
    config: Mapping[str, Any], key: str, default: int | None = None, most: int = _LARGEST_COUNT
) -> int:
    """Return a positive whole number of config.json, at most `most`.

    Raises:
        CheckpointError: It is missing and has no default, or is something else.
    """
    value = config.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        said = f"{key} is {value!r}" if key in config else f"{key} is missing"
        raise CheckpointError(f"{said} in config.json; it must be a whole number from 1 to {most}")
    return value


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
    padding_id = config.get("pad_token_id", _PADDING_ID)
    if layout.counts_from_padding and not (isinstance(padding_id, int) and padding_id >= 0):
        raise CheckpointError(
            f"pad_token_id is {padding_id!r} in config.json; the positions of this family are counted "
            "from it, so it must be a whole number"
        )
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


def _renamed(tensors: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return tensors under today's names; layer norms of old checkpoints have a gamma and a beta."""
    return {_renamed_one(name): tensor for name, tensor in tensors.items()}


def _renamed_one(name: str) -> str:
    for old, new in _OLD_NAMES.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def _shapes(model: EncoderModel, sizes: Dimensions) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all tensors of the graph, by name."""
    names, narrow, width, inner = (
        *(model.embeddings, sizes.embedding_width),
        *(sizes.width, sizes.inner_width),
    )
    linears: dict[str, tuple[int, int]] = {}
    norms = {names.norm: narrow}
    if names.projection:
        linears[names.projection] = width, narrow
    for layer in model.layers:
        linears |= dict.fromkeys(layer.linears, (width, width))
        linears |= {layer.inner: (inner, width), layer.outer: (width, inner)}
        norms |= {layer.attention_norm: width, layer.norm: width}
    linears |= {step.name: (width, width) for step in model.head[:-1]}
    linears[model.head[-1].name] = model.n_labels, width
    shapes: dict[str, tuple[int, ...]] = {
        names.words: (sizes.vocabulary, narrow),
        names.positions: (sizes.positions, narrow),
    }
    if names.types:
        shapes[names.types] = sizes.types, narrow
    for name, shape in linears.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    for name, length in norms.items():
        shapes |= {f"{name}.weight": (length,), f"{name}.bias": (length,)}
    return shapes


def _refuse_wrong_tensors(
    tensors: Mapping[str, FloatArray], wanted: Mapping[str, tuple[int, ...]]
) -> None:
    """Raises CheckpointError: A tensor is missing, has another shape, or holds no numbers."""
    adapters = [name for name in tensors if name not in wanted and _ADAPTERS.search(name)]
    if adapters:
        raise CheckpointError(
            f"the checkpoint has tensors of an adapter ({adapters[0]}): merge it into the model "
            "(merge_and_unload of peft), and save that"
        )
    missing = [name for name in wanted if name not in tensors]
    if missing:
        raise CheckpointError(
            f"missing tensors: {_some(missing)}; the checkpoint is damaged, or of another architecture "
            "than config.json says"
        )
    for name, shape in wanted.items():
        tensor = tensors[name]
        if tensor.shape != shape:
            raise CheckpointError(f"{name} is {tensor.shape}; by config.json it must be {shape}")
        if tensor.dtype != np.float32:
            raise CheckpointError(
                f"{name} is {tensor.dtype}: quantized checkpoints cannot be imported; import the one "
                "that it was made of"
            )
        if not np.isfinite(tensor).all():
            raise CheckpointError(f"{name} has values that are not finite: the file is damaged")


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    rest = len(names) - _NAMED
    return f"{shown} and {rest} more" if rest > 0 else shown


def _unused(tensors: Mapping[str, FloatArray], wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a warning of tensors that an encoder of this kind does not have."""
    unused = [name for name in tensors if name not in wanted and not _UNUSED.search(name)]
    if not unused:
        return ()
    return (f"Not used, as in transformers: {_some(unused)}.",)
