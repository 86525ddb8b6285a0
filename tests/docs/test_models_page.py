"""docs/models.md: its commands work on a tiny checkpoint of every family, and its tables name them all."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model_export.checkpoints.directory import read_checkpoint
from model_export.checkpoints.table import FAMILIES
from seqserve.cli.main import app
from seqserve.errors import CheckpointError
from seqserve.tasks import TASKS
from tests.docs.pages import ROOT, blocks_of
from tests.serving import running_server
from tests.tiny_checkpoints import CHECKPOINTS, SEQUENCE, relabel, write_tiny

PAGE = ROOT / "docs" / "models.md"
FIRST = next(block for block in blocks_of(PAGE) if "seqserve import my-model" in block.code)
COMMANDS = [line.partition(" #")[0].strip() for line in FIRST.code.splitlines()]
RUNNER = CliRunner()


def section(title: str) -> str:
    return PAGE.read_text(encoding="utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]


def first_cells(title: str) -> str:
    rows = re.findall(r"^\| (`.*?) \|", section(title), re.MULTILINE)
    return "\n".join(rows[1:] if rows[0] == "`model_type`" else rows)


def test_there_are_five_commands() -> None:
    assert len(COMMANDS) == 5 and COMMANDS[:2] == ["make import", ". .venv/bin/activate"]
    assert COMMANDS[4] == "seqserve serve --bundles models"


def test_the_table_names_every_family() -> None:
    named = [
        one for one in re.findall("`([^`]+)`", first_cells("What is imported")) if "*" not in one
    ]
    assert sorted(named) == sorted(FAMILIES)


def test_there_is_a_tiny_checkpoint_of_every_family() -> None:
    assert set(CHECKPOINTS) == set(FAMILIES)


def run_first_steps() -> str:
    """Run the commands between installing and serving in the working directory, and return the answer."""
    done = RUNNER.invoke(app, shlex.split(COMMANDS[2])[1:])
    assert done.exit_code == 0, done.output
    echo, _, predict = COMMANDS[3].partition(" | ")
    task = json.loads(Path("models/my-model/manifest.json").read_text())["task"]
    words = shlex.split(predict)[1:]
    done = RUNNER.invoke(
        app,
        [TASKS[task].command if word == "ner" else word for word in words],
        input=shlex.split(echo)[1] + "\n",
    )
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("family", CHECKPOINTS)
def test_first_steps(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_tiny(tmp_path / "my-model", family)
    answer = json.loads(run_first_steps())
    assert answer["line"] == 1 and ("text" if family == "marian" else "entities") in answer
    said = json.loads((tmp_path / "models/my-model/manifest.json").read_text())
    assert said["precision"] == "int8" and said["origin"]["family"] == family


HEADS = {
    "any labels": (("sport", "business", "science"), {}, "classification", "softmax"),
    "several labels": (
        ("sport", "business", "science"),
        {"problem_type": "multi_label_classification"},
        "classification",
        "sigmoid",
    ),
    "polarity": (("NEGATIVE", "neutral", "Positive"), {}, "sentiment", "softmax"),
}


@pytest.mark.parametrize(("labels", "changes", "task", "kind"), HEADS.values(), ids=HEADS)
def test_sequence_heads(
    labels: tuple[str, ...],
    changes: dict[str, str],
    task: str,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    relabel(write_tiny(tmp_path / "my-model", "bert", SEQUENCE), *labels, **changes)
    answer = json.loads(run_first_steps())
    assert "label" in answer
    said = json.loads((tmp_path / "models/my-model/manifest.json").read_text())
    assert (said["task"], said["score_kind"]) == (task, kind)


def test_imported_models_answer_over_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two models of one task, chosen by name, answer as they do without a server."""
    monkeypatch.chdir(tmp_path)
    write_tiny(tmp_path / "my-model", "bert")
    predicted = json.loads(run_first_steps())
    write_tiny(tmp_path / "other", "roberta")
    words = ["import", "other", "--bundles", "models", "--version", "0.9"]
    assert RUNNER.invoke(app, words).exit_code == 0
    text = "Harry Potter lives in London."
    with running_server(tmp_path, tmp_path / "models", tasks="ner") as serve:
        answers = [
            serve.client.post("/v1/ner", json={"text": text} | more).raise_for_status().json()
            for more in ({}, {"model": "my-model"}, {"model": "other@0.9"})
        ]
        models = serve.client.get("/v1/models").raise_for_status().json()["models"]
    said = [(answer["model"], answer["version"]) for answer in answers]
    assert said == [("my-model", "1"), ("my-model", "1"), ("other", "0.9")]
    assert all(one["results"][0]["entities"] == predicted["entities"] for one in answers[:2])
    assert {(one["name"], one["score_kind"]) for one in models} == {
        ("my-model", "posterior"),
        ("other", "posterior"),
    }


REFUSED = {
    "pytorch_model.bin": lambda path: (path / "model.safetensors").rename(
        path / "pytorch_model.bin"
    ),
    "auto_map": lambda path: relabel(path, "O", auto_map={"AutoModel": "x.Y"}),
    "adapter_config.json": lambda path: (path / "adapter_config.json").write_text("{}"),
    "quantization_config": lambda path: relabel(path, "O", quantization_config={"bits": 4}),
}


def test_the_table_of_refusals_names_these() -> None:
    assert set(re.findall("`([^`]+)`", first_cells("What is refused"))) - {"config.json"} == set(
        REFUSED
    )


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str, tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "my-model", "bert")
    REFUSED[name](path)
    with pytest.raises(CheckpointError, match=re.escape(name)):
        read_checkpoint(path)
