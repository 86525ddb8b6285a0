"""docs/labelling.md: its loop runs as printed, from predictions to the next version of the model."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from typer.testing import CliRunner

from seqserve.choices import AnnotationFormat
from seqserve.cli.main import app
from service.api.dialects.label_config import read_controls
from tests.docs.pages import ROOT, Block, blocks_of, prose_of
from tests.serving import Serve, free_port

PAGE = ROOT / "docs" / "labelling.md"
EXAMPLE = ROOT / "docs" / "labelling"
RUNNER = CliRunner()
ADMIN = "http://localhost:3001"


def block_with(text: str, language: str = "sh") -> Block:
    (found,) = (b for b in blocks_of(PAGE) if b.language == language and text in b.code)
    return found


def run(command: str) -> str:
    """Run a command of the page in this process: seqserve, mkdir, cp or mv; return what it prints."""
    program, *words = shlex.split(command)
    if program == "seqserve":
        done = RUNNER.invoke(app, words)
        assert done.exit_code == 0, done.output
        return done.stdout
    if program == "mkdir":
        Path(words[-1]).mkdir(parents=True)
    elif program == "cp":
        shutil.copytree(words[-2], Path(words[-1]) / Path(words[-2]).name)
    else:
        assert program == "mv"
        Path(words[0]).rename(words[1])
    return ""


def request(block: Block) -> tuple[str, Any]:
    """Return the path and the body of a curl command."""
    words = shlex.split(block.code.replace("\\\n", " "))
    address = next(word for word in words if word.startswith("localhost"))
    return address.partition("/")[2], json.loads(words[words.index("-d") + 1])


@dataclass
class Loop:
    """What the steps of the page printed and answered."""

    before: dict[str, Any]
    imported: str
    exported: dict[str, float]
    reloaded: str
    after: dict[str, Any]
    again: dict[str, Any]


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    folder = tmp_path_factory.mktemp("clone")
    for name in ("training", "labelling"):
        shutil.copytree(ROOT / "docs" / name, folder / "docs" / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield go_round(folder)


def go_round(folder: Path) -> Loop:
    """Run the steps in the working directory."""
    for command in block_with("seqserve train docs/training").code.splitlines():
        run(command)
    settings = [word.split("=") for word in block_with("DIALECTS").code.split() if "=" in word]
    port = free_port()
    changes = {"SEQSERVE_ADMIN_PORT": str(port), "SEQSERVE_TOPOLOGY": "embedded"}
    ours = {name: value for name, value in settings if name != "SEQSERVE_BUNDLES_DIR"} | changes
    serve = Serve(folder, folder / "my-bundles", **ours)
    try:
        serve.wait_until_logged('"serving"')
        before = ask(serve, "label-studio")
        *_, imported = map(run, block_with("data import").code.splitlines())
        _, exported = map(run, block_with("seqserve train docs/labelling").code.splitlines())
        there = block_with("models reload").code.replace(ADMIN, f"http://127.0.0.1:{port}")
        *_, reloaded = map(run, there.splitlines())
        after, again = ask(serve, "v1/ner"), ask(serve, "label-studio")
    finally:
        serve.kill()
    metrics = json.loads(exported[exported.index("{") :])
    return Loop(before, imported, metrics, reloaded, after, again)


def ask(serve: Serve, text: str) -> dict[str, Any]:
    (block,) = (b for b in blocks_of(PAGE) if b.language == "sh" and f":3000/{text}" in b.code)
    path, body = request(block)
    answer: dict[str, Any] = serve.client.post(f"/{path}", json=body).raise_for_status().json()
    return answer


@pytest.mark.slow
def test_the_first_version_misses_the_product(loop: Loop) -> None:
    (prediction,) = loop.before["results"]
    labels = [region["value"]["labels"] for region in prediction["result"]]
    assert labels == [["CODE"], ["VERSION"]]
    shown = re.search(r"Its `score` is (0\.\d+);", " ".join(prose_of(PAGE).split()))
    assert shown and prediction["score"] == pytest.approx(float(shown[1]), abs=0.25)
    assert prediction["model_version"] == "tickets@0.1.0"


@pytest.mark.slow
def test_the_import_prints_what_the_page_shows(loop: Loop) -> None:
    assert loop.imported == block_with("widened", "text").code
    assert "export of 101 made-up tickets" in " ".join(PAGE.read_text().split())
    assert len(json.loads((EXAMPLE / "export.json").read_text())) == 101


@pytest.mark.slow
def test_the_second_version_answers(loop: Loop) -> None:
    assert loop.reloaded == block_with("loaded", "text").code
    shown = json.loads(block_with('"tickets"', "json").code)
    for answer in (shown, loop.after):
        for entity in answer["results"][0]["entities"]:
            assert entity.pop("score") > 0.9
    assert loop.after == shown
    (before,), (again,) = loop.before["results"], loop.again["results"]
    assert again["model_version"] == "tickets@0.2.0" and again["score"] > before["score"]
    assert min(loop.exported["tickets_test_f1"], loop.exported["labelled_test_f1"]) > 0.9


def test_the_page_shows_the_files_as_they_are() -> None:
    assert block_with("<View>", "xml").code == (EXAMPLE / "config.xml").read_text()
    shown = tomllib.loads(block_with("[data]", "toml").code)
    recipe = tomllib.loads((EXAMPLE / "tickets.toml").read_text())
    assert {name: recipe[name] for name in shown} == shown
    old = tomllib.loads((ROOT / "docs" / "training" / "tickets.toml").read_text())
    same = set(old) - {"version", "data", "card"}
    assert {name: recipe[name] for name in same} == {name: old[name] for name in same}
    (asked,) = (b for b in blocks_of(PAGE) if b.language == "sh" and "label_config" in b.code)
    (control,) = read_controls(request(asked)[1]["label_config"])
    assert (control,) == tuple(read_controls((EXAMPLE / "config.xml").read_text()))


def test_the_tables_name_every_format_and_option() -> None:
    section = PAGE.read_text().partition("## Import annotations")[2]
    for name in get_args(AnnotationFormat):
        assert f"| `{name}` |" in section
    command: Any = typer.main.get_command(app)
    options = command.commands["data"].commands["import"].params
    names = {name for one in options for name in one.opts if name.startswith("--")}
    assert {name for name in names if f"`{name}" not in section} == {"--out"}
