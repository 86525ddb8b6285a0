"""Calibration and thresholds of a bundle, fitted on held-out sets: what each task has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from seqserve.config import to_mapping
from seqserve.evaluation.fit import (
    ScoredAnswers,
    ThreeClasses,
    choose_label_threshold,
    choose_min_score,
    fit_calibration,
    fit_neutral,
)
from seqserve.evaluation.label_set import indicators, scores_of
from seqserve.evaluation.measurement import answer_sentiment, predict_all, read_sentiment
from seqserve.evaluation.ner import judge
from seqserve.evaluation.thresholds import chrf_of, low_confidence_threshold
from seqserve.manifest import LOW_CONFIDENCE, MIN_SCORE, NEUTRAL_HIGH, NEUTRAL_LOW
from seqserve.records import (
    NEUTRAL,
    ClassificationItem,
    NerItem,
    SentimentItem,
    TranslationItem,
)
from seqserve.runtime.calibration import logit, sigmoid
from seqserve.runtime.engine import Engine
from seqserve.runtime.openers import open_predictor
from seqserve.runtime.text_logits import softmax
from seqserve.tasks import Task
from seqserve.training.data import read_labelled, read_pairs, read_tagged
from seqserve.training.recipe import Recipe
from seqserve.training.recipe_data import DataSet
from seqserve.training.temperature import fit_temperature

CONFIG_KEYS = ("calibration", "neutral_slope", "neutral_calibration")
_LEAST = 1e-30  # of a probability, whose logarithm is needed
# Of one class in three: how many texts are neutral depends on where they were found.
_NEUTRAL_WEIGHT = 1 / 3
_MAX_PAIRS = 2000  # of a dev set of translations, about evenly spaced


@dataclass(frozen=True)
class HeldOut:
    """What was fitted.

    Args:
        config: Keys of config.json.
        thresholds: Of the manifest.
    """

    config: dict[str, Any] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether anything was fitted."""
        return bool(self.config or self.thresholds)


def unfitted(engine: Engine) -> Engine:
    """Return the engine of the same model without what was fitted on held-out sets."""
    bundle = engine.bundle
    config = {key: value for key, value in bundle.config.items() if key not in CONFIG_KEYS}
    bare = replace(bundle, config=config, manifest=replace(bundle.manifest, thresholds={}))
    return Engine(bare, open_predictor(bare, None))


def fit_held_out(engine: Engine, root: Path, recipe: Recipe) -> HeldOut:
    """Fit what the model's task has.

    Args:
        engine: Answers without calibration and thresholds.
        root: Where the data sets are.
        recipe: Names the sets: `[[data.calibration]]`, for translation `[[data.dev]]`.

    Raises:
        DataError: A set is missing or malformed.
    """
    fit, split = _FIT[engine.bundle.manifest.task]
    sets = getattr(recipe.data, split)
    return fit(engine, root, sets) if sets else HeldOut()


def _fit_ner(engine: Engine, root: Path, sets: Sequence[DataSet]) -> HeldOut:
    """Fit the calibration of the scores, and the threshold of what it returns."""
    answers = [_entity_answers(engine, root, dataset) for dataset in sets]
    calibration = fit_calibration(answers)
    calibrated = [replace(a, scores=calibration.apply(a.scores)) for a in answers]
    return HeldOut(
        {"calibration": to_mapping(calibration)}, {MIN_SCORE: choose_min_score(calibrated)}
    )


def _entity_answers(engine: Engine, root: Path, dataset: DataSet) -> ScoredAnswers:
    sentences = read_tagged(root, dataset, "dev")
    items = [NerItem(" ".join(sentence.tokens), min_score=0) for sentence in sentences]
    judged = [
        judge(sentence, result, dataset.labels)
        for sentence, result in zip(sentences, predict_all(engine, items), strict=True)
    ]
    found = [(score, span in one.gold) for one in judged for span, score in one.found.items()]
    return ScoredAnswers(
        np.array([score for score, _ in found], np.float32),
        np.array([is_right for _, is_right in found], np.bool_),
        sum(len(one.gold) for one in judged),
    )


def _fit_sentiment(engine: Engine, root: Path, sets: Sequence[DataSet]) -> HeldOut:
    """Fit the neutral class of a model with two labels, or the calibration of one that has its own."""
    labels = engine.bundle.manifest.labels
    if len(labels) != 2:
        return _fit_own_neutral(engine, root, sets)
    found = []
    for dataset in sets:
        _, texts = read_sentiment(root, dataset, "dev", labels)
        results = predict_all(engine, [SentimentItem(text.text) for text in texts])
        positive = np.array([result.scores[labels[1]] for result in results], np.float32)
        found.append(ThreeClasses(positive, np.array([text.label for text in texts])))
    band = fit_neutral(found)
    return HeldOut({"neutral_slope": band.slope}, {NEUTRAL_LOW: band.low, NEUTRAL_HIGH: band.high})


