from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from seqserve.errors import ConfigError, DataError
from seqserve.training import translation
from seqserve.training.checkpoint import LAST, load_weights
from seqserve.training.recipe import Recipe
from tests.tiny import TinyProject

CPU = torch.device("cpu")


@pytest.fixture
def runs(tiny: TinyProject, tmp_path: Path) -> Path:
    shutil.copytree(tiny.run("translation"), tmp_path / "shallow")
    return tmp_path


def deeper(recipe: Recipe, **model: Any) -> Recipe:
    depth = {"encoder_layers": recipe.model["encoder_layers"] + 1}
    text = {k: v for k, v in recipe.text.items() if k != "vocab_size"}
    return replace(
        recipe, text={**text, "start": "shallow"}, model={**recipe.model, **depth, **model}
    )


def test_a_translator_goes_on_from_a_shallower_one(tiny: TinyProject, runs: Path) -> None:
    recipe = tiny.recipes["translation"]
    made = translation.prepare(deeper(recipe), tiny.data, runs / "deeper", CPU)
    plain = translation.prepare(recipe, tiny.data, runs / "shallow", CPU)
    load_weights(plain.model, runs / "shallow/best.safetensors")
    subwords = [(runs / run / "tokenizer.json").read_text() for run in ("shallow", "deeper")]
    assert subwords[0] == subwords[1]
    plain.model.eval()
    made.model.eval()
    with torch.inference_mode():
        before = plain.evaluate()["log_likelihood"]
        assert made.evaluate()["log_likelihood"] == pytest.approx(before, abs=0.1)


def test_a_resumed_run_no_longer_needs_its_start(tiny: TinyProject, runs: Path) -> None:
    recipe = deeper(tiny.recipes["translation"])
    translation.prepare(recipe, tiny.data, runs / "deeper", CPU)
    (runs / "deeper" / LAST).write_bytes(b"")
    shutil.rmtree(runs / "shallow")
    translation.prepare(recipe, tiny.data, runs / "deeper", CPU)


def test_the_start_must_be_there(tiny: TinyProject, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="train the recipe shallow first"):
        recipe = deeper(tiny.recipes["translation"])
        translation.prepare(recipe, tiny.data, tmp_path / "run", CPU)


OTHERS = {"width": ({"ffn_dim": 20}, "ffn_dim"), "heads": ({"heads": 1}, "heads")}


@pytest.mark.parametrize(("model", "message"), OTHERS.values(), ids=OTHERS)
def test_the_start_must_be_the_same_model(
    tiny: TinyProject, runs: Path, model: dict[str, int], message: str
) -> None:
    with pytest.raises(DataError, match=f"is no start for this model: it has another {message}"):
        recipe = deeper(tiny.recipes["translation"], **model)
        translation.prepare(recipe, tiny.data, runs / "other", CPU)


def test_the_start_decides_the_vocabulary(tiny: TinyProject, runs: Path) -> None:
    recipe = deeper(tiny.recipes["translation"])
    recipe = replace(recipe, text={**recipe.text, "vocab_size": 300})
    with pytest.raises(ConfigError, match="shallow decides vocab_size"):
        translation.prepare(recipe, tiny.data, runs / "other", CPU)
