"""Measure the answers of an engine to data sets."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from seqserve.bundle import Bundle
from seqserve.config import from_mapping
from seqserve.errors import BundleError, ConfigError, DataError
from seqserve.evaluation.bootstrap import N_RESAMPLES
from seqserve.evaluation.label_set import label_set_findings
from seqserve.evaluation.ner import known_names, ner_findings
from seqserve.evaluation.one_label import one_label_findings
from seqserve.evaluation.report import RECIPE_FILE, Findings, Report, SetReport, model_sha256
from seqserve.evaluation.translation import translation_findings
from seqserve.files import as_typed
from seqserve.records import (
    NEUTRAL,
    ClassificationItem,
    NerItem,
    SentimentItem,
    SentimentResult,
    TranslationItem,
)
from seqserve.runtime.engine import Engine
from seqserve.tasks import Task
from seqserve.training.data import (
    LabelledText,
    Split,
    read_labelled,
    read_pairs,
    read_tagged,
)
from seqserve.training.recipe import Recipe
from seqserve.training.recipe_data import DataSet

_CHUNK = 512
_TOOLS = ("numpy", "onnxruntime", "sacrebleu")


@dataclass(frozen=True)
class Query:
    """A data set to measure; `seen` reads the entities of the training sets (NER only)."""

    root: Path
    dataset: DataSet
    split: Split
    seen: Callable[[], frozenset[str]] = frozenset


def recipe_of(bundle: Bundle) -> Recipe:
    """Return the recipe that a bundle was made from.

    Raises:
        BundleError: It has none, or a malformed one.
    """
    if RECIPE_FILE not in bundle.manifest.files:
        raise BundleError(
            f"{bundle.path} holds no {RECIPE_FILE}, so what to measure it on is unknown, as of every imported "
            "model: `seqserve evaluate --set FILE` measures it on a file"
        )
    path = bundle.file(RECIPE_FILE)
    try:
        return from_mapping(Recipe, json.loads(path.read_bytes()), str(path))
    except (ConfigError, ValueError, TypeError) as error:
        raise BundleError(f"{path} is malformed: {error}. Export the bundle again") from error


def evaluate(engine: Engine, root: Path, recipe: Recipe, split: Split = "test") -> Report:
    """Measure an engine.

    Args:
        engine: Answers the texts.
        root: Where the data sets are.
        recipe: Names the data sets.
        split: Which of its lists to measure on.

    Raises:
        ConfigError: The recipe is of another task.
        DataError: A set is missing or malformed, or has a label that the model does not know; the
            training sets alone may be missing.
    """
    manifest = engine.bundle.manifest
    if recipe.task != manifest.task:
        raise ConfigError(
            f"the recipe {recipe.name} is of the task {recipe.task}, and {manifest.name} of "
            f"{manifest.task}; name a recipe of that task"
        )
    seen = cache(partial(_seen, root, recipe))
    queries = [Query(root, dataset, split, seen) for dataset in getattr(recipe.data, split)]
    return measure(engine, queries, split, as_typed(root))


def measure(engine: Engine, queries: Sequence[Query], split: Split, data: str) -> Report:
    """Measure an engine on data sets; `data` is their folder, as typed from the working directory.

    Raises:
        DataError: A set is missing or malformed, or has a label that the model does not know.
    """
    bundle = engine.bundle
    sets = []
    for query in queries:
        n_examples, findings = _FINDINGS[bundle.manifest.task](engine, query)
        dataset = query.dataset
        sets.append(SetReport(dataset.name, dataset.split or split, n_examples, findings))
    return Report(
        bundle.manifest.name,
        bundle.manifest.version,
        bundle.manifest.task,
        bundle.manifest.precision,
        model_sha256(bundle),
        split,
        N_RESAMPLES,
        {tool: version(tool) for tool in _TOOLS},
        tuple(sets),
        data,
    )


def _seen(root: Path, recipe: Recipe) -> frozenset[str]:
    """Return the entities of the training sets; none if the sets are missing, as they are optional."""
    try:
        return frozenset().union(
            *(known_names(read_tagged(root, dataset, "train")) for dataset in recipe.data.train)
        )
    except DataError:
        return frozenset()


def _ner(engine: Engine, query: Query) -> tuple[int, Findings]:
    sentences = read_tagged(query.root, query.dataset, query.split)
    results = predict_all(engine, [NerItem(" ".join(sentence.tokens)) for sentence in sentences])
    findings = ner_findings(sentences, results, query.dataset.labels, query.seen())
    return len(sentences), findings


def _sentiment(engine: Engine, query: Query) -> tuple[int, Findings]:
    labels, texts, results = answer_sentiment(engine, query.root, query.dataset, query.split)
    return len(texts), one_label_findings(texts, results, labels)


def answer_sentiment(
    engine: Engine, root: Path, dataset: DataSet, split: Split
) -> tuple[tuple[str, ...], list[LabelledText], list[SentimentResult]]:
    """Ask for a neutral class where a set has one; elsewhere the model answers with the other labels.

    Returns:
        The labels that were a choice, the texts with their places in these, and the results.

    Raises:
        DataError: As for `read_labelled`.
        InputError: The set has neutral texts, and the model no neutral class.
    """
    labels, texts = read_sentiment(root, dataset, split, engine.bundle.manifest.labels)
    is_neutral = any(labels[text.label] == NEUTRAL for text in texts)
    if not is_neutral:
        labels, texts = _without_neutral(labels, texts)
    items = [SentimentItem(text.text, neutral=is_neutral) for text in texts]
    return labels, texts, predict_all(engine, items)


def read_sentiment(
    root: Path, dataset: DataSet, split: Split, labels: Sequence[str]
) -> tuple[tuple[str, ...], list[LabelledText]]:
    """Read texts for a model of sentiment, whose own two labels may lack the neutral class of the set.

    Args:
        root: Where the data sets are.
        dataset: The set.
        split: Which files.
        labels: Of the model; numbers in the set are places in these, unless it states its own.

    Returns:
        The labels with neutral, if there are two others, and the texts.
    """
    if len(labels) == 2 and NEUTRAL not in labels:
        if not dataset.label:
            dataset = replace(dataset, labels=dataset.labels or tuple(labels))
        labels = (labels[0], NEUTRAL, labels[1])
    return tuple(labels), read_labelled(root, dataset, split, labels)


def _without_neutral(
    labels: Sequence[str], texts: Sequence[LabelledText]
) -> tuple[tuple[str, ...], list[LabelledText]]:
    """Return the other labels, and texts whose labels are places in them."""
    others = tuple(label for label in labels if label != NEUTRAL)
    return others, [LabelledText(t.text, (others.index(labels[t.label]),)) for t in texts]


def _classification(engine: Engine, query: Query) -> tuple[int, Findings]:
    manifest = engine.bundle.manifest
    labels, is_multi_label = manifest.labels, manifest.kind_of_score == "sigmoid"
    texts = read_labelled(
        query.root, query.dataset, query.split, labels, is_multi_label=is_multi_label
    )
    # A threshold belongs to label sets; of labels that exclude each other, one is right.
    items = [
        ClassificationItem(text.text, min_score=None if is_multi_label else 0) for text in texts
    ]
    find = label_set_findings if is_multi_label else one_label_findings
    return len(texts), find(texts, predict_all(engine, items), labels)


def _translation(engine: Engine, query: Query) -> tuple[int, Findings]:
    languages = engine.bundle.manifest.languages
    pairs = read_pairs(query.root, query.dataset, query.split, languages)
    results = predict_all(engine, [TranslationItem(pair.source) for pair in pairs])
    return len(pairs), translation_findings(pairs, results, languages[1])


_FINDINGS: dict[Task, Callable[[Engine, Query], tuple[int, Findings]]] = {
    "ner": _ner,
    "sentiment": _sentiment,
    "classification": _classification,
    "translation": _translation,
}


def predict_all(engine: Engine, items: Sequence[object]) -> list[Any]:
    """Return the results of many items, predicted in chunks, so that memory stays bounded."""
    return [
        result
        for start in range(0, len(items), _CHUNK)
        for result in engine.predict(items[start : start + _CHUNK])
    ]
