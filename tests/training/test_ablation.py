from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from seqserve.errors import ConfigError
from seqserve.training.ablation import ablate, variant_recipe
from seqserve.training.recipe import AblationConfig, Recipe, Variant
from tests.tiny import TinyProject


def with_variants(recipe: Recipe, *variants: Variant, **loop: object) -> Recipe:
    return replace(recipe, ablation=AblationConfig(variants, loop))


def test_a_variant_leaves_out_and_sets_what_it_says(tiny: TinyProject) -> None:
    recipe = tiny.recipes["sentiment"]
    recipe = replace(recipe, text={**recipe.text, "word_dropout": 0.2, "adversarial": 1.0})
    variant = Variant("plain", ("adversarial",), {"word_dropout": 0.0})
    made = variant_recipe(with_variants(recipe, variant, max_steps=7), variant)
    assert made.text == {**tiny.recipes["sentiment"].text, "word_dropout": 0.0}
    assert (made.loop.max_steps, made.loop.seed) == (7, recipe.loop.seed)


def test_every_variant_is_trained_once_and_measured_on_dev(
    tiny: TinyProject, tmp_path: Path
) -> None:
    recipe = tiny.recipes["sentiment"]
    vectors = Variant("vectors", text={"vectors": {"learn": True, "epochs": 1}})
    recipe = with_variants(recipe, Variant("as it is"), vectors, max_steps=10)
    own = tmp_path / recipe.name
    own.mkdir()
    vocabulary = json.loads((tiny.run("sentiment") / "text.json").read_text())
    vocabulary["words"] = vocabulary["words"][:-1]  # a vocabulary that no variant would learn
    (own / "text.json").write_text(json.dumps(vocabulary))
    table = ablate(recipe, tiny.data, tmp_path)
    assert [row["name"] for row in table["rows"]] == ["as it is", "vectors"]
    assert table["columns"] == ["dev_accuracy", "dev_macro_f1", "dev_films_accuracy"]
    runs = sorted((tmp_path / f"{recipe.name}.variants").iterdir(), key=lambda p: p.stat().st_ctime)
    for run, row in zip(runs, table["rows"], strict=True):
        (line,) = map(json.loads, (run / "log.jsonl").read_text().splitlines())
        assert line["step"] == 10
        assert row["metrics"] == {name: line[name] for name in table["columns"]}
        assert json.loads((run / "text.json").read_text()) == vocabulary
    assert [(run / "vectors.txt").exists() for run in runs] == [False, True]
    before = [(run / "best.safetensors").stat().st_mtime_ns for run in runs]
    assert ablate(recipe, tiny.data, tmp_path) == table
    assert [(run / "best.safetensors").stat().st_mtime_ns for run in runs] == before


def test_a_variant_with_another_reader_or_length_is_made_anew(
    tiny: TinyProject, tmp_path: Path
) -> None:
    recipe = tiny.recipes["sentiment"]
    shutil.copytree(tiny.run("sentiment"), tmp_path / recipe.name)
    rare = Variant("rare words left out", text={"reader": {"min_count": 100}})
    short, long = (with_variants(recipe, rare, max_steps=n) for n in (5, 10))
    ablate(short, tiny.data, tmp_path)
    ablate(long, tiny.data, tmp_path)
    made = list((tmp_path / f"{recipe.name}.variants").iterdir())
    own = json.loads((tmp_path / recipe.name / "text.json").read_text())
    for run in made:
        assert len(json.loads((run / "text.json").read_text())["words"]) < len(own["words"])
    steps = {json.loads((run / "log.jsonl").read_text())["step"] for run in made}
    assert steps == {5, 10}


def test_a_run_of_another_recipe_is_not_built_on(tiny: TinyProject, tmp_path: Path) -> None:
    recipe = tiny.recipes["sentiment"]
    shutil.copytree(tiny.run("sentiment"), tmp_path / recipe.name)
    other = with_variants(replace(recipe, model={**recipe.model, "hidden": 3}), Variant("x"))
    with pytest.raises(ConfigError, match="begun with another model"):
        ablate(other, tiny.data, tmp_path)


BAD = {
    "no variants": ((), {}, "has no"),
    "leaves out what is not there": (
        (Variant("x", ("colour",)),),
        {},
        r"leaves out colour; \[text",
    ),
    "unknown loop key": ((Variant("x"),), {"speed": 1}, "speed"),
}


@pytest.mark.parametrize(("variants", "loop", "message"), BAD.values(), ids=BAD)
def test_bad_ablations_are_named(
    tiny: TinyProject,
    tmp_path: Path,
    variants: tuple[Variant, ...],
    loop: dict[str, object],
    message: str,
) -> None:
    recipe = with_variants(tiny.recipes["sentiment"], *variants, **loop)
    with pytest.raises(ConfigError, match=message):
        ablate(recipe, tiny.data, tmp_path)
