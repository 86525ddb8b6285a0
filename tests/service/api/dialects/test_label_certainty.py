"""The score of a prediction for Label Studio, which sorts tasks by it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from seqserve.choices import ScoreKind
from seqserve.model_info import ModelInfo
from seqserve.tasks import Task
from service.api.dialects.label_certainty import certainty_of

MODEL = ModelInfo("x", "ner", ("en",), (), "1", "", {}, "fp32", {})


def sentences(*probabilities: float) -> dict[str, Any]:
    """Return a result whose entity is certain, with the labelings of its sentences."""
    labelings = [{"labelings": [{"probability": one}]} for one in probabilities]
    return {"entities": [{"score": 0.99}], "alternatives": labelings}


CASES: dict[str, tuple[Task, ScoreKind | None, dict[str, Any], float]] = {
    "the least certain sentence": ("ner", None, sentences(0.9, 0.2, 0.8), 0.2),
    "no sentence": ("ner", None, sentences(), 1.0),
    "a graph without labelings": ("ner", None, {"entities": [{"score": 0.6}, {"score": 0.4}]}, 0.4),
    "such a graph without entities": ("ner", None, {"entities": []}, 0.0),
    "sentiment": ("sentiment", None, {"scores": {"negative": 0.3, "positive": 0.7}}, 0.7),
    "no label reaches the threshold": (
        "classification",
        "softmax",
        {"label": None, "score": 0.0, "scores": {"a": 0.4, "b": 0.35, "c": 0.25}},
        0.4,
    ),
    "labels that hold each": ("classification", "sigmoid", {"scores": {"a": 0.9, "b": 0.45}}, 0.55),
    "a blank text": ("classification", "sigmoid", {"scores": {}}, 1.0),
    "a translation": ("translation", None, {"score": -0.5}, 0.6065),
}


@pytest.mark.parametrize(("task", "kind", "result", "expected"), CASES.values(), ids=CASES)
def test_certainty(
    task: Task, kind: ScoreKind | None, result: dict[str, Any], expected: float
) -> None:
    model = replace(MODEL, task=task, score_kind=kind)
    assert certainty_of(model, result) == pytest.approx(expected, abs=1e-4)
