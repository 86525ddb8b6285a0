from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model_export.pipeline import export
from model_export.sources.run import RunSource
from seqserve.arrays import IntArray
from seqserve.errors import ConfigError, DataError
from seqserve.text.subwords import SubwordTokenizer
from seqserve.training import classification, ner, sentiment, translation
from seqserve.training.data import SegmentPair
from seqserve.training.recipe import read_recipe
from seqserve.training.run import check_settings, run_recipe
from seqserve.training.temperature import fit_temperature
from tests.tiny import TinyProject

CPU = torch.device("cpu")
PREPARE = {
    "ner": ner.prepare,
    "sentiment": sentiment.prepare,
    "classification": classification.prepare,
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
    if hasattr(getattr(made, "_config", None), "word_dropout"):
        made._config = replace(made._config, word_dropout=0.0)

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
    assert fit_temperature([(logits, labels)]) == pytest.approx(3.0, rel=0.1)


def test_temperature_is_bounded_where_nothing_is_wrong() -> None:
    logits = np.array([[4.0, 0.0], [0.0, 3.0]], dtype=np.float32)
    assert fit_temperature([(logits, np.array([0, 1]))]) == pytest.approx(0.05)
    assert fit_temperature([(logits, np.array([1, 0]))]) == pytest.approx(20)


BAD_RECIPES = {
    "unknown key": ("colour = 1", "colour"),
    "unknown loop key": ("[loop]\nspeed = 1\nmax_steps = 1\nbatch_tokens = 1", "speed"),
    "not toml": ("name = ", "is not TOML"),
    "no such task": (
        'task = "names"',
        "expected one of ner, sentiment, classification, translation, got 'names'",
    ),
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
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_recipe(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'name = "caf\xe9"')
    with pytest.raises(ConfigError, match="is not TOML: 'utf-8' codec"):
        read_recipe(tmp_path / "latin.toml")


@pytest.mark.parametrize("name", ["../tiny", "my model", ".tiny", "a/b", ""])
def test_a_name_is_that_of_a_folder(tiny: TinyProject, tmp_path: Path, name: str) -> None:
    text = tiny.recipe_files["ner"].read_text().replace('"ner-tiny"', f'"{name}"')
    (tmp_path / "named.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"name is .* folders of that name"):
        read_recipe(tmp_path / "named.toml")


@pytest.mark.parametrize("task", ["ner", "sentiment"])
def test_sentences_are_cut_as_in_the_texts_language(
    tiny: TinyProject, tmp_path: Path, task: str
) -> None:
    text = (
        tiny.recipe_files[task].read_text().replace('languages = ["en"]', 'languages = ["de-AT"]')
    )
    path = tmp_path / "german.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"languages is de-AT.*as in en; set its language"):
        check_settings(read_recipe(path))
    path.write_text(text.replace("[model]", '[text.reader]\nlanguage = "de"\n[model]'))
    check_settings(read_recipe(path))


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "recipes").glob("*.toml")))
def test_shipped_recipes_read(path: Path) -> None:
    recipe = read_recipe(path, {"max_steps": 3})
    assert recipe.name == path.stem and recipe.loop.max_steps == 3
    assert recipe.card.summary and recipe.card.limits


CHANGES = {
    "labels": ('labels = ["PER", "LOC"]', 'labels = ["LOC", "PER"]', "text"),
    "size": ("hidden = 16", "hidden = 14", "model"),
    "batches": ("batch_tokens = 200", "batch_tokens = 300", "batch_tokens"),
}


@pytest.mark.parametrize(("old", "new", "named"), CHANGES.values(), ids=CHANGES)
def test_run_is_held_to_its_recipe(
    tiny: TinyProject, tmp_path: Path, old: str, new: str, named: str
) -> None:
    text = tiny.recipe_files["ner"].read_text()
    assert old in text
    changed = tmp_path / "changed.toml"
    changed.write_text(text.replace(old, new))
    with pytest.raises(ConfigError, match=f"started with another {named}"):
        run_recipe(read_recipe(changed), tiny.data, tiny.run("ner"))
    with pytest.raises(ConfigError, match=f"started with another {named}"):
        export(RunSource(read_recipe(changed), tiny.run("ner"), tiny.data), tmp_path / "bundle")


def test_run_may_be_lengthened(tiny: TinyProject, tmp_path: Path) -> None:
    path = tiny.recipe_files["sentiment"]
    run_recipe(read_recipe(path, {"max_steps": 10}), tiny.data, tmp_path)
    assert run_recipe(read_recipe(path), tiny.data, tmp_path).step == 20


