"""Training without labels: a language model from which a classifier starts.

Source: Dai and Le 2015, section 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seqserve.arrays import IntArray
from seqserve.models.bilstm import BiLstm
from seqserve.models.language_model import LanguageModel
from seqserve.models.word_embeddings import WordEmbedding
from seqserve.text.batching import length_batches, pad
from seqserve.training.checkpoint import copy_whole, load_weights
from seqserve.training.loop import train
from seqserve.training.recipe import LoopConfig


@dataclass(frozen=True)
class PretrainingConfig:
    """The `[text.pretraining]` table of a recipe.

    Args:
        loop: How the language model is trained.
        max_words: Longer texts are split into pieces of this many words.
        n_samples: Number of sampled words that each target word is compared with.
        dropout: Dropout on embeddings and states.
    """

    loop: LoopConfig
    max_words: int = 256
    n_samples: int = 1024
    dropout: float = 0.2


class LanguageModelTask:
    """What the loop trains: a bidirectional language model."""

    metric = "log_likelihood"

    def __init__(
        self,
        model: LanguageModel,
        train: Iterable[Sequence[int]],
        dev: Iterable[Sequence[int]],
        config: PretrainingConfig,
    ) -> None:
        """Take word ids of train and dev texts."""
        self.model = model
        self._device = next(model.parameters()).device
        self._config = config
        kept = [piece for ids in train for piece in _pieces(ids, config.max_words)]
        self._n_train = len(kept)
        self._pieces = kept + [piece for ids in dev for piece in _pieces(ids, config.max_words)]

    def epoch(self, rng: np.random.Generator) -> Sequence[IntArray]:
        """Return one pass over the training pieces, batched by length."""
        order = rng.permutation(self._n_train)
        lengths = [len(self._pieces[i]) for i in order]
        batches = [order[b] for b in length_batches(lengths, self._config.loop.batch_tokens)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def loss(self, batch: IntArray) -> tuple[Tensor, int]:
        """Return the sampled cross-entropy per word, and the number of words."""
        guesses, meant = self.model(*self._tensors(batch))
        return self.model.sampled_loss(guesses, meant, self._config.n_samples), len(meant)

    def evaluate(self) -> dict[str, float]:
        """Return the mean log-probability of a dev word, over the whole vocabulary."""
        dev = np.arange(self._n_train, len(self._pieces))
        total, n_words = 0.0, 0
        for rows in length_batches([len(self._pieces[i]) for i in dev], 1000):
            guesses, meant = self.model(*self._tensors(dev[rows]))
            total += float(self.model.log_likelihood(guesses, meant).sum())
            n_words += len(meant)
        return {"log_likelihood": total / n_words}

    def _tensors(self, batch: IntArray) -> tuple[Tensor, Tensor]:
        """Words (B, T), lengths (B,)."""
        words, lengths = pad([self._pieces[i] for i in batch])
        return torch.from_numpy(words).to(self._device), torch.from_numpy(lengths).to(self._device)


def pretrain(
    words: WordEmbedding,
    lstm: BiLstm,
    texts: tuple[Iterable[Sequence[int]], Iterable[Sequence[int]]],
    config: PretrainingConfig,
    directory: Path,
) -> None:
    """Train embeddings and LSTM as a language model, in place; resumes, and is done only once.

    Args:
        words: Shared with the model that is trained later.
        lstm: Likewise.
        texts: Word ids of train and of dev texts; not read when the language model is there already.
        config: How.
        directory: The run; gets `pretrained.safetensors`, and the language model's own run inside.
    """
    model = LanguageModel(words, lstm, config.dropout).to(words.weight.device)
    path = directory / "pretrained.safetensors"
    if not path.exists():
        inner = directory / "language_model"
        train(LanguageModelTask(model, *texts, config), config.loop, inner)
        copy_whole(inner / "best.safetensors", path)
    load_weights(model, path)


def _pieces(ids: Sequence[int], max_words: int) -> Iterable[Sequence[int]]:
    """Cut (T,) ids into pieces; one word alone teaches nothing."""
    pieces = (ids[start : start + max_words] for start in range(0, len(ids), max_words))
    return (piece for piece in pieces if len(piece) > 1)
