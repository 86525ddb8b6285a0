"""BiLSTM-CRF tagger: word embeddings and a character CNN, a BiLSTM, a linear-chain CRF.

Source: Lample et al. 2016, "Neural Architectures for Named Entity Recognition", section 2 (CRF over a
BiLSTM); Ma and Hovy 2016, section 2.1 (character CNN).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from seqserve.models.bilstm import BiLstm
from seqserve.models.word_embeddings import WordEmbedding

ILLEGAL = -1e4


@dataclass(frozen=True)
class WordTaggerConfig:
    """What the shapes of all taggers of words have.

    Args:
        n_words: Word ids.
        n_chars: Character ids.
        n_tags: K.
        word_dim: Width of a word embedding.
        char_dim: Width of a character embedding.
        char_filters: Width of the output of the character CNN.
        dropout: Dropout on the encoder's input and output.
    """

    n_words: int
    n_chars: int
    n_tags: int
    word_dim: int = 100
    char_dim: int = 30
    char_filters: int = 50
    dropout: float = 0.5


@dataclass(frozen=True)
class TaggerConfig(WordTaggerConfig):
    """Shape of the model.

    Args:
        hidden: Width of one direction of the LSTM.
    """

    hidden: int = 160


class CharacterCnn(nn.Module):
    """A word's spelling as a vector: convolution of width 3 over its characters, then the maximum."""

    def __init__(self, n_chars: int, char_dim: int, n_filters: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_chars, char_dim, padding_idx=0)
        self.convolution = nn.Conv1d(char_dim, n_filters, kernel_size=3, padding=1)

    def forward(self, char_ids: Tensor) -> Tensor:
        """(N, C) -> (N, F). C is the same in every batch, so padding is part of the word's picture."""
        out: Tensor = self.convolution(self.embedding(char_ids).transpose(1, 2)).amax(2)
        return out


