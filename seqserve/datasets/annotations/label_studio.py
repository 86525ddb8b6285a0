"""Exports of Label Studio: JSON and JSON-MIN, with Labels, Choices and TextArea on a Text.

A task of JSON may have several annotations: cancelled ones are left out, and those that are the ground truth
prevail. Predictions are no annotations. A record of JSON-MIN is one annotation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from seqserve.datasets.annotations.documents import (
    KINDS,
    Annotation,
    CharSpan,
    Kind,
    LeftOut,
    by_kind,
)
from seqserve.datasets.annotations.fields import Fields
from seqserve.datasets.annotations.label_studio_min import min_results
from seqserve.datasets.annotations.label_studio_results import KEYS, Result
from seqserve.datasets.annotations.offsets import Offsets
from seqserve.datasets.annotations.options import ReadOptions
from seqserve.datasets.annotations.reading import ExportFile
from seqserve.datasets.annotations.report import Report
from seqserve.datasets.annotations.texts import document_of, text_of
from seqserve.errors import DataError
from seqserve.quoting import cut

_KINDS: Mapping[str, Kind] = {"labels": "spans", "choices": "labels", "textarea": "translation"}
"""By the type of a result."""
_LISTS = ("annotations", "completions")
"""The annotations of a task; the second name is that of releases before 1.0."""


def read_label_studio(
    file: ExportFile, options: ReadOptions, report: Report
) -> Iterator[Annotation]:
    """Yield the annotations of an export.

    Raises:
        DataError: A record is malformed, or several controls have results of one kind.
    """
    reader = _Reader(str(file.path), options, report)
    for record in file.records():
        yield from reader.annotations(Fields.of(record.value, record.where))
    reader.check_controls()


@dataclass
class _Reader:
    """Reads records, and notes the controls that their results come from."""

    file: str
    options: ReadOptions
    report: Report
    controls: dict[Kind, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))

    def annotations(self, record: Fields) -> Iterator[Annotation]:
        """Yield the annotations of a record."""
        number = record.get("id")
        task = record if number is None else replace(record, where=f"{self.file}, task {number}")
        name = next((name for name in _LISTS if name in task.values), None)
        if name is None and not isinstance(task.get("data"), dict):
            with self.report.leaving_out(task.where):
                text, results = min_results(task, self.options)
                yield from self._read(task, text, results, task)
            return
        if not task.list(name or _LISTS[0]):
            self.report.add("left out", "not annotated", task.where)
            return
        data = task.object("data")
        text = text_of(data, self.options, may_be_any=True)
        for annotation in task.objects(name or _LISTS[0]):
            with self.report.leaving_out(task.where):
                if annotation.get("was_cancelled") or annotation.get("skipped"):
                    raise LeftOut("cancelled (skipped by the annotator)")
                results = list(self._results(annotation))
                yield from self._read(annotation, text, results, data)

    def _results(self, annotation: Fields) -> Iterator[Result]:
        """Yield the results about the whole text, and the spans."""
        for result in annotation.objects("result"):
            kind = _KINDS.get(str(result.get("type")))
            if kind is None and str(result.get("type")).endswith("labels"):
                raise LeftOut(f"with {result.get('type')}, of which only those of a Text are read")
            if kind is None:
                self.report.add("note", f"results of the type {result.get('type')!r} are not read")
                continue
            value = result.object("value")
            if kind != "spans" and "start" in value.values:
                self.report.add(
                    "note", f"{result.get('type')} about a part of the text are not read"
                )
                continue
            yield Result(kind, str(result.get("from_name")), value)

    def _read(
        self, said: Fields, text: str, results: Sequence[Result], data: Fields
    ) -> Iterator[Annotation]:
        """Yield what an annotation says, one per kind of results."""
        results = [one for one in results if self.options.control in ("", one.control)]
        for one in results:
            self.controls[one.kind][one.control] = None
        empty = Annotation(
            said.where,
            text,
            annotators=_names(said),
            rank=(bool(said.get("ground_truth")), _time(said)),
            document=document_of(self.options, data),
        )
        wanted = KINDS[self.options.task] if self.options.task else None
        found: dict[Kind, Sequence[Any]] = {}
        for kind in dict.fromkeys(one.kind for one in results if wanted in (None, one.kind)):
            values = [one.value for one in results if one.kind == kind]
            found[kind] = (
                list(self._spans(empty, values))
                if kind == "spans"
                else [one for value in values for one in _strings(value, KEYS[kind])]
            )
        yield from by_kind(empty, found, self.options.task)

    def _spans(self, empty: Annotation, values: Sequence[Fields]) -> Iterator[CharSpan]:
        offsets = Offsets(empty.text, self.options.offset_unit or "codepoint")
        for value in values:
            labels = _strings(value, KEYS["spans"])
            if not labels:
                self.report.add("entities left out", "without a label", empty.where)
                continue
            if "globalOffsets" in value.values or isinstance(value.get("start"), str):
                raise LeftOut("about HyperText, which has no offsets into a plain text")
            if len(labels) > 1:
                self.report.add(
                    "entities left out",
                    "as further labels of a span",
                    empty.where,
                    ", ".join(labels),
                )
            yield offsets.span(value, labels[0])

    def check_controls(self) -> None:
        """Check that the results of a kind come from one control.

        Raises:
            DataError: They come from several, or none has the name that was asked for.
        """
        for kind, names in self.controls.items():
            if len(names) > 1 and self.options.task in (None, *_tasks_of(kind)):
                raise DataError(
                    f"{self.file}: the controls {', '.join(sorted(names))} have results; choose one with "
                    "--control"
                )
        if self.options.control and not self.controls:
            raise DataError(
                f"{self.file}: no result is of the control {cut(self.options.control)!r} (--control)"
            )


def _tasks_of(kind: Kind) -> Iterator[str]:
    return (task for task, one in KINDS.items() if one == kind)


def _strings(value: Fields, name: str) -> tuple[str, ...]:
    """Return strings of a result, which may be one by itself."""
    return (value.string(name),) if isinstance(value.get(name), str) else value.strings(name)


def _names(said: Fields) -> tuple[str, ...]:
    """Return the names of the annotator: a number, and the address where the export has it."""
    who = said.get("completed_by") or said.get("annotator")
    names = [who.get("id"), who.get("email")] if isinstance(who, dict) else [who]
    return tuple(str(name) for name in names if name is not None)


def _time(said: Fields) -> float:
    """Return when an annotation was last changed, in seconds since 1970; 0 if unknown."""
    for name in ("updated_at", "created_at"):
        value = said.get(name)
        if isinstance(value, int | float):
            return float(value)
        with suppress(TypeError, ValueError):
            return datetime.fromisoformat(value).timestamp()
    return 0.0
