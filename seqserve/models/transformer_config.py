"""Shape of the encoder-decoder Transformer: what the torch module and its graphs share. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seqserve.errors import ConfigError

Activation = Literal["relu", "swish"]


@dataclass(frozen=True)
class TransformerConfig:
    """Shape of the model.

    Args:
        vocab_size: V, ids of source and target alike.
        d_model: D, width of the residual stream; divisible by `heads`.
        heads: H, attention heads of every layer.
        encoder_layers: Layers of the encoder.
        decoder_layers: Layers of the decoder, which cost time per target token.
        ffn_dim: Inner width of the feed-forward blocks.
        activation: Non-linearity of the feed-forward blocks.
        dropout: Dropout on embeddings and block outputs.
        pad_id: Id that fills batches, and the decoder's start symbol.
        end_id: Id that ends a sequence.
    """

    vocab_size: int
    d_model: int = 256
    heads: int = 4
    encoder_layers: int = 3
    decoder_layers: int = 2
    ffn_dim: int = 1024
    activation: Activation = "relu"
    dropout: float = 0.1
    pad_id: int = 0
    end_id: int = 1

    def __post_init__(self) -> None:
        """Raises ConfigError: the heads do not share the width evenly."""
        if self.d_model % self.heads:
            raise ConfigError(f"d_model {self.d_model} is not divisible by {self.heads} heads")
