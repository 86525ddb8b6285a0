"""Evaluate sentiment: labels and the calibration of their probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqserve.arrays import IntArray
from seqserve.evaluation.bootstrap import Counts, measure, measures, ratio, share
from seqserve.evaluation.calibration import calibration
from seqserve.evaluation.examples import shortened
from seqserve.evaluation.lengths import length_buckets
from seqserve.evaluation.report import Example, Findings, Slice, Table
from seqserve.records import SentimentResult
from seqserve.training.data import LabelledText

_LENGTHS = (10, 20, 50, 100, 200, 400)  # words
_N_EXAMPLES = 30


def sentiment_findings(
    texts: Sequence[LabelledText], results: Sequence[SentimentResult], labels: Sequence[str]
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
    confusion = _confusion(gold, answered, len(labels))
    found = calibration(
        "texts", range(len(texts)), [result.score for result in results], is_right.tolist()
    )
    accuracy = np.stack([is_right, np.ones(len(texts))], axis=1).astype(np.float64)
    lengths = [len(text.text.split()) for text in texts]
    return Findings(
        {
            "accuracy": measure(accuracy, share),
            "macro_f1": measure(confusion, _macro_f1),
            "ece": found.ece,
        },
        (
            *_label_slices(gold, answered, labels),
            *(
                Slice("words", name, len(rows), {"accuracy": measure(accuracy[rows], share)})
                for name, rows in length_buckets(lengths, _LENGTHS)
            ),
        ),
        (_table(confusion, labels),),
        found,
        _examples(texts, results, is_right.tolist(), labels),
    )


def _confusion(gold: IntArray, answered: IntArray, n_labels: int) -> Counts:
    """Return (N, L * L) one-hot confusion counts: gold row, predicted column."""
    counts = np.zeros((len(gold), n_labels * n_labels))
    counts[np.arange(len(gold)), gold * n_labels + answered] = 1
    return counts


def _macro_f1(sums: Counts) -> Counts:
    """Compute (R, L * L) confusion counts -> (R,) macro F1."""
    n_labels = round(sums.shape[1] ** 0.5)
    tables = sums.reshape(-1, n_labels, n_labels)
    right = tables.diagonal(axis1=1, axis2=2)
    f1 = ratio(2 * right, tables.sum(axis=1) + tables.sum(axis=2))
    mean: Counts = f1.mean(axis=1)
    return mean


def _label_slices(gold: IntArray, answered: IntArray, labels: Sequence[str]) -> list[Slice]:
    slices = []
    for i, label in enumerate(labels):
        is_gold, is_answered = gold == i, answered == i
        counts = np.stack([is_gold & is_answered, is_answered, is_gold], axis=1).astype(np.float64)
        formulas = {
            "precision": lambda sums: ratio(sums[:, 0], sums[:, 1]),
            "recall": lambda sums: ratio(sums[:, 0], sums[:, 2]),
        }
        slices.append(Slice("label", label, int(is_gold.sum()), measures(counts, formulas)))
    return slices


def _table(confusion: Counts, labels: Sequence[str]) -> Table:
    sums = confusion.sum(axis=0).reshape(len(labels), len(labels))
    rows = {label: tuple(int(n) for n in row) for label, row in zip(labels, sums, strict=True)}
    return Table("gold label × answered label", tuple(labels), rows)


def _examples(
    texts: Sequence[LabelledText],
    results: Sequence[SentimentResult],
    is_right: Sequence[bool],
    labels: Sequence[str],
) -> tuple[Example, ...]:
    """Return the errors with the highest probabilities."""
    wrong = [i for i, right in enumerate(is_right) if not right]
    surest = sorted(wrong, key=lambda i: -results[i].score)[:_N_EXAMPLES]
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
