"""Metrics of models, by the libraries that publications use: seqeval, scikit-learn, sacrebleu."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from sacrebleu.metrics.chrf import CHRF
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2
from sklearn.metrics import accuracy_score
from sklearn.metrics import f1_score as label_f1

from seqserve.arrays import BoolArray, FloatArray, IntArray
from seqserve.records import NEUTRAL
from seqserve.training.bleu import bleu_metric


def weighted_mean(
    scores: Sequence[Mapping[str, float]], weights: Sequence[float]
) -> dict[str, float]:
    """Return the weighted mean over data sets of each metric.

    Args:
        scores: Per data set, of the same metrics; at least one.
        weights: Per data set, above 0.
    """
    return {
        name: float(np.average([of_set[name] for of_set in scores], weights=weights))
        for name in scores[0]
    }


def entity_scores(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]
) -> dict[str, float]:
    """Compute micro-averaged entity precision, recall and F1 of BIO2 tag sequences (exact spans)."""
    kinds = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
    lists = [list(tags) for tags in gold], [list(tags) for tags in predicted]
    return {
        name: float(score(*lists, mode="strict", scheme=IOB2, zero_division=0))
        for name, score in kinds.items()
    }


def neutral_of(labels: Sequence[str]) -> int | None:
    """Return the index of neutral, which an answer has only on request; None if there is none."""
    return labels.index(NEUTRAL) if NEUTRAL in labels else None


def choices_of(gold: IntArray, n_labels: int, optional: int | None = None) -> IntArray:
    """Return the labels that are a choice in a data set, ascending.

    Args:
        gold: (N,) label indices of the set.
        n_labels: L.
        optional: A label that is a choice only in sets which have it.
    """
    labels = np.arange(n_labels)
    choices: IntArray = labels[(labels != optional) | np.isin(labels, gold)]
    return choices


def label_scores(gold: IntArray, scores: FloatArray, choices: IntArray) -> dict[str, float]:
    """Compute accuracy and macro-averaged F1 of the best of the labels that are a choice.

    Args:
        gold: (N,) label indices.
        scores: (N, L), such as logits.
        choices: The labels to choose from and to average over.
    """
    predicted = choices[scores[:, choices].argmax(axis=1)]
    macro_f1 = label_f1(gold, predicted, labels=choices, average="macro", zero_division=0.0)
    return {"accuracy": float(accuracy_score(gold, predicted)), "macro_f1": float(macro_f1)}


def label_set_scores(gold: BoolArray, predicted: BoolArray) -> dict[str, float]:
    """Compute micro- and macro-averaged F1 and the share of exact label sets of indicators, both (N, L)."""
    micro, macro = (
        float(label_f1(gold, predicted, average=average, zero_division=0.0))
        for average in ("micro", "macro")
    )
    exact = float(accuracy_score(gold, predicted))
    return {"micro_f1": micro, "macro_f1": macro, "subset_accuracy": exact}


def translation_scores(
    references: Sequence[str], translations: Sequence[str], target: str
) -> dict[str, float]:
    """Compute corpus BLEU (0..100, sacrebleu's tokenizer for the target language) and chrF (0..100)."""
    lists = list(translations), [list(references)]
    return {
        "bleu": float(bleu_metric(target).corpus_score(*lists).score),
        "chrf": float(CHRF().corpus_score(*lists).score),
    }
