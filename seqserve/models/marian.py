"""Our Transformer's weights under the names of `transformers.MarianMTModel`, and back.

So the weights of any Marian checkpoint with shared embeddings fit our architecture, and ours can be read by
other runtimes. Marian's tokenizers and special ids are another matter: the runtime here uses its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from seqserve.models.transformer import TransformerConfig


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


def to_marian(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename our state dict to that of `transformers.MarianMTModel` (tied copies included)."""
    shared, bias = weights["shared.weight"], weights["output_bias"]
    marian = {f"model.{name}": value for name, value in weights.items() if name != "output_bias"}
    for copy in ("model.encoder.embed_tokens", "model.decoder.embed_tokens", "lm_head"):
        marian[f"{copy}.weight"] = shared
    marian["final_logits_bias"] = bias[None]
    return marian


def from_marian(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename a MarianMTModel state dict to ours; tied copies and position tables are dropped."""
    ours = {
        name.removeprefix("model."): value
        for name, value in weights.items()
        if name.startswith("model.") and "embed_" not in name
    }
    ours["output_bias"] = weights["final_logits_bias"][0]
    return ours
