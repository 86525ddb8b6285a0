"""Convolutions over the words of a text, as a classifier and a tagger.

c_t = ReLU(W · x_{t-k/2 : t+k/2} + b), where positions outside the text are 0. The classifier takes the maximum
of every filter over the text, z = max_t c_t; the tagger keeps c_t, so one layer sees a window of k words.

Source: Kim 2014, "Convolutional Neural Networks for Sentence Classification" (windows of 3, 4 and 5); Collobert
et al. 2011, section 3 (window and sentence approach of a tagger).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqserve.config import refuse_below_one
from seqserve.errors import ConfigError
from seqserve.models.classifier import WordClassifier, WordClassifierConfig
from seqserve.models.decoders import DecodedTagger, DecoderConfig
from seqserve.models.pooling import masked_max, token_mask
from seqserve.models.tagger import WordTaggerConfig


class TokenConvolution(nn.Module):
    """ReLU of a convolution over the tokens of padded rows; padding counts as 0."""

    def __init__(self, input_dim: int, filters: int, width: int) -> None:
        super().__init__()
        self.padding = ((width - 1) // 2, width // 2)
        self.convolution = nn.Conv1d(input_dim, filters, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return (B, T, F) of x (B, T, D) and mask (B, T, 1)."""
        padded = F.pad((x * mask).transpose(1, 2), self.padding)
        features: Tensor = self.convolution(padded).transpose(1, 2)
        return features.relu()


@dataclass(frozen=True)
class CnnClassifierConfig(WordClassifierConfig):
    """Shape of the CNN.

    Args:
        filters: Filters of each width.
        widths: Words that a filter sees.
    """

    filters: int = 100
    widths: tuple[int, ...] = (3, 4, 5)

    def __post_init__(self) -> None:
        """Raises ConfigError: a count is below 1, or there is no width."""
        refuse_below_one(self, ("filters",), "[model]")
        if min(self.widths, default=0) < 1:
            raise ConfigError(
                f"[model] widths is {list(self.widths)}; it must be numbers from 1 on"
            )


class CnnClassifier(WordClassifier):
    """One layer of convolutions of several widths, the maximum over time, a linear layer."""

    def __init__(self, config: CnnClassifierConfig) -> None:
        super().__init__(config)
        self.convolutions = nn.ModuleList(
            TokenConvolution(config.word_dim, config.filters, width) for width in config.widths
        )
        self.output = nn.Linear(config.filters * len(config.widths), config.n_labels)

    def encode(self, x: Tensor, lengths: Tensor) -> Tensor:
        """See `WordClassifier`."""
        mask = token_mask(x, lengths)
        return torch.cat([masked_max(one(x, mask), mask) for one in self.convolutions], 1)


@dataclass(frozen=True)
class CnnTaggerConfig(DecoderConfig, WordTaggerConfig):
    """Shape of the CNN.

    Args:
        filters: Filters of a layer.
        width: Words that a filter sees.
        layers: Layers, each on top of the one before; with `dropout` in between.
    """

    filters: int = 200
    width: int = 5
    layers: int = 2

    def __post_init__(self) -> None:
        """Raises ConfigError: a count is below 1."""
        refuse_below_one(self, ("filters", "width", "layers"), "[model]")


class CnnTagger(DecodedTagger):
    """Layers of convolutions, a linear layer, and a CRF or a softmax per token."""

    def __init__(self, config: CnnTaggerConfig, labels: tuple[str, ...]) -> None:
        super().__init__(config, config.decoder, labels)
        sizes = [self.input_dim, *[config.filters] * (config.layers - 1)]
        self.convolutions = nn.ModuleList(
            TokenConvolution(size, config.filters, config.width) for size in sizes
        )
        self.emission = nn.Linear(config.filters, config.n_tags)

    def encode(self, x: Tensor, lengths: Tensor) -> Tensor:
        """See `WordTagger`."""
        mask = token_mask(x, lengths)
        for layer, convolution in enumerate(self.convolutions):
            x = convolution(self.dropout(x) if layer else x, mask)
        return x
