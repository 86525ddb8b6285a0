"""Training a classifier: reviews and sentences of any length, cross-entropy, accuracy on dev."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from seqserve.arrays import FloatArray, IntArray
from seqserve.config import from_mapping
from seqserve.errors import ConfigError, DataError
from seqserve.models.classifier import Classifier, TextClassifier
from seqserve.text.batching import length_batches, pad
from seqserve.text.classification import WordTextEncoder, WordTextEncoderConfig, normalized_tokens
from seqserve.training.checkpoint import load_preprocessor, save_preprocessor
from seqserve.training.data import LabelledText, TrainingTexts, read_labelled
from seqserve.training.metrics import label_scores
from seqserve.training.models import make_model
from seqserve.training.pretraining import PretrainingConfig, pretrain
from seqserve.training.recipe import Recipe
from seqserve.training.vectors import Corpus, VectorConfig, VectorSource, start_embeddings

_LM_DEV_TEXTS = 100


@dataclass(frozen=True)
class SentimentConfig:
    """The `[text]` table of a sentiment recipe.

    Args:
        labels: Names of label 0, 1, ...
        word_dropout: Share of training words that are read as unknown.
        adversarial: Norm of the adversarial perturbation of a text's embeddings, relative to their own
            norm. 0: none.
        unlabelled: Files of texts without labels below the data root, objects with a `text` (`.jsonl`)
            or one text a line; used for the vocabulary, word vectors and language model.
        vectors: Initial word embeddings.
        pretraining: Language model that initialises embeddings and LSTM; none: random weights.
        reader: How text is converted to ids.
    """

    labels: tuple[str, ...]
    word_dropout: float = 0.1
    adversarial: float = 0.0
    unlabelled: tuple[str, ...] = ()
    pretraining: PretrainingConfig | None = None
    vectors: VectorConfig = field(default_factory=VectorConfig)
    reader: WordTextEncoderConfig = field(default_factory=WordTextEncoderConfig)

    def __post_init__(self) -> None:
        """Raises ConfigError: there are fewer than two labels."""
        if len(self.labels) < 2:
            raise ConfigError("[text] labels needs at least two labels to tell apart")


class SentimentTask:
    """What the loop trains: an LSTM on labelled texts."""

    metric = "accuracy"

    def __init__(
        self,
        model: TextClassifier,
        text: WordTextEncoder,
        train: Sequence[LabelledText],
        dev: Mapping[str, Sequence[LabelledText]],
        config: SentimentConfig,
        batch_tokens: int,
    ) -> None:
        """Take training texts and dev texts by set; the rest as in SentimentConfig and LoopConfig."""
        self.model = model
        self._device = next(model.parameters()).device
        self._n_labels = len(text.labels)
        self._unknown_id = text.words.unknown_id
        self._config = config
        self._batch_tokens = batch_tokens
        texts = [*train, *chain.from_iterable(dev.values())]
        self._ids = [text.ids(example.text) for example in texts]
        self._labels = np.array([example.label for example in texts], dtype=np.int64)
        self._n_train = len(train)
        self._dev_set = np.repeat(list(dev), [len(of_set) for of_set in dev.values()])

    def epoch(self, rng: np.random.Generator) -> Sequence[IntArray]:
        """Return one pass over the training texts, batched by length."""
        order = rng.permutation(self._n_train)
        lengths = [len(self._ids[i]) for i in order]
        batches = [order[batch] for batch in length_batches(lengths, self._batch_tokens, 128)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def loss(self, batch: IntArray) -> tuple[Tensor, int]:
        """Return the cross-entropy per text, and the number of texts.

        Source: Miyato et al. 2017, "Adversarial Training Methods for Semi-Supervised Text
        Classification", section 3.
        """
        words, lengths = self._tensors(batch)
        labels = torch.from_numpy(self._labels[batch]).to(self._device)
        unknown = self._unknown_id
        drop = torch.rand(words.shape, device=words.device) < self._config.word_dropout
        x = self.model.embed(words.masked_fill(drop & (words > unknown), unknown))
        loss = F.cross_entropy(self.model.classify(x, lengths).float(), labels)
        if self._config.adversarial:
            (uphill,) = torch.autograd.grad(loss, x, retain_graph=True)
            length = self._config.adversarial * x.detach().flatten(1).norm(dim=1)  # (B,)
            direction = F.normalize(uphill.flatten(1), dim=1).view_as(x)
            worst = x + direction * length[:, None, None]
            loss = (loss + F.cross_entropy(self.model.classify(worst, lengths).float(), labels)) / 2
        return loss, len(batch)

    def evaluate(self) -> dict[str, float]:
        """Return accuracy and macro-F1 on dev, and the accuracy on each set of it."""
        logits, labels = self.dev_logits()
        is_right = logits.argmax(1) == labels
        of_sets = {
            f"{name}_accuracy": float(is_right[self._dev_set == name].mean())
            for name in dict.fromkeys(self._dev_set.tolist())
        }
        return {**label_scores(labels, logits.argmax(1), self._n_labels), **of_sets}

    def dev_logits(self) -> tuple[FloatArray, IntArray]:
        """Return (N, L) logits and (N,) labels of the dev texts."""
        dev = np.arange(self._n_train, len(self._ids))
        logits = np.zeros((len(dev), self._n_labels), dtype=np.float32)
        lengths = [len(self._ids[i]) for i in dev]
        for rows in length_batches(lengths, self._batch_tokens * 2):
            logits[rows] = self.model(*self._tensors(dev[rows])).float().cpu().numpy()
        return logits, self._labels[dev]

    def _tensors(self, batch: IntArray) -> tuple[Tensor, Tensor]:
        """Words (B, T), lengths (B,)."""
        words, lengths = pad([self._ids[i] for i in batch])
        return torch.from_numpy(words).to(self._device), torch.from_numpy(lengths).to(self._device)


def fit_temperature(logits: FloatArray, labels: IntArray) -> float:
    """Return the temperature that makes `softmax(logits / temperature)` likeliest.

    Args:
        logits: (N, L) on held-out texts.
        labels: (N,) the right ones.

    Returns:
        The best of 1,000 temperatures from 0.05 to 20; bounded, since a model without an error on
        the held-out texts would want 0.

    Source: Guo et al. 2017, section 4.2.
    """
    temperatures = np.geomspace(0.05, 20, 1000)
    scores, gold = torch.from_numpy(logits), torch.from_numpy(labels)
    losses = [float(F.cross_entropy(scores / t, gold)) for t in temperatures]
    return float(temperatures[np.argmin(losses)])


def sentiment_config(recipe: Recipe) -> SentimentConfig:
    """Read the `[text]` table."""
    return from_mapping(SentimentConfig, recipe.text, f"{recipe.name} [text]")


def read_dev(recipe: Recipe, root: Path) -> dict[str, list[LabelledText]]:
    """Read the dev texts, by the name of their set."""
    return {s.name: read_labelled(root, s, "dev") for s in recipe.data.dev}


def prepare(recipe: Recipe, root: Path, directory: Path, device: torch.device) -> SentimentTask:
    """Read the data, collect or load the vocabulary, and make the task.

    Args:
        recipe: What to train.
        root: Where the data sets are.
        directory: The run; gets `text.json`, and keeps it when the run is resumed.
        device: Where to train.

    Raises:
        ConfigError: The recipe pretrains a model that reads in one direction only.
        DataError: A set is missing or malformed, or has a label that the recipe does not name.
    """
    config = sentiment_config(recipe)
    train = list(chain.from_iterable(read_labelled(root, s, "train") for s in recipe.data.train))
    dev = read_dev(recipe, root)
    outside = {example.label for example in chain(train, *dev.values())} - set(
        range(len(config.labels))
    )
    if outside:
        raise DataError(f"labels {sorted(outside)} in the data; the recipe names {config.labels}")
    labelled = [example.text for example in train]
    corpus = Corpus(TrainingTexts(labelled, root, config.unlabelled), normalized_tokens)
    path = directory / "text.json"
    if not path.exists():
        learnt = WordTextEncoder.learn(config.reader, config.labels, corpus.texts)
        save_preprocessor(learnt.to_mapping(), path)
    text = WordTextEncoder.from_mapping(load_preprocessor(path), str(path))
    torch.manual_seed(recipe.loop.seed)
    model = make_classifier(recipe, text).to(device)
    start_embeddings(model, text.words, config.vectors, VectorSource(root, directory, corpus))
    if config.pretraining is not None:
        if not isinstance(model, Classifier) or not model.config.bidirectional:
            raise ConfigError(f"{recipe.name}: [text.pretraining] needs a bidirectional model")
        held_out = (text.ids(e.text) for e in next(iter(dev.values()))[:_LM_DEV_TEXTS])
        texts = (map(text.ids, corpus.texts), held_out)
        pretrain(model.words, model.lstm, texts, config.pretraining, directory)
    return SentimentTask(model, text, train, dev, config, recipe.loop.batch_tokens)


def make_classifier(recipe: Recipe, text: WordTextEncoder) -> TextClassifier:
    """Make the untrained model that fits the vocabulary."""
    sizes = {"n_words": len(text.words), "n_labels": len(text.labels)}
    return cast(TextClassifier, make_model(recipe, sizes, text.labels))
