"""A classifier whose labels do not exclude each other: trained, exported, calibrated, measured and served."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from model_export.pipeline import export
from model_export.refit import refit
from model_export.sources.run import RunSource
from seqserve.baselines.measure import measure_baselines
from seqserve.bundle import Bundle
from seqserve.errors import ConfigError, DataError
from seqserve.evaluation.measurement import evaluate
from seqserve.records import ClassificationItem
from seqserve.runtime import check_golden, open_engine
from seqserve.training.recipe import Recipe, read_recipe
from seqserve.training.recipe_data import DataSet
from seqserve.training.run import run_recipe
from tests.tiny import TOPICS

RECIPE = """
name = "topics"
version = "1.0.0"
task = "classification"
languages = ["en"]
licence = "CC0-1.0"
[text]
multi_label = true
[model]
word_dim = 16
hidden = 16
[loop]
max_steps = 160
batch_tokens = 200
evaluate_every = 40
learning_rate = 0.02
"""
SETS = "".join(
    f'[[data.{split}]]\npath = "topics"\nlicence = "CC0-1.0"\n'
    for split in ("train", "dev", "test")
)


@dataclass(frozen=True)
class Made:
    """A run, and where its data are."""

    recipe: Recipe
    root: Path
    run: Path

    def source(self, **changes: object) -> RunSource:
        return RunSource(replace(self.recipe, **changes), self.run, self.root)


def text_about(topics: list[str], rng: random.Random) -> str:
    words = [word for topic in topics for word in rng.choices(TOPICS[topic], k=2)]
    return f"In the news: {' '.join(words)}." if words else "Nothing is in the news today."


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("label_sets")
    rng = random.Random(1)
    (folder / "topics").mkdir()
    for split, n in (("train", 200), ("dev", 40), ("test", 40)):
        sets = [rng.sample(sorted(TOPICS), i % 4) for i in range(n)]
        lines = [json.dumps({"text": text_about(s, rng), "labels": s}) for s in sets]
        (folder / "topics" / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    path = folder / "topics.toml"
    path.write_text(RECIPE + SETS, encoding="utf-8")
    recipe = read_recipe(path)
    run_recipe(recipe, folder, folder / "run")
    return Made(recipe, folder, folder / "run")


@pytest.fixture(scope="module")
def bundle(made: Made) -> Bundle:
    return export(made.source(), made.root / "bundles" / "topics", reports=made.root / "reports")


def test_the_manifest_says_what_a_score_is(bundle: Bundle) -> None:
    assert bundle.manifest.labels == tuple(sorted(TOPICS))  # as in the training set
    assert bundle.manifest.kind_of_score == "sigmoid"
    assert bundle.config["activation"] == "sigmoid"
    check_golden(open_engine(bundle.path))


def test_a_text_has_any_number_of_labels(bundle: Bundle) -> None:
    texts = [
        "In the news: goal team.",
        "In the news: vote law telescope atom.",
        "Nothing is in the news today.",
    ]
    results = open_engine(bundle.path).predict([ClassificationItem(text) for text in texts])
    found = [{one.label for one in result.labels} for result in results]
    assert found == [{"sport"}, {"politics", "science"}, set()]
    assert [result.label is None for result in results] == [False, False, True]


def test_metrics_have_intervals(made: Made, bundle: Bundle) -> None:
    report = evaluate(open_engine(bundle.path), made.root, made.recipe)
    names = ["macro_f1", "micro_f1", "subset_accuracy", "ece"]  # the main metric first
    assert list(report.intervals()) == [f"topics_test_{name}" for name in names]
    assert report.metrics().items() <= bundle.manifest.metrics.items()
    for name, measure in report.intervals().items():
        assert measure.low <= measure.value <= measure.high, name
    assert report.metrics()["topics_test_micro_f1"] > 0.8
    page = (made.root / "reports" / "topics" / "report.md").read_text(encoding="utf-8")
    assert all(name in page for name in (*TOPICS, "subset_accuracy"))


def test_int8_has_the_same_labels(made: Made, tmp_path: Path) -> None:
    quantized = export(made.source(), tmp_path / "int8", precision="int8")
    assert quantized.manifest.precision == "int8"
    assert quantized.manifest.kind_of_score == "sigmoid"


def test_calibration_fits_temperature_and_threshold(
    made: Made, bundle: Bundle, tmp_path: Path
) -> None:
    data = replace(made.recipe.data, calibration=(DataSet("topics", "CC0-1.0"),))
    fitted = export(made.source(data=data), tmp_path / "topics")
    threshold = fitted.manifest.thresholds["min_score"]
    assert fitted.config["temperature"] > 0 and 0 < threshold < 1
    (result,) = open_engine(fitted.path).predict([ClassificationItem("goal vote atom")])
    scores = result.scores.items()
    assert {one.label for one in result.labels} == {n for n, score in scores if score >= threshold}
    again = refit(fitted.path, made.root, replace(made.recipe, data=data))
    assert again.config["temperature"] == pytest.approx(fitted.config["temperature"], rel=0.01)
    assert again.manifest.thresholds == fitted.manifest.thresholds


def test_baselines_are_measured_on_the_same_labels(made: Made) -> None:
    (rows,) = measure_baselines(made.recipe, made.root).values()
    assert rows.keys() == {f"topics_test_{n}" for n in ("micro_f1", "macro_f1", "subset_accuracy")}
    assert rows["topics_test_micro_f1"] > 0.8


MISTAKES: dict[str, tuple[dict[str, object], str, type[Exception], str]] = {
    "labels exclude each other": (
        {},
        '"labels": ["a", "b"]',
        DataError,
        "has 2 labels.*multi_label",
    ),
    "numbers without names": ({}, '"label": 1', ConfigError, "numbers, such as 1; name them"),
    "one label": ({}, '"label": "a"', ConfigError, "have 1 labels; a classifier needs two"),
    "a label twice": ({"labels": ["a", "a"]}, '"label": "a"', ConfigError, "names a label twice"),
    "one name": ({"labels": ["a"]}, '"label": "a"', ConfigError, "at least two labels"),
    "an unknown label": (
        {"labels": ["a", "b"]},
        '"label": "c"',
        DataError,
        "topics train, line 1: 'c' is no label of the model; its labels: a, b",
    ),
}


@pytest.mark.parametrize(("text", "label", "error", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_named(
    made: Made,
    tmp_path: Path,
    text: dict[str, object],
    label: str,
    error: type[Exception],
    message: str,
) -> None:
    (tmp_path / "topics").mkdir()
    for split in ("train", "dev"):
        (tmp_path / "topics" / f"{split}.jsonl").write_text(f'{{"text": "x", {label}}}\n')
    with pytest.raises(error, match=message):
        run_recipe(replace(made.recipe, text=text), tmp_path, tmp_path / "run")