class LinearChainCrf(nn.Module):
    """Scores of tag sequences: emissions plus a score for every move from tag to tag."""

    legal_start: Tensor
    legal_moves: Tensor

    def __init__(self, legal_start: Tensor, legal_moves: Tensor) -> None:
        """Take (K,) and (K, K) bool: which tags may come first, and which may follow which."""
        super().__init__()
        n_tags = len(legal_start)
        self.start = nn.Parameter(torch.zeros(n_tags))
        self.moves = nn.Parameter(torch.empty(n_tags, n_tags).uniform_(-0.1, 0.1))
        self.end = nn.Parameter(torch.zeros(n_tags))
        self.register_buffer("legal_start", legal_start, persistent=False)
        self.register_buffer("legal_moves", legal_moves, persistent=False)

    def potentials(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return start (K,), moves (K, K) from -> to and end (K,), illegal ones near minus infinity."""
        return (
            self.start.masked_fill(~self.legal_start, ILLEGAL),
            self.moves.masked_fill(~self.legal_moves, ILLEGAL),
            self.end,
        )

    def log_partition(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """Return the log of the summed exp-scores of all tag sequences.

        Args:
            emissions: (B, T, K).
            lengths: (B,) of at least 1; what lies behind is not looked at.

        Returns:
            (B,).
        """
        start, moves, end = self.potentials()
        alpha = start + emissions[:, 0]  # (B, K)
        for t in range(1, emissions.shape[1]):
            scores = alpha[:, :, None] + moves + emissions[:, t, None]  # (B, K from, K to)
            alpha = torch.where((t < lengths)[:, None], scores.logsumexp(1), alpha)
        return (alpha + end).logsumexp(1)

    def gold_score(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Return the score of one tag sequence per row; tags (B, T), behind `lengths` any valid id."""
        start, moves, end = self.potentials()
        real = torch.arange(tags.shape[1], device=tags.device) < lengths[:, None]  # (B, T)
        emitted = emissions.gather(2, tags[:, :, None]).squeeze(2)
        moved = moves[tags[:, :-1], tags[:, 1:]]
        last = tags.gather(1, lengths[:, None] - 1).squeeze(1)
        return (
            start[tags[:, 0]] + (emitted * real).sum(1) + (moved * real[:, 1:]).sum(1) + end[last]
        )

    def forward(self, emissions: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Return minus the log-likelihood of the tags, (B,)."""
        return self.log_partition(emissions, lengths) - self.gold_score(emissions, tags, lengths)

    def partial_loss(self, emissions: Tensor, allowed: Tensor, lengths: Tensor) -> Tensor:
        """Return minus the log of the summed probability of all tag sequences that are allowed, (B,).

        Args:
            emissions: (B, T, K).
            allowed: (B, T, K) bool: which tags each token may have, as far as its annotation tells.
            lengths: (B,).

        Source: Tsuboi et al. 2008, "Training conditional random fields using incomplete annotations".
        """
        possible = emissions.masked_fill(~allowed, ILLEGAL)
        return self.log_partition(emissions, lengths) - self.log_partition(possible, lengths)


class CrfTagger(nn.Module, ABC):
    """What every tagger architecture has: emissions for each token, and a CRF over them."""

    config: Any
    crf: LinearChainCrf

    @abstractmethod
    def forward(self, word_ids: Tensor, char_ids: Tensor, lengths: Tensor) -> Tensor:
        """Return (B, T, K) emissions of word ids (B, T), character ids (B, T, C) and lengths (B,)."""

    def emissions_by_form(
        self, word_ids: Tensor, char_ids: Tensor, forms: Tensor, lengths: Tensor
    ) -> Tensor:
        """As `forward`, from the character ids (N, C) of distinct tokens and indices (B, T) into them."""
        emissions: Tensor = self(word_ids, char_ids[forms], lengths)
        return emissions


class WordTagger(CrfTagger):
    """Words and their characters in, an encoder of the sentence, emissions out."""

    emission: nn.Module

    def __init__(self, config: WordTaggerConfig) -> None:
        super().__init__()
        self.config = config
        self.words = WordEmbedding(config.n_words, config.word_dim)
        self.characters = CharacterCnn(config.n_chars, config.char_dim, config.char_filters)
        self.dropout = nn.Dropout(config.dropout)
        self.input_dim = config.word_dim + config.char_filters

    def forward(self, word_ids: Tensor, char_ids: Tensor, lengths: Tensor) -> Tensor:
        """Score every tag of every token.

        Args:
            word_ids: (B, T).
            char_ids: (B, T, C).
            lengths: (B,) of at least 1.

        Returns:
            (B, T, K) emissions; what lies behind `lengths` means nothing.
        """
        spelled = self.characters(char_ids.flatten(0, 1)).unflatten(0, word_ids.shape)
        return self.emissions(word_ids, spelled, lengths)

    def emissions_by_form(
        self, word_ids: Tensor, char_ids: Tensor, forms: Tensor, lengths: Tensor
    ) -> Tensor:
        """As `forward`; the character CNN reads each distinct token once."""
        return self.emissions(word_ids, self.characters(char_ids)[forms], lengths)

    def emissions(self, word_ids: Tensor, spelled: Tensor, lengths: Tensor) -> Tensor:
        """As `forward`, from the output of `characters` for every token, (B, T, F)."""
        x = self.dropout(torch.cat([self.words(word_ids), spelled], dim=2))
        emissions: Tensor = self.emission(self.dropout(self.encode(x, lengths)))
        return emissions

    @abstractmethod
    def encode(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return one vector per token, (B, T, width of the linear layer), of inputs (B, T, D)."""


class Tagger(WordTagger):
    """A BiLSTM with a CRF."""

    config: TaggerConfig
    emission: nn.Linear

    def __init__(self, config: TaggerConfig, legal_start: Tensor, legal_moves: Tensor) -> None:
        super().__init__(config)
        self.lstm = BiLstm(self.input_dim, config.hidden)
        self.emission = nn.Linear(2 * config.hidden, config.n_tags)
        self.crf = LinearChainCrf(legal_start, legal_moves)

    def encode(self, x: Tensor, lengths: Tensor) -> Tensor:
        """See `WordTagger`."""
        states: Tensor = self.lstm(x, lengths)[0]
        return states
