from __future__ import annotations

from typing import Any, get_args

import pytest

from seqserve.records import api_fields
from seqserve.tasks import TASKS, Task, TaskSpec

SPECS = [pytest.param(spec, id=spec.name) for spec in TASKS.values()]


def test_every_task_has_a_row() -> None:
    assert set(TASKS) == set(get_args(Task))
    assert all(name == spec.name for name, spec in TASKS.items())


@pytest.mark.parametrize("spec", SPECS)
def test_columns_are_fields_of_a_row(spec: TaskSpec) -> None:
    if spec.csv_rows:
        assert spec.csv_rows in spec.result_fields
    else:
        assert set(spec.csv_columns) <= set(spec.result_fields)


@pytest.mark.parametrize("spec", SPECS)
def test_optional_parts_belong_to_options(spec: TaskSpec) -> None:
    options = {field.name for field in api_fields(spec.item)}
    options |= {"source", "target"} if spec.is_pair else set()
    assert set(spec.optional_parts.values()) <= options
    assert set(spec.optional_parts) <= set(spec.result_fields)


@pytest.mark.parametrize("spec", SPECS)
def test_every_result_has_an_empty_one(spec: TaskSpec) -> None:
    empty = spec.result.empty(" \n")
    assert isinstance(empty, spec.result) and not empty.n_tokens
    values = {name: getattr(empty, name) for name in spec.result_fields}
    filled = {name: value for name, value in values.items() if value}
    # The translation is the text; a text without any word has no known one.
    assert filled.items() <= {"text": " \n", "unknown_share": 1.0}.items()


FOUND: dict[str, Any] = {"text": "b a", "score": -0.5, "warnings": [], "alternatives": []}


@pytest.mark.parametrize(
    ("item", "is_shown"),
    [({"text": "a b"}, False), ({"alternatives": 0}, False), ({"alternatives": 2}, True)],
)
def test_parts_that_were_not_requested_are_left_out(item: dict[str, Any], is_shown: bool) -> None:
    shown = TASKS["translation"].requested(FOUND, item)
    assert ("alternatives" in shown) == is_shown
    assert shown.keys() >= {"text", "score", "warnings"}
