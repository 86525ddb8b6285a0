"""BiLSTM classifier: embeddings, an LSTM, pooling over time, a linear layer.

Source: Hochreiter and Schmidhuber 1997 (LSTM); Conneau et al. 2017, section 3.2 (max and mean pooling
over a BiLSTM); Yang et al. 2016, section 2.2 (attention pooling).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from seqserve.models.bilstm import BiLstm
from seqserve.models.pooling import Pooling, pooled
from seqserve.models.word_embeddings import WordEmbedding


@dataclass(frozen=True)
class WordClassifierConfig:
    """What the shapes of all classifiers of words have.

    Args:
        n_words: Word ids.
        n_labels: L.
        word_dim: Width of a word embedding.
        dropout: Dropout on embeddings and on the vector of the text.
    """

    n_words: int
    n_labels: int
    word_dim: int = 128
    dropout: float = 0.5


@dataclass(frozen=True)
class ClassifierConfig(WordClassifierConfig):
    """Shape of the model.

    Args:
        hidden: Width of one direction of the LSTM.
        bidirectional: Whether the LSTM also reads backwards.
        pooling: How the hidden states of all tokens become one vector.
    """

    hidden: int = 128
    bidirectional: bool = True
    pooling: Pooling = "max"


class TextClassifier(nn.Module, ABC):
    """What every classifier architecture has: embeddings, and logits of those."""

    config: Any

    def forward(self, word_ids: Tensor, lengths: Tensor) -> Tensor:
        """Score every label.

        Args:
            word_ids: (B, T).
            lengths: (B,) of at least 1.

        Returns:
            (B, L) logits.
        """
        return self.classify(self.embed(word_ids), lengths)

    @abstractmethod
    def embed(self, word_ids: Tensor) -> Tensor:
        """(B, T) -> (B, T, D)."""

    @abstractmethod
    def classify(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Embeddings (B, T, D) -> logits (B, L)."""


class WordClassifier(TextClassifier):
    """Word embeddings, an encoder of the text, a linear layer; dropout before and behind the encoder."""

    output: nn.Module

    def __init__(self, config: WordClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.words = WordEmbedding(config.n_words, config.word_dim)
        self.dropout = nn.Dropout(config.dropout)

    def embed(self, word_ids: Tensor) -> Tensor:
        """(B, T) -> (B, T, D)."""
        embedded: Tensor = self.dropout(self.words(word_ids))
        return embedded

    def classify(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Embeddings (B, T, D) -> logits (B, L)."""
        logits: Tensor = self.output(self.dropout(self.encode(x, lengths)))
        return logits

    @abstractmethod
    def encode(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return one vector per text, (B, width of the linear layer), of embeddings (B, T, D)."""


class Classifier(WordClassifier):
    """Word ids in, logits of the labels out."""

    config: ClassifierConfig
    output: nn.Linear

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__(config)
        self.lstm = BiLstm(config.word_dim, config.hidden, config.bidirectional)
        width = config.hidden * (2 if config.bidirectional else 1)
        self.attention = nn.Linear(width, 1) if config.pooling == "attention" else None
        self.output = nn.Linear(width, config.n_labels)

    def encode(self, x: Tensor, lengths: Tensor) -> Tensor:
        """See `WordClassifier`."""
        hidden, last = self.lstm(x, lengths)  # (B, T, D), (B, D)
        return pooled(self.config.pooling, hidden, last, lengths, self.attention)
