from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model_export.export import export
from seqserve.arrays import IntArray
from seqserve.errors import ConfigError, DataError
from seqserve.text.subwords import SubwordTokenizer
from seqserve.training import ner, sentiment, translation
from seqserve.training.checkpoint import load_weights, read_weights
from seqserve.training.data import SegmentPair
from seqserve.training.recipe import read_recipe, sets_of
from seqserve.training.run import run_recipe
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
    if hasattr(made, "_config"):
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


CHANGES = {
    "labels": ('labels = ["PER", "LOC"]', 'labels = ["LOC", "PER"]', "text"),
    "size": ("hidden = 12", "hidden = 14", "model"),
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
    with pytest.raises(ConfigError, match=f"begun with another {named}"):
        run_recipe(read_recipe(changed), tiny.data, tiny.run("ner"))
    with pytest.raises(ConfigError, match=f"begun with another {named}"):
        export(read_recipe(changed), tiny.run("ner"), tiny.data, tmp_path / "bundle")


def test_run_may_be_lengthened(tiny: TinyProject, tmp_path: Path) -> None:
    path = tiny.recipe_files["sentiment"]
    run_recipe(read_recipe(path, {"max_steps": 10}), tiny.data, tmp_path)
    assert run_recipe(read_recipe(path), tiny.data, tmp_path).step == 20


MISMATCHES: dict[str, tuple[str, str, str, type[Exception], str]] = {
    "label that the recipe lacks": ("ner", '["PER", "LOC"]', '["PER"]', DataError, "'LOC'"),
    "no labels": ("ner", '["PER", "LOC"]', "[]", ConfigError, "labels is empty"),
    "one label": ("sentiment", '["negative", "positive"]', '["x"]', ConfigError, "two labels"),
    "size from the data": ("ner", "hidden = 12", "n_words = 3", ConfigError, "leave it out"),
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
    with pytest.raises(DataError, match=r"labels \[7\]"):
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
    model = translation.make_translator(tiny.recipes["translation"], tokenizer)
    good = SegmentPair("Read the file 3.", "读取文件 3。")
    pairs = [good, SegmentPair("Read " * 60, "读"), SegmentPair("Read " * 90, "读取 " * 90), good]
    config = translation.PairConfig(max_tokens=100, max_ratio=3)
    task = translation.TranslationTask(model, tokenizer, pairs, [good], config, 100)
    batches = task.epoch(np.random.default_rng(0))
    assert sorted(int(i) for batch in batches for i in batch) == [0, 1]


def test_sets_of_names_the_splits(tiny: TinyProject) -> None:
    assert [s.path for s in sets_of(tiny.recipes["ner"], "dev")] == ["people"]
    with pytest.raises(ConfigError, match="there are train, dev, test"):
        sets_of(tiny.recipes["ner"], "trial")


def test_labels_that_a_set_does_not_annotate_are_not_taught_as_absent(
    tiny: TinyProject, tmp_path: Path
) -> None:
    recipe = tiny.recipes["ner"]
    (whole,) = recipe.data.train
    data = replace(recipe.data, train=(replace(whole, labels=("PER",)), whole))
    made = ner.prepare(replace(recipe, data=data), tiny.data, tmp_path, CPU)
    made.model.eval()
    made._config = replace(made._config, word_dropout=0.0)
    batches = made.epoch(np.random.default_rng(0))
    assert all(len({i < 160 for i in batch.tolist()}) == 1 for batch in batches)  # kinds apart
    scheme = made._text.scheme
    place, outside = scheme.id_of("B-LOC"), scheme.id_of("O")
    masked, full = np.array([0]), np.array([160])
    assert place in made._examples[160].tags and place not in made._examples[0].tags
    with torch.no_grad():
        made.model.emission.bias[place] += 50.0  # sees places everywhere
        likes_places = float(made.loss(masked)[0])
        made.model.emission.bias[place] -= 50.0
        made.model.emission.bias[outside] -= 50.0  # sees none of it as outside
        assert float(made.loss(full)[0]) > 50
    assert likes_places < 60  # two words of a person at most are forced away from it


def test_what_a_set_annotates_must_be_labels_of_the_recipe(
    tiny: TinyProject, tmp_path: Path
) -> None:
    recipe = tiny.recipes["ner"]
    data = replace(recipe.data, train=(replace(recipe.data.train[0], labels=("PER", "TOWN")),))
    with pytest.raises(DataError, match=r"people has labels \['TOWN'\]"):
        ner.prepare(replace(recipe, data=data), tiny.data, tmp_path, CPU)


def test_a_step_against_the_model_makes_the_loss_larger(tiny: TinyProject) -> None:
    made = sentiment.prepare(tiny.recipes["sentiment"], tiny.data, tiny.run("sentiment"), CPU)
    made.model.eval()
    batch, losses = np.array([0, 5, 7]), []
    for adversarial in (0.0, 0.02, 0.1):
        made._config = replace(made._config, word_dropout=0.0, adversarial=adversarial)
        losses.append(float(made.loss(batch)[0].detach()))
    assert losses[0] < losses[1] < losses[2]


PRETRAINING = {
    "dropout": 0.0,
    "n_samples": 8,
    "loop": {"max_steps": 12, "batch_tokens": 100, "evaluate_every": 6, "learning_rate": 0.01},
}


def test_a_classifier_starts_from_its_language_model_once(
    tiny: TinyProject, tmp_path: Path
) -> None:
    recipe = tiny.recipes["sentiment"]
    recipe = replace(recipe, text={**recipe.text, "pretraining": PRETRAINING})
    made = sentiment.prepare(recipe, tiny.data, tmp_path, CPU)
    log = [json.loads(x) for x in (tmp_path / "language_model/log.jsonl").read_text().splitlines()]
    assert log[-1]["dev_log_likelihood"] > log[0]["dev_log_likelihood"]
    learnt = read_weights(tmp_path / "pretrained.safetensors")
    assert torch.equal(made.model.words.weight, learnt["words.weight"])
    assert torch.equal(made.model.lstm.forwards.weight_hh_l0, learnt["lstm.forwards.weight_hh_l0"])
    (tmp_path / "language_model/log.jsonl").unlink()
    again = sentiment.prepare(recipe, tiny.data, tmp_path, CPU)
    assert torch.equal(again.model.words.weight, learnt["words.weight"])
    assert not (tmp_path / "language_model/log.jsonl").exists()


def test_a_translator_goes_on_from_a_shallower_one(tiny: TinyProject) -> None:
    recipe = tiny.recipes["translation"]
    shallow = tiny.run("translation")
    deeper = replace(
        recipe,
        text={**recipe.text, "start": shallow.name},
        model={**recipe.model, "encoder_layers": recipe.model["encoder_layers"] + 1},
    )
    made = translation.prepare(deeper, tiny.data, shallow.parent / "deeper", CPU)
    plain = translation.prepare(recipe, tiny.data, shallow, CPU)
    load_weights(plain.model, shallow / "best.safetensors")
    assert (shallow.parent / "deeper/tokenizer.json").read_text() == (
        shallow / "tokenizer.json"
    ).read_text()
    plain.model.eval()
    made.model.eval()
    with torch.inference_mode():
        assert made.evaluate()["log_likelihood"] == pytest.approx(
            plain.evaluate()["log_likelihood"], abs=0.1
        )


def test_a_translator_needs_the_run_that_it_starts_from(tiny: TinyProject, tmp_path: Path) -> None:
    recipe = tiny.recipes["translation"]
    recipe = replace(recipe, text={**recipe.text, "start": "none"})
    with pytest.raises(DataError, match="train the recipe none first"):
        translation.prepare(recipe, tiny.data, tmp_path / "run", CPU)


def test_a_translator_of_another_width_is_no_start(tiny: TinyProject) -> None:
    recipe = tiny.recipes["translation"]
    shallow = tiny.run("translation")
    wider = replace(recipe, model={**recipe.model, "ffn_dim": 20}, text={"start": shallow.name})
    with pytest.raises(DataError, match="is no start for this model"):
        translation.prepare(wider, tiny.data, shallow.parent / "wider", CPU)
