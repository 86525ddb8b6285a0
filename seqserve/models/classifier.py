"""BiLSTM classifier: embeddings, an LSTM, pooling over time, a linear layer.

Source: Hochreiter and Schmidhuber 1997 (LSTM); Conneau et al. 2017, section 3.2 (max and mean pooling
over a BiLSTM); Yang et al. 2016, section 2.2 (attention pooling).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from seqserve.models.bilstm import BiLstm
from seqserve.models.word_embeddings import WordEmbedding

Pooling = Literal["last", "max", "mean", "attention"]


@dataclass(frozen=True)
class ClassifierConfig:
    """Shape of the model.

    Args:
        n_words: Word ids.
        n_labels: L.
        word_dim: Width of a word embedding.
        hidden: Width of one direction of the LSTM.
        bidirectional: Whether the LSTM also reads backwards.
        pooling: How the hidden states of all tokens become one vector.
        dropout: Dropout on embeddings and on the pooled vector.
    """

    n_words: int
    n_labels: int
    word_dim: int = 128
    hidden: int = 128
    bidirectional: bool = True
    pooling: Pooling = "max"
    dropout: float = 0.5


class TextClassifier(nn.Module, ABC):
    """What every classifier architecture has: embeddings, and logits of those."""

    config: Any

    def forward(self, word_ids: Tensor, lengths: Tensor) -> Tensor:
        """Return (B, L) logits of word ids (B, T) and lengths (B,)."""
        return self.classify(self.embed(word_ids), lengths)

    @abstractmethod
    def embed(self, word_ids: Tensor) -> Tensor:
        """(B, T) -> (B, T, D)."""

    @abstractmethod
    def classify(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Embeddings (B, T, D) -> logits (B, L)."""


class Classifier(TextClassifier):
    """Word ids in, logits of the labels out."""

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config: ClassifierConfig = config
        self.words = WordEmbedding(config.n_words, config.word_dim)
        self.lstm = BiLstm(config.word_dim, config.hidden, config.bidirectional)
        width = config.hidden * (2 if config.bidirectional else 1)
        self.attention = nn.Linear(width, 1) if config.pooling == "attention" else None
        self.output = nn.Linear(width, config.n_labels)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, word_ids: Tensor, lengths: Tensor) -> Tensor:
        """Score every label.

        Args:
            word_ids: (B, T).
            lengths: (B,) of at least 1.

        Returns:
            (B, L) logits.
        """
        return self.classify(self.embed(word_ids), lengths)

    def embed(self, word_ids: Tensor) -> Tensor:
        """(B, T) -> (B, T, D)."""
        embedded: Tensor = self.dropout(self.words(word_ids))
        return embedded

    def classify(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Embeddings (B, T, D) -> logits (B, L)."""
        hidden, last = self.lstm(x, lengths)  # (B, T, D), (B, D)
        real = torch.arange(hidden.shape[1], device=hidden.device) < lengths[:, None]
        logits: Tensor = self.output(self.dropout(self._pool(hidden, last, real)))
        return logits

    def _pool(self, hidden: Tensor, last: Tensor, real: Tensor) -> Tensor:
        """Hidden (B, T, D), last states (B, D), mask (B, T) -> (B, D)."""
        mask = real[:, :, None]
        if self.config.pooling == "last":
            return last
        if self.config.pooling == "max":
            return hidden.masked_fill(~mask, float("-inf")).amax(1)
        if self.attention is None:
            mean: Tensor = (hidden * mask).sum(1) / mask.sum(1)
            return mean
        weights = self.attention(hidden).masked_fill(~mask, float("-inf")).softmax(1)  # (B, T, 1)
        attended: Tensor = (hidden * weights).sum(1)
        return attended
