"""Training a classifier of texts of any length, whatever its labels are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from seqserve.arrays import FloatArray, IntArray
from seqserve.errors import ConfigError, DataError
from seqserve.models.classifier import Classifier, TextClassifier
from seqserve.text.batching import length_batches, pad
from seqserve.text.classification import WordTextEncoder, WordTextEncoderConfig, normalized_tokens
from seqserve.training.bundle_starts import BundleStart
from seqserve.training.checkpoint import (
    LAST,
    load_preprocessor,
    save_preprocessor,
    save_weights,
)
from seqserve.training.classifier_starts import ClassifierStart
from seqserve.training.data import LabelledText, Split, TrainingTexts, read_labelled
from seqserve.training.metrics import weighted_mean
from seqserve.training.models import make_model
from seqserve.training.objectives import Objective
from seqserve.training.pretraining import PretrainingConfig, pretrain
from seqserve.training.recipe import Recipe
from seqserve.training.recipe_data import DataSet
from seqserve.training.sampling import epoch_examples
from seqserve.training.starts import START
from seqserve.training.temperature import Targets
from seqserve.training.vectors import Corpus, VectorConfig, VectorSource, start_embeddings

_LM_DEV_TEXTS = 100


@dataclass(frozen=True)
class TextSettings:
    """The keys of the `[text]` table that the recipes of all classifiers have.

    Args:
        word_dropout: Share of training words that are read as unknown.
        adversarial: Norm of the adversarial perturbation of a text's embeddings, relative to their own
            norm. 0: none.
        unlabelled: Files of texts without labels below the data root: objects with a `text` (`.jsonl`),
            sentences (`.conll`) or one text a line; used for the vocabulary, word vectors and language model.
        start_bundle: Classifier to begin with: its words, and the weights of its model, which may have other
            labels.
        vectors: Initial word embeddings.
        pretraining: Language model that initialises embeddings and LSTM; none: random weights.
        reader: How text is converted to ids.
    """

    word_dropout: float = 0.1
    adversarial: float = 0.0
    unlabelled: tuple[str, ...] = ()
    start_bundle: BundleStart | None = None
    pretraining: PretrainingConfig | None = None
    vectors: VectorConfig = field(default_factory=VectorConfig)
    reader: WordTextEncoderConfig = field(default_factory=WordTextEncoderConfig)


@dataclass(frozen=True)
class LabelledSet:
    """A data set and its texts."""

    dataset: DataSet
    texts: Sequence[LabelledText]


@dataclass(frozen=True)
class LabelledSets:
    """What is to be learnt.

    Args:
        labels: Names in the order of the model's outputs.
        objective: How they are learnt.
        train: Sets to learn from.
        dev: Sets that select the best weights.
    """

    labels: tuple[str, ...]
    objective: Objective
    train: Sequence[LabelledSet]
    dev: Sequence[LabelledSet]


class ClassifierTask:
    """What the loop trains: an LSTM on labelled texts."""

    def __init__(
        self,
        model: TextClassifier,
        text: WordTextEncoder,
        sets: LabelledSets,
        config: TextSettings,
        batch_tokens: int,
    ) -> None:
        """Take the texts; the rest as in TextSettings and LoopConfig."""
        self.metric = sets.objective.metric
        self.activation = sets.objective.activation
        self.model = model
        self._device = next(model.parameters()).device
        self._n_labels = len(text.labels)
        self._unknown_id = text.words.unknown_id
        self._config = config
        self._batch_tokens = batch_tokens
        self._objective = sets.objective
        self._train, self._dev = sets.train, sets.dev
        texts = [text for one in (*sets.train, *sets.dev) for text in one.texts]
        self._ids = [text.ids(example.text) for example in texts]
        self._targets = self._objective.targets(texts)

    def epoch(self, rng: np.random.Generator) -> Sequence[IntArray]:
        """Return one pass over the training texts, each as often as its set's weight says, by length."""
        weights = [one.dataset.weight for one in self._train]
        order = rng.permutation(epoch_examples(weights, _sizes(self._train), rng))
        lengths = [len(self._ids[i]) for i in order]
        batches = [order[batch] for batch in length_batches(lengths, self._batch_tokens, 128)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def loss(self, batch: IntArray) -> tuple[Tensor, int]:
        """Return the loss per text, and the number of texts.

        Source: Miyato et al. 2017, "Adversarial Training Methods for Semi-Supervised Text
        Classification", section 3.
        """
        words, lengths = self._tensors(batch)
        targets = torch.from_numpy(self._targets[batch]).to(self._device)
        unknown = self._unknown_id
        drop = torch.rand(words.shape, device=words.device) < self._config.word_dropout
        x = self.model.embed(words.masked_fill(drop & (words > unknown), unknown))
        loss = self._objective.loss(self.model.classify(x, lengths).float(), targets)
        if self._config.adversarial:
            (uphill,) = torch.autograd.grad(loss, x, retain_graph=True)
            length = self._config.adversarial * x.detach().flatten(1).norm(dim=1)  # (B,)
            direction = F.normalize(uphill.flatten(1), dim=1).view_as(x)
            worst = x + direction * length[:, None, None]
            of_worst = self.model.classify(worst, lengths).float()
            loss = (loss + self._objective.loss(of_worst, targets)) / 2
        return loss, len(batch)

    def evaluate(self) -> dict[str, float]:
        """Return the weighted mean over the dev sets of the metrics, and one of them for each set."""
        objective = self._objective
        scores = [objective.scores(logits, targets) for logits, targets in self.dev_logits()]
        weights = [one.dataset.weight for one in self._dev]
        mean = weighted_mean(scores, weights)
        chosen = objective.set_metric
        each = {
            f"{one.dataset.name}_{chosen}": of_set[chosen]
            for one, of_set in zip(self._dev, scores, strict=True)
        }
        return mean | each

    def dev_logits(self) -> list[tuple[FloatArray, Targets]]:
        """Return (N, L) logits of the texts of each dev set, see `Objective.judged`, and their labels."""
        ends = np.cumsum([sum(_sizes(self._train)), *_sizes(self._dev)])
        found = []
        for rows in map(np.arange, ends[:-1], ends[1:]):
            targets = self._targets[rows]
            found.append((self._objective.judged(self._logits(rows), targets), targets))
        return found

    def _logits(self, rows: IntArray) -> FloatArray:
        """Return the logits (N, L) of texts."""
        logits = np.zeros((len(rows), self._n_labels), dtype=np.float32)
        lengths = [len(self._ids[i]) for i in rows]
        for batch in length_batches(lengths, self._batch_tokens * 2):
            logits[batch] = self.model(*self._tensors(rows[batch])).float().cpu().numpy()
        return logits

    def _tensors(self, batch: IntArray) -> tuple[Tensor, Tensor]:
        """Words (B, T), lengths (B,)."""
        words, lengths = pad([self._ids[i] for i in batch])
        return torch.from_numpy(words).to(self._device), torch.from_numpy(lengths).to(self._device)


def _sizes(sets: Sequence[LabelledSet]) -> list[int]:
    return [len(one.texts) for one in sets]


def read_labelled_sets(
    root: Path,
    datasets: Sequence[DataSet],
    split: Split,
    labels: Sequence[str],
    *,
    is_multi_label: bool = False,
) -> list[LabelledSet]:
    """Read data sets; see `read_labelled`.

    Raises:
        DataError: A set is missing or malformed, or has a label that the model lacks.
    """
    return [
        LabelledSet(
            dataset, read_labelled(root, dataset, split, labels, is_multi_label=is_multi_label)
        )
        for dataset in datasets
    ]


def prepare_classifier(
    recipe: Recipe,
    config: TextSettings,
    sets: LabelledSets,
    root: Path,
    directory: Path,
    device: torch.device,
) -> ClassifierTask:
    """Collect or load the vocabulary, and make the task.

    Args:
        recipe: What to train.
        config: Its `[text]`.
        sets: Its labelled texts.
        root: Where the data sets are.
        directory: The run; gets `text.json`, and keeps it when the run is resumed.
        device: Where to train.

    Raises:
        ConfigError: The recipe pretrains a model that reads in one direction only.
        DataError: A file of texts is missing or malformed, or the bundle to begin with is not usable.
    """
    start = _start_of(config, directory)
    labelled = [example.text for one in sets.train for example in one.texts]
    corpus = Corpus(TrainingTexts(labelled, root, config.unlabelled), normalized_tokens)
    path = directory / "text.json"
    if not path.exists():
        known = start.words if start else ()
        learnt = WordTextEncoder.learn(config.reader, sets.labels, corpus.texts, known)
        save_preprocessor(learnt.to_mapping(), path)
    text = WordTextEncoder.from_mapping(load_preprocessor(path), str(path))
    torch.manual_seed(recipe.loop.seed)
    model = make_classifier(recipe, text).to(device)
    if start:
        start.fill(model, text)
        start.save_cost(directory)
        save_weights(model, directory / START)
    start_embeddings(model, text.words, config.vectors, VectorSource(root, directory, corpus))
    if config.pretraining is not None:
        if not isinstance(model, Classifier) or not model.config.bidirectional:
            raise ConfigError(f"{recipe.name}: [text.pretraining] needs a bidirectional model")
        held_out = (text.ids(e.text) for e in sets.dev[0].texts[:_LM_DEV_TEXTS])
        texts = (map(text.ids, corpus.texts), held_out)
        pretrain(model.words, model.lstm, texts, config.pretraining, directory)
    return ClassifierTask(model, text, sets, config, recipe.loop.batch_tokens)


def _start_of(config: TextSettings, directory: Path) -> ClassifierStart | None:
    """Return what a new run begins with; None: nothing, or the run has begun.

    Raises:
        DataError: The bundle is not usable, or word vectors are to be used as well.
    """
    if config.start_bundle is None or (directory / LAST).exists():
        return None
    if config.vectors.file or config.vectors.learn:
        raise DataError("[text]: start_bundle decides the word vectors; remove [text.vectors]")
    return ClassifierStart(config.start_bundle)


def make_classifier(recipe: Recipe, text: WordTextEncoder) -> TextClassifier:
    """Make the untrained model that fits the vocabulary."""
    sizes = {"n_words": len(text.words), "n_labels": len(text.labels)}
    return cast(TextClassifier, make_model(recipe, sizes, text.labels))
