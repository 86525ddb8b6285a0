"""Stacked recurrent layers of any cell, as an encoder, a classifier and a tagger.

h^l_t = cell(h^{l-1}_t, h^l_{t-1}), with the embeddings as h^0; a bidirectional layer joins the states of a cell
that reads from the left and of one that reads from the right.

Source: Schuster and Paliwal 1997 (bidirectional); Graves et al. 2013, section 2 (stacked); Yang et al. 2016,
section 2.2 (attention pooling); Huang et al. 2015 (taggers with and without a CRF).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from seqserve.config import refuse_below_one
from seqserve.models.bilstm import read_rows
from seqserve.models.cells import CELLS, Cell
from seqserve.models.classifier import WordClassifier, WordClassifierConfig
from seqserve.models.decoders import DecodedTagger, DecoderConfig
from seqserve.models.pooling import Pooling, pooled
from seqserve.models.tagger import WordTaggerConfig


@dataclass(frozen=True)
class RecurrentConfig:
    """Shape of the encoder.

    Args:
        cell: Recurrent cell of all layers.
        hidden: Width of one direction of a layer.
        layers: Recurrent layers, each on top of the one before; with `dropout` in between.
        bidirectional: Whether every layer also reads backwards.
    """

    cell: Cell = "lstm"
    hidden: int = 128
    layers: int = 1
    bidirectional: bool = True

    def __post_init__(self) -> None:
        """Raises ConfigError: a count is below 1."""
        refuse_below_one(self, ("hidden", "layers"), "[model]")

    @property
    def width(self) -> int:
        """Width of the states of a layer."""
        return self.hidden * (2 if self.bidirectional else 1)


class RecurrentEncoder(nn.Module):
    """Layers of one cell."""

    def __init__(self, input_dim: int, config: RecurrentConfig, dropout: nn.Dropout) -> None:
        super().__init__()
        self.forwards, self.backwards = nn.ModuleList(), nn.ModuleList()
        for layer in range(config.layers):
            sizes = (config.width if layer else input_dim, config.hidden)
            self.forwards.append(CELLS[config.cell](*sizes))
            if config.bidirectional:
                self.backwards.append(CELLS[config.cell](*sizes))
        self.dropout = dropout

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return the states of all tokens and the last states of the top layer; see `read_rows`."""
        last = x
        for layer, forwards in enumerate(self.forwards):
            backwards = self.backwards[layer] if self.backwards else None
            x, last = read_rows(forwards, backwards, self.dropout(x) if layer else x, lengths)
        return x, last


@dataclass(frozen=True)
class RecurrentClassifierConfig(RecurrentConfig, WordClassifierConfig):
    """Shape of a recurrent classifier.

    Args:
        pooling: How the states of all tokens become one vector.
    """

    pooling: Pooling = "max"


class RecurrentClassifier(WordClassifier):
    """Recurrent layers, pooling over time, a linear layer."""

    def __init__(self, config: RecurrentClassifierConfig) -> None:
        super().__init__(config)
        self.pooling = config.pooling
        self.encoder = RecurrentEncoder(config.word_dim, config, self.dropout)
        self.attention = nn.Linear(config.width, 1) if config.pooling == "attention" else None
        self.output = nn.Linear(config.width, config.n_labels)

    def encode(self, x: Tensor, lengths: Tensor) -> Tensor:
        """See `WordClassifier`."""
        states, last = self.encoder(x, lengths)
        return pooled(self.pooling, states, last, lengths, self.attention)


@dataclass(frozen=True)
class RecurrentTaggerConfig(DecoderConfig, RecurrentConfig, WordTaggerConfig):
    """Shape of a recurrent tagger."""


class RecurrentTagger(DecodedTagger):
    """Recurrent layers, a linear layer, and a CRF or a softmax per token."""

    def __init__(self, config: RecurrentTaggerConfig, labels: tuple[str, ...]) -> None:
        super().__init__(config, config.decoder, labels)
        self.encoder = RecurrentEncoder(self.input_dim, config, self.dropout)
        self.emission = nn.Linear(config.width, config.n_tags)

    def encode(self, x: Tensor, lengths: Tensor) -> Tensor:
        """See `WordTagger`."""
        states: Tensor = self.encoder(x, lengths)[0]
        return states