MISMATCHES: dict[str, tuple[str, str, str, type[Exception], str]] = {
    "label that the recipe lacks": ("ner", '["PER", "LOC"]', '["PER"]', DataError, "'LOC'"),
    "no labels": ("ner", '["PER", "LOC"]', "[]", ConfigError, "labels is empty"),
    "one label": ("sentiment", '["negative", "positive"]', '["x"]', ConfigError, "two labels"),
    "size from the data": ("ner", "hidden = 16", "n_words = 3", ConfigError, "leave it out"),
    "uneven heads": ("translation", "heads = 4", "heads = 3", ConfigError, "not divisible"),
    "one language": ("translation", '["en", "zh"]', '["en"]', ConfigError, "needs 2 languages"),
    "all filtered": (
        "translation",
        "vocab_size = 400",
        "vocab_size = 400\nmax_tokens = 1",
        DataError,
        "nothing to train on",
    ),
}


@pytest.mark.parametrize("mismatch", MISMATCHES.values(), ids=MISMATCHES)
def test_recipe_and_data_must_fit(
    tiny: TinyProject, tmp_path: Path, mismatch: tuple[str, str, str, type[Exception], str]
) -> None:
    task, old, new, error, message = mismatch
    text = tiny.recipe_files[task].read_text()
    assert old in text
    path = tmp_path / "bad.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(error, match=message):
        run_recipe(read_recipe(path), tiny.data, tmp_path / "run")


def test_recipe_needs_training_and_dev_sets(tiny: TinyProject) -> None:
    recipe = tiny.recipes["ner"]
    with pytest.raises(ConfigError, match="names no dev set"):
        replace(recipe, data=replace(recipe.data, dev=()))
    with pytest.raises(ConfigError, match="names no train set"):
        replace(recipe, data=replace(recipe.data, train=()))


def test_label_numbers_must_have_names(tiny: TinyProject, tmp_path: Path) -> None:
    recipe = tiny.recipes["sentiment"]
    films = tmp_path / "films"
    films.mkdir()
    for split in ("train", "dev"):
        (films / f"{split}.jsonl").write_text('{"text": "x", "label": 7}\n')
    with pytest.raises(
        DataError, match="7 is no label of the model; its labels: negative, positive"
    ):
        run_recipe(recipe, tmp_path, tmp_path / "run")


@torch.no_grad()
def test_label_smoothing_is_in_the_training_loss_only(tiny: TinyProject, tmp_path: Path) -> None:
    recipe = tiny.recipes["translation"]
    losses, dev = [], []
    for smoothing in (0.0, 0.3):
        changed = replace(recipe, text={**recipe.text, "label_smoothing": smoothing})
        made = translation.prepare(changed, tiny.data, tmp_path, CPU)
        made.model.eval()
        losses.append(float(made.loss(np.arange(8))[0]))
        dev.append(made.evaluate()["log_likelihood"])
    assert losses[0] != pytest.approx(losses[1], rel=1e-3)
    assert dev[0] == dev[1]


def test_misaligned_and_long_pairs_are_left_out(tiny: TinyProject) -> None:
    tokenizer = SubwordTokenizer.load(tiny.run("translation") / "tokenizer.json")
    recipe = tiny.recipes["translation"]
    model = translation.make_translator(recipe, tokenizer)
    good = SegmentPair("Read the file 3.", "读取文件 3。")
    pairs = [good, SegmentPair("Read " * 60, "读"), SegmentPair("Read " * 90, "读取 " * 90), good]
    config = translation.PairConfig(max_tokens=100, max_ratio=3)
    train, dev = (
        [translation.PairSet(dataset, read)]
        for dataset, read in ((recipe.data.train[0], pairs), (recipe.data.dev[0], [good]))
    )
    task = translation.TranslationTask(model, tokenizer, (train, dev), config, recipe)
    batches = task.epoch(np.random.default_rng(0))
    assert sorted(int(i) for batch in batches for i in batch) == [0, 1]


