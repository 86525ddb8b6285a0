"""An architecture that is one row of a table is trained, exported by torch, verified, bundled and served."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from model_export.pipeline import export
from model_export.sources.run import RunSource
from seqserve.errors import ConfigError, ExportError
from seqserve.models.architectures import ARCHITECTURES
from seqserve.runtime import check_golden, open_engine
from seqserve.runtime.engine import agrees
from seqserve.tasks import TASKS
from seqserve.training.recipe import Recipe, read_recipe
from seqserve.training.run import run_recipe
from tests.contract.test_batch_equals_singles import TEXTS
from tests.tiny import RECIPES, write_data
from tests.toy_architectures import TOYS


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("toys") / "data"
    write_data(root)
    return root


def toy_recipe(task: str, folder: Path, architecture: str = "toy") -> Recipe:
    model = f'[model]\narchitecture = "{architecture}"\n[loop]'
    text = re.sub(r"\[model\].*?\[loop\]", model, RECIPES[task], flags=re.DOTALL)
    path = folder / f"{task}.toml"
    path.write_text(text, encoding="utf-8")
    return read_recipe(path)


@pytest.mark.parametrize("task", TOYS)
def test_a_row_is_all_that_an_architecture_needs(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    recipe = toy_recipe(task, tmp_path)
    monkeypatch.setitem(ARCHITECTURES[recipe.task], "toy", TOYS[task])
    run = tmp_path / "run"
    run_recipe(recipe, data, run)
    source = RunSource(recipe, run, data)
    bundle = export(source, tmp_path / "bundle")
    assert bundle.config["architecture"] == "toy"
    assert 0 <= bundle.manifest.metrics["torch_max_difference"] < 1e-4
    engine = open_engine(bundle.path)
    check_golden(engine)
    items = [TASKS[recipe.task].item(text) for text in TEXTS.values()]
    expected = source.parts("fp32").reference.predict(items)
    for torch_says, onnx_says in zip(expected, engine.predict(items), strict=True):
        assert agrees(asdict(torch_says), asdict(onnx_says), 1e-4)
    with pytest.raises(ExportError, match="a toy can be exported in fp32 only"):
        source.parts("int8")


def test_unknown_architecture_is_refused(data: Path, tmp_path: Path) -> None:
    recipe = toy_recipe("ner", tmp_path, "lstm")
    with pytest.raises(
        ConfigError, match="'lstm' is no architecture for ner; known are bilstm-crf"
    ):
        run_recipe(recipe, data, tmp_path / "run")
