"""Data of spaCy: `Doc.to_json()`, (text, annotations) pairs, the training JSON of spaCy 2, and DocBin files.

Source: spaCy documentation, "Doc.to_json", "Data formats" and "DocBin".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seqserve.datasets.annotations.documents import Annotation, LeftOut, by_kind
from seqserve.datasets.annotations.fields import Fields, wrong
from seqserve.datasets.annotations.offsets import Offsets
from seqserve.datasets.annotations.options import ReadOptions
from seqserve.datasets.annotations.reading import ExportFile, Record
from seqserve.datasets.annotations.report import Report
from seqserve.datasets.annotations.tagged_tokens import TaggedToken, biluo_tag, of_sentences
from seqserve.datasets.annotations.texts import document_of, text_of
from seqserve.errors import DataError

_DOC_BIN = ".spacy"
_CONVERT = (
    "python -c 'import json, spacy; from spacy.tokens import DocBin; [print(json.dumps(doc.to_json())) "
    'for doc in DocBin().from_disk("{path}").get_docs(spacy.blank("xx").vocab)]\''
)
"""Converts a DocBin to JSON lines."""
_WRAPPERS = ("paragraphs", "annotations")
"""Members with the documents: of the training JSON of spaCy 2, and of annotation tools that write pairs."""
_UNKNOWN = "-"
_HOLDS = 0.5
"""The value from which a category of `cats` holds."""


def read_spacy(file: ExportFile, options: ReadOptions, report: Report) -> Iterator[Annotation]:
    """Yield the annotations of a file.

    Raises:
        DataError: A record is malformed, or the file is a DocBin and spaCy is not installed.
    """
    is_binary = file.path.suffix == _DOC_BIN
    records = _docs(file.path) if is_binary else _unpacked(file.records())
    for record in records:
        with report.leaving_out(record.where):
            yield from _annotations(record, options, report)


def _docs(path: Path) -> Iterator[Record]:
    """Yield the documents of a DocBin.

    Raises:
        DataError: spaCy is not installed, or cannot read the file.
    """
    try:
        import spacy
        from spacy.tokens import DocBin
    except ImportError:
        raise DataError(
            f"{path} is a DocBin, which only spaCy reads. Where it is installed: "
            f"{_CONVERT.format(path=path)} > {path.with_suffix('.jsonl')}"
        ) from None
    try:
        docs = list(DocBin().from_disk(path).get_docs(spacy.blank("xx").vocab))
    except Exception as error:  # of zlib, msgpack and others
        raise DataError(f"{path} cannot be read as a DocBin: {error}") from None
    for number, doc in enumerate(docs, 1):
        yield Record(f"{path}, document {number}", doc.to_json())


def _unpacked(records: Iterator[Record]) -> Iterator[Record]:
    """Yield documents, which may be in a wrapping object."""
    for where, value in records:
        fields = value if isinstance(value, dict) else {}
        inner = next((name for name in _WRAPPERS if name in fields and "text" not in fields), None)
        if inner is None:
            yield Record(where, value)
            continue
        for i, one in enumerate(Fields(fields, where).list(inner)):
            if one is not None:
                yield Record(f"{where}, {inner}[{i}]", one)


def _annotations(record: Record, options: ReadOptions, report: Report) -> Iterator[Annotation]:
    value = record.value
    if isinstance(value, list):
        if len(value) != 2 or not isinstance(value[0], str) or not isinstance(value[1], dict):
            raise wrong(
                record.where, "the record", value, "an object, or a list of text and object"
            )
        value = {**value[1], "text": value[0]}
    fields = Fields.of(value, record.where)
    if "sentences" in fields.values:
        yield _of_tokens(fields, options, report)
        return
    text = text_of(fields, options)
    offsets = Offsets(text, options.offset_unit or "codepoint")
    spans = [offsets.span(one, one.string("label")) for one in fields.objects("ents")]
    spans += [
        offsets.span(_triple(one, fields.where, f"entities[{i}]"), str(one[2]))
        for i, one in enumerate(fields.list("entities"))
    ]
    empty = Annotation(record.where, text, document=document_of(options, fields))
    yield from by_kind(empty, {"spans": spans, "labels": list(_labels(fields))}, options.task)


def _triple(value: object, where: str, path: str) -> Fields:
    """Return an entity that is a list of start, end and label.

    Raises:
        DataError: It is none.
    """
    if not isinstance(value, list) or len(value) < 3 or not isinstance(value[2], str):
        raise wrong(where, path, value, "[start, end, label]")
    return Fields(dict(zip(("start", "end"), value, strict=False)), where, path)


def _labels(fields: Fields) -> Iterator[str]:
    """Yield the categories that hold; in training JSON, they are a list of objects."""
    cats = fields.get("cats")
    if isinstance(cats, list):
        cats = {one.string("label"): one.get("value") for one in fields.objects("cats")}
    for name, value in (cats if isinstance(cats, dict) else fields.object("cats").values).items():
        if not isinstance(value, int | float):
            raise wrong(fields.where, f"cats.{name}", value, "a number")
        if value >= _HOLDS:
            yield name


def _of_tokens(fields: Fields, options: ReadOptions, report: Report) -> Annotation:
    """Return a paragraph of training JSON, whose tokens have BILUO tags.

    Raises:
        DataError: A token lacks its tag, or has one of another scheme.
        LeftOut: The tag of a token is unknown.
    """
    sentences = [
        [
            TaggedToken(token.string("orth"), token.string("ner"), f"{fields.where}, {token.path}")
            for token in sentence.objects("tokens")
        ]
        for sentence in fields.objects("sentences")
    ]
    tokens = [token for sentence in sentences for token in sentence]
    if any(token.tag == _UNKNOWN for token in tokens):
        raise LeftOut("with tokens whose tag is unknown (-)")
    tagged = [(sentence, [biluo_tag(token) for token in sentence]) for sentence in sentences]
    return of_sentences(fields.where, tagged, report, document_of(options, fields))
