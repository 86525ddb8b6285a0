"""The tensors of an encoder checkpoint: which its graph needs, and whether they are all there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from model_export.exporters.graphs.text_encoder import EncoderModel
from seqserve.arrays import FloatArray
from seqserve.errors import CheckpointError

_NAMED = 3  # tensors, in an error message
_OLD_NAMES = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
LARGEST_MODEL = 2**31 - 2**24  # bytes; a protobuf message has at most 2 GiB
_UNUSED = re.compile(
    r"(^|\.)(position_ids|token_type_ids|pooler(\..*)?)$|^(cls|lm_head|predictions)\."
)
_ADAPTERS = re.compile(r"lora_|adapter|prefix_encoder|\.bitfit")


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


def renamed(tensors: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return tensors under today's names; layer norms of old checkpoints have a gamma and a beta."""
    return {_renamed_one(name): tensor for name, tensor in tensors.items()}


def _renamed_one(name: str) -> str:
    for old, new in _OLD_NAMES.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def shapes_of(model: EncoderModel, sizes: Dimensions) -> dict[str, tuple[int, ...]]:
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


def refuse_wrong_tensors(
    tensors: Mapping[str, FloatArray], wanted: Mapping[str, tuple[int, ...]]
) -> None:
    """Raises CheckpointError: A tensor is missing, has another shape, or holds no numbers."""
    refuse_damaged({name: tensor for name, tensor in tensors.items() if name in wanted})
    _refuse_adapters(name for name in tensors if name not in wanted)
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


def refuse_damaged(tensors: Mapping[str, FloatArray]) -> None:
    """Refuse tensors that hold no float32 numbers, or more than a graph can hold.

    Raises:
        CheckpointError: One of them is quantized, or has values that are not finite; or all are too large.
    """
    n_bytes = sum(tensor.nbytes for tensor in tensors.values())
    if n_bytes > LARGEST_MODEL:
        raise CheckpointError(
            f"the model has {n_bytes / 1e9:.1f} GB in float32; at most {LARGEST_MODEL / 1e9:.1f} GB can be "
            "imported, since an ONNX graph in memory is limited to 2 GiB: use a smaller model of its family"
        )
    for name, tensor in tensors.items():
        if tensor.dtype != np.float32:
            raise CheckpointError(
                f"{name} is {tensor.dtype}: quantized checkpoints cannot be imported; import the one "
                "that it was made of"
            )
        if not np.isfinite(tensor).all():
            raise CheckpointError(f"{name} has values that are not finite: the file is damaged")


def _refuse_adapters(names: Iterable[str]) -> None:
    adapter = next(filter(_ADAPTERS.search, names), None)
    if adapter:
        raise CheckpointError(
            f"the checkpoint has tensors of an adapter ({adapter}): merge it into the model "
            "(merge_and_unload of peft), and save that"
        )


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    rest = len(names) - _NAMED
    return f"{shown} and {rest} more" if rest > 0 else shown


def unused_warning(tensors: Mapping[str, FloatArray], wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a warning of tensors that an encoder of this kind does not have."""
    unused = [name for name in tensors if name not in wanted and not _UNUSED.search(name)]
    if not unused:
        return ()
    return (f"Not used, as in transformers: {_some(unused)}.",)
