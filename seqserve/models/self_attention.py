"""Self-attention encoder: the encoder half of a Transformer, and the mean over the tokens.

Attention(Q, K, V) = softmax(Q K^T / sqrt(d)) V with Q, K and V linear in x_t + p_t, where p_t are sinusoids of
the position; then a feed-forward layer; both with residual connections and layer normalization behind them.

Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from seqserve.config import refuse_below_one
from seqserve.models.classifier import WordClassifier, WordClassifierConfig
from seqserve.models.pooling import masked_mean, token_mask
from seqserve.models.transformer import EncoderLayer, sinusoids
from seqserve.models.transformer_config import TransformerConfig


@dataclass(frozen=True)
class SelfAttentionConfig(WordClassifierConfig):
    """Shape of the encoder.

    Args:
        d_model: Width of the layers; divisible by `heads`.
        heads: Attention heads of a layer.
        layers: Encoder layers.
        ffn_dim: Inner width of the feed-forward blocks.
        layer_dropout: Dropout inside the layers.
    """

    d_model: int = 128
    heads: int = 4
    layers: int = 1
    ffn_dim: int = 256
    layer_dropout: float = 0.1

    def __post_init__(self) -> None:
        """Raises ConfigError: a count is below 1, or the heads do not share the width evenly."""
        refuse_below_one(self, ("d_model", "heads", "layers", "ffn_dim"), "[model]")
        _ = self.of_layers

    @property
    def of_layers(self) -> TransformerConfig:
        """The shape of a layer, as that of a Transformer."""
        return TransformerConfig(
            self.n_words,
            d_model=self.d_model,
            heads=self.heads,
            ffn_dim=self.ffn_dim,
            dropout=self.layer_dropout,
        )


class SelfAttention(WordClassifier):
    """Positions, encoder layers, the mean over the tokens, a linear layer."""

    def __init__(self, config: SelfAttentionConfig) -> None:
        super().__init__(config)
        self.input = nn.Linear(config.word_dim, config.d_model)
        self.layers = nn.ModuleList(EncoderLayer(config.of_layers) for _ in range(config.layers))
        self.output = nn.Linear(config.d_model, config.n_labels)

    def encode(self, x: Tensor, lengths: Tensor) -> Tensor:
        """See `WordClassifier`."""
        mask = token_mask(x, lengths)
        x = self.input(x)
        x = x + sinusoids(x.shape[1], x.shape[2]).to(x.device)
        for layer in self.layers:
            x = layer(x, mask.transpose(1, 2)[:, None])  # (B, 1, 1, T)
        return masked_mean(x, mask)
