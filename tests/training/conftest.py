from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from model_export.pipeline import export
from model_export.sources.run import RunSource
from seqserve.training.recipe import Recipe
from seqserve.training.run import run_recipe
from tests.tiny import TinyProject


@dataclass(frozen=True)
class TrainedTranslator:
    """A tiny translator that has learnt its task: its recipe, run and bundles."""

    recipe: Recipe
    run: Path
    fp32: Path
    int8: Path


@pytest.fixture(scope="package")
def translator(
    tiny: TinyProject, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TrainedTranslator]:
    """Train a translator until it has a BLEU above 50, in two seconds."""
    folder = tmp_path_factory.mktemp("trained")
    recipe = tiny.recipes["translation"]
    loop = replace(recipe.loop, max_steps=150, evaluate_every=150, learning_rate=5e-3)
    recipe = replace(recipe, loop=replace(loop, warmup_steps=20, decay_steps=100, beta2=0.98))
    run_recipe(recipe, tiny.data, folder / "run")
    source = RunSource(recipe, folder / "run", tiny.data)
    export(source, folder / "fp32")
    export(source, folder / "int8", "int8")
    yield TrainedTranslator(recipe, folder / "run", folder / "fp32", folder / "int8")
