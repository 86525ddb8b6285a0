"""The golden inputs are items of their tasks."""

from __future__ import annotations

import pytest

from model_export.checks.golden import golden_inputs
from seqserve.config import from_mapping
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
