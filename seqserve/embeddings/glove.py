"""GloVe: vectors whose dot products are the logarithms of co-occurrence counts, by weighted least squares.

    J = Σ f(X_ij) (w_i · w̃_j + b_i + b̃_j - log X_ij)²,   f(x) = min(1, (x / 100)^0.75)

Source: Pennington et al. 2014, equations 8 and 9, and section 4.2 (AdaGrad, 1/distance, W + W̃).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seqserve.arrays import FloatArray, IntArray

_X_MAX, _ALPHA = 100.0, 0.75
_LEARNING_RATE = 0.05
_BATCH = 16384  # co-occurrences a step; of a small corpus fewer, for some steps an epoch
_MIN_STEPS = 16


def cooccurrences(
    texts: Sequence[IntArray], n_words: int, window: int
) -> tuple[IntArray, IntArray, FloatArray]:
    """Count the pairs of words that stand at most `window` words apart in a text, each as 1 / distance.

    Args:
        texts: Word ids of each text.
        n_words: V.
        window: Largest distance.

    Returns:
        Words (N,), contexts (N,), counts (N,); every pair once in each order.
    """
    words = np.concatenate(texts)
    text_of = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    keys: IntArray = np.empty(0, np.int64)
    counts: NDArray[np.float64] = np.empty(0)
    for distance in range(1, min(window, len(words) - 1) + 1):
        is_pair = text_of[distance:] == text_of[:-distance]
        left, right = words[:-distance][is_pair], words[distance:][is_pair]
        found = np.concatenate([keys, left * n_words + right, right * n_words + left])
        counts = np.concatenate([counts, np.full(2 * len(left), 1 / distance)])
        keys, places = np.unique(found, return_inverse=True)
        counts = np.bincount(places, counts).astype(np.float64)
    return keys // n_words, keys % n_words, counts.astype(np.float32)


class Glove(nn.Module):
    """Vectors and biases of words and of contexts."""

    def __init__(self, n_words: int, dimensions: int, generator: torch.Generator) -> None:
        super().__init__()
        self.words = nn.Embedding(n_words, dimensions, sparse=True)
        self.contexts = nn.Embedding(n_words, dimensions, sparse=True)
        self.word_biases = nn.Embedding(n_words, 1, sparse=True)
        self.context_biases = nn.Embedding(n_words, 1, sparse=True)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -0.5 / dimensions, 0.5 / dimensions, generator=generator)

    def forward(self, words: Tensor, contexts: Tensor, counts: Tensor) -> Tensor:
        """Return the part of the objective that co-occurrences have.

        Args:
            words: (B,) ids.
            contexts: (B,) ids.
            counts: (B,), above 0.
        """
        products = (self.words(words) * self.contexts(contexts)).sum(1)
        biases = self.word_biases(words) + self.context_biases(contexts)  # (B, 1)
        errors = products + biases.squeeze(1) - counts.log()
        weights = (counts / _X_MAX).pow(_ALPHA).clamp(max=1)
        loss: Tensor = (weights * errors**2).sum()
        return loss


def learn_glove(
    texts: Sequence[IntArray], n_words: int, *, dimensions: int, window: int, epochs: int, seed: int
) -> FloatArray:
    """Learn vectors by AdaGrad.

    Args:
        texts: Word ids of each text; two words stand beside each other in at least one.
        n_words: V.
        dimensions: D.
        window: Largest distance of words that occur together.
        epochs: Passes over the co-occurrences.
        seed: Of the first vectors and of the order.

    Returns:
        (V, D), the sums of the vectors as word and as context.
    """
    generator = torch.Generator().manual_seed(seed)
    pairs = [torch.from_numpy(one) for one in cooccurrences(texts, n_words, window)]
    batch = max(1, min(_BATCH, len(pairs[0]) // _MIN_STEPS))
    model = Glove(n_words, dimensions, generator)
    optimizer = torch.optim.Adagrad(model.parameters(), _LEARNING_RATE)
    # Without this, torch warns of unchecked tensors.
    with torch.sparse.check_sparse_tensor_invariants(enable=False):  # type: ignore[no-untyped-call]
        for _ in range(epochs):
            order = torch.randperm(len(pairs[0]), generator=generator)
            for chosen in torch.split(order, batch):
                optimizer.zero_grad()
                model(*(one[chosen] for one in pairs)).backward()
                optimizer.step()
    with torch.no_grad():
        vectors: FloatArray = (model.words.weight + model.contexts.weight).numpy()
    return vectors
