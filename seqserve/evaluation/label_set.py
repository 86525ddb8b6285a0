"""Evaluate classifiers whose labels hold or not, each by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqserve.arrays import BoolArray, FloatArray
from seqserve.evaluation.bootstrap import measure, share
from seqserve.evaluation.calibration import calibration
from seqserve.evaluation.examples import shortened
from seqserve.evaluation.label_counts import (
    LENGTHS,
    N_EXAMPLES,
    label_counts,
    label_slices,
    macro_f1,
    micro_f1,
)
from seqserve.evaluation.lengths import length_buckets
from seqserve.evaluation.report import Example, Findings, Slice
from seqserve.records import ClassificationResult
from seqserve.training.data import LabelledText


def label_set_findings(
    texts: Sequence[LabelledText], results: Sequence[ClassificationResult], labels: Sequence[str]
) -> Findings:
    """Measure the label sets of a data set.

    Args:
        texts: Gold.
        results: The answers with the scores of all labels, one per text.
        labels: Names in the order of the gold indices.
    """
    gold = indicators(texts, len(labels))
    scores = scores_of(results, labels)
    answered = np.array(
        [[name in {one.label for one in result.labels} for name in labels] for result in results],
        np.bool_,
    ).reshape(gold.shape)
    counts = label_counts(gold, answered)
    exact = np.stack([(gold == answered).all(axis=1), np.ones(len(gold))], axis=1).astype(float)
    text_of, _ = np.nonzero(np.ones_like(gold))
    found = calibration("labels", text_of.tolist(), scores.ravel().tolist(), gold.ravel().tolist())
    lengths = [max(1, len(text.text.split())) for text in texts]
    return Findings(
        {
            "micro_f1": measure(counts, micro_f1),
            "macro_f1": measure(counts, macro_f1),
            "subset_accuracy": measure(exact, share),
            "ece": found.ece,
        },
        (
            *label_slices(gold, answered, labels),
            *(
                Slice("words", name, len(rows), {"micro_f1": measure(counts[rows], micro_f1)})
                for name, rows in length_buckets(lengths, LENGTHS)
            ),
        ),
        calibration=found,
        examples=_examples(texts, gold, answered, scores, labels),
    )


def indicators(texts: Sequence[LabelledText], n_labels: int) -> BoolArray:
    """Return (N, L): which labels each text has."""
    found = np.zeros((len(texts), n_labels), np.bool_)
    for row, text in zip(found, texts, strict=True):
        row[list(text.labels)] = True
    return found


def scores_of(results: Sequence[ClassificationResult], labels: Sequence[str]) -> FloatArray:
    """Return (N, L) the probability of every label."""
    return np.array(
        [[result.scores[name] for name in labels] for result in results], np.float32
    ).reshape(len(results), len(labels))


def _examples(
    texts: Sequence[LabelledText],
    gold: BoolArray,
    answered: BoolArray,
    scores: FloatArray,
    labels: Sequence[str],
) -> tuple[Example, ...]:
    """Return the texts with the surest wrong decisions about a label."""
    sureness = np.where(gold != answered, np.abs(scores - gold), -1)
    worst = sureness.argmax(axis=1)
    rows = [
        i for i in np.argsort(-sureness.max(axis=1), kind="stable") if (gold != answered)[i].any()
    ]
    return tuple(
        Example(
            "sure and wrong",
            shortened(texts[i].text),
            {
                "gold": _names(gold[i], labels),
                "answered": _names(answered[i], labels),
                "wrong": f"{labels[worst[i]]} ({scores[i, worst[i]]:.3f})",
            },
        )
        for i in rows[:N_EXAMPLES]
    )


def _names(is_there: BoolArray, labels: Sequence[str]) -> str:
    return ", ".join(name for name, there in zip(labels, is_there, strict=True) if there) or "none"
