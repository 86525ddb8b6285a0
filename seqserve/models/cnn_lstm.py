"""CNN-LSTM: an LSTM that reads the features of a convolution instead of words.

c_t = ReLU(W · x_{t-k/2 : t+k/2} + b); h_t = LSTM(c_t, h_{t-1}); the text is h_T.

Source: Zhou et al. 2015, "A C-LSTM Neural Network for Text Classification".
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from seqserve.config import refuse_below_one
from seqserve.models.bilstm import BiLstm
from seqserve.models.classifier import WordClassifier, WordClassifierConfig
from seqserve.models.cnn import TokenConvolution
from seqserve.models.pooling import token_mask


@dataclass(frozen=True)
class CnnLstmConfig(WordClassifierConfig):
    """Shape of the model.

    Args:
        filters: Filters of the convolution.
        width: Words that a filter sees.
        hidden: Width of the LSTM.
    """

    filters: int = 128
    width: int = 3
    hidden: int = 128

    def __post_init__(self) -> None:
        """Raises ConfigError: a count is below 1."""
        refuse_below_one(self, ("filters", "width", "hidden"), "[model]")


class CnnLstm(WordClassifier):
    """A convolution, an LSTM from left to right, its last state, a linear layer."""

    def __init__(self, config: CnnLstmConfig) -> None:
        super().__init__(config)
        self.convolution = TokenConvolution(config.word_dim, config.filters, config.width)
        self.lstm = BiLstm(config.filters, config.hidden, bidirectional=False)
        self.output = nn.Linear(config.hidden, config.n_labels)

    def encode(self, x: Tensor, lengths: Tensor) -> Tensor:
        """See `WordClassifier`."""
        features = self.convolution(x, token_mask(x, lengths))
        last: Tensor = self.lstm(features, lengths)[1]
        return last
