"""Toy architectures for every task, registered only by a row of `ARCHITECTURES`."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seqserve.models.architectures import Architecture
from seqserve.models.classifier import TextClassifier
from seqserve.models.seq2seq import RowSeq2Seq
from seqserve.models.tagger import CrfTagger, LinearChainCrf
from seqserve.text.tags import TagScheme


@dataclass(frozen=True)
class GruTaggerConfig:
    """Sizes of a GRU tagger."""

    n_words: int
    n_tags: int
    width: int = 16


class GruTagger(CrfTagger):
    """A tagger with word embeddings and one GRU, left to right."""

    def __init__(self, config: GruTaggerConfig, labels: tuple[str, ...]) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.n_words, config.width)
        self.gru = nn.GRU(config.width, config.width, batch_first=True)
        self.output = nn.Linear(config.width, config.n_tags)
        self.crf = LinearChainCrf(*map(torch.from_numpy, TagScheme(labels).allowed()))

    def forward(self, word_ids: Tensor, char_ids: Tensor, lengths: Tensor) -> Tensor:
        """Score every tag of every token."""
        hidden = self.gru(self.embedding(word_ids))[0]
        emissions: Tensor = self.output(hidden) + 0 * char_ids.sum(2, keepdim=True)
        return emissions + 0 * lengths[:, None, None]


@dataclass(frozen=True)
class CnnConfig:
    """Sizes of a convolutional classifier."""

    n_words: int
    n_labels: int
    width: int = 16


class Cnn(TextClassifier):
    """A classifier with a convolution of width 3 and a maximum over time."""

    def __init__(self, config: CnnConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.n_words, config.width)
        self.convolution = nn.Conv1d(config.width, config.width, 3, padding=1)
        self.output = nn.Linear(config.width, config.n_labels)

    def embed(self, word_ids: Tensor) -> Tensor:
        """(B, T) -> (B, T, D)."""
        embedded: Tensor = self.embedding(word_ids)
        return embedded

    def classify(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Embeddings (B, T, D) -> logits (B, L)."""
        is_token = (torch.arange(x.shape[1])[None] < lengths[:, None])[:, :, None]
        hidden = self.convolution((x * is_token).transpose(1, 2)).transpose(1, 2)
        logits: Tensor = self.output(hidden.masked_fill(~is_token, -1e4).amax(1))
        return logits


@dataclass(frozen=True)
class GruPairConfig:
    """Sizes of a GRU encoder-decoder."""

    vocab_size: int
    pad_id: int
    width: int = 32


class GruSeq2Seq(RowSeq2Seq):
    """A GRU decoder that starts from the mean of the source embeddings."""

    def __init__(self, config: GruPairConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.width)
        self.cell = nn.GRUCell(config.width, config.width)
        self.output = nn.Linear(2 * config.width, config.vocab_size)

    def encode(self, source: Tensor) -> tuple[Tensor, ...]:
        """Return the decoder's first hidden state, and the mean of the source."""
        is_token = (source != self.config.pad_id)[:, :, None].float()
        mean = (self.embedding(source) * is_token).sum(1) / is_token.sum(1)
        return mean.tanh(), mean

    def decode(self, tokens: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return logits and the next state."""
        hidden, mean = state
        hidden = self.cell(self.embedding(tokens), hidden)
        return self.output(torch.cat([hidden, mean], 1)), hidden, mean * 1

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Score every next token."""
        state, scores = self.encode(source), []
        for position in range(target.shape[1]):
            logits, *state = self.decode(target[:, position], tuple(state))  # type: ignore[assignment]
            scores.append(logits)
        return torch.stack(scores, 1)


TOYS = {
    "ner": Architecture(GruTaggerConfig, lambda config, labels: GruTagger(config, tuple(labels))),
    "sentiment": Architecture(CnnConfig, lambda config, _: Cnn(config)),
    "translation": Architecture(GruPairConfig, lambda config, _: GruSeq2Seq(config)),
}
