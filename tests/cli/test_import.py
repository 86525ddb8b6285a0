"""`seqserve import` and what is done with its bundles."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from model_export.checkpoints import table
from model_export.sources import huggingface
from model_export.sources.draft import write_draft
from seqserve.bundle import Bundle, load_bundle
from seqserve.cli.main import app
from seqserve.runtime.engine import check_golden, open_engine
from tests.word_checkpoints import LABELS, README, WORD_FAMILY, write_checkpoint

ROOT = Path(__file__).parents[2]
RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def words_family(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "FAMILIES", {**table.FAMILIES, "words": WORD_FAMILY})


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working directory with a checkpoint and labelled films."""
    monkeypatch.chdir(tmp_path)
    write_checkpoint(tmp_path / "My words")
    films = tmp_path / "films"
    films.mkdir()
    rows = [("a great film", 1), ("a dull plot", 0), ("lovely", 1), ("the awful film", 1)]
    lines = [json.dumps({"text": text, "label": label}) for text, label in rows]
    (films / "test.jsonl").write_text("\n".join(lines))
    return tmp_path


def run(*words: str) -> Result:
    return RUNNER.invoke(app, list(words))


def imported(*more: str) -> Result:
    return run("import", "My words", *more)


def test_checkpoint_becomes_a_bundle(here: Path) -> None:
    done = imported()
    assert done.exit_code == 0, done.output
    bundle = load_bundle(here / "bundles" / "My-words")
    said = bundle.manifest
    assert (said.name, said.version, said.task) == ("My-words", "1", "sentiment")
    assert (said.languages, said.labels, said.precision) == (("en",), LABELS, "int8")
    assert (said.licence, said.score_kind) == ("apache-2.0", "softmax")
    assert said.metrics == {"int8_agreement": 1.0} and said.data == ()
    assert said.origin is not None
    assert (said.origin.kind, said.origin.family) == ("hugging-face", "words")
    assert (said.origin.name, len(said.origin.files)) == ("My words", 3)
    assert said.tools.keys() >= {"onnx", "onnxruntime", "transformers", "torch"}
    assert done.stdout.splitlines() == [
        "bundle   bundles/My-words: My-words 1, int8",
        "task     sentiment; languages en; labels negative, positive",
        "verified 1.0e-07 from transformers at most, in fp32",
        "metric   int8_agreement 1",
        "next     seqserve serve --bundles bundles",
    ]
    steps = ["read My words", "convert words", "compare with transformers", "quantize to int8"]
    assert done.stderr.splitlines() == [f"import: {step}" for step in steps]


def test_golden_cases_are_its_own_answers(here: Path) -> None:
    assert imported().exit_code == 0
    engine = open_engine(here / "bundles" / "My-words")
    cases = check_golden(engine)
    assert [case.item.text for case in cases] == ["A great film.", "The plot is dull.", "x"]
    assert cases[0].output["label"] == "positive" and cases[1].output["label"] == "negative"


def test_card(here: Path) -> None:
    assert imported("--check", "films/test.jsonl").exit_code == 0
    bundle = load_bundle(here / "bundles" / "My-words")
    card = bundle.file("MODEL_CARD.md").read_text(encoding="utf-8")
    assert "Imported from the checkpoint My words; it was not trained here." in card
    assert "- Licence of the weights: apache-2.0" in card and "transformers" in card
    assert "over several batch sizes and lengths: 1.0e-07" in card
    for name, sha256 in bundle.manifest.origin.files.items():  # type: ignore[union-attr]
        assert f"| {name} | {sha256} |" in card
    for name, value in bundle.manifest.metrics.items():
        assert f"| {name} | {value:g} |" in card
    assert str(here) not in card


