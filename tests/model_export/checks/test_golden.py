"""The golden inputs are items of their tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from model_export.checks.golden import GoldenSet, golden_inputs
from seqserve.config import from_mapping
from seqserve.errors import ExportError
from seqserve.records import SentimentResult
from seqserve.tasks import TASKS, Task


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_golden_inputs_of_several_kinds(task: Task) -> None:
    inputs = golden_inputs(task)
    items = [from_mapping(TASKS[task].item, values, "golden.json") for values in inputs]
    texts = [values["text"] for values in inputs]
    assert len(set(map(repr, items))) == len(items)
    assert any(". " in text for text in texts), "several sentences"
    assert any(ord(c) > 0xFFFF for text in texts for c in text), "beyond 16 bits"
    assert any(not text.isascii() and text != text.casefold() for text in texts)


class Overflowing:
    """A model whose weights are so large that its scores are not numbers."""

    def predict(self, items: Sequence[Any]) -> list[SentimentResult]:
        scores = np.exp(np.full(2, 1e3, np.float32))
        share = float((scores / scores.sum())[0])
        return [SentimentResult("positive", share, {"positive": share}) for _ in items]


def test_answers_that_are_not_finite_are_refused_without_a_warning() -> None:
    golden = GoldenSet("sentiment", ({"text": "Fine."},), 0.1)
    with pytest.raises(ExportError, match=r"the golden input \{'text': 'Fine.'\} .* not finite"):
        golden.outputs(Overflowing())
