"""Predicted labels compared with gold, calculated by hand."""

from __future__ import annotations

import numpy as np
import pytest

from seqserve.evaluation.one_label import one_label_findings
from seqserve.evaluation.report import Findings, Slice
from seqserve.records import SentimentResult
from seqserve.training.data import LabelledText
from seqserve.training.metrics import label_scores

LABELS = ("negative", "neutral", "positive")


def findings(gold: list[int], answered: list[int], scores: list[float] | None = None) -> Findings:
    texts = [LabelledText(f"text {i} " + "word " * (5 * i), (g,)) for i, g in enumerate(gold)]
    results = [
        SentimentResult(LABELS[a], score, {}, n_tokens=1)
        for a, score in zip(answered, scores or [0.9] * len(gold), strict=True)
    ]
    return one_label_findings(texts, results, LABELS)


def parts(found: Findings, kind: str) -> dict[str, Slice]:
    return {part.name: part for part in found.slices if part.kind == kind}


def test_metrics_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    gold, answered = rng.integers(0, 3, 300), rng.integers(0, 3, 300)
    answered[::2] = gold[::2]
    expected = label_scores(gold, np.eye(3, dtype=np.float32)[answered], np.arange(3))
    found = findings(gold.tolist(), answered.tolist()).measures
    assert {k: found[k].value for k in expected} == pytest.approx(expected, abs=1e-6)
    assert all(found[k].low < found[k].value < found[k].high for k in expected)


def test_no_mean_over_labels_for_a_set_of_one_label() -> None:
    measures = findings([1, 1, 1, 1], [1, 1, 0, 1]).measures
    assert measures["accuracy"].value == 0.75
    assert "macro_f1" not in measures


def test_confusion_table_has_gold_in_rows() -> None:
    (table,) = findings([0, 0, 0, 1, 2], [0, 2, 2, 1, 2]).tables
    assert table.columns == LABELS
    assert table.rows == {"negative": (1, 0, 2), "neutral": (0, 1, 0), "positive": (0, 0, 1)}


def test_parts_by_label() -> None:
    labels = parts(findings([0, 0, 0, 1, 2], [0, 2, 2, 1, 2]), "label")
    assert {name: part.n for name, part in labels.items()} == {
        "negative": 3,
        "neutral": 1,
        "positive": 1,
    }
    assert labels["negative"].measures["recall"].value == pytest.approx(1 / 3, abs=1e-6)
    assert labels["negative"].measures["precision"].value == 1
    assert labels["positive"].measures["precision"].value == pytest.approx(1 / 3, abs=1e-6)


def test_parts_by_length() -> None:
    lengths = parts(findings([0, 0, 0, 0], [0, 0, 2, 0]), "words")  # 2, 7, 12 and 17 words
    assert {name: (p.n, p.measures["accuracy"].value) for name, p in lengths.items()} == {
        "1-10": (2, 1.0),
        "11-20": (2, 0.5),
    }


def test_calibration_error_is_a_metric() -> None:
    found = findings([0, 0], [0, 2], [0.9, 0.9])
    assert found.measures["ece"].value == pytest.approx(0.4)
    assert found.calibration and found.calibration.ece == found.measures["ece"]
    assert [(b.n, b.accuracy) for b in found.calibration.bins] == [(2, 0.5)]


def test_surest_errors_come_first_and_right_answers_never() -> None:
    found = findings([0, 0, 0, 1], [2, 0, 1, 2], [0.6, 0.99, 0.8, 0.7])
    assert [example.said["answered"] for example in found.examples] == [
        "neutral (0.800)",
        "positive (0.700)",
        "positive (0.600)",
    ]
    assert found.examples[1].said["gold"] == "neutral"
    assert len(findings([0] * 50, [1] * 50).examples) == 30