def test_measured_on_a_file(here: Path) -> None:
    done = imported("--check", "films/test.jsonl", "--precision", "fp32", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["metrics"]["films_test_accuracy"] == 0.75
    assert said["metrics"]["torch_max_difference"] == said["difference"] == 1e-7
    assert (said["bundle"], said["warnings"]) == ("bundles/My-words", [])
    again = run("evaluate", "bundles/My-words", "--set", "films/test.jsonl", "--json")
    assert again.exit_code == 0, again.output
    measured = json.loads(again.stdout)["metrics"]
    assert measured.items() <= said["metrics"].items() and measured


def test_names_places_and_languages(here: Path) -> None:
    words = ["--name", "mood", "--version", "2", "--out", "models/mood/2"]
    done = imported(*words, "--languages", "DE, fra", "--licence", "MIT")
    assert done.exit_code == 0, done.output
    said = load_bundle(here / "models" / "mood" / "2").manifest
    assert (said.name, said.version, said.languages) == ("mood", "2", ("de", "fr"))
    assert said.licence == "MIT"


def test_warnings_are_shown_and_recorded(here: Path) -> None:
    readme = README.replace("license: apache-2.0\n", "")
    write_checkpoint(here / "new", readme=readme, is_new=True)
    done = run("import", "new")
    assert done.exit_code == 0, done.output
    card = (here / "bundles/new/MODEL_CARD.md").read_text()
    for warning in ("the labels are untrained", "the licence of the weights is unknown"):
        assert f"warning  {warning}" in done.stderr and f"- {warning}" in card
    assert load_bundle(here / "bundles/new").manifest.licence == "unknown"


def test_commands_work_on_the_bundle(here: Path) -> None:
    assert imported().exit_code == 0
    listed = run("models", "--verify")
    assert listed.stdout == "My-words 1 sentiment int8\n", listed.output
    (here / "texts.txt").write_text("A moving film.\nAn awful plot.\n")
    predicted = run("predict", "sentiment", "texts.txt", "--out", "out.jsonl")
    assert predicted.exit_code == 0, predicted.output
    rows = [json.loads(line) for line in (here / "out.jsonl").read_text().splitlines()]
    assert [row["label"] for row in rows] == ["positive", "negative"]
    without = run("evaluate", "bundles/My-words")
    assert without.exit_code == 1 and "`seqserve evaluate --set FILE`" in without.stderr


REFUSED: dict[str, tuple[list[str], int, str]] = {
    "no directory": (["import", "nothing"], 1, "there is no directory nothing"),
    "a hub name": (["import", "org/model"], 1, "hf download org/model"),
    "a bundle that exists": (["import", "My words", "--name", "taken"], 1, "exists already"),
    "a version with an at sign": (
        ["import", "My words", "--version", "a@b"],
        2,
        "--version is 'a@b'; use up to 99 letters",
    ),
    "a long name": (
        ["import", "My words", "--name", "a" * 100],
        2,
        f"--name is '{'a' * 40}...'",
    ),
    "a name with a slash": (["import", "My words", "--name", "a/b"], 2, "--name is 'a/b'"),
    "an unknown option": (["import", "My words", "--int4"], 2, "No such option"),
    "a precision": (["import", "My words", "--precision", "int4"], 2, "'int4' is not one of"),
    "languages": (["import", "My words", "--languages", "English!"], 2, "has 'English!'"),
    "no check file": (["import", "My words", "--check", "x.jsonl"], 1, "there is no file x.jsonl"),
    "a check of another task": (
        ["import", "My words", "--check", "films/test.conll"],
        1,
        "does not end with .jsonl",
    ),
    "the same check twice": (
        ["import", "My words", *["--check", "films/test.jsonl"] * 2],
        1,
        "two files have the name films/test",
    ),
    "no calibration file": (["import", "My words", "--calibrate", "x.txt"], 1, "x.txt"),
    "an empty calibration file": (["import", "My words", "--calibrate", "blank"], 1, "no texts"),
    "calibrated fp32": (
        ["import", "My words", "--calibrate", "blank", "--precision", "fp32"],
        1,
        "--calibrate has no effect with --precision fp32",
    ),
    "unknown languages": (["import", "silent"], 1, "does not say its languages"),
    "another layout": (["import", "other"], 1, "other has another layout"),
    "another family": (["import", "mamba"], 1, "has model_type 'mamba'; these are imported"),
    "no file to evaluate on": (
        ["evaluate", "bundles/taken", "--set", "x.jsonl"],
        1,
        "is not a directory",
    ),
}


@pytest.mark.parametrize(("words", "code", "message"), REFUSED.values(), ids=REFUSED)
def test_refusals(here: Path, words: list[str], code: int, message: str) -> None:
    (here / "bundles").mkdir()
    (here / "bundles" / "taken").write_text("")
    (here / "blank").write_text("\n  \n")
    (here / "films" / "test.conll").write_text("Anna\tB-PER\n")
    write_checkpoint(here / "silent", readme="")
    write_checkpoint(here / "other", is_unknown_layout=True)
    write_checkpoint(here / "mamba", model_type="mamba")
    done = run(*words)
    assert (done.exit_code, done.stdout) == (code, ""), done.output
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert [path.name for path in (here / "bundles").iterdir()] == ["taken"]


BLOCKED = """
import sys
from pathlib import Path

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {names}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Blocked())
from model_export.checkpoints import table
from tests.word_checkpoints import WORD_FAMILY
table.FAMILIES = {{"words": WORD_FAMILY}}
from seqserve.cli.main import app
sys.argv = ["seqserve", "import", *{words}]
app()
"""


def test_import_needs_neither_torch_nor_transformers(here: Path) -> None:
    """Nor any other package that requirements/import.txt and what it builds on do not have."""
    names = ("torch", "transformers", "onnxscript", "sklearn", "seqeval", "matplotlib", "gensim")
    words = ["My words", "--check", "films/test.jsonl"]
    code = BLOCKED.format(names=names, words=words)
    command = [sys.executable, "-c", code]
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        command, cwd=here, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "verified" not in done.stdout and "films_test_accuracy 0.75" in done.stdout
    assert "were not compared with those of transformers" in done.stderr
    tools = load_bundle(here / "bundles" / "My-words").manifest.tools
    assert "onnx" in tools and "torch" not in tools


@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_fp32_writes_a_draft_only_to_compare_it(
    here: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """A draft is as large as the checkpoint."""
    drafts = []

    def write(*given: Any) -> Bundle:
        drafts.append(given)
        return write_draft(*given)

    monkeypatch.setattr(huggingface, "write_draft", write)
    assert imported("--precision", "fp32", "--name", "compared").exit_code == 0
    assert len(drafts) == 1
    monkeypatch.setitem(sys.modules, missing, None)
    done = imported("--precision", "fp32", "--name", "alone")
    assert done.exit_code == 0 and len(drafts) == 1
    assert "were not compared with those of transformers" in done.stderr
    compared, alone = (load_bundle(here / "bundles" / name) for name in ("compared", "alone"))
    assert alone.golden() == compared.golden() and alone.config == compared.config


def test_int8_that_costs_quality_is_a_warning(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from model_export.int8 import cost

    monkeypatch.setattr(cost, "INT8_COSTS", {"accuracy": -0.1})
    done = imported("--check", "films/test.jsonl")
    assert done.exit_code == 0, done.output
    assert "warning  int8 changes films_test_accuracy by +0" in done.stderr
    assert "--precision fp32 keeps the quality" in done.stderr


def test_calibration_texts_reach_the_family(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def convert(checkpoint: object, options: object) -> object:
        seen.append(options)
        return WORD_FAMILY.convert(checkpoint, options)  # type: ignore[arg-type]

    family = type(WORD_FAMILY)(convert, WORD_FAMILY.compare)  # type: ignore[arg-type]
    monkeypatch.setitem(table.FAMILIES, "words", family)  # type: ignore[arg-type]
    (here / "texts.jsonl").write_text('{"text": "one"}\n{"text": " "}\n{"text": "two"}\n')
    assert imported("--calibrate", "texts.jsonl").exit_code == 0
    assert [(one.precision, one.calibration) for one in seen] == [  # type: ignore[attr-defined]
        ("fp32", ()),
        ("int8", ("one", "two")),
    ]
