from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seqserve.baselines.record import recorded_baselines
from seqserve.errors import DataError, SeqserveError
from seqserve.training.recipe import Recipe
from seqserve.training.recipe_data import DataSet


@pytest.fixture
def recipe(recipes: dict[str, Recipe]) -> Recipe:
    return recipes["translation"]


def test_metrics_are_measured_once(root: Path, recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "metrics.json"
    measured = recorded_baselines(recipe, root, path)
    written = path.read_text(encoding="utf-8")
    assert json.loads(written) == {
        "train": ["files"],
        "test": ["files"],
        "metrics": measured.metrics,
    }
    assert written.endswith("}\n")
    assert recorded_baselines(recipe, tmp_path / "no data", path) == measured


def test_refit_measures_again(root: Path, recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text("old, whatever it is")
    measured = recorded_baselines(recipe, root, path, refit=True)
    assert json.loads(path.read_text(encoding="utf-8"))["metrics"] == measured.metrics
    with pytest.raises(DataError, match="is the data root right"):
        recorded_baselines(recipe, tmp_path / "no data", path, refit=True)
    assert recorded_baselines(recipe, root, path) == measured  # a failure leaves the file alone


FILES = DataSet("files", "CC0-1.0")
CHANGES: dict[str, tuple[dict[str, Any], str | None]] = {
    "terms": ({"licence": "MIT", "about": "files"}, None),
    "folder": ({"path": "more/files"}, "more/files"),
    "lines left out": ({"skip": (2, 4)}, "files without 2..3"),
    "other files": ({"split": "dev"}, "files dev"),
    "fewer labels": ({"labels": ("PER", "LOC")}, "files only PER LOC"),
}


@pytest.mark.parametrize("side", ["train", "test"])
@pytest.mark.parametrize(("changes", "named"), CHANGES.values(), ids=CHANGES)
def test_other_sets_need_other_metrics(
    side: str,
    changes: dict[str, Any],
    named: str | None,
    recipes: dict[str, Recipe],
    tmp_path: Path,
) -> None:
    path = tmp_path / "metrics.json"
    path.write_text('{"train": ["files"], "test": ["files"], "metrics": {}}')
    recipe = recipes["ner"]  # data sets of other tasks have no `labels`
    sides = {"train": (FILES,), "test": (FILES,), side: (replace(FILES, **changes),)}
    changed = replace(recipe, data=replace(recipe.data, **sides))
    if named is None:
        assert recorded_baselines(changed, tmp_path, path).metrics == {}
        return
    with pytest.raises(DataError) as caught:
        recorded_baselines(changed, tmp_path, path)
    assert named in str(caught.value) and "--refit" in str(caught.value)


BROKEN = {
    "not JSON": ("{", "is not JSON"),
    "not text": (b"\xff\xfe", "is not JSON"),
    "no metrics": ('{"train": [], "test": []}', "metrics"),
    "an unknown key": ('{"train": [], "test": [], "metrics": {}, "x": 1}', "x"),
    "words for metrics": ('{"train": [], "test": [], "metrics": {"a": {"b": "c"}}}', "float"),
    "no object": ("[1]", "is no JSON object"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_files(content: str | bytes, message: str, recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SeqserveError) as caught:
        recorded_baselines(recipe, tmp_path, path)
    assert "metrics.json" in str(caught.value) and message in str(caught.value)
