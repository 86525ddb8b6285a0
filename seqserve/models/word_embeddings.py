"""Word embeddings: small random vectors, or pretrained ones for the words that have them."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class WordEmbedding(nn.Embedding):
    """Ids to vectors; id 0 is padding and stays zero."""

    def __init__(self, n_words: int, word_dim: int) -> None:
        super().__init__(n_words, word_dim, padding_idx=0)
        nn.init.normal_(self.weight, std=0.1)
        with torch.no_grad():
            self.weight[0].zero_()

    def use_vectors(self, vectors: Tensor, rows: Tensor) -> None:
        """Start from pretrained vectors for the word ids `rows` (N,): (N, D) or narrower, padded behind."""
        with torch.no_grad():
            self.weight[rows, : vectors.shape[1]] = vectors
