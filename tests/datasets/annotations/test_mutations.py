"""Exports with one value replaced by another: they are imported or refused with a reason, and nothing else."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from seqserve.choices import AnnotationFormat
from seqserve.errors import SeqserveError
from seqserve.tasks import Task
from tests.datasets.annotations.imports import Importer

SPAN = {"start": 0, "end": 4, "text": "Anna", "label": "PER", "labels": ["PER"]}
RESULTS = [
    {"type": "labels", "from_name": "a", "value": SPAN},
    {"type": "choices", "from_name": "b", "value": {"choices": ["x"]}},
    {"type": "textarea", "from_name": "c", "value": {"text": ["安娜"]}},
]
WHO = {"id": 1, "email": "a@example.com"}
ANNOTATION = {
    "id": 1,
    "completed_by": WHO,
    "was_cancelled": False,
    "updated_at": "2026-01-01T00:00:00Z",
    "ground_truth": False,
    "result": RESULTS,
}
MINIMAL = {"text": "Anna left.", "id": 1, "annotation_id": 1, "annotator": 1, "updated_at": "2026"}
RECORDS: dict[str, tuple[AnnotationFormat, Any]] = {
    "label-studio": (
        "label-studio",
        [{"id": 1, "data": {"text": "Anna left."}, "annotations": [ANNOTATION], "predictions": []}],
    ),
    "label-studio, minimal": (
        "label-studio",
        [{**MINIMAL, "a": [SPAN], "b": "x", "c": {"text": ["安娜", "安"]}}],
    ),
    "doccano": (
        "doccano",
        [
            {
                "id": 1,
                "text": "Anna left.",
                "label": [[0, 4, "PER"], "x"],
                "entities": [{"label": "PER", "start_offset": 0, "end_offset": 4}],
                "meta": {},
            }
        ],
    ),
    "prodigy": (
        "prodigy",
        [
            {
                "text": "Anna left.",
                "spans": [SPAN],
                "accept": ["x"],
                "answer": "accept",
                "_timestamp": 1,
                "_session_id": "s",
                "_view_id": "blocks",
                "meta": {"page": 1},
            }
        ],
    ),
    "spacy": (
        "spacy",
        [
            {"text": "Anna left.", "ents": [SPAN], "cats": {"x": 1.0}},
            ["Anna right.", {"entities": [[0, 4, "PER"]], "cats": {"x": 1}}],
            {"paragraphs": [{"sentences": [{"tokens": [{"orth": "A", "ner": "B-X"}]}]}]},
        ],
    ),
}
VALUES = [
    None,
    True,
    -1,
    0.5,
    10**30,
    "",
    "\n",
    "text",
    "O",
    [],
    [[]],
    [None],
    {},
    {"a": None},
    1e300,
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of all values inside of a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in inner if isinstance(value, dict | list) else ():
        yield (*path, key)
        if isinstance(one, dict | list):
            yield from places(one, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    changed = copy.deepcopy(value)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = by
    return changed


@pytest.mark.parametrize(("format", "export"), RECORDS.values(), ids=RECORDS)
def test_replaced_values(format: AnnotationFormat, export: Any, tmp_path: Path) -> None:
    rng = random.Random(5)
    importer = Importer(tmp_path, format)
    n_imported = 0
    for path in places(export):
        for value in rng.sample(VALUES, 5):
            task = rng.choice([None, *get_args(Task)])
            try:
                importer.run(replaced(export, path, value), task=task, is_replaced=True)
                n_imported += 1
            except SeqserveError as error:
                assert str(error)
    assert n_imported
