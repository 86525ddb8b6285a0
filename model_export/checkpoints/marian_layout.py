"""What a Marian checkpoint must look like: its config.json as a shape, its tensors under our names."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from model_export.checkpoints.base import Checkpoint
from model_export.checkpoints.settings import count_of, longest_input_of
from seqserve.arrays import FloatArray
from seqserve.errors import CheckpointError, ConfigError
from seqserve.models.marian import POSITION_TABLES, SHARED, TIED_COPIES, from_marian
from seqserve.models.transformer_config import Activation, TransformerConfig

_ACTIVATIONS: Mapping[str, Activation] = {"swish": "swish", "silu": "swish", "relu": "relu"}
# Key -> the value that our layout has, and the one that it has where config.json lacks the key.
_LAYOUT: Mapping[str, tuple[bool, bool]] = {
    "normalize_before": (False, False),
    "add_final_layer_norm": (False, False),
    "normalize_embedding": (False, False),
    "share_encoder_decoder_embeddings": (True, True),
    "tie_word_embeddings": (True, True),
    "static_position_embeddings": (True, True),
    "scale_embedding": (True, False),
}
# Pairs of keys that must have the same value: ours has one for both.
_SAME = {
    "encoder_attention_heads": "decoder_attention_heads",
    "encoder_ffn_dim": "decoder_ffn_dim",
    "pad_token_id": "decoder_start_token_id",
    "vocab_size": "decoder_vocab_size",
}
_HALF_PRECISION = 4e-3  # more than rounding to bfloat16 changes a sine
_SHOWN = 5  # names in a message


def config_of(checkpoint: Checkpoint) -> TransformerConfig:
    """Return the shape of a checkpoint.

    Raises:
        CheckpointError: A setting is missing or not a number, or the layout is not that of the Transformer.
    """
    config = checkpoint.config
    for key, (ours, absent) in _LAYOUT.items():
        value = config.get(key, absent)
        if value is not ours:
            raise _refusal(checkpoint, key, value, str(ours).lower())
    activation = str(config.get("activation_function"))
    if activation not in _ACTIVATIONS:
        raise _refusal(checkpoint, "activation_function", activation, "swish or relu")
    for key, other in _SAME.items():
        first, second = count_of(config, key, least=0), config.get(other)
        if second is not None and second != first:
            raise _refusal(checkpoint, other, second, f"{first}, as {key}")
    try:
        return TransformerConfig(
            vocab_size=count_of(config, "vocab_size"),
            d_model=count_of(config, "d_model"),
            heads=count_of(config, "encoder_attention_heads"),
            encoder_layers=count_of(config, "encoder_layers"),
            decoder_layers=count_of(config, "decoder_layers"),
            ffn_dim=count_of(config, "encoder_ffn_dim"),
            activation=_ACTIVATIONS[activation],
            pad_id=count_of(config, "pad_token_id", least=0),
            end_id=count_of(config, "eos_token_id", least=0),
        )
    except ConfigError as error:
        raise CheckpointError(f"{checkpoint.path / 'config.json'}: {error}") from error


def max_positions_of(checkpoint: Checkpoint) -> int:
    """Return the longest source, in tokens, that a checkpoint declares."""
    positions = count_of(checkpoint.config, "max_position_embeddings")
    return min(positions, longest_input_of(checkpoint.tokenizer_config) or positions)


def weights_of(checkpoint: Checkpoint, config: TransformerConfig) -> dict[str, FloatArray]:
    """Return the tensors of a checkpoint under our names.

    Raises:
        CheckpointError: Tensors are missing, have another shape, are tied elsewhere, or are not of the layout.
    """
    tensors = checkpoint.tensors
    shapes = _shapes(config)
    optional = {*TIED_COPIES, *POSITION_TABLES}
    if SHARED not in tensors:
        # transformers keeps one of the tied copies, and which one depends on its version.
        copy = next((name for name in TIED_COPIES if name in tensors), None)
        tensors = {**tensors, SHARED: tensors[copy]} if copy else tensors
    _refuse_names(checkpoint, "lacks", shapes.keys() - optional - tensors.keys())
    _refuse_names(
        checkpoint,
        "has, beside those of a Marian model,",
        tensors.keys() - shapes.keys() - optional,
    )
    for name, shape in shapes.items():
        if name in tensors and tensors[name].shape != shape:
            raise CheckpointError(
                f"{checkpoint.path}: the tensor {name} is {tensors[name].shape}; by config.json it must be "
                f"{shape}"
            )
        if (
            name in TIED_COPIES
            and name in tensors
            and not np.array_equal(tensors[name], tensors[SHARED])
        ):
            raise CheckpointError(
                f"{checkpoint.path}: the tensor {name} is not {SHARED}; only models that share all embeddings "
                "can be imported"
            )
    for name in POSITION_TABLES:
        if name in tensors and not _is_computed(tensors[name], config.d_model):
            raise CheckpointError(
                f"{checkpoint.path}: the positions {name} are learned; only sinusoidal ones can be imported"
            )
    return from_marian(tensors)


def _shapes(config: TransformerConfig) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a MarianMTModel's tensors by name; a matrix of torch is (outputs, inputs)."""
    width, inner, n_symbols = config.d_model, config.ffn_dim, config.vocab_size
    shapes: dict[str, tuple[int, ...]] = {
        **dict.fromkeys((SHARED, *TIED_COPIES), (n_symbols, width)),
        "final_logits_bias": (1, n_symbols),
    }
    sides = (
        ("encoder", config.encoder_layers, ("self_attn",)),
        ("decoder", config.decoder_layers, ("self_attn", "encoder_attn")),
    )
    for side, n_layers, attentions in sides:
        for layer in (f"model.{side}.layers.{i}" for i in range(n_layers)):
            squares = [f"{layer}.{a}.{p}_proj" for a in attentions for p in ("q", "k", "v", "out")]
            norms = [*(f"{layer}.{a}_layer_norm" for a in attentions), f"{layer}.final_layer_norm"]
            linear = {**dict.fromkeys(squares, (width, width)), f"{layer}.fc1": (inner, width)}
            linear[f"{layer}.fc2"] = (width, inner)
            shapes |= {f"{name}.weight": shape for name, shape in linear.items()}
            shapes |= {f"{name}.bias": shape[:1] for name, shape in linear.items()}
            shapes |= {f"{name}.{part}": (width,) for name in norms for part in ("weight", "bias")}
    return shapes


def _is_computed(table: FloatArray, width: int) -> bool:
    """Return whether position vectors (N, D) are sines, then cosines of the same frequencies."""
    if table.ndim != 2 or table.shape[1] != width:
        return False
    angles = np.arange(len(table))[:, None] / 10000.0 ** (2 * np.arange((width + 1) // 2) / width)
    computed = np.concatenate([np.sin(angles), np.cos(angles[:, : width // 2])], axis=1)
    return bool(np.abs(table - computed).max(initial=0) <= _HALF_PRECISION)


def _refusal(checkpoint: Checkpoint, key: str, value: Any, ours: str) -> CheckpointError:
    return CheckpointError(
        f"{checkpoint.path}: {key} of config.json is {json.dumps(value)}; a Marian model can be imported only "
        f"if it is {ours}"
    )


def _refuse_names(checkpoint: Checkpoint, what: str, names: Collection[str]) -> None:
    """Raises CheckpointError: there are any."""
    if names:
        shown = ", ".join(sorted(names)[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
        raise CheckpointError(f"{checkpoint.path} {what} {len(names)} tensors: {shown}")
