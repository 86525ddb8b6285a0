from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from seqserve.bulk.readers import Reader
from seqserve.bulk.records import Columns, Record, Refusal, Rejected, columns_of
from seqserve.bulk.rows import (
    OutputFormat,
    check_output,
    fields_of,
    header_of,
    rejected_row,
    row_maker,
)
from seqserve.errors import ConfigError
from seqserve.tasks import Task
from seqserve.training.data import read_tagged
from seqserve.training.recipe_data import DataSet

ANN = {"text": "Ann Lee", "label": "PER", "start": 0, "end": 7, "score": 0.5}
OSLO = {"text": "Oslo", "label": "LOC", "start": 13, "end": 17, "score": 0.25}
RESULTS: dict[Task, dict[str, Any]] = {
    "ner": {"entities": [ANN, OSLO]},
    "sentiment": {
        "label": "positive",
        "score": 0.75,
        "scores": {"negative": 0.25, "positive": 0.75},
        "unknown_share": 0.5,
        "warnings": [],
    },
    "classification": {
        "label": "world news",
        "score": 0.75,
        "labels": [{"label": "world news", "score": 0.75}, {"label": "sport", "score": 0.5}],
        "scores": {"sport": 0.5, "world news": 0.75},
        "unknown_share": 0.5,
        "warnings": ["mostly_unknown"],
    },
    "translation": {"text": "一,\n二", "score": -0.5, "warnings": ["truncated", "repetition"]},
}
RECORD = Record(7, "Ann Lee left Oslo.", {"id": 3, "tags": ["a", "b"], "note": 'x,"y"'})
KEPT = Columns("text", {"id": "id", "tags": "tags", "note": "note"})
CSV = {
    "ner": [
        ["line", "id", "tags", "note", "text", "label", "start", "end", "score"],
        ["7", "3", '["a","b"]', 'x,"y"', "Ann Lee", "PER", "0", "7", "0.5"],
        ["7", "3", '["a","b"]', 'x,"y"', "Oslo", "LOC", "13", "17", "0.25"],
    ],
    "sentiment": [
        ["line", "id", "tags", "note", "label", "score", "warnings"],
        ["7", "3", '["a","b"]', 'x,"y"', "positive", "0.75", ""],
    ],
    "classification": [
        ["line", "id", "tags", "note", "label", "score", "labels", "warnings"],
        [
            *("7", "3", '["a","b"]', 'x,"y"', "world news", "0.75", "world news; sport"),
            "mostly_unknown",
        ],
    ],
    "translation": [
        ["line", "id", "tags", "note", "text", "score", "warnings"],
        ["7", "3", '["a","b"]', 'x,"y"', "一,\n二", "-0.5", "truncated repetition"],
    ],
}


@pytest.mark.parametrize("task", RESULTS)
def test_csv(task: Task) -> None:
    raw = header_of(task, "csv", KEPT) + row_maker(task, "csv", "en")(RECORD, RESULTS[task])
    assert list(csv.reader(io.StringIO(raw.decode()), strict=True)) == CSV[task]


@pytest.mark.parametrize("task", RESULTS)
def test_jsonl(task: Task) -> None:
    assert header_of(task, "jsonl", KEPT) == b""
    raw = row_maker(task, "jsonl", "en")(RECORD, RESULTS[task])
    assert raw.endswith(b"}\n") and raw.count(b"\n") == 1
    assert json.loads(raw) == {"line": 7, **RECORD.beside, **RESULTS[task]}
    assert next(iter(json.loads(raw))) == "line"


def test_a_text_without_names_has_a_row() -> None:
    raw = row_maker("ner", "csv", "en")(Record(2, "none"), {"entities": []})
    assert raw == b"2,,,,,\n"


KEPT_VALUES = [
    (None, ""),
    (1.5, "1.5"),
    ("a", "a"),
    (True, "true"),
    ({"a": None}, '"{""a"":null}"'),
]


@pytest.mark.parametrize(("value", "expected"), KEPT_VALUES)
def test_kept_values_in_csv(value: object, expected: str) -> None:
    record = Record(1, "x", {"kept": value})
    assert row_maker("sentiment", "csv", "en")(record, RESULTS["sentiment"]) == (
        f"1,{expected},positive,0.75,\n".encode()
    )


CELLS = {
    "carriage return": "Good\rBad",
    "carriage return at the end": "Good\r",
    "line feed": "Good\nBad",
    "both": "Good\r\nBad",
    "only line ends": "\r",
    "next line": "Good\x85Bad",
    "line separator": "Good\u2028Bad\u2029",
    "form feed": "Good\x0cBad\x0b",
    "quotes": '"Good" "bad"',
    "open quote": '"Good',
    "delimiters": "Good,bad;\tworse",
    "blanks around": "  Good ",
    "only blanks": " ",
    "nothing": "",
    "number sign": "#1",
    "byte order mark": "\ufeffGood",
}


