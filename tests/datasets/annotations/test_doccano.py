"""Exports of doccano."""

from __future__ import annotations

import json
from typing import Any

import pytest

from seqserve.choices import AnnotationFormat
from seqserve.errors import DataError
from tests.datasets.annotations.imports import Importer, reasons

FORMAT: AnnotationFormat = "doccano"


def lines(*records: Any) -> str:
    return "".join(f"{json.dumps(record)}\n" for record in records)


SPANS: dict[str, Any] = {
    "label": {"text": "Anna left.", "label": [[0, 4, "PER"]], "Comments": []},
    "labels": {"text": "Anna left.", "labels": [[0, 4, "PER"]]},
    "entities": {
        "text": "Anna left.",
        "entities": [{"id": 3, "label": "PER", "start_offset": 0, "end_offset": 4}],
        "relations": [{"id": 1, "from_id": 3, "to_id": 3, "type": "x"}],
    },
    "annotations": {
        "text": "Anna left.",
        "annotations": [{"label": "PER", "start_offset": 0, "end_offset": 4, "user": 1}],
    },
}


@pytest.mark.parametrize("record", SPANS.values(), ids=SPANS)
def test_entities(importer: Importer, record: Any) -> None:
    importer.run(lines({"id": 1, **record}, {"id": 2, "text": "Fine.", "label": []}))
    assert importer.entities() == [[("Anna", "PER")], []]


UNITS = {None: 9, "utf16": 9, "codepoint": 6, "grapheme": 2, "byte": 19}


@pytest.mark.parametrize(("unit", "start"), UNITS.items(), ids=str)
def test_units(importer: Importer, unit: Any, start: int) -> None:
    """UTF-16 units, unless another one is named; the joined emoji is five code points."""
    record = {"text": "👨\u200d👩\u200d👧 Anna", "label": [[start, start + 4, "PER"]]}
    imported = importer.run(lines(record), offset_unit=unit)
    assert importer.entities() == [[("Anna", "PER")]]
    assert any("UTF-16" in reason for reason in reasons(imported)) == (unit is None)


AMBIGUOUS = {
    "ascii": ("Anna left.", False),
    "letters of one unit": ("Zoé left.", False),
    "a combining accent": ("Zoe\u0301 left.", True),
    "an accent behind the entity": ("Anna left Zoe\u0301.", False),
    "an accent of the next character": ("Anna\u0301 left.", True),
    "an emoji": ("😀 Anna", True),
    "a joined emoji": ("❤\u200d🔥 Anna", True),
    "a keycap": ("1\ufe0f\u20e3 Anna", True),
    "a flag": ("🇫🇷 Anna", True),
    "syllables of Devanagari": ("कि Anna", True),
    "a line break of Windows": ("\r\nAnna", True),
}


@pytest.mark.parametrize(("text", "is_ambiguous"), AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_a_note_names_texts_whose_units_differ(
    importer: Importer, text: str, is_ambiguous: bool
) -> None:
    name = "Anna" if "Anna" in text else text.split(" ", 1)[0]
    start = len(text[: text.index(name)].encode("utf-16-le")) // 2
    imported = importer.run(lines({"text": text, "label": [[start, start + len(name), "PER"]]}))
    assert any("UTF-16" in reason for reason in reasons(imported)) == is_ambiguous


def test_the_wrong_unit_is_noticed(importer: Importer) -> None:
    """An offset inside of a sign is none of the unit."""
    export = lines({"text": "💩", "label": [[0, 1, "X"]]}, {"text": "Fine.", "label": []})
    imported = importer.run(export, task="ner")
    assert reasons(imported)["with an entity that is empty or beyond the text"] == 1


def test_labels(importer: Importer) -> None:
    records = [{"text": "A.", "label": ["a"]}, {"text": "B.", "label": "b"}, {"text": "C."}]
    imported = importer.run(records)  # JSON instead of lines
    assert importer.texts() == [("A.", ("a",)), ("B.", ("b",))]
    assert reasons(imported) == {"without a label": 1}


def test_several_labels(importer: Importer) -> None:
    imported = importer.run(lines({"text": "A.", "label": ["a", "b"]}, {"text": "C.", "label": []}))
    assert importer.texts() == [("A.", ("a", "b")), ("C.", ())]
    assert "multi_label = true" in next(iter(reasons(imported)))


def test_intents(importer: Importer) -> None:
    record = {"text": "Anna left.", "cats": ["news"], "entities": [[0, 4, "PER"]]}
    importer.run(lines(record), task="classification")
    assert importer.texts() == [("Anna left.", ("news",))]


def test_sequence_to_sequence(importer: Importer) -> None:
    importer.run(lines({"text": "Hello.", "label": ["你好。", "您好。"]}), task="translation")
    assert importer.pairs() == [("Hello.", "你好。")]


FAULTS: dict[str, tuple[Any, str]] = {
    "malformed": ('{"text": "A"}\n{"text": }\n', "export.json, line 2, column 10: is not JSON"),
    "no text": (lines({"label": []}), "record 1: text is missing"),
    "labels by number": (
        lines({"text": "A", "annotations": [{"label": 3, "start_offset": 0, "end_offset": 1}]}),
        "annotations[0].label is a number, whose name the file lacks",
    ),
    "a pair": (lines({"text": "A", "label": [[0, 1]]}), "label[0] is a list; expected [start, end"),
    "a number": (lines({"text": "A", "label": [3]}), "label[0] is a number; expected [start"),
    "a label that is an object": (lines({"text": "A", "label": {}}), "label is an object"),
    "no offsets": (lines({"text": "A", "entities": [{"label": "X"}]}), "start_offset is missing"),
    "a null offset": (
        lines({"text": "A", "label": [[None, 1, "X"]]}),
        "label[0].start_offset is null; expected an integer",
    ),
    "a boolean offset": (lines({"text": "A", "label": [[True, 1, "X"]]}), "is a boolean"),
}


@pytest.mark.parametrize(("export", "message"), FAULTS.values(), ids=FAULTS)
def test_faults(importer: Importer, export: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        importer.run(export)
    assert message in str(caught.value)
