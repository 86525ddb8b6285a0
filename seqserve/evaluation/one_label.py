"""Evaluate classifiers whose labels exclude each other: labels and the calibration of their probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from seqserve.arrays import IntArray
from seqserve.evaluation.bootstrap import measure, share
from seqserve.evaluation.calibration import calibration
from seqserve.evaluation.examples import shortened
from seqserve.evaluation.label_counts import (
    LENGTHS,
    N_EXAMPLES,
    label_counts,
    label_slices,
    macro_f1,
)
from seqserve.evaluation.lengths import length_buckets
from seqserve.evaluation.report import Example, Findings, Slice, Table
from seqserve.records import ClassificationResult, SentimentResult
from seqserve.training.data import LabelledText

_MOST_COLUMNS = 30  # of a confusion table
OneLabelResult: TypeAlias = SentimentResult | ClassificationResult


def one_label_findings(
    texts: Sequence[LabelledText], results: Sequence[OneLabelResult], labels: Sequence[str]
) -> Findings:
    """Measure the labels of a set.

    Args:
        texts: Gold.
        results: The answers, one per text.
        labels: Names in the order of the gold indices.
    """
    gold = np.array([text.label for text in texts], dtype=np.int64)
    answered = np.array([labels.index(result.label) for result in results], dtype=np.int64)
    is_right = gold == answered
    one_hot = np.eye(len(labels), dtype=np.bool_)
    is_gold, is_answered = one_hot[gold], one_hot[answered]
    found = calibration(
        "texts", range(len(texts)), [result.score for result in results], is_right.tolist()
    )
    accuracy = np.stack([is_right, np.ones(len(texts))], axis=1).astype(np.float64)
    lengths = [len(text.text.split()) for text in texts]
    measures = {"accuracy": measure(accuracy, share)}
    if len(np.unique(gold)) > 1:  # else a mean over labels says less than the accuracy
        measures["macro_f1"] = measure(label_counts(is_gold, is_answered), macro_f1)
    return Findings(
        {**measures, "ece": found.ece},
        (
            *label_slices(is_gold, is_answered, labels),
            *(
                Slice("words", name, len(rows), {"accuracy": measure(accuracy[rows], share)})
                for name, rows in length_buckets(lengths, LENGTHS)
            ),
        ),
        _tables(gold, answered, labels),
        found,
        _examples(texts, results, is_right.tolist(), labels),
    )


def _tables(gold: IntArray, answered: IntArray, labels: Sequence[str]) -> tuple[Table, ...]:
    """Return the confusion table, unless it would be too large to read."""
    if len(labels) > _MOST_COLUMNS:
        return ()
    counts = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(counts, (gold, answered), 1)
    rows = {label: tuple(map(int, row)) for label, row in zip(labels, counts, strict=True)}
    return (Table("gold label × answered label", tuple(labels), rows),)


def _examples(
    texts: Sequence[LabelledText],
    results: Sequence[OneLabelResult],
    is_right: Sequence[bool],
    labels: Sequence[str],
) -> tuple[Example, ...]:
    """Return the errors with the highest probabilities."""
    wrong = [i for i, right in enumerate(is_right) if not right]
    surest = sorted(wrong, key=lambda i: -results[i].score)[:N_EXAMPLES]
    return tuple(
        Example(
            "sure and wrong",
            shortened(texts[i].text),
            {
                "gold": labels[texts[i].label],
                "answered": f"{results[i].label} ({results[i].score:.3f})",
            },
        )
        for i in surest
    )
