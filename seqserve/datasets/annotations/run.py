"""From the files of an export to a data set, and what became of every annotation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqserve.choices import AnnotationFormat
from seqserve.datasets.annotations.documents import KINDS, TASK_OF_KIND, Annotation
from seqserve.datasets.annotations.examples import Example, Languages, examples_of
from seqserve.datasets.annotations.labels import relabel
from seqserve.datasets.annotations.options import DEFAULT_OPTIONS, LabelOptions, ReadOptions
from seqserve.datasets.annotations.reading import ExportFile
from seqserve.datasets.annotations.report import Report
from seqserve.datasets.annotations.selection import select
from seqserve.datasets.annotations.splits import SPLITS, split_of
from seqserve.datasets.annotations.table import FORMATS
from seqserve.datasets.annotations.writing import IMPORTED, check_folder, write_set
from seqserve.datasets.meta import describe_file
from seqserve.errors import DataError
from seqserve.tasks import Task
from seqserve.training.data import Split

_DEFAULT_LABELS = LabelOptions()
_DEFAULT_LANGUAGES = Languages()


@dataclass(frozen=True)
class ImportRequest:
    """What to import.

    Args:
        format: Of the files.
        files: The export; of several annotations of a text, those of later files prevail.
        out: Folder of the data set.
        reading: How the files are read.
        labels: Which labels the data set has.
        languages: Of the texts.
        annotator: Only the annotations of this person; empty: all.
        shares: Percentages of train, dev and test.
        encoding: Of the files.
        is_replaced: Whether an earlier import in the folder is replaced.
    """

    format: AnnotationFormat
    files: Sequence[Path]
    out: Path
    reading: ReadOptions = DEFAULT_OPTIONS
    labels: LabelOptions = _DEFAULT_LABELS
    languages: Languages = _DEFAULT_LANGUAGES
    annotator: str = ""
    shares: tuple[float, ...] = (80, 10, 10)
    encoding: str = "utf-8"
    is_replaced: bool = False


@dataclass(frozen=True)
class Imported:
    """A data set that was written.

    Args:
        task: What a model shall learn.
        out: Its folder.
        n_records: That were read: annotations, and tasks without one.
        n_texts: By split.
        n_examples: By split: sentences, texts or pairs.
        labels: How often each occurs.
        report: What was left out or changed.
    """

    task: Task
    out: Path
    n_records: int
    n_texts: Mapping[Split, int]
    n_examples: Mapping[Split, int]
    labels: Mapping[str, int]
    report: Report

    def lines(self) -> Iterator[str]:
        """Yield the summary."""
        labels = ", ".join(f"{label} {n:,}" for label, n in self.labels.items())
        yield f"task: {self.task}{f'; {labels}' if labels else ''}"
        yield f"read: {self.n_records:,} records"
        yield from self.report.lines()
        for split in SPLITS:
            yield f"{split}: {self.n_texts[split]:,} texts, {self.n_examples[split]:,} examples"

    def to_mapping(self) -> Mapping[str, Any]:
        """Return the summary as JSON values."""
        return {
            "task": self.task,
            "out": str(self.out),
            "records": self.n_records,
            "texts": self.n_texts,
            "examples": self.n_examples,
            "labels": self.labels,
            **self.report.to_mapping(),
        }


def import_annotations(request: ImportRequest) -> Imported:
    """Import an export.

    Raises:
        DataError: The export is malformed, nothing of it is left, or the folder exists.
        ConfigError: An option has an impossible value.
    """
    check_folder(request.out, is_replaced=request.is_replaced)
    report = Report()
    annotations = _read(request, report)
    task = _task_of(annotations, request.reading, report)
    n_records = len(annotations) + report.count("left out")
    chosen = relabel(
        select(annotations, request.annotator, FORMATS[request.format].has_repeats, report),
        request.labels,
    )
    splits: dict[Split, list[Example]] = {split: [] for split in SPLITS}
    for example in examples_of(task, chosen, request.languages, report):
        splits[split_of(example.source, request.shares)].append(example)
    _check_splits(splits, request.shares, report)
    labels = Counter(label for of in splits.values() for one in of for label in one.labels)
    imported = Imported(
        task,
        request.out,
        n_records,
        {split: len(examples) for split, examples in splits.items()},
        {split: sum(one.n_examples for one in examples) for split, examples in splits.items()},
        dict(sorted(labels.items())),
        report,
    )
    write_set(request.out, splits, _meta(request, imported))
    return imported


def _read(request: ImportRequest, report: Report) -> list[Annotation]:
    """Return the annotations of the files.

    Raises:
        DataError: A file is malformed, or none has a record.
    """
    files = [ExportFile(path, request.encoding) for path in request.files]
    annotations = list(FORMATS[request.format].read(files, request.reading, report))
    if not annotations and not report.count("left out"):
        named = ", ".join(str(path) for path in request.files)
        raise DataError(
            f"{named} has no records: label texts in the tool, export the project again, and check that the "
            "export is not filtered"
        )
    return annotations


def _task_of(annotations: Sequence[Annotation], reading: ReadOptions, report: Report) -> Task:
    """Return the task: as asked for, or else that of what the annotations have.

    Raises:
        DataError: They have labels of several kinds, or none of the kind that was asked for.
    """
    kinds = {one.kind for one in annotations if one.kind is not None}
    found = ", ".join(sorted(TASK_OF_KIND[kind] for kind in kinds)) or "no labels"
    if reading.task is None:
        if len(kinds) > 1:
            raise DataError(
                f"the export has labels of several tasks ({found}): choose one with --task"
            )
        if annotations and not kinds:
            first = (
                "no annotation has entities, labels or translations that are read; if that is right, name the "
                "task with --task"
            )
            raise DataError("\n".join([first, *report.lines()]))
        return TASK_OF_KIND[kinds.pop()] if kinds else "ner"
    if kinds - {KINDS[reading.task]}:
        raise DataError(f"the export has the labels of {found}, and --task is {reading.task}")
    return reading.task


def _check_splits(
    splits: Mapping[Split, Sequence[Example]], shares: Sequence[float], report: Report
) -> None:
    """Check that there is something to train, and report empty splits.

    Raises:
        DataError: There is not.
    """
    n_texts = sum(map(len, splits.values()))
    if not n_texts:
        raise DataError("\n".join(["nothing of the export is left:", *report.lines()]))
    for (split, examples), share in zip(splits.items(), shares, strict=True):
        if share and not examples:
            report.add(
                "note",
                f"{split} has no texts: a hash decides where each text is, so {n_texts:,} texts are divided "
                "unevenly; label more, or change --split",
            )


def _meta(request: ImportRequest, imported: Imported) -> Mapping[str, Any]:
    return {
        IMPORTED: {
            "format": request.format,
            "files": {path.name: describe_file(path) for path in request.files},
            "task": imported.task,
        },
        "labels": imported.labels,
        "splits": imported.n_examples,
    }