@pytest.mark.parametrize("table", ["text", "model"])
def test_a_typing_error_does_not_begin_a_run(tiny: TinyProject, tmp_path: Path, table: str) -> None:
    recipe = tiny.recipes["ner"]
    wrong = replace(recipe, **{table: {**getattr(recipe, table), "colour": 1}})
    with pytest.raises(ConfigError, match=rf"colour.*\[{table}\]"):
        run_recipe(wrong, tiny.data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


TORN = {"torn": '{"text": ', "no object": "[]"}


@pytest.mark.parametrize("content", TORN.values(), ids=TORN)
def test_a_torn_note_of_the_recipe_is_named(
    tiny: TinyProject, tmp_path: Path, content: str
) -> None:
    (tmp_path / "recipe.json").write_text(content)
    with pytest.raises(ConfigError, match=r"recipe\.json .*; remove the run"):
        run_recipe(tiny.recipes["ner"], tiny.data, tmp_path)


@pytest.mark.parametrize("split", ["dev", "test"])
def test_two_sets_of_one_name_are_refused(tiny: TinyProject, split: str) -> None:
    recipe = tiny.recipes["ner"]
    (one,) = recipe.data.dev
    twins = {split: (one, replace(one, path=f"other/{one.path}/"))}
    with pytest.raises(ConfigError, match=rf"two sets of data\.{split} have the same last folder"):
        replace(recipe, data=replace(recipe.data, **twins))
    apart = {split: (one, replace(one, split="more"))}
    assert replace(recipe, data=replace(recipe.data, **apart)).data.dev


def test_a_set_is_read_as_often_as_its_weight_says(tiny: TinyProject, tmp_path: Path) -> None:
    recipe = tiny.recipes["ner"]
    (people,) = recipe.data.train
    data = replace(recipe.data, train=(replace(people, weight=2.5),))
    made = ner.prepare(replace(recipe, data=data), tiny.data, tmp_path, CPU)
    counts = np.bincount(np.concatenate(made.epoch(np.random.default_rng(0))))
    assert set(counts.tolist()) == {2, 3} and 2.3 < counts.mean() < 2.7


def test_dev_sets_have_weights_in_the_mean(
    tiny: TinyProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny.recipes["ner"]
    (people,) = recipe.data.dev
    lower = replace(people, lower=True, weight=3.0)
    data = replace(recipe.data, dev=(people, lower))
    made = ner.prepare(replace(recipe, data=data), tiny.data, tmp_path, CPU)

    def scores(examples: Sequence[ner.Example]) -> dict[str, float]:
        is_lower = all(t.text == t.text.lower() for one in examples for t in one.tokens)
        return {"f1": 0.4 if is_lower else 0.8}

    monkeypatch.setattr(made, "_scores", scores)
    assert made.evaluate() == {
        "f1": pytest.approx(0.5),
        f"f1_{people.name}": 0.8,
        f"f1_{lower.name}": 0.4,
    }


def test_variants_of_a_step_follow_from_its_seed(tiny: TinyProject, tmp_path: Path) -> None:
    recipe = tiny.recipes["ner"]
    text = {**recipe.text, "augmentation": {"lower": 0.5}}
    made = ner.prepare(replace(recipe, text=text), tiny.data, tmp_path, CPU)
    made.model.eval()

    def losses() -> list[float]:
        found = []
        for seed in (1, 2, 3):
            torch.manual_seed(seed)
            found.append(float(made.loss(np.arange(20))[0]))
        return found

    with torch.no_grad():
        assert losses() == losses()
        assert len(set(losses())) == 3


UNUSED: dict[str, tuple[str, dict[str, object], str]] = {
    "joins": ("sentiment", {"joins": {"@": True}}, "ner"),
    "lower": ("sentiment", {"lower": True}, "ner"),
    "labels": ("translation", {"labels": ("PER",)}, "ner or sentiment or classification"),
    "label": ("ner", {"label": "neutral"}, "sentiment or classification"),
    "limit": ("ner", {"limit": 3}, "sentiment or classification or translation"),
}


@pytest.mark.parametrize("split", ["train", "dev", "test", "calibration"])
@pytest.mark.parametrize(("task", "settings", "tasks"), UNUSED.values(), ids=UNUSED)
def test_settings_of_sets_without_effect_in_a_task_are_refused(
    tiny: TinyProject, task: str, settings: dict[str, Any], tasks: str, split: str
) -> None:
    recipe = tiny.recipes[task]
    sets = tuple(replace(one, **settings) for one in recipe.data.train)
    (name,) = settings
    with pytest.raises(ConfigError, match=f"sets {name}, which only recipes of the task {tasks} h"):
        replace(recipe, data=replace(recipe.data, **{split: sets}))
