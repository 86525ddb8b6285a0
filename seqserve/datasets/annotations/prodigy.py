"""Exports of Prodigy (`db-out`): JSONL with `spans`, `accept` or `label`, and `answer`.

An answer to a task decides about all that it shows: `reject` and `ignore` are left out. So are single decisions
about one suggested entity (`ner.teach`), because the other entities of such a text are not annotated.

Source: Prodigy documentation, "Annotation interfaces".
"""

from __future__ import annotations

from collections.abc import Iterator

from seqserve.datasets.annotations.documents import Annotation, CharSpan, Kind, LeftOut, by_kind
from seqserve.datasets.annotations.fields import Fields
from seqserve.datasets.annotations.offsets import Offsets
from seqserve.datasets.annotations.options import ReadOptions
from seqserve.datasets.annotations.reading import ExportFile
from seqserve.datasets.annotations.report import Report
from seqserve.datasets.annotations.texts import document_of, text_of

_ANSWERS = ("accept", "reject", "ignore")
_BINARY_VIEW = "ner"
"""The interface that shows one suggested entity; complete annotation is `ner_manual`."""


def read_prodigy(file: ExportFile, options: ReadOptions, report: Report) -> Iterator[Annotation]:
    """Yield the annotations of an export.

    Raises:
        DataError: A record is malformed.
    """
    for record in file.records():
        fields = Fields.of(record.value, record.where)
        with report.leaving_out(record.where):
            _check_answer(fields)
            yield from _annotations(fields, options)


def _check_answer(fields: Fields) -> None:
    """Raise what leaves out a task that was not accepted.

    Raises:
        DataError: The answer is none of Prodigy's.
        LeftOut: It was rejected or ignored, or is a decision about one entity.
    """
    answer = fields.get("answer")
    if answer is None:
        raise LeftOut("without an answer")
    if answer not in _ANSWERS:
        raise fields.wrong("answer", "accept, reject or ignore")
    if answer != "accept":
        raise LeftOut("rejected" if answer == "reject" else "ignored")
    if fields.get("_view_id") == _BINARY_VIEW:
        raise LeftOut("a decision about one entity, so the other entities are unknown (ner.teach)")


def _annotations(fields: Fields, options: ReadOptions) -> Iterator[Annotation]:
    text = text_of(fields, options)
    offsets = Offsets(text, options.offset_unit or "codepoint")
    spans: list[CharSpan] = [
        offsets.span(one, one.string("label")) for one in fields.objects("spans")
    ]
    accepted = list(fields.strings("accept"))
    if not spans and isinstance(fields.get("label"), str):
        accepted.append(fields.string("label"))
    if isinstance(fields.get("user_input"), str) and options.task == "translation":
        accepted = [fields.string("user_input")]
    kind: Kind = "translation" if options.task == "translation" else "labels"
    time = fields.get("_timestamp")
    empty = Annotation(
        fields.where,
        text,
        annotators=tuple(
            str(fields.get(name))
            for name in ("_annotator_id", "_session_id")
            if fields.get(name) is not None
        ),
        rank=(False, float(time) if isinstance(time, int | float) else 0.0),
        document=document_of(options, fields, "meta"),
    )
    yield from by_kind(empty, {"spans": spans, kind: accepted}, options.task)
