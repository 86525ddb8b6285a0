"""Every recipe of recipes/zoo is trained for a few steps, exported, verified, opened and served."""

from __future__ import annotations

import random
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from model_export.pipeline import export
from model_export.sources.run import RunSource
from seqserve.models.architectures import ARCHITECTURES
from seqserve.runtime import check_golden, open_engine
from seqserve.runtime.engine import agrees
from seqserve.tasks import TASKS
from seqserve.training.recipe import Recipe, read_recipe
from seqserve.training.run import check_settings, run_recipe
from tests.contract.test_batch_equals_singles import TEXTS
from tests.tiny import RECIPES, write_data

FILES = sorted((Path(__file__).parents[2] / "recipes" / "zoo").glob("*.toml"))
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("zoo") / "data"
    write_data(root)
    return root


def on_tiny_data(file: Path, folder: Path) -> Recipe:
    """Return a recipe of the zoo with the texts and the training of the tiny recipe of its task."""
    recipe = read_recipe(file)
    tiny = folder / "tiny.toml"
    tiny.write_text(RECIPES[recipe.task], encoding="utf-8")
    other = read_recipe(tiny)
    return replace(recipe, text=other.text, data=other.data, loop=other.loop)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_from_recipe_to_answers(data: Path, tmp_path: Path, file: Path) -> None:
    recipe = on_tiny_data(file, tmp_path)
    run = tmp_path / "run"
    assert run_recipe(recipe, data, run).step == 20
    source = RunSource(recipe, run, data)
    bundle = export(source, tmp_path / "bundle")
    assert bundle.config["architecture"] == recipe.architecture
    assert 0 <= bundle.manifest.metrics["torch_max_difference"] < 1e-4
    assert str(Path(__file__).parents[2]).encode() not in b"".join(
        bundle.read(name) for name in bundle.manifest.files if name.endswith(".onnx")
    )
    engine = open_engine(bundle.path)
    check_golden(engine)
    items = [TASKS[recipe.task].item(text) for text in (*TEXTS.values(), "Anna left Oslo. " * 40)]
    singles = [engine.predict([item])[0] for item in items]
    order = list(range(len(items))) * 2
    random.Random(1).shuffle(order)
    for i, result in zip(order, engine.predict([items[i] for i in order]), strict=True):
        assert agrees(asdict(singles[i]), asdict(result), TOLERANCE)


def test_recipes_are_valid_and_every_architecture_has_one() -> None:
    recipes = [read_recipe(file) for file in FILES]
    for file, recipe in zip(FILES, recipes, strict=True):
        check_settings(recipe)
        assert recipe.name == f"zoo-{file.stem}" and recipe.data.test
        first, second = file.read_text(encoding="utf-8").splitlines()[:2]
        assert first.startswith("# ") and not second.startswith("#")
    used = {(recipe.task, recipe.architecture) for recipe in recipes}
    assert used == {(task, name) for task in ("ner", "sentiment") for name in ARCHITECTURES[task]}
