"""Translators: weights of data sets, `terms`, metrics on several dev sets, case of the source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model_export.sources.run import RunSource
from seqserve.errors import ConfigError
from seqserve.training import translation
from seqserve.training.augmentation import CaseConfig, vary_case
from seqserve.training.checkpoint import read_weights
from seqserve.training.data import read_pairs
from seqserve.training.recipe import Recipe
from seqserve.training.recipe_data import DataSet
from tests.tiny import TinyProject
from tests.training.conftest import TrainedTranslator

CPU = torch.device("cpu")


@pytest.fixture
def data(tiny: TinyProject, tmp_path: Path) -> Path:
    """The tiny pairs, and a set `names` of terms and of other dev pairs."""
    root = tmp_path / "data"
    (root / "names").mkdir(parents=True)
    (root / "files").symlink_to(tiny.data / "files")
    for split, sides in {
        "terms": ("the list\nthe file\n", "列表\n文件\n"),
        "dev": ("Read the list 7.\n" * 3, "读取列表 7。\n" * 3),
    }.items():
        for language, text in zip(("en", "zh"), sides, strict=True):
            (root / "names" / f"{split}.{language}").write_text(text, encoding="utf-8")
    return root


def of_sets(recipe: Recipe, **sets: list[DataSet]) -> Recipe:
    lists = {name: tuple(members) for name, members in sets.items()}
    return replace(recipe, data=replace(recipe.data, **lists))


def files(**changes: object) -> DataSet:
    return replace(DataSet("files", "CC0-1.0"), **changes)  # type: ignore[arg-type]


def names(**changes: object) -> DataSet:
    return replace(DataSet("names", "CC0-1.0"), **changes)  # type: ignore[arg-type]


def test_an_epoch_reads_sets_by_their_weights(
    tiny: TinyProject, data: Path, tmp_path: Path
) -> None:
    recipe = of_sets(
        tiny.recipes["translation"], train=[files(weight=0.25), names(split="terms", weight=3)]
    )
    made = translation.prepare(recipe, data, tmp_path / "run", CPU)
    read = np.bincount(np.concatenate(made.epoch(np.random.default_rng(0))), minlength=162)
    assert read[160:].tolist() == [3, 3]
    assert set(read[:160].tolist()) == {0, 1}
    assert 25 <= read[:160].sum() <= 55


def test_terms_are_counted_as_what_they_are(tiny: TinyProject, data: Path) -> None:
    recipe = of_sets(
        tiny.recipes["translation"], train=[files(), names(split="terms")], dev=[names()], test=[]
    )
    found = {one.name: one.splits for one in RunSource(recipe, data, data).data()}
    assert found == {"files": {"train": 160}, "names": {"terms": 2, "dev": 3}}


@pytest.mark.parametrize("metric", ["log_likelihood", "bleu"])
def test_the_metric_is_the_weighted_mean_over_the_dev_sets(
    translator: TrainedTranslator, data: Path, metric: str
) -> None:
    recipe = translator.recipe
    recipe = replace(recipe, text={**recipe.text, "dev_metric": metric})
    recipe = of_sets(recipe, dev=[files(), names(weight=3)])
    made = translation.prepare(recipe, data, translator.run, CPU)
    made.model.load_state_dict(read_weights(translator.run / "best.safetensors"))
    made.model.eval()
    assert made.metric == metric
    with torch.inference_mode():
        found = made.evaluate()
    each = [found[f"{metric}_{name}"] for name in ("files", "names")]
    assert each[0] != each[1]
    assert found[metric] == pytest.approx((each[0] + 3 * each[1]) / 4)


def test_some_pairs_of_a_dev_set(translator: TrainedTranslator, data: Path) -> None:
    recipe = translator.recipe

    def measure(dev_pairs: int) -> float:
        text = {**recipe.text, "dev_metric": "bleu", "dev_pairs": dev_pairs}
        changed = of_sets(replace(recipe, text=text), dev=[names()])
        made = translation.prepare(changed, data, translator.run, CPU)
        made.model.load_state_dict(read_weights(translator.run / "best.safetensors"))
        made.model.eval()
        with torch.inference_mode():
            return made.evaluate()["bleu"]

    assert measure(1) == pytest.approx(measure(0)) == pytest.approx(measure(99))


def test_a_limit_reads_evenly_spaced_pairs(tiny: TinyProject) -> None:
    every = read_pairs(tiny.data, files(), "train", ("en", "zh"))
    skipped = files(skip=(0, 80), limit=4)
    assert read_pairs(tiny.data, files(limit=16), "train", ("en", "zh")) == every[::10]
    assert read_pairs(tiny.data, skipped, "train", ("en", "zh")) == every[80::20]
    assert read_pairs(tiny.data, files(limit=999), "train", ("en", "zh")) == every


@pytest.mark.parametrize(("key", "value"), [("limit", 0), ("weight", 0.0), ("weight", -1.0)])
def test_numbers_of_a_set_that_are_too_low(key: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"files: {key} is {value:g}; (it must be|allowed:)"):
        files(**{key: value})


LOWER, UPPER, FIRST = CaseConfig(lower=1), CaseConfig(upper=1), CaseConfig(first=1)


@pytest.mark.parametrize(
    ("text", "config", "expected"),
    [
        ("The Soup is cold.", LOWER, "the soup is cold."),
        ("The Soup is cold.", UPPER, "THE SOUP IS COLD."),
        ("The Soup is cold.", FIRST, "the Soup is cold."),
        ("press Esc, twice", FIRST, "Press Esc, twice"),
        ("He said: “Don't!”", LOWER, "he said: “don't!”"),
        ("Use TensorFlow or HTTP", LOWER, "use TensorFlow or HTTP"),
        ("Set maxSize to None", UPPER, "SET maxSize TO NONE"),
        ("Call `Open` with ${1} and ${N}", LOWER, "call `Open` with ${1} and ${N}"),
        ("`Open` a file", FIRST, "`Open` a file"),
        ("See docs/Guide.md, v2.0 or Python3", LOWER, "see docs/Guide.md, v2.0 or Python3"),
        ("Été À Paris", LOWER, "été à paris"),
        ("two  Spaces ", LOWER, "two  spaces "),
        ("", LOWER, ""),
    ],
)
def test_only_plain_words_change_their_case(text: str, config: CaseConfig, expected: str) -> None:
    assert vary_case(text, config, np.random.default_rng(0)) == expected


def test_the_model_reads_sources_in_other_case(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny.recipes["translation"]
    recipe = replace(recipe, text={**recipe.text, "augmentation": {"lower": 1.0}})
    made = translation.prepare(recipe, tiny.data, tiny.run("translation"), CPU)
    plain = translation.prepare(
        tiny.recipes["translation"], tiny.data, tiny.run("translation"), CPU
    )
    plain.model.load_state_dict(made.model.state_dict())
    made.model.eval()
    plain.model.eval()
    batch = np.arange(8)
    with torch.inference_mode():
        assert made.loss(batch) != plain.loss(batch)
        assert made.evaluate() == plain.evaluate()  # dev is read as it is


def test_an_unknown_metric_is_refused(tiny: TinyProject, tmp_path: Path) -> None:
    recipe = tiny.recipes["translation"]
    recipe = replace(recipe, text={**recipe.text, "dev_metric": "chrf"})
    with pytest.raises(ConfigError, match="log_likelihood, bleu"):
        translation.prepare(recipe, tiny.data, tmp_path, CPU)
