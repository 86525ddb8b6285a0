from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.models.texts import Lengths, batches_of, dev_texts
from model_export.cards.refresh import recipe_bytes
from seqserve.bundle import Bundle, write_bundle
from seqserve.errors import DataError
from seqserve.evaluation.report import RECIPE_FILE
from seqserve.manifest import Description
from seqserve.tasks import Task
from seqserve.training.recipe import read_recipe
from tests.tiny import write_recipes

TASKS: tuple[Task, ...] = ("ner", "sentiment", "translation")
TEXTS = [f"Text number {i} ." for i in range(30)]


def bundle_for(task: Task, folder: Path) -> Bundle:
    """A bundle that is nothing but a recipe with two dev sets, which are written to the folder."""
    recipe = read_recipe(write_recipes(folder / "recipes")[task])
    (dev,) = recipe.data.dev
    for name, part in (("one", TEXTS[:20]), ("two", TEXTS[20:])):
        (folder / name).mkdir()
        files = {
            "ner": ("dev.conll", ["\n".join(f"{w}\tO" for w in t.split()) + "\n" for t in part]),
            "sentiment": ("dev.jsonl", [json.dumps({"text": t, "label": 0}) for t in part]),
            "translation": ("dev.en", [*part[:-1], part[-1]]),
        }
        filename, lines = files[task]
        (folder / name / filename).write_text("\n".join(lines) + "\n")
        (folder / name / "dev.zh").write_text("\n".join("译" for _ in part) + "\n")
    sets = tuple(replace(dev, path=name) for name in ("one", "two"))
    recipe = replace(recipe, data=replace(recipe.data, dev=sets))
    files = {"config.json": b"{}", RECIPE_FILE: recipe_bytes(recipe)}
    said = Description(
        **{name: getattr(recipe, name) for name in ("name", "version", "task", "languages")},
        **{"labels": (), "precision": "fp32", "limits": {}, "data": (), "licence": recipe.licence},
        **{"metrics": {}, "tools": {}, "created": "2026-01-01"},
    )
    return write_bundle(folder / "bundle", files, said)


@pytest.mark.parametrize("task", TASKS)
def test_texts_come_from_all_dev_sets(tmp_path: Path, task: Task) -> None:
    texts = dev_texts(bundle_for(task, tmp_path), tmp_path, 1000)
    assert sorted(texts) == sorted(TEXTS) and texts != TEXTS


def test_a_sample_is_seeded_and_has_no_text_twice(tmp_path: Path) -> None:
    bundle = bundle_for("translation", tmp_path)
    first, again = (dev_texts(bundle, tmp_path, 10, seed=1) for _ in range(2))
    assert first == again != dev_texts(bundle, tmp_path, 10, seed=2)
    assert len(set(first)) == 10


def test_blank_segments_are_left_out(tmp_path: Path) -> None:
    bundle = bundle_for("translation", tmp_path)
    (tmp_path / "one" / "dev.en").write_text("\n".join(["  "] * 19 + ["text"]) + "\n")
    assert "  " not in dev_texts(bundle, tmp_path, 1000)


def test_a_missing_set_is_an_error(tmp_path: Path) -> None:
    bundle = bundle_for("ner", tmp_path)
    with pytest.raises(DataError, match="data root"):
        dev_texts(bundle, tmp_path / "elsewhere", 10)


def test_batches_are_consecutive() -> None:
    assert batches_of(["a", "b", "c", "d", "e"], 2) == [["a", "b"], ["c", "d"]]
    assert batches_of(["a", "b"], 8) == [["a", "b"]]


def test_lengths_are_summarised() -> None:
    found = Lengths.of([1, 3, 2, 10])
    assert (found.mean, found.longest) == (4, 10)
    assert 3 < found.p95 <= 10