def _fit_own_neutral(engine: Engine, root: Path, sets: Sequence[DataSet]) -> HeldOut:
    """Fit the temperature on sets without neutral texts, and the probability of neutral on the others.

    Without the option `neutral` only the temperature counts, since the other labels share the whole. With sets
    of one kind alone, these decide the temperature, and nothing else is fitted.
    """
    now = float(engine.bundle.config["temperature"])  # of the engine's scores
    # Whether a set has neutral texts → logits and gold labels of every such set.
    found: dict[bool, list[tuple[Any, Any]]] = {True: [], False: []}
    for dataset in sets:
        labels, texts, results = answer_sentiment(engine, root, dataset, "dev")
        scores = np.array([[result.scores[label] for label in labels] for result in results])
        logits = now * np.log(np.maximum(scores, _LEAST))
        found[NEUTRAL in labels].append((logits, np.array([text.label for text in texts])))
    temperature = fit_temperature(found[False] or found[True], "softmax")
    if not (found[False] and found[True]):
        return HeldOut({"temperature": temperature})
    neutral = engine.bundle.manifest.labels.index(NEUTRAL)
    answers = []
    for logits, gold in found[True]:
        sure = softmax((logits / temperature).astype(np.float32))[:, neutral]
        is_neutral = gold == neutral
        answers.append(ScoredAnswers(sure, is_neutral, int(is_neutral.sum()), _NEUTRAL_WEIGHT))
    calibration = to_mapping(fit_calibration(answers))
    return HeldOut({"temperature": temperature, "neutral_calibration": calibration})


def _fit_classification(engine: Engine, root: Path, sets: Sequence[DataSet]) -> HeldOut:
    """Fit the temperature, and the threshold of labels that do not exclude each other."""
    manifest = engine.bundle.manifest
    labels, is_multi_label = manifest.labels, manifest.kind_of_score == "sigmoid"
    now = float(engine.bundle.config["temperature"])  # of the engine's scores
    logits, gold = [], []
    for dataset in sets:
        texts = read_labelled(root, dataset, "dev", labels, is_multi_label=is_multi_label)
        results = predict_all(engine, [ClassificationItem(text.text) for text in texts])
        scores = scores_of(results, labels)
        logits.append(
            now * (logit(scores) if is_multi_label else np.log(np.maximum(scores, _LEAST)))
        )
        gold.append(indicators(texts, len(labels)))
    if not is_multi_label:
        found = [(of_set, right.argmax(1)) for of_set, right in zip(logits, gold, strict=True)]
        return HeldOut({"temperature": fit_temperature(found, "softmax")})
    temperature = fit_temperature(list(zip(logits, gold, strict=True)), "sigmoid")
    answers = [
        ScoredAnswers(
            sigmoid(of_set / temperature).astype(np.float32).ravel(),
            right.ravel(),
            int(right.sum()),
        )
        for of_set, right in zip(logits, gold, strict=True)
    ]
    return HeldOut({"temperature": temperature}, {MIN_SCORE: choose_label_threshold(answers)})


def _fit_translation(engine: Engine, root: Path, sets: Sequence[DataSet]) -> HeldOut:
    """Choose the threshold of the warning `low_confidence`."""
    scores, qualities = [], []
    for dataset in sets:
        pairs = read_pairs(root, dataset, "dev", engine.bundle.manifest.languages)
        pairs = pairs[:: 1 + len(pairs) // _MAX_PAIRS]
        results = predict_all(engine, [TranslationItem(pair.source) for pair in pairs])
        scores += [result.score for result in results]
        qualities += chrf_of(pairs, results)
    threshold = low_confidence_threshold(np.array(scores), np.array(qualities))
    return HeldOut() if threshold is None else HeldOut(thresholds={LOW_CONFIDENCE: threshold})


Fit = Callable[[Engine, Path, Sequence[DataSet]], HeldOut]
_FIT: Mapping[Task, tuple[Fit, str]] = {
    "ner": (_fit_ner, "calibration"),
    "sentiment": (_fit_sentiment, "calibration"),
    "classification": (_fit_classification, "calibration"),
    "translation": (_fit_translation, "dev"),
}
"""Task -> how to fit, and the list of the recipe that names the sets."""
