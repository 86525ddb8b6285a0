"""Records of JSON-MIN: an annotation, with the task's data and its results, by the names of the controls.

A single choice and a single text are strings, as the data are: a control whose results are strings has to be
named, unless it is the only string beside the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seqserve.datasets.annotations.documents import KINDS, Kind, LeftOut
from seqserve.datasets.annotations.fields import Fields
from seqserve.datasets.annotations.label_studio_results import KEYS, Result
from seqserve.datasets.annotations.options import ReadOptions
from seqserve.datasets.annotations.texts import text_field_of
from seqserve.errors import DataError

_OTHERS = frozenset(
    ["id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement"]
)
"""Fields that are neither data nor results."""


def min_results(record: Fields, options: ReadOptions) -> tuple[str, Sequence[Result]]:
    """Return the text and the results of a record.

    Raises:
        DataError: The record is none of JSON-MIN, or the control cannot be told.
        LeftOut: The task is not annotated.
    """
    if "annotation_id" not in record.values:
        raise DataError(
            f"{record.where}: has neither annotations nor annotation_id; export JSON or JSON-MIN"
        )
    if record.get("annotation_id") is None:
        raise LeftOut("not annotated")
    name = text_field_of(record, options)
    others = [one for one in record.values if one not in _OTHERS and one != name]
    if options.control:
        others = [one for one in others if one == options.control]
    results = [one for control in others for one in _of_control(record, control, options)]
    strings = [one.control for one in results if _is_text(record.get(one.control))]
    wanted = KINDS[options.task] if options.task else None
    if len(set(strings)) > 1 and wanted != "spans":
        raise DataError(
            f"{record.where}: {', '.join(dict.fromkeys(strings))} may be data or results; name the control "
            "with --control, or the task with --task ner"
        )
    return record.string(name), results


def _of_control(record: Fields, control: str, options: ReadOptions) -> Iterator[Result]:
    value = record.get(control)
    # A text by itself is a choice, unless translations are wanted.
    kind: Kind = "translation" if options.task == "translation" else "labels"
    if _is_text(value):
        texts = [value] if isinstance(value, str) else value
        yield Result(kind, control, Fields({KEYS[kind]: texts}, record.where, control))
    for i, one in enumerate(value if isinstance(value, list) else [value]):
        if not isinstance(one, dict):
            continue
        fields = Fields(one, record.where, f"{control}[{i}]")
        for kind, key in (("spans", "labels"), ("labels", "choices"), ("translation", "text")):
            if key in one and (kind == "spans" or "start" not in one):
                yield Result(kind, control, fields)
                break


def _is_text(value: object) -> bool:
    """Return whether a value is a string or a list of strings, and not empty."""
    texts = value if isinstance(value, list) else [value]
    return bool(texts) and all(isinstance(one, str) for one in texts)
