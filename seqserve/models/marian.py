"""Our Transformer's weights under the names of `transformers.MarianMTModel`, and back.

So the weights of any Marian checkpoint with shared embeddings fit our architecture, and ours can be read by
other runtimes. The names are mapped, whatever holds the numbers: torch tensors or numpy arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from seqserve.models.transformer_config import TransformerConfig

Array = TypeVar("Array", bound=Any)
"""A torch tensor or a numpy array."""
SHARED = "model.shared.weight"
TIED_COPIES = (
    "model.encoder.embed_tokens.weight",
    "model.decoder.embed_tokens.weight",
    "lm_head.weight",
)
"""Tensors of a MarianMTModel that are `SHARED` under other names."""
POSITION_TABLES = (
    "model.encoder.embed_positions.weight",
    "model.decoder.embed_positions.weight",
)
"""Tensors of a MarianMTModel that are computed, not trained."""


def marian_settings(config: TransformerConfig) -> dict[str, Any]:
    """Return what `transformers.MarianConfig` calls the shape and the special ids of our model."""
    return {
        "vocab_size": config.vocab_size,
        "d_model": config.d_model,
        "encoder_layers": config.encoder_layers,
        "decoder_layers": config.decoder_layers,
        "encoder_attention_heads": config.heads,
        "decoder_attention_heads": config.heads,
        "encoder_ffn_dim": config.ffn_dim,
        "decoder_ffn_dim": config.ffn_dim,
        "activation_function": config.activation,
        "scale_embedding": True,
        "pad_token_id": config.pad_id,
        "eos_token_id": config.end_id,
        "forced_eos_token_id": None,
        "decoder_start_token_id": config.pad_id,
    }


def to_marian(weights: Mapping[str, Array]) -> dict[str, Array]:
    """Rename our state dict to that of `transformers.MarianMTModel` (tied copies included)."""
    shared, bias = weights["shared.weight"], weights["output_bias"]
    marian = {f"model.{name}": value for name, value in weights.items() if name != "output_bias"}
    for copy in TIED_COPIES:
        marian[copy] = shared
    marian["final_logits_bias"] = bias[None]
    return marian


def from_marian(weights: Mapping[str, Array]) -> dict[str, Array]:
    """Rename a MarianMTModel state dict to ours; tied copies and position tables are dropped."""
    ours = {
        name.removeprefix("model."): value
        for name, value in weights.items()
        if name.startswith("model.") and "embed_" not in name
    }
    ours["output_bias"] = weights["final_logits_bias"][0]
    return ours
