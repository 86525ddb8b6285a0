"""Scores in responses have 6 digits, whatever the engines return."""

from __future__ import annotations

from typing import Any

import pytest

from seqserve.tasks import TASKS, Task
from service.api.texts import requested_fields
from service.engines.messages import InferenceResult

LONG = 0.123456789
RESULTS: list[tuple[Task, dict[str, Any], dict[str, Any]]] = [
    (
        "ner",
        {"entities": [{"text": "A", "label": "PER", "start": 0, "end": 1, "score": LONG}] * 2},
        {"entities": [{"text": "A", "label": "PER", "start": 0, "end": 1, "score": 0.123457}] * 2},
    ),
    (
        "sentiment",
        {
            "label": "b",
            "score": 1 - LONG,
            "scores": {"a": LONG, "b": 1 - LONG},
            "sentences": [
                {
                    "text": "x",
                    "start": 0,
                    "end": 1,
                    "label": "b",
                    "score": LONG,
                    "scores": {"b": LONG},
                }
            ],
            "unknown_share": LONG,
        },
        {
            "label": "b",
            "score": 0.876543,
            "scores": {"a": 0.123457, "b": 0.876543},
            "sentences": [
                {
                    "text": "x",
                    "start": 0,
                    "end": 1,
                    "label": "b",
                    "score": 0.123457,
                    "scores": {"b": 0.123457},
                }
            ],
            "unknown_share": 0.123457,
        },
    ),
    (
        "classification",
        {
            "label": "b",
            "score": 1 - LONG,
            "labels": [{"label": "b", "score": 1 - LONG}],
            "scores": {"a": LONG, "b": 1 - LONG},
            "unknown_share": LONG,
        },
        {
            "label": "b",
            "score": 0.876543,
            "labels": [{"label": "b", "score": 0.876543}],
            "scores": {"a": 0.123457, "b": 0.876543},
            "unknown_share": 0.123457,
        },
    ),
    (
        "translation",
        {"text": "x", "score": -LONG, "warnings": [], "alternatives": [{"text": "y", "score": -1}]},
        {
            "text": "x",
            "score": -0.123457,
            "warnings": [],
            "alternatives": [{"text": "y", "score": -1}],
        },
    ),
]


@pytest.mark.parametrize(("task", "computed", "shown"), RESULTS, ids=list(TASKS))
def test_scores_are_rounded(task: Task, computed: dict[str, Any], shown: dict[str, Any]) -> None:
    item = dict.fromkeys(TASKS[task].optional_parts.values(), 1)
    assert requested_fields(task, InferenceResult(computed, 1), item) == shown


def test_parts_that_are_absent_stay_absent() -> None:
    fields = {"text": "x", "score": LONG, "warnings": [], "alternatives": []}
    shown = requested_fields("translation", InferenceResult(fields, 1), {})
    assert shown == {"text": "x", "score": 0.123457, "warnings": []}
