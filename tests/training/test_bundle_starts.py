"""Translators that begin with the model of a finished bundle, and weights between the two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from sacrebleu.metrics.bleu import BLEU
from typer.testing import CliRunner

from seqserve.bundle import load_bundle
from seqserve.cli.main import app
from seqserve.errors import ConfigError, DataError
from seqserve.records import TranslationItem
from seqserve.runtime.engine import Engine, open_engine
from seqserve.training import translation
from seqserve.training.checkpoint import LAST, read_weights
from seqserve.training.cost import read_training_cost
from seqserve.training.data import read_pairs
from seqserve.training.recipe import ExportConfig, Recipe
from seqserve.training.run import load_run, run_recipe
from seqserve.training.start_shares import measure_start_shares
from seqserve.training.starts import START
from tests.tiny import TinyProject
from tests.training.conftest import TrainedTranslator

CPU = torch.device("cpu")


def begun(recipe: Recipe, bundle: Path, **text: Any) -> Recipe:
    start = {"path": str(bundle), "version": load_bundle(bundle).manifest.version}
    return replace(recipe, text={"start_bundle": start, "dev_metric": "bleu", **text})


def bleu_of(engine: Engine, recipe: Recipe, data: Path) -> float:
    pairs = read_pairs(data, recipe.data.dev[0], "dev", recipe.languages)
    results = engine.predict([TranslationItem(pair.source, beam_size=1) for pair in pairs])
    texts = [result.text for result in results]
    score = BLEU(tokenize="zh").corpus_score(texts, [[pair.target for pair in pairs]])
    return float(score.score)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_before_any_step_it_has_the_bleu_of_the_bundle(
    tiny: TinyProject, translator: TrainedTranslator, tmp_path: Path, precision: str
) -> None:
    recipe = translator.recipe
    bundle = translator.int8 if precision == "int8" else translator.fp32
    made = translation.prepare(begun(recipe, bundle), tiny.data, tmp_path / "run", CPU)
    expected = bleu_of(open_engine(bundle), recipe, tiny.data)
    assert expected > 50
    made.model.eval()
    tolerance = 1e-6 if precision == "fp32" else 3.0  # torch does not round what layers read
    with torch.inference_mode():
        assert made.evaluate()["bleu"] == pytest.approx(expected, abs=tolerance)
    subwords = (tmp_path / "run" / "tokenizer.json").read_text()
    assert subwords == (bundle / "tokenizer.json").read_text()


@pytest.fixture(scope="module")
def tuned(
    tiny: TinyProject,
    translator: TrainedTranslator,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Recipe, Path]:
    """A run of two steps that started from the bundle."""
    recipe = begun(translator.recipe, translator.fp32)
    recipe = replace(recipe, loop=replace(recipe.loop, max_steps=2, evaluate_every=1))
    run = tmp_path_factory.mktemp("tuned") / "more"
    run_recipe(recipe, tiny.data, run)
    return recipe, run


def test_what_the_bundle_cost_is_part_of_the_cost(tuned: tuple[Recipe, Path]) -> None:
    first, second = read_training_cost(tuned[1]).stages
    assert (first.name, first.steps) == ("run 0.0.1", 150)
    assert (second.name, second.steps) == ("more", 2)


def test_a_run_that_is_resumed_no_longer_needs_its_start(
    tiny: TinyProject, tuned: tuple[Recipe, Path], tmp_path: Path
) -> None:
    recipe, run = tuned
    gone = {**recipe.text["start_bundle"], "path": str(tmp_path / "gone")}
    recipe = replace(recipe, text={**recipe.text, "start_bundle": gone})
    assert (run / LAST).exists()
    translation.prepare(recipe, tiny.data, run, CPU)
    with pytest.raises(DataError, match=r"start_bundle\].*gone"):
        translation.prepare(recipe, tiny.data, tmp_path / "new", CPU)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.9])
def test_the_share_of_the_start_is_exported(
    tiny: TinyProject, tuned: tuple[Recipe, Path], share: float
) -> None:
    recipe, run = tuned
    recipe = replace(recipe, export=ExportConfig(share))
    exported = load_run(recipe, run, tiny.data).model.state_dict()
    start, best = read_weights(run / START), read_weights(run / "best.safetensors")
    assert any(not torch.equal(start[name], best[name]) for name in best)
    for name, value in exported.items():
        expected = share * start[name] + (1 - share) * best[name]
        assert torch.allclose(value, expected, atol=1e-6), name


def test_shares_are_measured_on_dev(
    tiny: TinyProject, translator: TrainedTranslator, tuned: tuple[Recipe, Path]
) -> None:
    recipe, run = tuned
    first, last = measure_start_shares(recipe, tiny.data, run, [1.0, 0.0])
    assert first.metrics["bleu"] == pytest.approx(
        bleu_of(open_engine(translator.fp32), recipe, tiny.data), abs=1e-6
    )
    best = translation.prepare(recipe, tiny.data, run, CPU)
    best.model.load_state_dict(read_weights(run / "best.safetensors"))
    best.model.eval()
    with torch.inference_mode():
        assert last.metrics == pytest.approx(best.evaluate())


def test_the_command_that_measures_shares(
    tiny: TinyProject, tuned: tuple[Recipe, Path], tmp_path: Path
) -> None:
    recipe, run = tuned
    start = recipe.text["start_bundle"]
    text = tiny.recipe_files["translation"].read_text().replace("translate-tiny", run.name)
    lines = (
        f'[text.start_bundle]\npath = "{start["path"]}"\nversion = "{start["version"]}"\n[model]'
    )
    text = text.replace("vocab_size = 400", 'dev_metric = "bleu"').replace("[model]", lines)
    (tmp_path / "more.toml").write_text(text)
    words = ["dev", "interpolate", str(tmp_path / "more.toml"), "--data", str(tiny.data)]
    words += ["--runs", str(run.parent), "--share", "1", "--share", "0.5", "--pairs", "4"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    table = done.stdout.splitlines()
    assert table[0] == "| start_share | log_likelihood | bleu |"
    assert [row.split(" | ")[0] for row in table[2:]] == ["| 1", "| 0.5"]


def test_a_run_without_a_start_has_no_shares(tiny: TinyProject) -> None:
    recipe = tiny.recipes["translation"]
    with pytest.raises(ConfigError, match=r"only a run with `start` or `start_bundle`"):
        measure_start_shares(recipe, tiny.data, tiny.run("translation"), [0.5])
    with pytest.raises(ConfigError, match=r"start_share needs start or start_bundle"):
        replace(recipe, export=ExportConfig(0.5))


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_shares_to_export_that_are_none(share: float) -> None:
    with pytest.raises(ConfigError, match=r"\[export\] start_share is .*; allowed: 0 to below 1"):
        ExportConfig(share)


def test_shares_to_measure_that_are_none(tiny: TinyProject, tuned: tuple[Recipe, Path]) -> None:
    with pytest.raises(ConfigError, match=r"is 1\.5; allowed: 0 to 1"):
        measure_start_shares(tuned[0], tiny.data, tuned[1], [1.5])


Change = Callable[[Recipe, TinyProject], Recipe]


def with_text(recipe: Recipe, **text: Any) -> Recipe:
    return replace(recipe, text={**recipe.text, **text})


REFUSED: dict[str, tuple[Change, str]] = {
    "another version": (
        lambda recipe, _: with_text(
            recipe, start_bundle={**recipe.text["start_bundle"], "version": "9"}
        ),
        "is version 0.0.1, the recipe starts from 9: put that version there",
    ),
    "a classifier": (
        lambda recipe, tiny: with_text(
            recipe, start_bundle={"path": str(tiny.bundle("sentiment")), "version": "0.0.1"}
        ),
        "is no bundle for translation that `seqserve export` made",
    ),
    "another width": (
        lambda recipe, _: replace(recipe, model={**recipe.model, "ffn_dim": 20}),
        "is no start for this model: it has another ffn_dim",
    ),
    "subwords of its own": (
        lambda recipe, _: with_text(recipe, vocab_size=300),
        "decides vocab_size; leave it out",
    ),
    "a run as well": (
        lambda recipe, _: with_text(recipe, start="other"),
        "both start and start_bundle; remove one",
    ),
    "a negative number of pairs": (
        lambda recipe, _: with_text(recipe, dev_pairs=-1),
        "dev_pairs is -1; it must be at least 0",
    ),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_starts_that_do_not_fit(
    tiny: TinyProject, tmp_path: Path, change: Change, message: str
) -> None:
    recipe = change(begun(tiny.recipes["translation"], tiny.bundle("translation")), tiny)
    with pytest.raises((ConfigError, DataError), match=message):
        translation.prepare(recipe, tiny.data, tmp_path, CPU)
