"""Fit the baselines of a recipe on its training sets and measure them on its test sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from sklearn.pipeline import Pipeline

from seqserve.arrays import FloatArray
from seqserve.baselines.ner import CrfConfig, CrfTagger
from seqserve.baselines.sentiment import (
    AveragedVectors,
    BagConfig,
    naive_bayes,
    read_vectors,
    weighted_words,
    weighted_words_per_label,
)
from seqserve.errors import ConfigError
from seqserve.evaluation.label_set import indicators
from seqserve.tasks import Task
from seqserve.text.classification import normalized_tokens
from seqserve.text.tagging import retokenize
from seqserve.text.tags import spans_of, tags_of
from seqserve.training.data import (
    LabelledText,
    Split,
    labels_in_training,
    read_labelled,
    read_pairs,
    read_tagged,
)
from seqserve.training.metrics import (
    choices_of,
    entity_scores,
    label_scores,
    label_set_scores,
    neutral_of,
    translation_scores,
)
from seqserve.training.recipe import Recipe
from seqserve.training.recipe_data import DataSet

Metrics = dict[str, float]


class _Classifier(Protocol):
    def fit(self, texts: Sequence[Sequence[str]], labels: Sequence[int], /) -> object: ...
    def predict_proba(self, texts: Sequence[Sequence[str]], /) -> FloatArray: ...


def measure_baselines(recipe: Recipe, root: Path) -> dict[str, Metrics]:
    """Fit and measure the baselines of a recipe's task.

    Args:
        recipe: Names the training and test sets; its model is not used.
        root: Where the data sets are.

    Returns:
        Baseline -> metrics. Names as in a bundle: last folder of the set, split, measure.

    Raises:
        ConfigError: No training set of an NER recipe has all labels.
    """
    sets = recipe.data.test
    return {
        baseline: {
            f"{dataset.name}_{dataset.split or 'test'}_{measure}": round(value, 4)
            for dataset, scores in zip(sets, rows, strict=True)
            for measure, value in scores.items()
        }
        for baseline, rows in _MEASURES[recipe.task](recipe, root).items()
    }


def _measure_ner(recipe: Recipe, root: Path) -> dict[str, list[Metrics]]:
    complete = [dataset for dataset in recipe.data.train if not dataset.labels]
    if not complete:
        raise ConfigError(
            f"{recipe.name}: every training set lacks labels; a CRF needs all of them"
        )
    learns_from = {"feature CRF": complete}
    if len(complete) < len(recipe.data.train):
        learns_from["feature CRF, all sets"] = list(recipe.data.train)
    return {name: _crf_rows(recipe, root, sets) for name, sets in learns_from.items()}


def _crf_rows(recipe: Recipe, root: Path, sets: Sequence[DataSet]) -> list[Metrics]:
    """Fit a CRF and measure it; labels that a set does not annotate count as outside."""
    words, tags = [], []
    for dataset in sets:
        more_words, more_tags = _sentences(root, dataset, "train")
        words += more_words
        tags += more_tags
    tagger = CrfTagger(CrfConfig())
    tagger.fit(words, tags)
    rows = []
    for dataset in recipe.data.test:
        words, gold = _sentences(root, dataset, "test")
        predicted = [_within(tags, dataset.labels) for tags in tagger.predict(words)]
        rows.append(entity_scores(gold, predicted))
    return rows


def _sentences(
    root: Path, dataset: DataSet, split: Split
) -> tuple[list[list[str]], list[list[str]]]:
    """Return words and annotated tags of each sentence, with the tokens of serving."""
    words, tags = [], []
    for sentence in read_tagged(root, dataset, split):
        tokens, its_tags = retokenize(sentence.tokens, sentence.tags)
        words.append([token.form for token in tokens])
        tags.append(_within(its_tags, dataset.labels))
    return words, tags


def _within(tags: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Return well-formed BIO2 tags of the entities that a set annotates."""
    kept = [span for span in spans_of(tags) if not labels or span.label in labels]
    return tags_of(kept, len(tags))


