"""Bidirectional language model: what an LSTM can learn from text without labels.

The forward states predict the next word, the backward states the one before; the classifier takes over the
embeddings and the LSTM. Output weights are the embeddings, behind a projection.

Source: Dai and Le 2015, "Semi-supervised Sequence Learning" (start an LSTM classifier from a language model);
Peters et al. 2018, section 3.1 (both directions); Press and Wolf 2017 (shared embeddings); Jean et al. 2015
(sampled softmax).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqserve.models.bilstm import BiLstm
from seqserve.models.word_embeddings import WordEmbedding

_FIRST_WORD = 2  # ids below are padding and the unknown word


class LanguageModel(nn.Module):
    """Embeddings and a bidirectional LSTM, scored by how well they guess the neighbouring words."""

    def __init__(self, words: WordEmbedding, lstm: BiLstm, dropout: float) -> None:
        """Take the parts that another model is to share; they are trained in place."""
        super().__init__()
        self.words = words
        self.lstm = lstm
        self.projection = nn.Linear(lstm.forwards.hidden_size, words.embedding_dim)
        self.bias = nn.Parameter(torch.zeros(words.num_embeddings))
        self.dropout = nn.Dropout(dropout)

    def forward(self, word_ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Predict every word of the texts from the words on either side of it.

        Args:
            word_ids: (B, T).
            lengths: (B,) of at least 1.

        Returns:
            (N, D) guesses, to be compared with embeddings, and the (N,) ids of the words meant: every
            word but the first from the left, every word but the last from the right. The unknown word
            is not asked for.
        """
        hidden, _ = self.lstm(self.dropout(self.words(word_ids)), lengths)  # (B, T, 2H)
        left, right = hidden.chunk(2, dim=2)
        real = torch.arange(word_ids.shape[1], device=word_ids.device) < lengths[:, None]
        asked = real & (word_ids >= _FIRST_WORD)
        from_left, from_right = asked[:, 1:], asked[:, :-1] & real[:, 1:]
        states = torch.cat([left[:, :-1][from_left], right[:, 1:][from_right]])
        meant = torch.cat([word_ids[:, 1:][from_left], word_ids[:, :-1][from_right]])
        return self.projection(self.dropout(states)), meant

    def log_likelihood(self, guesses: Tensor, meant: Tensor) -> Tensor:
        """Return (N,) log-probabilities of the words meant, over the whole vocabulary."""
        logits = F.linear(guesses, self.words.weight, self.bias).float()
        return -F.cross_entropy(logits, meant, reduction="none")

    def sampled_loss(self, guesses: Tensor, meant: Tensor, n_samples: int) -> Tensor:
        """Return the mean cross-entropy against the same few words for the whole batch.

        Args:
            guesses: (N, D).
            meant: (N,).
            n_samples: Words to compare with, drawn as often as words of their rank are met in text (Zipf).
        """
        n_words = self.words.num_embeddings
        drawn = torch.rand(n_samples, device=meant.device) * math.log(n_words - _FIRST_WORD + 1)
        others = (drawn.exp().long() - 1).clamp(0, n_words - _FIRST_WORD - 1) + _FIRST_WORD
        scores = F.linear(guesses, self.words.weight[others], self.bias[others]).float()  # (N, n)
        right = (guesses * self.words.weight[meant]).sum(1).float() + self.bias[meant]
        right = right - _zipf_log_frequency(meant)
        scores = torch.cat([right[:, None], scores - _zipf_log_frequency(others)], 1)
        is_other = F.pad(others != meant[:, None], (1, 0))  # a word meant may be drawn as well
        return (
            scores.logsumexp(1) - scores.masked_fill(is_other, float("-inf")).logsumexp(1)
        ).mean()


def _zipf_log_frequency(word_ids: Tensor) -> Tensor:
    """Return what the log-probability of being drawn is, but for a constant; ids go by falling frequency."""
    ranks = (word_ids - _FIRST_WORD).float()
    return ((ranks + 2) / (ranks + 1)).log().log()
