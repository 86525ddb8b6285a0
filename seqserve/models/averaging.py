"""Deep averaging network: the mean of the word vectors, and feed-forward layers; word order is not seen.

z_0 = mean_t x_t; z_l = tanh(W_l z_{l-1} + b_l). Without hidden layers: logistic regression on averaged vectors.

Source: Iyyer et al. 2015, "Deep Unordered Composition Rivals Syntactic Methods for Text Classification".
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from seqserve.config import refuse_below_one
from seqserve.errors import ConfigError
from seqserve.models.classifier import WordClassifier, WordClassifierConfig
from seqserve.models.pooling import masked_mean, token_mask


@dataclass(frozen=True)
class AveragingConfig(WordClassifierConfig):
    """Shape of the network.

    Args:
        hidden: Width of a hidden layer.
        layers: Hidden layers; 0: none.
    """

    hidden: int = 128
    layers: int = 2

    def __post_init__(self) -> None:
        """Raises ConfigError: a count is too low."""
        refuse_below_one(self, ("hidden",), "[model]")
        if self.layers < 0:
            raise ConfigError(f"[model] layers is {self.layers}; it must be 0 or more")


class Averaging(WordClassifier):
    """The mean of the embeddings, hidden layers, a linear layer."""

    def __init__(self, config: AveragingConfig) -> None:
        super().__init__(config)
        sizes = [config.word_dim, *[config.hidden] * config.layers]
        self.layers = nn.Sequential(
            *(nn.Sequential(nn.Linear(a, b), nn.Tanh()) for a, b in pairwise(sizes))
        )
        self.output = nn.Linear(sizes[-1], config.n_labels)

    def encode(self, x: Tensor, lengths: Tensor) -> Tensor:
        """See `WordClassifier`."""
        encoded: Tensor = self.layers(masked_mean(x, token_mask(x, lengths)))
        return encoded
