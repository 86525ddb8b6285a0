from __future__ import annotations

from pathlib import Path

import pytest

from seqserve.baselines.sentiment import BagConfig
from seqserve.training.recipe import Recipe, read_recipe
from tests.tiny import BAD, GOOD, write_data, write_recipes


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny data sets, and word vectors that separate good from bad."""
    root = tmp_path_factory.mktemp("baselines") / "data"
    write_data(root)
    vectors = root / BagConfig().vectors
    vectors.parent.mkdir(parents=True)
    rows = [f"{word} 1 0.5" for word in GOOD] + [f"{word} -1 0.5" for word in BAD] + ["film 0 1"]
    vectors.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recipe]:
    """One recipe per task, on the tiny data sets."""
    files = write_recipes(tmp_path_factory.mktemp("recipes"))
    return {task: read_recipe(path) for task, path in files.items()}
