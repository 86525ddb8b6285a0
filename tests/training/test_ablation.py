from __future__ import annotations

import json
import shutil
from dataclasses import fields, replace
from pathlib import Path

import pytest

from seqserve.errors import ConfigError
from seqserve.training.ablation import _copy_shared, ablate, variant_recipe
from seqserve.training.recipe import AblationConfig, Recipe, Variant, read_recipe
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
    runs = sorted(tmp_path.glob(f"{recipe.name}.variant-*"), key=lambda p: p.stat().st_ctime)
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
    made = list(tmp_path.glob(f"{recipe.name}.variant-*"))
    own = json.loads((tmp_path / recipe.name / "text.json").read_text())
    for run in made:
        assert len(json.loads((run / "text.json").read_text())["words"]) < len(own["words"])
    steps = {json.loads((run / "log.jsonl").read_text())["step"] for run in made}
    assert steps == {5, 10}


def test_a_variant_can_change_every_section(tiny: TinyProject) -> None:
    recipe = tiny.recipes["sentiment"]
    film = {"path": "films", "licence": "CC0-1.0"}
    variant = Variant(
        "other",
        ("loop.warmup_steps", "text.word_dropout"),
        text={"reader": {"min_count": 3}},
        model={"hidden": 5},
        loop={"learning_rate": 0.5, "max_steps": 9},
        data={"train": [film, film]},
    )
    text = {**recipe.text, "word_dropout": 0.3, "reader": {"max_words": 77}}
    recipe = replace(recipe, text=text, loop=replace(recipe.loop, warmup_steps=3))
    made = variant_recipe(with_variants(recipe, variant, max_steps=7, seed=2), variant)
    assert made.text["reader"] == {"max_words": 77, "min_count": 3}  # merged
    assert "word_dropout" not in made.text
    assert made.model == {**recipe.model, "hidden": 5}
    assert (made.loop.warmup_steps, made.loop.learning_rate) == (0, 0.5)
    assert (made.loop.max_steps, made.loop.seed) == (9, 2)  # the variant's own come last
    assert [s.path for s in made.data.train] == ["films", "films"]
    assert made.data.dev == recipe.data.dev


def test_every_section_of_a_recipe_can_vary() -> None:
    fixed = {"name", "version", "task", "languages", "licence", "card", "ablation", "path"}
    fixed.add("export")  # of a finished run; variants are measured on dev
    sections = {f.name for f in fields(Recipe)} - fixed
    assert {f.name for f in fields(Variant)} == {"name", "without"} | sections


def test_dotted_keys_and_tables_of_a_file_are_one(tiny: TinyProject, tmp_path: Path) -> None:
    text = tiny.recipe_files["sentiment"].read_text(encoding="utf-8")
    rows = {
        "dotted": "text.vectors.learn = true\nmodel.hidden = 4\nloop.max_steps = 3\n",
        "inline": "text = { vectors = { learn = true } }\nmodel = { hidden = 4 }\n"
        "loop = { max_steps = 3 }\n",
        "tables": "[ablation.variants.text]\nvectors = { learn = true }\n"
        "[ablation.variants.model]\nhidden = 4\n[ablation.variants.loop]\nmax_steps = 3\n",
    }
    made = []
    for name, row in rows.items():
        path = tmp_path / f"{name}.toml"
        path.write_text(f'{text}\n[[ablation.variants]]\nname = "x"\n{row}', encoding="utf-8")
        recipe = read_recipe(path)
        made.append(variant_recipe(recipe, recipe.ablation.variants[0]).settings_json())
    assert made[0] == made[1] == made[2]
    assert '"hidden": 4' in made[0]


OTHER_BASES: dict[str, tuple[Variant, list[bool]]] = {
    "other steps": (Variant("x", loop={"learning_rate": 0.1}), [True, True]),
    "other depth": (Variant("x", model={"hidden": 4}), [True, True]),
    "other width of words": (Variant("x", model={"word_dim": 4}), [True, False]),
    "other data": (
        Variant("x", data={"train": [{"path": "films", "licence": "x", "split": "dev"}]}),
        [False, False],
    ),
}


@pytest.mark.parametrize(("variant", "is_copied"), OTHER_BASES.values(), ids=OTHER_BASES)
def test_only_what_the_variant_would_learn_alike_is_copied(
    tiny: TinyProject, tmp_path: Path, variant: Variant, is_copied: list[bool]
) -> None:
    recipe = tiny.recipes["sentiment"]
    own, other = tmp_path / "own", tmp_path / "other"
    own.mkdir()
    for name in ("text.json", "vectors.txt"):
        (own / name).write_text("learnt")
    _copy_shared(recipe, own, variant_recipe(with_variants(recipe, variant), variant), other)
    assert [(other / name).exists() for name in ("text.json", "vectors.txt")] == is_copied


def test_a_run_of_another_recipe_is_not_built_on(tiny: TinyProject, tmp_path: Path) -> None:
    recipe = tiny.recipes["sentiment"]
    shutil.copytree(tiny.run("sentiment"), tmp_path / recipe.name)
    other = with_variants(replace(recipe, model={**recipe.model, "hidden": 3}), Variant("x"))
    with pytest.raises(ConfigError, match="started with another model"):
        ablate(other, tiny.data, tmp_path)


BAD: dict[str, tuple[tuple[Variant, ...], dict[str, object], str]] = {
    "no variants": ((), {}, "has no"),
    "leaves out what [text] lacks": (
        (Variant("x", ("colour",)),),
        {},
        r"leaves out text\.colour; text has",
    ),
    "leaves out an unknown section": (
        (Variant("x", ("card.summary",)),),
        {},
        r"leaves out card\.summary; a recipe has text, model",
    ),
    "leaves out below a value": (
        (Variant("x", ("loop.seed.x",)),),
        {},
        r"leaves out loop\.seed\.x",
    ),
    "leaves out what is required": ((Variant("x", ("loop.max_steps",)),), {}, "max_steps"),
    "unknown loop key of all": ((Variant("x"),), {"speed": 1}, "speed"),
    "unknown key of [text]": ((Variant("x", text={"colour": 1}),), {}, "colour"),
    "unknown key below [text]": ((Variant("x", text={"reader": {"colour": 1}}),), {}, "colour"),
    "unknown key of [model]": ((Variant("x", model={"colour": 1}),), {}, "colour"),
    "unknown key of [loop]": ((Variant("x", loop={"colour": 1}),), {}, "colour"),
    "unknown key of [data]": ((Variant("x", data={"colour": []}),), {}, "colour"),
    "wrong value": ((Variant("x", loop={"max_steps": 0}),), {}, "at least 1"),
    "the second of two": ((Variant("x"), Variant("y", model={"colour": 1})), {}, "colour"),
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
    assert list(tmp_path.iterdir()) == []  # nothing was trained before
