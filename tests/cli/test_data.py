from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqserve.cli.main import app
from seqserve.datasets.catalogue import ELSEWHERE, SOURCES
from tests.tiny import TinyProject, write_data

RUNNER = CliRunner()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_data(tmp_path / "data")
    return tmp_path / "data"


def test_list(root: Path) -> None:
    done = RUNNER.invoke(app, ["data", "list", "--data", str(root)])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "files  translation  dev 24, test 24, train 160  licence not stated",
        "films  labelled  dev 24, test 24, train 160  licence not stated",
        "people  ner  dev 24, test 24, train 160  licence not stated",
        "topics  labelled  dev 24, test 24, train 160  licence not stated",
    ]
    said = json.loads(RUNNER.invoke(app, ["data", "list", "--data", str(root), "--json"]).stdout)
    assert [one["counts"]["train"] for one in said["sets"]] == [160] * 4


def test_check_of_recipes(root: Path, tiny: TinyProject) -> None:
    recipes = [str(path) for path in tiny.recipe_files.values()]
    whole = RUNNER.invoke(app, ["data", "check", *recipes, "--data", str(root)])
    assert whole.exit_code == 0, whole.output
    assert whole.stdout.count(": complete") == 4
    (root / "people" / "dev.conll").unlink()
    (root / "films" / "META.json").write_text('{"files": {"dev.jsonl": {"sha256": "0"}}}')
    lacking = RUNNER.invoke(app, ["data", "check", *recipes, "--data", str(root), "--json"])
    assert lacking.exit_code == 1
    assert json.loads(lacking.stdout)["missing"]["ner-tiny"] == ["people/dev.conll"]
    assert "ner-tiny needs people/dev.conll, which is missing" in lacking.stderr
    assert "films: dev.jsonl has another checksum" in lacking.stderr


def test_a_fault_names_its_set(root: Path) -> None:
    (root / "films" / "META.json").write_text("{")
    done = RUNNER.invoke(app, ["data", "list", "--data", str(root)])
    assert done.exit_code == 1
    assert done.stderr.startswith("seqserve:\nfilms: META.json is no JSON")


def test_sources_name_every_set_and_its_terms() -> None:
    words = RUNNER.invoke(app, ["data", "sources"]).stdout
    said = json.loads(RUNNER.invoke(app, ["data", "sources", "--json"]).stdout)
    assert [one["path"] for one in said["fetch"]] == [one.path for one in SOURCES]
    assert [one["path"] for one in said["elsewhere"]] == [one.path for one in ELSEWHERE]
    for one in (*SOURCES, *ELSEWHERE):
        assert one.path in words and one.licence in words


FAILURES = {
    "no folder": (["list", "--data", "nowhere"], 1, "--data"),
    "no recipe": (["check", "none.toml"], 1, "there is no recipe none.toml"),
    "unknown set": (["fetch", "ner/conll2003"], 2, "ner/conll2003"),
    "nobody answers": (
        ["fetch", "ner/btc", "--mirror", "http://127.0.0.1:9", "--data", "{tmp}"],
        1,
        "cannot be downloaded",
    ),
}


@pytest.mark.parametrize(("words", "status", "message"), FAILURES.values(), ids=FAILURES)
def test_failures(words: list[str], status: int, message: str, tmp_path: Path) -> None:
    done = RUNNER.invoke(app, ["data", *[word.format(tmp=tmp_path) for word in words]])
    assert done.exit_code == status
    assert message in done.stderr and "Traceback" not in done.output
