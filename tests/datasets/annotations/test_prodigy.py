"""Exports of Prodigy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from seqserve.choices import AnnotationFormat
from seqserve.errors import DataError
from tests.datasets.annotations.imports import Importer, reasons

FORMAT: AnnotationFormat = "prodigy"
SPAN = {"start": 0, "end": 4, "label": "PER", "token_start": 0, "token_end": 0}


def lines(*records: Any) -> str:
    return "".join(f"{json.dumps({'answer': 'accept', **record})}\n" for record in records)


def test_entities(importer: Importer) -> None:
    tokens = [{"text": "Anna", "start": 0, "end": 4, "id": 0, "ws": True}]
    records = [
        {"text": "Anna left.", "spans": [SPAN], "tokens": tokens, "_view_id": "ner_manual"},
        {"text": "Nobody left.", "tokens": tokens, "_view_id": "ner_manual"},
        {"text": "Anna B.", "spans": [SPAN], "answer": "reject"},
        {"text": "Anna C.", "spans": [SPAN], "answer": "ignore"},
        {"text": "Anna D.", "spans": [SPAN], "_view_id": "ner"},
        {"text": "Anna E.", "spans": [SPAN], "answer": None},
    ]
    imported = importer.run(lines(*records))
    assert importer.entities() == [[("Anna", "PER")], []]
    assert reasons(imported) == {
        "rejected": 1,
        "ignored": 1,
        "without an answer": 1,
        "a decision about one entity, so the other entities are unknown (ner.teach)": 1,
    }


def test_labels(importer: Importer) -> None:
    records = [
        {"text": "A.", "options": [{"id": "a"}, {"id": "b"}], "accept": ["a"]},
        {"text": "B.", "label": "b", "_view_id": "classification"},
        {"text": "C.", "label": "b", "answer": "reject"},
        {"text": "D.", "accept": []},
    ]
    imported = importer.run(lines(*records))
    assert importer.texts() == [("A.", ("a",)), ("B.", ("b",))]
    assert reasons(imported) == {"rejected": 1, "without a label": 1}


def test_translations(importer: Importer) -> None:
    importer.run(lines({"text": "Hello.", "user_input": "你好。"}), task="translation")
    assert importer.pairs() == [("Hello.", "你好。")]


def test_annotators(importer: Importer) -> None:
    """The newest answer counts, or that of one session."""
    both = [
        {"text": "Anna left.", "accept": [label], "_session_id": f"x-{label}", "_timestamp": time}
        for label, time in (("new", 1700000002), ("old", 1700000001))
    ]
    imported = importer.run(lines(*both))
    assert importer.texts() == [("Anna left.", ("new",))]
    assert reasons(imported) == {"of a text with a newer annotation": 1}
    imported = importer.run(lines(*both), annotator="x-old", is_replaced=True)
    assert importer.texts() == [("Anna left.", ("old",))]
    assert reasons(imported) == {"of other annotators": 1}


FAULTS: dict[str, tuple[str, str]] = {
    "no text": (lines({"spans": []}), "record 1: text is missing"),
    "an image": (lines({"image": "x.png"}), "text is missing; name the field"),
    "an answer of another tool": (lines({"text": "A", "answer": "yes"}), "answer is a string"),
    "spans are no list": (lines({"text": "A", "spans": {}}), "spans is an object; expected a list"),
    "a span is no object": (lines({"text": "A", "spans": [[0, 1]]}), "spans[0] is a list"),
    "a span without label": (
        lines({"text": "A", "spans": [{"start": 0, "end": 1}]}),
        "spans[0].label is missing; expected a string",
    ),
    "a span without offsets": (
        lines({"text": "A", "spans": [{"label": "X"}]}),
        "spans[0].start is missing; expected an integer",
    ),
    "an accepted number": (lines({"text": "A", "accept": [1]}), "accept[0] is a number"),
}


@pytest.mark.parametrize(("export", "message"), FAULTS.values(), ids=FAULTS)
def test_faults(importer: Importer, export: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        importer.run(export)
    assert message in str(caught.value)
