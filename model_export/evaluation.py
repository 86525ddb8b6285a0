"""Figures of a served model: what it answers through the runtime, against held-out data."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqserve.manifest import Task
from seqserve.runtime.engine import Engine
from seqserve.runtime.records import NerItem, SentimentItem, TranslationItem
from seqserve.text.tagging import retokenize
from seqserve.text.tags import Span, tags_of
from seqserve.training.data import Split, read_labelled, read_pairs, read_tagged
from seqserve.training.metrics import entity_scores, label_scores, translation_scores
from seqserve.training.recipe import DataSet

_CHUNK = 512


def ner_figures(engine: Engine, root: Path, dataset: DataSet, split: Split) -> dict[str, float]:
    """Give entity precision, recall and F1; gold tokens are joined by spaces and read as text."""
    sentences = read_tagged(root, dataset, split)
    results = _predict(engine, [NerItem(" ".join(sentence.tokens)) for sentence in sentences])
    gold, predicted = [], []
    for sentence, result in zip(sentences, results, strict=True):
        tokens, tags = retokenize(sentence.tokens, sentence.tags)
        starts = [token.start for token in tokens]
        spans = [
            Span(bisect_right(starts, e.start) - 1, bisect_left(starts, e.end), e.label)
            for e in result.entities
        ]
        gold.append(tags)
        predicted.append(tags_of(spans, len(tokens)))
    return entity_scores(gold, predicted)


def sentiment_figures(
    engine: Engine, root: Path, dataset: DataSet, split: Split
) -> dict[str, float]:
    """Give accuracy and macro-F1."""
    texts = read_labelled(root, dataset, split)
    results = _predict(engine, [SentimentItem(text.text) for text in texts])
    labels = engine.bundle.manifest.labels
    gold = np.array([text.label for text in texts], dtype=np.int64)
    predicted = np.array([labels.index(result.label) for result in results], dtype=np.int64)
    return label_scores(gold, predicted, len(labels))


def translation_figures(
    engine: Engine, root: Path, dataset: DataSet, split: Split
) -> dict[str, float]:
    """Give BLEU and chrF of beam 4."""
    languages = engine.bundle.manifest.languages
    pairs = read_pairs(root, dataset, split, languages)
    results = _predict(engine, [TranslationItem(pair.source) for pair in pairs])
    translations = [result.text for result in results]
    return translation_scores([pair.target for pair in pairs], translations, languages[1])


FIGURES: dict[Task, Callable[[Engine, Path, DataSet, Split], dict[str, float]]] = {
    "ner": ner_figures,
    "sentiment": sentiment_figures,
    "translation": translation_figures,
}


def evaluate(
    engine: Engine, root: Path, datasets: Sequence[DataSet], split: Split = "test"
) -> dict[str, float]:
    """Measure an engine.

    Args:
        engine: What answers.
        root: Where the data sets are.
        datasets: What to measure on.
        split: Which part of each.

    Returns:
        Figures by name: last folder of the data set, split, measure, joined by `_`.
    """
    figures: dict[str, float] = {}
    for dataset in datasets:
        measures = FIGURES[engine.bundle.manifest.task](engine, root, dataset, split)
        name = dataset.path.removesuffix("/").rsplit("/", 1)[-1]
        figures |= {f"{name}_{split}_{measure}": round(v, 4) for measure, v in measures.items()}
    return figures


def _predict(engine: Engine, items: Sequence[object]) -> list[Any]:
    """In chunks, so that memory stays bounded."""
    return [
        result
        for start in range(0, len(items), _CHUNK)
        for result in engine.predict(items[start : start + _CHUNK])
    ]
