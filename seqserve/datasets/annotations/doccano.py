"""Exports of doccano: JSONL and JSON of text classification, sequence labelling and sequence to sequence.

Offsets count UTF-16 units, or grapheme clusters in projects with that setting (doccano/doccano, issue 2290).
"""

from __future__ import annotations

from collections.abc import Iterator

from seqserve.datasets.annotations.documents import Annotation, CharSpan, Kind, by_kind
from seqserve.datasets.annotations.fields import Fields, is_integer, wrong
from seqserve.datasets.annotations.offsets import Offsets, differ_before
from seqserve.datasets.annotations.options import ReadOptions
from seqserve.datasets.annotations.reading import ExportFile
from seqserve.datasets.annotations.report import Report
from seqserve.datasets.annotations.texts import document_of, text_of
from seqserve.errors import DataError

_OFFSETS = ("start_offset", "end_offset")
_AMBIGUOUS = (
    "texts with emoji, combining accents or other characters of several units, whose offsets were read as "
    "UTF-16 units; add --offset-unit grapheme if the project counts grapheme clusters"
)
_LABELS = ("entities", "label", "labels", "cats", "annotations")
"""Members with the labels, in several releases and kinds of projects."""


def read_doccano(file: ExportFile, options: ReadOptions, report: Report) -> Iterator[Annotation]:
    """Yield the annotations of an export.

    Raises:
        DataError: A record is malformed, or has labels by number.
    """
    for record in file.records():
        fields = Fields.of(record.value, record.where)
        with report.leaving_out(record.where):
            yield from _annotations(fields, options, report)


def _annotations(fields: Fields, options: ReadOptions, report: Report) -> Iterator[Annotation]:
    text = text_of(fields, options)
    offsets = Offsets(text, options.offset_unit or "utf16")
    spans: list[CharSpan] = []
    strings: list[str] = []
    for name in _LABELS:
        value = fields.get(name)
        for i, one in enumerate([value] if isinstance(value, str) else fields.list(name)):
            if isinstance(one, str):
                strings.append(one)
            else:
                spans.append(_span(one, Fields({}, fields.where, f"{name}[{i}]"), offsets))
    last = max((span.end for span in spans), default=0)
    if options.offset_unit is None and differ_before(last, text, "utf16", "grapheme"):
        report.add("note", _AMBIGUOUS, fields.where)
    kind: Kind = "translation" if options.task == "translation" else "labels"
    document = document_of(options, fields, "meta")
    empty = Annotation(fields.where, text, document=document)
    yield from by_kind(empty, {"spans": spans, kind: strings}, options.task)


def _span(value: object, place: Fields, offsets: Offsets) -> CharSpan:
    """Return an entity: [start, end, label], or an object with offsets.

    Raises:
        DataError: It is neither, or its label is a number.
        LeftOut: Its offsets are beyond the text.
    """
    if isinstance(value, list) and len(value) == 3:
        value = dict(zip((*_OFFSETS, "label"), value, strict=True))
    if not isinstance(value, dict):
        raise wrong(place.where, place.path, value, "[start, end, label] or an object")
    entity = Fields(value, place.where, place.path)
    if is_integer(entity.get("label")):
        raise DataError(
            f"{place.where}: {entity.named('label')} is a number, whose name the file lacks; export JSONL with "
            "a current version of doccano"
        )
    return offsets.span(entity, entity.string("label"), _OFFSETS)
