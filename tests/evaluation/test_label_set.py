"""Predicted label sets compared with gold: as scikit-learn does, and calculated by hand."""

from __future__ import annotations

import numpy as np
import pytest

from seqserve.evaluation.fit import ScoredAnswers, choose_label_threshold
from seqserve.evaluation.label_set import label_set_findings
from seqserve.evaluation.report import Findings
from seqserve.records import ClassificationResult, ScoredLabel
from seqserve.training.data import LabelledText
from seqserve.training.metrics import label_set_scores
from seqserve.training.temperature import fit_temperature

LABELS = ("sport", "science", "world")


def findings(gold: list[list[int]], scores: list[list[float]], threshold: float = 0.5) -> Findings:
    texts = [LabelledText(f"text {i} word word", tuple(labels)) for i, labels in enumerate(gold)]
    results = []
    for of_text in scores:
        named = dict(zip(LABELS, of_text, strict=True))
        found = tuple(ScoredLabel(name, s) for name, s in named.items() if s >= threshold)
        results.append(ClassificationResult(None, 0.0, found, named))
    return label_set_findings(texts, results, LABELS)


def test_metrics_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    gold = rng.random((200, 3)) < 0.4
    scores = np.clip(gold * 0.4 + rng.random((200, 3)) * 0.6, 0, 1)
    expected = label_set_scores(gold, scores >= 0.5)
    found = findings([np.flatnonzero(row).tolist() for row in gold], scores.tolist()).measures
    assert {k: found[k].value for k in expected} == pytest.approx(expected, abs=1e-6)
    assert all(found[k].low < found[k].value < found[k].high for k in expected)


def test_a_set_is_right_as_a_whole() -> None:
    found = findings([[0, 1], [], [2]], [[0.9, 0.4, 0.1], [0.1, 0.2, 0.3], [0.1, 0.2, 0.9]])
    assert found.measures["subset_accuracy"].value == pytest.approx(2 / 3, abs=1e-6)
    assert found.measures["micro_f1"].value == pytest.approx(4 / 5)  # 2 right of 2 answered, 3 gold
    assert found.measures["macro_f1"].value == pytest.approx(2 / 3, abs=1e-6)
    recall = {part.name: part.measures["recall"].value for part in found.slices[:3]}
    assert recall == {"sport": 1, "science": 0, "world": 1}


def test_calibration_counts_every_label_of_every_text() -> None:
    found = findings([[0], [0]], [[0.8, 0.2, 0.2], [0.8, 0.2, 0.2]])
    assert found.calibration is not None
    assert [(one.n, one.accuracy) for one in found.calibration.bins] == [(4, 0), (2, 1)]
    assert found.measures["ece"].value == pytest.approx(0.2)


def test_the_surest_errors_are_shown() -> None:
    gold = [[0], [1], [2]]
    found = findings(gold, [[0.9, 0.1, 0.1], [0.6, 0.4, 0.1], [0.95, 0.1, 0.9]])
    assert [one.said for one in found.examples] == [
        {"gold": "world", "answered": "sport, world", "wrong": "sport (0.950)"},
        {"gold": "science", "answered": "sport", "wrong": "sport (0.600)"},
    ]
    (none,) = findings([[0]], [[0.1, 0.1, 0.1]]).examples
    assert none.said["answered"] == "none"


def test_the_threshold_has_the_best_mean_f1() -> None:
    scores = np.array([0.9, 0.62, 0.58, 0.3, 0.1], np.float32)
    easy = ScoredAnswers(scores, np.array([True, True, False, False, False]), 2)
    assert choose_label_threshold([easy]) == 0.6
    low = ScoredAnswers(scores, np.array([True, True, True, True, False]), 4)
    assert choose_label_threshold([low, low, easy]) == 0.15
    assert choose_label_threshold([easy, easy, easy, low]) == 0.6


def test_the_temperature_of_label_sets() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(0, 2, (3000, 4))
    gold = (rng.random(truth.shape) < 1 / (1 + np.exp(-truth))).astype(np.float32)
    sets = [(3 * truth, gold)]
    assert fit_temperature(sets, "sigmoid") == pytest.approx(3.0, rel=0.1)
    easy = (np.array([[9.0, -9.0]]), np.array([[1.0, 0.0]]))
    assert fit_temperature([easy], "sigmoid") == pytest.approx(0.05)


def test_sets_have_the_same_weight_for_the_temperature() -> None:
    right = (np.array([[4.0, 0.0]]), np.array([0]))
    many = (np.repeat([[4.0, 0.0]], 500, axis=0), np.zeros(500, np.int64))
    wrong = (np.array([[4.0, 0.0]]), np.array([1]))
    assert fit_temperature([right, wrong]) == fit_temperature([many, wrong])
