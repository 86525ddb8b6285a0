"""Calibration on held-out sets: at export, and of a bundle that exists."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from model_export.pipeline import export
from model_export.refit import refit
from model_export.sources.run import RunSource
from seqserve.bundle import Bundle, load_bundle
from seqserve.errors import ConfigError
from seqserve.evaluation.held_out import fit_held_out, unfitted
from seqserve.records import NerItem, SentimentItem
from seqserve.runtime import check_golden, open_engine
from seqserve.training.recipe import Recipe
from seqserve.training.recipe_data import DataConfig, DataSet
from seqserve.training.run import run_recipe
from tests.tiny import TinyProject


@pytest.fixture
def data(tiny: TinyProject, tmp_path: Path) -> Path:
    """The tiny data sets, and films in three classes."""
    root = Path(shutil.copytree(tiny.data, tmp_path / "data"))
    (root / "opinions").mkdir()
    texts = [("great lovely", 1), ("dull weak", 0), ("a film", "neutral"), ("it was", "neutral")]
    lines = [json.dumps({"text": text, "label": label}) for text, label in texts * 5]
    (root / "opinions" / "dev.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return root


SETS = {"ner": "people", "sentiment": "opinions", "classification": "topics"}
KEYS = {
    "ner": ({"min_score"}, "calibration"),
    "sentiment": ({"neutral_low", "neutral_high"}, "neutral_slope"),
    "classification": (set(), "temperature"),
}


def calibrated(recipe: Recipe) -> Recipe:
    """Return a recipe with a calibration set and a new version."""
    dataset = DataSet(SETS[recipe.task], "CC0-1.0", "calibration only")
    return replace(recipe, version="0.0.2", data=replace(recipe.data, calibration=(dataset,)))


def copy_of(tiny: TinyProject, task: str, folder: Path) -> Path:
    return Path(shutil.copytree(tiny.bundle(task), folder / tiny.bundle(task).name))


def check(bundle: Bundle, task: str) -> None:
    """Check that a bundle has what is fitted for its task."""
    thresholds, key = KEYS[task]
    assert bundle.manifest.thresholds.keys() == thresholds
    assert key in bundle.config
    assert bundle.manifest.version == "0.0.2"
    assert SETS[task] in {source.name for source in bundle.manifest.data}
    card = bundle.file("MODEL_CARD.md").read_text(encoding="utf-8")
    assert "0.0.2" in card and all(f"| `{name}` |" in card for name in thresholds)
    check_golden(open_engine(bundle.path))


@pytest.mark.parametrize("task", SETS)
def test_export_calibrates_and_refit_does_the_same(
    tiny: TinyProject, data: Path, tmp_path: Path, task: str
) -> None:
    recipe = calibrated(tiny.recipes[task])
    exported = export(RunSource(recipe, tiny.run(task), data), tmp_path / "exported")
    check(exported, task)
    path = copy_of(tiny, task, tmp_path)
    before = load_bundle(path)
    assert before.manifest.thresholds == {}
    refitted = refit(path, data, recipe)
    check(refitted, task)
    assert refitted.manifest.thresholds == exported.manifest.thresholds
    assert refitted.config == exported.config
    graphs = [name for name in before.manifest.files if name.endswith((".onnx", ".safetensors"))]
    assert graphs and all(
        refitted.manifest.files[name] == before.manifest.files[name] for name in graphs
    )
    again = refit(path, data)  # with the recipe that is in the bundle now
    assert again.manifest == refitted.manifest


def test_an_engine_without_what_was_fitted_gives_the_scores_of_the_model(
    tiny: TinyProject, data: Path, tmp_path: Path
) -> None:
    path = copy_of(tiny, "ner", tmp_path)
    item = NerItem("Anna left Oslo .", min_score=0)
    before = open_engine(path).predict([item])
    refit(path, data, calibrated(tiny.recipes["ner"]))
    engine = open_engine(path)
    assert engine.predict([item]) != before
    assert unfitted(engine).predict([item]) == before


def test_neutral_is_answered_after_refit(tiny: TinyProject, data: Path, tmp_path: Path) -> None:
    path = copy_of(tiny, "sentiment", tmp_path)
    refit(path, data, calibrated(tiny.recipes["sentiment"]))
    (result,) = open_engine(path).predict([SentimentItem("a film", neutral=True)])
    assert list(result.scores) == ["negative", "neutral", "positive"]


def test_without_calibration_sets_nothing_is_fitted(tiny: TinyProject) -> None:
    for task in tiny.recipes:
        engine = open_engine(tiny.bundle(task))
        assert not fit_held_out(engine, tiny.data, tiny.recipes[task])


def test_the_recipe_must_be_of_the_model(tiny: TinyProject, tmp_path: Path) -> None:
    path = copy_of(tiny, "ner", tmp_path)
    with pytest.raises(ConfigError, match="recipe is of sentiment-tiny, the bundle of ner-tiny"):
        refit(path, tiny.data, tiny.recipes["sentiment"])


def test_a_neutral_label_of_its_own_is_calibrated_apart_from_the_others(
    tiny: TinyProject, data: Path, tmp_path: Path
) -> None:
    polar = ("negative", "positive")
    for folder in ("films", "opinions"):  # otherwise, the lower the temperature, the better
        with (data / folder / "dev.jsonl").open("a") as file:
            file.write(
                '\n{"text": "great lovely", "label": 0}\n{"text": "a dull film", "label": 1}'
            )
    text = (data / "films" / "dev.jsonl").read_text()
    (data / "films" / "dev.jsonl").write_text(text.replace("\n\n", "\n"))
    opinions = DataSet("opinions", "CC0-1.0", split="dev", labels=polar)
    films = DataSet("films", "CC0-1.0", labels=polar)
    made = tiny.recipes["sentiment"]
    recipe = replace(
        made,
        data=DataConfig((films, opinions), (films,), (films,), (films, opinions)),
        text={"labels": ["negative", "neutral", "positive"]},
    )
    run_recipe(recipe, data, tmp_path / "run")
    bundle = export(RunSource(recipe, tmp_path / "run", data), tmp_path / "exported")
    assert bundle.manifest.thresholds == {}
    engine = open_engine(bundle.path)

    def logits_of(dataset: DataSet, *, neutral: bool) -> list[tuple[dict[str, float], str]]:
        """The logarithms of the probabilities of every text, and its label."""
        found = []
        for line in (data / dataset.path / "dev.jsonl").read_text().splitlines():
            label = json.loads(line)["label"]
            item = SentimentItem(json.loads(line)["text"], neutral=neutral)
            (result,) = engine.predict([item])
            logits = {k: math.log(max(v, 1e-30)) for k, v in result.scores.items()}
            found.append((logits, label if isinstance(label, str) else polar[label]))
        return found

    def loss_of_two(factor: float) -> float:
        """Cross-entropy of films among two labels, at another temperature."""
        losses = []
        for logits, gold in logits_of(films, neutral=False):
            scaled = {label: one / factor for label, one in logits.items()}
            losses.append(math.log(sum(map(math.exp, scaled.values()))) - scaled[gold])
        return sum(losses) / len(losses)

    def loss_of_neutral(slope: float, shift: float) -> float:
        """Cross-entropy of opinions, neutral or not, with another calibration: one of three classes."""
        losses: dict[bool, list[float]] = {True: [], False: []}
        for logits, gold in logits_of(opinions, neutral=True):
            others = math.log(sum(math.exp(v) for k, v in logits.items() if k != "neutral"))
            odds = slope * (logits["neutral"] - others) + shift
            is_neutral = gold == "neutral"
            losses[is_neutral].append(math.log1p(math.exp(-odds if is_neutral else odds)))
        means = {is_neutral: sum(found) / len(found) for is_neutral, found in losses.items()}
        return means[True] / 3 + means[False] * 2 / 3

    assert set(bundle.config["neutral_calibration"]) == {"slope", "intercept"}
    assert all(loss_of_two(1) <= loss_of_two(other) for other in (0.9, 1.1))
    changed = [(0.9, 0.0), (1.1, 0.0), (1.0, 0.1), (1.0, -0.1)]
    assert all(loss_of_neutral(1.0, 0.0) <= loss_of_neutral(*other) + 1e-6 for other in changed)