def _measure_sentiment(recipe: Recipe, root: Path) -> dict[str, list[Metrics]]:
    config = BagConfig()
    classifiers: dict[str, _Classifier] = {
        "TF-IDF + logistic regression": weighted_words(config),
        "averaged word vectors": AveragedVectors(config, read_vectors(root, config.vectors)),
        "naive Bayes": naive_bayes(config),
    }
    labels = recipe.text["labels"]
    return _one_label_rows(recipe, root, labels, classifiers, neutral_of(labels))


def _measure_classification(recipe: Recipe, root: Path) -> dict[str, list[Metrics]]:
    config = BagConfig()
    labels = recipe.text.get("labels") or labels_in_training(recipe, root)
    if recipe.text.get("multi_label"):
        return _label_set_rows(recipe, root, labels, weighted_words_per_label(config))
    classifiers: dict[str, _Classifier] = {
        "TF-IDF + logistic regression": weighted_words(config),
        "naive Bayes": naive_bayes(config),
    }
    return _one_label_rows(recipe, root, labels, classifiers)


def _one_label_rows(
    recipe: Recipe,
    root: Path,
    labels: Sequence[str],
    classifiers: Mapping[str, _Classifier],
    optional: int | None = None,
) -> dict[str, list[Metrics]]:
    """Fit classifiers whose labels exclude each other, and measure them on every test set.

    The `optional` label is a choice only in sets that have it, as for the trained model.
    """
    train = _labelled(recipe, root, "train", labels)
    for classifier in classifiers.values():
        classifier.fit(_words_of(train), [text.label for text in train])
    rows: dict[str, list[Metrics]] = {name: [] for name in classifiers}
    for dataset in recipe.data.test:
        texts = read_labelled(root, dataset, "test", labels)
        gold, words = np.array([text.label for text in texts]), _words_of(texts)
        choices = choices_of(gold, len(labels), optional)
        for name, classifier in classifiers.items():
            rows[name].append(label_scores(gold, classifier.predict_proba(words), choices))
    return rows


def _label_set_rows(
    recipe: Recipe, root: Path, labels: Sequence[str], classifier: Pipeline
) -> dict[str, list[Metrics]]:
    """Fit one classifier for each label, and measure them together on every test set."""
    train = _labelled(recipe, root, "train", labels, is_multi_label=True)
    classifier.fit(_words_of(train), indicators(train, len(labels)))
    rows = []
    for dataset in recipe.data.test:
        texts = read_labelled(root, dataset, "test", labels, is_multi_label=True)
        predicted = np.asarray(classifier.predict(_words_of(texts))) > 0
        rows.append(label_set_scores(indicators(texts, len(labels)), predicted))
    return {"TF-IDF + logistic regression per label": rows}


def _labelled(
    recipe: Recipe, root: Path, split: Split, labels: Sequence[str], *, is_multi_label: bool = False
) -> list[LabelledText]:
    """Read all sets of a split."""
    return [
        text
        for dataset in getattr(recipe.data, split)
        for text in read_labelled(root, dataset, split, labels, is_multi_label=is_multi_label)
    ]


def _words_of(texts: Sequence[LabelledText]) -> list[list[str]]:
    return [normalized_tokens(text.text) for text in texts]


def _measure_translation(recipe: Recipe, root: Path) -> dict[str, list[Metrics]]:
    """Score the sources as their own translations: what terms that are copied are worth."""
    rows = []
    for dataset in recipe.data.test:
        pairs = read_pairs(root, dataset, "test", recipe.languages)
        sources, targets = [p.source for p in pairs], [p.target for p in pairs]
        rows.append(translation_scores(targets, sources, recipe.languages[1]))
    return {"source copied": rows}


_MEASURES: dict[Task, Callable[[Recipe, Path], dict[str, list[Metrics]]]] = {
    "ner": _measure_ner,
    "sentiment": _measure_sentiment,
    "classification": _measure_classification,
    "translation": _measure_translation,
}
