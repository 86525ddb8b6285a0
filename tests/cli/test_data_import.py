"""`seqserve data import`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from typer.testing import CliRunner

from seqserve.choices import AnnotationFormat
from seqserve.cli.data_import import import_set
from seqserve.cli.main import app
from seqserve.datasets.annotations.table import FORMATS
from seqserve.tasks import Task

RUNNER = CliRunner()
EXPORT = [
    {
        "text": f"Ann{i:02} lives in Rome-based flats.",
        "label": [[0, 5, "Person"], [15, 19, "Place"]],
    }
    for i in range(20)
]


@pytest.fixture
def export(tmp_path: Path) -> str:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(EXPORT))
    return str(path)


def run(*words: str) -> tuple[int, str, str]:
    done = RUNNER.invoke(app, ["data", "import", *words])
    assert "Traceback" not in done.output
    return done.exit_code, done.stdout, done.stderr


def test_the_summary(export: str, tmp_path: Path) -> None:
    out = tmp_path / "data" / "people"
    code, told, _ = run(
        *("doccano", export, "--out", str(out), "--split", "50/25/25"),
        *("--rename", "Person=PER", "--rename", "Place=LOC", "--labels", "PER, LOC"),
    )
    lines = told.splitlines()
    assert (code, lines[:2]) == (0, ["task: ner; LOC 20, PER 20", "read: 20 records"])
    assert lines[2].startswith("changed: entities widened to whole tokens: 20 (")
    assert [line.split(":")[0] for line in lines[3:]] == ["train", "dev", "test", "wrote"]
    assert (out / "train.conll").read_text().startswith("Ann")
    code, told, _ = run("doccano", export, "--out", str(out), "--replace", "--json")
    assert code == 0 and sum(json.loads(told)["texts"].values()) == 20


def test_every_option_reaches_the_import(tmp_path: Path) -> None:
    path = tmp_path / "columns.txt"
    path.write_text("1\tAnn\xe4\tB-X\n2\tleft\tO\n", encoding="latin-1")
    words = ("--columns", "2,3", "--encoding", "latin-1", "--split", "100/0/0", "--task", "ner")
    code, _, said = run("conll", str(path), "--out", str(tmp_path / "a"), *words)
    assert (code, said) == (0, "")
    record = {"body": "💩 Hallo.", "label": ["你好。"], "page": 1}
    path.write_text(json.dumps([record]))
    words = ("--pair", "de,zh", "--field", "body", "--document", "page", "--task", "translation")
    assert run("doccano", str(path), "--out", str(tmp_path / "b"), *words)[0] == 0
    files = {file.name.split(".")[1] for file in (tmp_path / "b").iterdir()}
    assert files == {"de", "zh", "json"}
    record = {"body": "💩 安娜", "entities": [[2, 4, "X"]]}
    path.write_text(json.dumps([record]))
    words = ("--offset-unit", "codepoint", "--language", "zh", "--field", "body")
    assert run("doccano", str(path), "--out", str(tmp_path / "c"), *words)[0] == 0
    result = {"type": "choices", "from_name": "mood", "value": {"choices": ["good"]}}
    task = {"data": {"text": "A."}, "annotations": [{"completed_by": 4, "result": [result]}]}
    path.write_text(json.dumps([task]))
    words = ("--control", "mood", "--annotator", "4", "--task", "sentiment")
    assert run("label-studio", str(path), "--out", str(tmp_path / "d"), *words)[0] == 0


WRONG: dict[str, tuple[list[str], int, str]] = {
    "a format": (["excel", "{export}"], 2, "excel"),
    "no folder": (["doccano", "{export}"], 2, "--out"),
    "shares": (
        ["doccano", "{export}", "--out", "{out}", "--split", "80/20"],
        2,
        "--split is '80/20'",
    ),
    "columns": (
        ["conll", "{export}", "--out", "{out}", "--columns", "0,1"],
        2,
        "--columns is '0,1'",
    ),
    "one column": (
        ["conll", "{export}", "--out", "{out}", "--columns", "1"],
        2,
        "--columns is '1'",
    ),
    "a name": (["doccano", "{export}", "--out", "{out}", "--rename", "A"], 2, "--rename is 'A'"),
    "no old name": (["doccano", "{export}", "--out", "{out}", "--rename", "=A"], 2, "OLD=NEW"),
    "a pair": (["doccano", "{export}", "--out", "{out}", "--pair", "en"], 2, "--pair is 'en'"),
    "a pair of one": (["doccano", "{export}", "--out", "{out}", "--pair", "en,en"], 2, "--pair"),
    "a language": (
        ["doccano", "{export}", "--out", "{out}", "--language", "?"],
        2,
        "--language is",
    ),
    "a malformed export": (
        ["prodigy", "{export}", "--out", "{out}"],
        1,
        "nothing of the export is left",
    ),
    "another format": (["label-studio", "{export}", "--out", "{out}"], 1, "record 1: has neither"),
    "no export": (["doccano", "none.json", "--out", "{out}"], 1, "none.json cannot be read"),
}


@pytest.mark.parametrize(("words", "status", "message"), WRONG.values(), ids=WRONG)
def test_wrong(words: list[str], status: int, message: str, export: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, _, said = run(*(word.format(export=export, out=out) for word in words))
    assert code == status and message in said and not out.exists()


def test_choices_are_those_of_the_code() -> None:
    assert set(get_args(AnnotationFormat)) == set(FORMATS)
    hints = get_type_hints(import_set)
    assert get_args(get_args(hints["task"])[0]) == get_args(Task)
