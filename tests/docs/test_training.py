"""Run docs/training.md as printed: data, training, export, server, request."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from seqserve.config import from_mapping
from seqserve.training.ablation import variant_recipe
from seqserve.training.recipe import AblationConfig, Recipe, read_recipe
from seqserve.training.sentiment import read_sets
from tests.docs.pages import ROOT, Block, blocks_of
from tests.serving import START_S, STOP_S, free_port
from tests.tiny import write_data

PAGE = ROOT / "docs" / "training.md"
EXAMPLE = ROOT / "docs" / "training"
RECIPES = [block.code for block in blocks_of(PAGE) if block.language == "toml"]


def block_with(text: str, language: str = "sh") -> Block:
    (found,) = (b for b in blocks_of(PAGE) if b.language == language and text in b.code)
    return found


class Shell:
    """A folder laid out like a clone, with `seqserve` on the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(EXAMPLE, folder / "docs" / "training")
        program = folder / "bin" / "seqserve"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m seqserve.cli "$@"\n')
        program.chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "NO_PROXY": "*",
            "no_proxy": "*",
        }

    def run(self, script: str) -> str:
        """Run a script, which must succeed, and return its stdout."""
        done = subprocess.run(
            ["sh", "-e", "-c", script],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="module")
def made(shell: Shell) -> str:
    """Train, export and list; return the output."""
    return shell.run(block_with("seqserve train").code)


@pytest.fixture(scope="module")
def port(shell: Shell, made: str) -> Iterator[int]:
    """Start the page's server on a free port."""
    port = free_port()
    command = ["sh", "-c", block_with("seqserve serve").code]
    with (shell.folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=shell.folder,
            env={**shell.environment, "PORT": str(port)},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", lambda: process.poll() is None)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(STOP_S)


def wait_for(url: str, is_alive: Callable[[], bool]) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and is_alive():
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{url} is not ready")


def test_the_page_shows_the_files_as_they_are() -> None:
    assert RECIPES[0] == (EXAMPLE / "tickets.toml").read_text()
    sentence = block_with("B-PRODUCT", "text").code
    assert f"\n\n{sentence}\n" in (EXAMPLE / "tickets" / "train.conll").read_text()
    sentences = [
        (EXAMPLE / "tickets" / f"{split}.conll").read_text().count("\n\n") + 1
        for split in ("train", "dev", "test")
    ]
    words = " ".join(PAGE.read_text().split())
    assert f"{sum(sentences)} sentences" in words
    assert f"{sentences[0]} sentences" in words


def test_the_variants_of_the_page_are_variants_of_a_recipe() -> None:
    recipe = read_recipe(ROOT / "recipes" / "ner-en.toml")
    (block,) = (code for code in RECIPES if "[[ablation.variants]]" in code)
    ablation = from_mapping(AblationConfig, tomllib.loads(block)["ablation"], "the page")
    recipe = replace(recipe, ablation=ablation)
    made = [variant_recipe(recipe, variant) for variant in ablation.variants]
    assert [m.loop.max_steps for m in made] == [1500] * 3
    assert (made[1].model["hidden"], "vectors" in made[1].text) == (100, False)
    assert [s.path for s in made[2].data.train] == ["tickets"]


def test_the_sets_with_other_labels_are_read_as_the_page_says(tmp_path: Path) -> None:
    (block,) = (code for code in RECIPES if "grades" in code)
    shown = tomllib.loads(block)
    mood = tomllib.loads(RECIPES[1])
    values = {
        **mood,
        "text": shown["text"],
        "data": {**mood["data"], "train": shown["data"]["train"]},
    }
    values["data"]["dev"] = shown["data"]["train"][:1]
    for folder, numbers in {"films": [0, 1], "grades": [0, 1, 2, 3, 4]}.items():
        (tmp_path / folder).mkdir()
        lines = [json.dumps({"text": "x", "label": number}) for number in numbers]
        for split in ("train", "dev"):
            (tmp_path / folder / f"{split}.jsonl").write_text("\n".join(lines))
    (tmp_path / "manuals").mkdir()
    (tmp_path / "manuals" / "train.en").write_text("Open the file.\n" * 6000)
    sets = read_sets(from_mapping(Recipe, values, "the page"), tmp_path)
    found = [[text.label for text in one.texts] for one in sets.train]
    assert found == [[0, 2], [0, 0, 1, 2, 2], [1] * 5000]


@pytest.mark.slow
def test_data_become_a_bundle(shell: Shell, made: str) -> None:
    lines = made.splitlines()
    assert lines[-1] == "tickets 0.1.0 ner fp32"
    metrics = json.loads(made[made.index("{") : made.rindex("}") + 1])
    assert metrics["tickets_test_f1"] > 0.9
    assert (shell.folder / "my-bundles" / "tickets" / "MODEL_CARD.md").exists()


@pytest.mark.slow
def test_the_bundle_answers_as_the_page_shows(shell: Shell, port: int) -> None:
    curl = block_with("curl").code.replace("localhost:3000", f"127.0.0.1:{port}")
    came = json.loads(shell.run(curl))
    shown = json.loads(block_with('"tickets"', "json").code)
    (found,), (expected,) = came.pop("results"), shown.pop("results")
    for one in [*found["entities"], *expected["entities"]]:
        assert one.pop("score") > 0.5
    assert (came, found) == (shown, expected)
    words = (EXAMPLE / "tickets" / "train.conll").read_text()
    assert found["entities"][0]["text"] == "DoorBell X2" and "DoorBell" not in words


@pytest.mark.slow
def test_the_bundle_is_measured_as_the_page_says(shell: Shell, made: str) -> None:
    command = "seqserve evaluate my-bundles/tickets --data docs/training"
    assert command in PAGE.read_text()
    assert "tickets_test_f1" in shell.run(command)
    assert (shell.folder / "reports" / "tickets" / "report.md").exists()


def test_other_files_are_converted_and_cut(tmp_path: Path) -> None:
    sentences = [f"Word{i} NNP B-NP B-PER\nruns VBZ I-VP O\n" for i in range(30)]
    lines = ["-DOCSTART- -X- -X- O\n", *sentences]
    (tmp_path / "columns.txt").write_text("\n".join(lines))
    shell = Shell(tmp_path)
    shell.run(block_with("columns.txt").code + block_with("mkdir").code)
    found = {
        split: (tmp_path / "my-data" / "mine" / f"{split}.conll").read_text().strip().split("\n\n")
        for split in ("train", "dev", "test")
    }
    assert {split: len(of_split) for split, of_split in found.items()} == {
        "train": 24,
        "dev": 3,
        "test": 3,
    }
    together = [sentence for of_split in found.values() for sentence in of_split]
    assert sorted(together) == sorted(f"Word{i}\tB-PER\nruns\tO" for i in range(30))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "name", "task"),
    [
        (RECIPES[1], "mood", "sentiment"),
        (RECIPES[2], "topics", "classification"),
        (RECIPES[3], "files-en-zh", "translation"),
    ],
)
def test_the_other_recipes_make_bundles_too(
    tmp_path: Path, recipe: str, name: str, task: str
) -> None:
    shell = Shell(tmp_path)
    write_data(tmp_path / "my-data")
    (tmp_path / "mine.toml").write_text(recipe)
    printed = shell.run(
        "seqserve train mine.toml --data my-data --max-steps 20\n"
        "seqserve export mine.toml --data my-data --bundles my-bundles --unfinished\n"
        "seqserve models --bundles my-bundles\n"
    )
    assert printed.splitlines()[-1] == f"{name} 0.1.0 {task} fp32"
