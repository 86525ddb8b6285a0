from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from seqserve.arrays import IntArray
from seqserve.errors import ConfigError
from seqserve.training import ner, sentiment, translation
from seqserve.training.recipe import read_recipe, sets_of
from seqserve.training.sentiment import fit_temperature
from tests.tiny import TinyProject

CPU = torch.device("cpu")
PREPARE = {
    "ner": ner.prepare,
    "sentiment": sentiment.prepare,
    "translation": translation.prepare,
}


@pytest.mark.parametrize("task", PREPARE)
def test_twenty_steps_teach_something(tiny: TinyProject, task: str) -> None:
    log = (tiny.run(task) / "log.jsonl").read_text().splitlines()
    first, last = json.loads(log[0]), json.loads(log[-1])
    assert last["loss"] < first["loss"]
    assert (tiny.run(task) / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("task", PREPARE)
def test_batches_hold_every_training_example_once(tiny: TinyProject, task: str) -> None:
    made = PREPARE[task](tiny.recipes[task], tiny.data, tiny.run(task), CPU)
    batches = made.epoch(np.random.default_rng(0))
    assert sorted(int(i) for batch in batches for i in batch) == list(range(160))
    again = made.epoch(np.random.default_rng(0))
    assert all(np.array_equal(a, b) for a, b in zip(batches, again, strict=True))


@pytest.mark.parametrize("task", PREPARE)
@torch.no_grad()
def test_loss_of_a_batch_is_the_mean_over_its_items(tiny: TinyProject, task: str) -> None:
    made = PREPARE[task](tiny.recipes[task], tiny.data, tiny.run(task), CPU)
    made.model.eval()
    for name in ("_word_dropout",):
        if hasattr(made, name):
            setattr(made, name, 0.0)

    def total(batch: IntArray) -> float:
        loss, n_items = made.loss(batch)
        return float(loss) * n_items

    batch = np.array([0, 5, 7])
    singles = sum(total(batch[i : i + 1]) for i in range(3))
    assert total(batch) == pytest.approx(singles, rel=1e-4)


@pytest.mark.parametrize("task", PREPARE)
def test_resuming_keeps_the_vocabulary(tiny: TinyProject, tmp_path: Path, task: str) -> None:
    names = {"translation": "tokenizer.json"}
    PREPARE[task](tiny.recipes[task], tiny.data, tmp_path, CPU)
    path = tmp_path / names.get(task, "text.json")
    before = path.stat().st_mtime_ns
    PREPARE[task](tiny.recipes[task], tiny.data, tmp_path, CPU)
    assert path.stat().st_mtime_ns == before


def test_temperature_mends_overconfidence() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 4000)
    truth = np.where(labels == 1, 1.0, -1.0) + rng.normal(0, 1, 4000)  # log-odds are 2 * truth
    logits = np.stack([np.zeros(4000), 2 * truth * 3], axis=1).astype(np.float32)
    assert fit_temperature(logits, labels) == pytest.approx(3.0, rel=0.1)


def test_temperature_is_bounded_where_nothing_is_wrong() -> None:
    logits = np.array([[4.0, 0.0], [0.0, 3.0]], dtype=np.float32)
    assert fit_temperature(logits, np.array([0, 1])) == pytest.approx(0.05)
    assert fit_temperature(logits, np.array([1, 0])) == pytest.approx(20)


BAD_RECIPES = {
    "unknown key": ("colour = 1", "colour"),
    "unknown loop key": ("[loop]\nspeed = 1\nmax_steps = 1\nbatch_tokens = 1", "speed"),
    "not toml": ("name = ", "is not TOML"),
}


@pytest.mark.parametrize(("content", "message"), BAD_RECIPES.values(), ids=BAD_RECIPES)
def test_bad_recipes_are_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        read_recipe(path)


def test_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no recipe"):
        read_recipe(tmp_path / "none.toml")


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "recipes").glob("*.toml")))
def test_shipped_recipes_read(path: Path) -> None:
    recipe = read_recipe(path, {"max_steps": 3})
    assert recipe.name == path.stem and recipe.loop.max_steps == 3
    assert recipe.card.summary and recipe.card.limits


def test_sets_of_names_the_splits(tiny: TinyProject) -> None:
    assert [s.path for s in sets_of(tiny.recipes["ner"], "dev")] == ["people"]
    with pytest.raises(ConfigError, match="there are train, dev, test"):
        sets_of(tiny.recipes["ner"], "trial")