@pytest.mark.parametrize("text", CELLS.values(), ids=CELLS)
def test_csv_is_read_back(text: str) -> None:
    """By the standard library and by our own reader: the same rows."""
    kept = Columns("text", {"text": "source"})
    row = row_maker("translation", "csv", "en")
    result = {"text": text, "score": -0.5, "warnings": ["truncated"]}
    records = [Record(line, text, {"source": text}) for line in (1, 2)]
    raw = header_of("translation", "csv", kept) + b"".join(row(one, result) for one in records)
    rows = list(csv.DictReader(io.StringIO(raw.decode(), newline=""), strict=True))
    cells = {"source": text, "text": text, "score": "-0.5", "warnings": "truncated"}
    assert rows == [{"line": "1", **cells}, {"line": "2", **cells}]
    columns = Columns("text", {"line": "line", "source": "source"})
    found = list(Reader(io.BytesIO(raw), "csv", columns, 10_000))
    assert [(one.text, one.beside) for one in found if isinstance(one, Record)] == [
        (text, {"line": "1", "source": text}),
        (text, {"line": "2", "source": text}),
    ]


def test_a_nul_in_a_kept_field_of_csv() -> None:
    row = row_maker("sentiment", "csv", "en")(
        Record(1, "x", {"kept": "a\0b"}), RESULTS["sentiment"]
    )
    assert row == b"1,a\0b,positive,0.75,\n"


CONLL = {
    "entities": (
        "Ann Lee left Oslo.",
        [ANN, OSLO],
        "# line = 7\nAnn\tB-PER\nLee\tI-PER\nleft\tO\nOslo\tB-LOC\n.\tO\n\n",
    ),
    "two sentences": (
        "Ann Lee left Oslo. He slept.",
        [ANN],
        "# line = 7\nAnn\tB-PER\nLee\tI-PER\nleft\tO\nOslo\tO\n.\tO\n\nHe\tO\nslept\tO\n.\tO\n\n",
    ),
    "side by side": (
        "Oslo Bergen",
        [{**OSLO, "start": 0, "end": 4}, {**OSLO, "start": 5, "end": 11}],
        "# line = 7\nOslo\tB-LOC\nBergen\tB-LOC\n\n",
    ),
    "part of a token": (
        "Oslo-based",
        [{**OSLO, "start": 0, "end": 4}],
        "# line = 7\nOslo-based\tB-LOC\n\n",
    ),
    "no word": ("  ", [], "# line = 7\n"),
    "a number sign": ("# line = 3", [], "# line = 7\n#\tO\nline\tO\n=\tO\n3\tO\n\n"),
}


@pytest.mark.parametrize(("text", "entities", "expected"), CONLL.values(), ids=CONLL)
def test_conll(text: str, entities: list[Any], expected: str) -> None:
    raw = row_maker("ner", "conll", "en")(Record(7, text), {"entities": entities})
    assert raw.decode() == expected


def test_conll_can_be_trained_on(tmp_path: Path) -> None:
    row = row_maker("ner", "conll", "en")
    rows = [row(Record(n, "Ann Lee left Oslo."), RESULTS["ner"]) for n in (1, 2)]
    (tmp_path / "silver").mkdir()
    hashed = row(Record(3, "# 1"), {"entities": []})  # a token, and no comment
    (tmp_path / "silver" / "train.conll").write_bytes(b"".join([*rows, hashed]))
    sentences = read_tagged(tmp_path, DataSet("silver", "CC0-1.0"), "train")
    tokens = [("Ann", "Lee", "left", "Oslo", ".")] * 2
    assert [sentence.tokens for sentence in sentences] == [*tokens, ("#", "1")]
    assert sentences[0].tags == ("B-PER", "I-PER", "O", "B-LOC", "O")


REFUSED: dict[str, tuple[Task, OutputFormat, dict[str, Any], Columns, str]] = {
    "sentences": ("sentiment", "csv", {"sentences": True}, Columns(), "no place for sentences"),
    "alternatives": (
        "translation",
        "csv",
        {"alternatives": 2},
        Columns(),
        "no place for alternatives",
    ),
    "tone": (
        "sentiment",
        "conll",
        {},
        Columns(),
        "conll is for entities \\(ner\\), not for sentiment",
    ),
    "translation": ("translation", "conll", {}, Columns(), "conll is for entities"),
    "kept": ("ner", "conll", {}, KEPT, "no place for fields that are kept"),
    "labelings": ("ner", "conll", {"alternatives": 1}, Columns(), "conll has no place for"),
    "bytes": ("ner", "conll", {"offset_unit": "byte"}, Columns(), "conll has no offsets"),
}


@pytest.mark.parametrize(
    ("task", "format", "asked", "kept", "message"), REFUSED.values(), ids=REFUSED
)
def test_what_a_format_has_no_place_for(
    task: Task, format: OutputFormat, asked: dict[str, Any], kept: Columns, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        check_output(task, format, asked, kept)
    check_output(task, "jsonl", asked, kept)


def test_what_every_format_takes() -> None:
    check_output("ner", "conll", {"offset_unit": "codepoint"}, Columns())
    check_output("sentiment", "csv", {"sentences": False}, KEPT)


@pytest.mark.parametrize("word", ["text", "line", "score:text", "id:line", "a:x"])
def test_two_fields_of_one_name(word: str) -> None:
    with pytest.raises(ConfigError, match="already; rename it"):
        columns_of("text", ["x", word], fields_of("translation", "jsonl"))


def test_fields_that_are_kept() -> None:
    columns = columns_of("body", ["id", "text:source"], fields_of("translation", "csv"))
    assert columns == Columns("body", {"id": "id", "text": "source"})


def test_rejected() -> None:
    row = rejected_row(Rejected(3, Refusal("invalid_field", "No.")))
    assert row == b'{"line":3,"code":"invalid_field","message":"No."}\n'
